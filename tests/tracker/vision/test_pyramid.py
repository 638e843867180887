"""Pyramid levels."""

from __future__ import annotations

import pytest

from tracker.vision.pyramid import levels


def test_levels_of_a_common_frame() -> None:
    """As mtcnn 1.0.0 has them for 640x360 at its defaults."""
    sizes = [level.size_wh for level in levels((640, 360), min_face=20, scale_factor=0.709)]
    assert sizes == [
        (384, 216),
        (272, 153),
        (193, 108),
        (136, 76),
        (97, 54),
        (68, 38),
        (48, 27),
        (34, 19),
        (24, 13),
    ]


def test_a_larger_smallest_face_leaves_out_fine_levels_only() -> None:
    fine = levels((640, 360), min_face=20, scale_factor=0.709)
    coarse = levels((640, 360), min_face=40, scale_factor=0.709)
    assert len(coarse) == len(fine) - 2
    assert coarse[0].size_wh == (192, 108)


@pytest.mark.parametrize("size_wh", [(1, 1), (12, 5), (19, 500), (20, 20), (640, 12), (0, 0)])
@pytest.mark.parametrize("min_face", [12, 20, 200])
@pytest.mark.parametrize("scale_factor", [0.11, 0.709, 0.98])
def test_no_level_is_smaller_than_the_field_or_larger_than_the_frame(
    size_wh: tuple[int, int], min_face: int, scale_factor: float
) -> None:
    for level in levels(size_wh, min_face=min_face, scale_factor=scale_factor):
        assert min(level.size_wh) >= 12
        assert level.scale <= 1


@pytest.mark.parametrize(
    ("min_face", "scale_factor", "named"), [(11, 0.7, "min_face"), (20, 1.0, "scale_factor"), (20, 0.0, "scale_factor")]
)
def test_settings_out_of_range_are_refused(min_face: int, scale_factor: float, named: str) -> None:
    with pytest.raises(ValueError, match=rf"{named}: expected .* got"):
        levels((640, 360), min_face=min_face, scale_factor=scale_factor)
