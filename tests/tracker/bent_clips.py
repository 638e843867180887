"""A clip of the demo's people, and what cameras, recorders and damage make of it, by FFmpeg or byte by byte."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracker.vision.scenes import astronaut, grace_hopper
from tracker.vision.faces import Image

SIZE_WH = (480, 270)
FPS = 10
LENGTH_S = 12.0
STAYS = ((1.0, 4.0), (7.0, 10.0))
"""When Ada (on the left) and somebody else (on the right) are in sight, in seconds, the first and the last frame."""
_ADA, _BOB = (slice(0, 260), slice(150, 310)), (slice(20, 420), slice(130, 430))
_SHOWN = 7.0
"""By so much half of the picture differs from the empty room, on average, where somebody is in it."""


def ffmpeg(*words: object) -> None:
    """Run FFmpeg on the given options, the last of which is the file to write."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    *options, target = map(str, words)
    command = ["ffmpeg", "-v", "error", "-y", *options, "-threads", "1", target]  # threads only wait on busy machines
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def scene(present: Iterable[int], shift_px: int = 0) -> Image:
    """The room with some of the two people in it."""
    frame = np.full((SIZE_WH[1], SIZE_WH[0], 3), 90, np.uint8)
    for person in present:
        portrait, part = ((astronaut(), _ADA), (grace_hopper(), _BOB))[person]
        height = 160
        head = cv2.resize(portrait[part], (height * portrait[part].shape[1] // portrait[part].shape[0], height))
        x = 40 + 240 * person + shift_px
        frame[60 : 60 + height, x : x + head.shape[1]] = head
    return frame


def write(path: Path, frames: Iterable[Image], *options: object) -> Path:
    """Encode frames, FPS a second unless `-r` says otherwise."""
    raw = path.with_name(f"{path.name}.raw")
    with raw.open("wb") as file:
        for frame in frames:
            file.write(frame.tobytes())
    size = f"{SIZE_WH[0]}x{SIZE_WH[1]}"
    ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-r", FPS, "-i", raw, "-pix_fmt", "yuv420p", *options, path
    )
    raw.unlink()
    return path


def base_clip(path: Path) -> Path:
    """Twelve seconds in H.264, ten frames a second, with noise and people who move."""
    noise = np.random.default_rng(7).integers(-4, 5, (8, SIZE_WH[1], SIZE_WH[0], 3))

    def frames() -> Iterable[Image]:
        for index in range(round(LENGTH_S * FPS)):
            present = [person for person, (since, until) in enumerate(STAYS) if since <= index / FPS <= until]
            yield np.clip(scene(present, index % 10) + noise[index % 8], 0, 255).astype(np.uint8)

    return write(path, frames(), "-c:v", "libx264", "-preset", "veryfast", "-crf", 20, "-g", 10, "-bf", 2)


def shows(image: Image, person: int) -> bool:
    """Whether the person is in the picture, by how far that half differs from the empty room."""
    width = image.shape[1] // 2
    half = image[:, person * width : (person + 1) * width].astype(int)
    return float(np.abs(half - 90).mean()) > _SHOWN


def overwritten(source: Path, target: Path, old: bytes, new: bytes) -> Path:
    """A copy in which bytes that occur are replaced by as many others."""
    content = source.read_bytes()
    assert old in content
    assert len(old) == len(new)
    target.write_bytes(content.replace(old, new, 1))
    return target


def with_zeros(source: Path, target: Path) -> Path:
    """A copy of an MP4 file whose pictures are all zeros: its index is whole."""
    content = bytearray(source.read_bytes())
    start = content.index(b"mdat") + 4
    end = start - 8 + int.from_bytes(content[start - 8 : start - 4], "big")
    content[start:end] = bytes(end - start)
    target.write_bytes(content)
    return target


def with_hole(source: Path, target: Path, size: int = 20_000) -> Path:
    """A copy with zeros in the middle."""
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + size] = bytes(size)
    target.write_bytes(content)
    return target


def restamped(source: Path, target: Path, stamp: Callable[[int, int], int]) -> Path:
    """A copy of an MPEG transport stream without B-frames whose n-th picture carries stamp(n, ticks), at 90 kHz."""
    content, number = bytearray(source.read_bytes()), 0
    for start in range(0, len(content), 188):
        begins = content[start + 1] & 0x40
        header = content.find(b"\0\0\1\xe0", start, start + 188)
        if not begins or header < 0:
            continue
        at = header + 9
        for place in (at, at + 5) if content[header + 7] & 0x40 else (at,):  # presentation, then decoding
            ticks = stamp(number, _ticks(content[place : place + 5])) % 2**33
            content[place : place + 5] = _coded(ticks, content[place] & 0xF0)
        number += 1
    target.write_bytes(content)
    return target


def _ticks(coded: bytes | bytearray) -> int:
    return (coded[0] >> 1 & 7) << 30 | coded[1] << 22 | coded[2] >> 1 << 15 | coded[3] << 7 | coded[4] >> 1


def _coded(ticks: int, marker: int) -> bytes:
    return bytes(
        [
            marker | (ticks >> 30 & 7) << 1 | 1,
            ticks >> 22 & 0xFF,
            (ticks >> 15 & 0x7F) << 1 | 1,
            ticks >> 7 & 0xFF,
            (ticks & 0x7F) << 1 | 1,
        ]
    )
