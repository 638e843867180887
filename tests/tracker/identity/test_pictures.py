"""Pictures in the formats that people use."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from config.errors import PictureError
from tracker.identity.pictures import decode_picture, pictures_in, read_picture

RED, GREEN, BLUE, WHITE = (0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255)


def corners() -> np.ndarray:
    """20 wide, 10 high, BGR: red top left, green top right, blue bottom left, black bottom right."""
    image = np.zeros((10, 20, 3), np.uint8)
    image[:5, :10], image[:5, 10:], image[5:, :10] = RED, GREEN, BLUE
    return image


def saved(path: Path, image: np.ndarray, **options: object) -> Path:
    PIL.Image.fromarray(np.ascontiguousarray(image[:, :, ::-1])).save(path, **options)
    return path


def test_colours_match_opencv(tmp_path: Path) -> None:
    image = read_picture(saved(tmp_path / "a.png", corners()))
    assert image.dtype == np.uint8
    assert image.flags["C_CONTIGUOUS"]
    assert image.flags["WRITEABLE"]
    np.testing.assert_array_equal(image, corners())


@pytest.mark.parametrize("name", ["jpg", "webp", "bmp", "tif", "ppm", "avif", "jfif:JPEG", "pjpeg:JPEG"])
def test_common_formats_are_read(tmp_path: Path, name: str) -> None:
    suffix, _, kind = name.partition(":")
    image = read_picture(
        saved(tmp_path / f"a.{suffix}", np.full((16, 24, 3), (40, 120, 200), np.uint8), format=kind or None)
    )
    assert image.shape == (16, 24, 3)
    assert np.abs(image.astype(int) - (40, 120, 200)).max() <= 4


def test_names_in_any_script_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "Ľudia 人 🙂"
    folder.mkdir()
    np.testing.assert_array_equal(read_picture(saved(folder / "Žofia 张.png", corners())), corners())


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter clockwise
    sideways = np.ascontiguousarray(np.rot90(corners()))
    np.testing.assert_array_equal(read_picture(saved(tmp_path / "a.png", sideways, exif=exif)), corners())


def test_portable_grey_maps_are_read(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.full((8, 6), 77, np.uint8)).save(tmp_path / "a.pgm")
    assert read_picture(tmp_path / "a.pgm").tolist() == np.full((8, 6, 3), 77).tolist()


def test_a_format_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(PictureError, match="HEIC pictures cannot be read") as caught:
        read_picture(tmp_path / "a.heic")
    assert caught.value.fix == "export it as JPEG"


def test_grey_becomes_three_channels(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.array([[0, 128, 255]], np.uint8)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_16_bit_grey_is_scaled(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[0, 128 * 256, 65535]], np.uint16))
    assert read_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0, 128, 255]


def test_12_bit_grey_in_a_16_bit_file_is_scaled(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[0, 2048, 4095]], np.uint16))
    assert read_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0, 128, 255]


def test_16_bit_colour_becomes_8_bit(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((2, 2, 3), (10 * 257, 100 * 257, 200 * 257), np.uint16))
    assert np.abs(read_picture(tmp_path / "a.png")[0, 0].astype(int) - (10, 100, 200)).max() <= 1


def test_floating_point_is_scaled(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)).save(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 127, 255, 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white(tmp_path: Path, mode: str) -> None:
    picture = PIL.Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    picture.putpixel((1, 0), (0, 0, 0, 255))
    if mode == "P":
        picture.quantize(4).save(tmp_path / "a.png")
    else:
        picture.convert(mode).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[0].tolist() == [[255] * 3, [0] * 3]


def test_cmyk_is_read(tmp_path: Path) -> None:
    PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    blue, green, red = read_picture(tmp_path / "a.jpg")[4, 4].astype(int)
    assert red > 200
    assert max(blue, green) < 60


def test_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (4, 4), colour) for colour in ("red", "lime")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "a.gif")[0, 0].tolist() == list(RED)


def test_one_pixel_picture_is_read(tmp_path: Path) -> None:
    assert read_picture(saved(tmp_path / "a.png", np.full((1, 1, 3), 7, np.uint8))).tolist() == [[[7, 7, 7]]]


def test_too_many_pixels_are_rejected_by_the_header(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    PIL.Image.new("1", (20_000, 20_000)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:200])  # cut: decoding it would say "damaged"
    with pytest.raises(PictureError, match="pixels"):
        read_picture(path)


def test_size_below_pillows_limit_is_rejected_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    PIL.Image.new("1", (10_000, 10_000)).save(path)
    with pytest.raises(PictureError, match="10000 x 10000 pixels"):
        read_picture(path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tif", "webp"])
def test_truncated_files_are_rejected(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (64, 64, 3), np.uint8)
    whole = saved(tmp_path / f"whole.{suffix}", noise).read_bytes()
    path = tmp_path / f"cut.{suffix}"
    for size in (1, 10, 30, 60, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(PictureError, match=r"cut\."):
            read_picture(path)


def make_text(path: Path) -> None:
    path.write_text("dear diary")


def make_empty(path: Path) -> None:
    path.touch()


def make_pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(make_text, "not a picture", id="text-called-jpg"),
        pytest.param(make_empty, "empty", id="zero-bytes"),
        pytest.param(Path.mkdir, "not a file", id="folder"),
        pytest.param(make_pipe, "not a file", id="pipe-does-not-hang"),
        pytest.param(lambda _: None, "no such file", id="missing"),
    ],
)
def test_invalid_pictures_are_rejected_by_name(tmp_path: Path, make: object, problem: str) -> None:
    path = tmp_path / "a.jpg"
    make(path)
    with pytest.raises(PictureError, match=problem) as caught:
        read_picture(path)
    assert "a.jpg" in caught.value.problem
    assert caught.value.fix


def test_too_long_path_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(PictureError):
        read_picture(tmp_path / ("x" * 10_000 + ".jpg"))


def test_folder_lists_pictures_only(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in pictures_in(tmp_path)] == ["a.png", "b.JPG"]


# -- pictures that somebody sent


def encoded(image: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_a_sent_picture_is_decoded(kind: str) -> None:
    image = decode_picture(encoded(np.full((8, 6, 3), (200, 100, 10), np.uint8), kind), name="me")
    assert np.abs(image[4, 3].astype(int) - (10, 100, 200)).max() <= 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "not a picture", id="empty"),
        pytest.param(b"GIF89a and so on", "not a picture", id="text"),
        pytest.param(encoded(np.zeros((8, 8, 3), np.uint8), "TIFF"), "not a picture", id="tiff"),
        pytest.param(encoded(np.random.default_rng(1).integers(0, 255, (99, 99, 3), np.uint8), "PNG")[:2000],
                     "damaged", id="cut-off"),
    ],
)  # fmt: skip
def test_what_is_no_sent_picture_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(PictureError, match=f"me: .*{problem}"):
        decode_picture(content, name="me")


def test_the_pixels_of_a_sent_picture_are_limited_before_they_are_decoded() -> None:
    content = encoded(np.zeros((600, 600, 3), np.uint8), "PNG")
    assert decode_picture(content, name="me", max_pixels=360_000).shape == (600, 600, 3)
    with pytest.raises(PictureError, match="600 x 600 pixels"):
        decode_picture(content[:100], name="me", max_pixels=359_999)  # the pixels are not even there
