"""Reads picture files of any content safely, and writes them completely or not at all."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps
from PIL import features

from config.errors import PictureError
from tracker.vision.faces import Image

MAX_PIXELS = 89_000_000
"""270 MB when decoded; just under the size at which Pillow warns of a decompression bomb."""
MAX_UPLOAD_PIXELS = 25_000_000
"""75 MB when decoded, for pictures that come over the network."""
PICTURE_SUFFIXES = frozenset(
    {
        ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".pjp",
        ".pjpeg", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
"""Of files that are taken for pictures, those that cannot be read included, so that they are reported."""
_UNREADABLE = frozenset({".heic", ".heif"}) if features.check("avif") else frozenset({".avif", ".heic", ".heif"})
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_UPLOAD_FORMATS = ("JPEG", "PNG", "WEBP")
_DECODING_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, MemoryError, struct.error,
    zlib.error,
)  # fmt: skip
"""Exceptions that Pillow's decoders raise on damaged files, found by fuzzing."""


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly in a folder, by suffix, sorted by name; hidden files are skipped.

    Raises OSError when the folder cannot be listed.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def digest(path: Path) -> str:
    """SHA-256 of a file; empty for missing, empty or unreadable files, which reading reports."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def read_picture(path: Path) -> Image:
    """Read a picture file: (H, W, 3) uint8 BGR.

    Applies the EXIF orientation; takes the first frame of an animation; converts grey to three channels, deep pixels to
    8 bits and transparency to white. The size is checked in the header before decoding.
    Raises PictureError when the file is missing, empty, not a picture, damaged or larger than MAX_PIXELS.
    """
    _require_file(path)
    try:
        return _read(path, str(path), _FORMATS, MAX_PIXELS)
    except PermissionError as error:
        raise PictureError(f"{path}: no permission to read it", fix="make the file readable") from error


def decode_picture(content: bytes, *, name: str, max_pixels: int = MAX_UPLOAD_PIXELS) -> Image:
    """Read a JPEG, PNG or WebP picture that somebody sent, as `read_picture` does. name: for messages.

    Raises PictureError when it is not such a picture, damaged or larger than `max_pixels`.
    """
    return _read(io.BytesIO(content), name, _UPLOAD_FORMATS, max_pixels)


def _read(source: Path | BinaryIO, name: str, formats: tuple[str, ...], max_pixels: int) -> Image:
    """Raises PermissionError, and PictureError for all that may be wrong with the content."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # errors are raised
            with PIL.Image.open(source, formats=formats) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise _too_large(name, f"{width} x {height} pixels", max_pixels)
                return _bgr(_upright(picture))
    except PIL.UnidentifiedImageError as error:
        suffix = Path(name).suffix.lower()
        if suffix in _UNREADABLE:
            raise PictureError(
                f"{name}: {suffix[1:].upper()} pictures cannot be read", fix="export it as JPEG"
            ) from error
        fix = (
            "give a JPEG, PNG, WebP, TIFF, BMP or GIF file" if formats is _FORMATS else "give a JPEG, PNG or WebP file"
        )
        raise PictureError(f"{name}: not a picture", fix=fix) from error
    except PermissionError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise _too_large(name, "far too many pixels", max_pixels) from error
    except _DECODING_ERRORS as error:
        raise PictureError(
            f"{name}: the picture is damaged or cut off ({error})", fix="copy or save it again"
        ) from error


def write_picture(path: Path, image: Image) -> None:
    """Write a picture, completely or not at all. Raises PictureError."""
    done, data = cv2.imencode(path.suffix, image)
    if not done:
        raise PictureError(f"{path}: cannot be written in this format", fix="save the original as PNG")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)  # not half a picture
        raise PictureError(
            f"{path}: cannot be written ({error.strerror})", fix="check the rights on the folder and the free space"
        ) from error


def _require_file(path: Path) -> None:
    try:
        if not path.exists():
            raise PictureError(f"{path}: no such file", fix="check the path of the picture")
        if not path.is_file():
            raise PictureError(f"{path}: not a file", fix="give the path of a picture file")
        if path.stat().st_size == 0:
            raise PictureError(f"{path}: the file is empty", fix="copy or save it again")
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror}", fix="give the path of a readable picture file") from error


def _too_large(name: str, size: str, max_pixels: int) -> PictureError:
    return PictureError(
        f"{name}: {size}, at most {max_pixels // 1_000_000} million are read", fix="scale the picture down"
    )


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The first frame, decoded and rotated by its EXIF orientation; invalid EXIF data is ignored."""
    picture.seek(0)
    picture.load()
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except _DECODING_ERRORS:
        return picture


def _bgr(picture: PIL.Image.Image) -> Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        grey = _eight_bits(np.asarray(picture))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", rgba.size, "white"), rgba)
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8)[:, :, ::-1])


def _eight_bits(grey: np.typing.NDArray[np.generic]) -> np.typing.NDArray[np.uint8]:
    """Scale a deep grey picture to 0..255 by the number of bits that its brightest pixel needs.

    10 or 12 bits in a 16-bit file thus keep their brightness. Floating point 0..1 is scaled to 0..255.
    """
    values = np.nan_to_num(grey.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0).clip(min=0)
    brightest = float(values.max(initial=0.0))
    if brightest <= 1.0 and grey.dtype.kind == "f":
        values *= 255.0
    elif brightest > 255:
        values /= 2.0 ** (int(brightest).bit_length() - 8)
    return values.clip(max=255).astype(np.uint8)
