"""Small Haar cascades as OpenCV writes them, for tests that read and run them."""

from __future__ import annotations

from pathlib import Path

LEFT_DARK = "<_><rects><_>0 0 8 8 -1.</_><_>0 0 4 8 2.</_></rects><tilted>0</tilted></_>"
"""Twice the left half minus the whole: negative where the left is darker."""
TOP_DARK = "<_><rects><_>0 0 8 8 -1.</_><_>0 0 8 4 2.</_></rects></_>"
STUMP = "<_><internalNodes>0 -1 0 -0.5</internalNodes><leafValues>1. -1.</leafValues></_>"
"""1 where the left is clearly darker, else -1."""
TREE = "<_><internalNodes>1 -2 0 -0.5 0 -1 1 -0.5</internalNodes><leafValues>4. 2. -3.</leafValues></_>"
"""4 where left and top are darker, 2 where only the left is, else -3."""


def stage(*trees: str, threshold: float = 0.0) -> str:
    return f"<_><stageThreshold>{threshold}</stageThreshold><weakClassifiers>{''.join(trees)}</weakClassifiers></_>"


def cascade(
    *stages: str,
    features: str = LEFT_DARK + TOP_DARK,
    kind: str = "HAAR",
    type_id: str = "opencv-cascade-classifier",
    size_wh: tuple[int, int] = (8, 8),
) -> str:
    """The text of a file whose window is that large."""
    return (
        f'<?xml version="1.0"?>\n<opencv_storage><cascade type_id="{type_id}"><stageType>BOOST</stageType>'
        f"<featureType>{kind}</featureType><height>{size_wh[1]}</height><width>{size_wh[0]}</width>"
        f"<stages>{''.join(stages)}</stages><features>{features}</features></cascade></opencv_storage>\n"
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "cascade.xml"
    path.write_text(text, encoding="utf-8")
    return path
