"""Regenerate the golden values with the mtcnn package: `python -m tests.tracker.vision.golden.make`.

Clips are read from FOOTFALL_TESTDATA.

Rows are x1 y1 x2 y2 score, then five landmark x, then five landmark y, as mtcnn gives them before rounding.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from mtcnn import MTCNN

from tests.tracker.vision.scenes import CLIPS, STILLS, TESTDATA, clip_frames
from tracker.vision.faces import Image

HERE = Path(__file__).parent
EVERY = 5


def main() -> None:
    detector = MTCNN()

    def found(image: Image) -> list[list[float]]:
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        rows = detector.detect_faces(rgb, box_format="xyxy", output_type="numpy")
        return [[round(float(value), 4) for value in row[1:]] for row in rows]

    _write("stills.json", {name: found(make()) for name, make in STILLS.items()})
    if TESTDATA:
        frames = {
            f"{name}:{index}": found(frame)
            for name in CLIPS
            for index, frame in clip_frames(Path(TESTDATA), name, EVERY)
        }
        _write("clips.json", frames)


def _write(name: str, rows: dict[str, list[list[float]]]) -> None:
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items())
    (HERE / name).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
