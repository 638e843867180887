"""The script turned into pictures and into a video file."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import RecordingError
from tracker.cameras.capture import hush, open_file
from tracker.demo.portraits import PORTRAITS, Cutout, cast
from tracker.demo.room import Room, painted
from tracker.demo.script import SCRIPT, WALL_WIDTH
from tracker.demo.stage import Look, Pose, Script, look, poses
from tracker.vision.faces import FloatArray, Image

CLIP_NAME = "footfall-demo.mp4"
_CODEC = "mp4v"
"""MPEG-4 Part 2: every OpenCV wheel carries it, and it is a fifth of the size of MJPEG."""
_SOURCES = ("portraits.py", "render.py", "room.py", "script.py", "stage.py")
"""The code that decides how the clip looks."""
_SHADOW_SHIFT = (0.42, 0.1)
"""Where the shadow of a person falls, in face widths."""
_SHADOW = 0.2
_TURN = 0.17
"""How far the nose moves at a yaw of 1, in face widths."""
_MARGIN = 64
"""Room around the sheet of noise from which every frame takes another piece."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sprite:
    """One actor at falling sizes: (width of the face px, image with alpha as fourth channel, middle of the face)."""

    levels: tuple[tuple[float, NDArray[np.uint8], tuple[float, float]], ...]

    @classmethod
    def of(cls, cutout: Cutout) -> _Sprite:
        x, y, width, _ = cutout.face_xywh
        alpha = (cutout.alpha * 255 + 0.5).astype(np.uint8)
        sheet = cv2.copyMakeBorder(np.dstack([cutout.image, alpha]), 8, 0, 8, 8, cv2.BORDER_REPLICATE)
        sheet[:8, :, 3] = sheet[:, :8, 3] = sheet[:, -8:, 3] = 0
        middle, levels = (x + 8, y + 8), []
        while True:
            levels.append((width, np.asarray(sheet, np.uint8), middle))
            if width < 90:
                return cls(tuple(levels))
            sheet = cv2.resize(sheet, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
            middle, width = (middle[0] * 0.7, middle[1] * 0.7), width * 0.7

    def level(self, width: float) -> tuple[float, NDArray[np.uint8], tuple[float, float]]:
        """The smallest sheet that need not be enlarged by much."""
        return next((level for level in reversed(self.levels) if level[0] >= 0.9 * width), self.levels[0])


class _Studio:
    """Room, actors and noise sheet of one script, made once."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.room: Room = painted(script.seed)
        self.sprites = {key: _Sprite.of(cutout) for key, cutout in cast(actor.key for actor in script.actors).items()}

    @cached_property
    def noise(self) -> NDArray[np.float32]:
        """Noise of sigma 1, a little coarser than a pixel as compressed video has it."""
        width, height = self.script.size_wh
        rng = np.random.default_rng(self.script.seed + 1)
        sheet = rng.standard_normal((height + _MARGIN, width + _MARGIN, 3)).astype(np.float32)
        soft = cv2.GaussianBlur(sheet, (0, 0), 0.6)
        return np.asarray(soft / soft.std(), np.float32)

    def frame(self, index: int) -> Image:
        """Frame `index`, the same whatever was asked for before."""
        t = index / self.script.fps
        now = look(self.script, t)
        everybody = poses(self.script, t)
        canvas = self.room.base.copy()
        for pose in everybody:
            if pose.width >= WALL_WIDTH:
                self._shade(canvas, pose)
        for pose in everybody:
            self._paint(canvas, pose)
        return self._filmed(canvas, now, index)

    def _paint(self, canvas: Image, pose: Pose) -> None:
        sheet, box = self._placed(pose)
        if sheet is None:
            return
        x0, y0, x1, y1 = box
        alpha = sheet[..., 3].astype(np.float32) / 255 * self._open(pose)[y0:y1, x0:x1]
        part = canvas[y0:y1, x0:x1]
        part[:] = (part + (sheet[..., :3] - part.astype(np.float32)) * alpha[..., None] + 0.5).astype(np.uint8)

    def _shade(self, canvas: Image, pose: Pose) -> None:
        """A soft shadow on the wall behind somebody."""
        moved = Pose(
            actor=pose.actor,
            x=pose.x + _SHADOW_SHIFT[0] * pose.width,
            y=pose.y + _SHADOW_SHIFT[1] * pose.width,
            width=pose.width,
            yaw=0.0,
        )
        sheet, box = self._placed(moved)
        if sheet is None:
            return
        x0, y0, x1, y1 = box
        tiny = cv2.resize(sheet[..., 3], None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        tiny = cv2.copyMakeBorder(tiny, 1, 0, 1, 1, cv2.BORDER_REPLICATE)
        soft = cv2.resize(cv2.GaussianBlur(tiny, (0, 0), 3.5), (x1 - x0, y1 - y0)).astype(np.float32) / 255
        open_ = self.room.plaster[y0:y1, x0:x1] * (1 - self.room.front[y0:y1, x0:x1])
        part = canvas[y0:y1, x0:x1]
        part[:] = (part * (1 - _SHADOW * soft * open_)[..., None]).astype(np.uint8)

    def _open(self, pose: Pose) -> FloatArray:
        """(H, W) 0..1: where nothing stands between the camera and somebody at that distance."""
        beyond = pose.width < WALL_WIDTH
        return (1 - self.room.front) * (1 - self.room.wall) if beyond else 1 - self.room.front

    def _placed(self, pose: Pose) -> tuple[NDArray[np.uint8] | None, tuple[int, int, int, int]]:
        """The actor's picture at its place: (h, w, 4) uint8 and left, top, right, bottom px, None out of the frame."""
        width, sheet, (cx, cy) = self.sprites[pose.actor.key].level(pose.width)
        scale = pose.width / width
        rows, columns = sheet.shape[:2]
        x0 = max(0, int(pose.x - cx * scale) - 8)
        x1 = min(self.script.size_wh[0], int(pose.x + (columns - cx) * scale) + 8)
        y0 = max(0, int(pose.y - cy * scale) - 8)
        y1 = min(self.script.size_wh[1], int(pose.y + (rows - cy) * scale) + 8)
        if x1 <= x0 or y1 <= y0:
            return None, (0, 0, 0, 0)
        u = (np.arange(x0, x1, dtype=np.float32)[None, :] - np.float32(pose.x)) / np.float32(pose.width)
        v = (np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(pose.y)) / np.float32(pose.width)
        u, v = _turned(u, v, pose.yaw, pose.roll)
        placed = cv2.remap(sheet, u * np.float32(width) + np.float32(cx), v * np.float32(width) + np.float32(cy),
                           cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))  # fmt: skip
        return np.asarray(placed, np.uint8), (x0, y0, x1, y1)

    def _filmed(self, canvas: Image, now: Look, index: int) -> Image:
        """Light, lens and sensor."""
        gain = self.room.sun * np.float32(now.sun) + self.room.lamp * np.float32(now.lamp)
        lit = cv2.multiply(canvas, cv2.merge([gain, gain, gain]), dtype=cv2.CV_32F)
        if now.blur > 0.3:
            lit = cv2.GaussianBlur(lit, (0, 0), now.blur)
        rng = np.random.default_rng((self.script.seed, index))
        dx, dy = (int(value) for value in rng.integers(0, _MARGIN, 2))
        height, width = canvas.shape[:2]
        sheet = self.noise[dy : dy + height, dx : dx + width]
        if rng.random() < 0.5:
            sheet = sheet[:, ::-1]
        return np.asarray(cv2.scaleAdd(np.ascontiguousarray(sheet), now.noise, lit).clip(0, 255), np.uint8)


def _turned(u: FloatArray, v: FloatArray, yaw: float, roll: float) -> tuple[FloatArray, FloatArray]:
    """Where in the frontal portrait a point of the turned one is taken from; face widths around the face's middle.

    The head is a smooth hill whose top, the nose, moves to the side it turns to; its outline stays and narrows a bit.
    """
    tilted = u + np.float32(roll) * v
    upright = v - np.float32(roll) * u
    depth = np.exp(-((tilted / 0.55) ** 2 + (upright / 0.75) ** 2))
    narrower = np.float32(1 + 0.05 * abs(yaw))
    return (tilted * narrower - np.float32(_TURN * yaw) * depth).astype(np.float32), upright.astype(np.float32)


def frames(script: Script = SCRIPT) -> Iterator[Image]:
    """Every frame of the script in order; the same pixels every time. Raises PictureError as `cast` does."""
    studio = _Studio(script)
    for index in range(len(script.times)):
        yield studio.frame(index)


def stills(script: Script, indexes: Sequence[int]) -> list[Image]:
    """The frames asked for, equal to those that `frames` gives."""
    studio = _Studio(script)
    return [studio.frame(index) for index in indexes]


def render_clip(path: Path, *, progress: Callable[[float], None] | None = None, script: Script = SCRIPT) -> bool:
    """Render the clip to `path` (an .mp4) unless it is there already; True when it was rendered now.

    A file beside it says from what the clip was made; when script, code or portraits have changed, or the clip was
    touched, it is made anew. The clip appears whole or not at all. progress: called with the share done, 0..1.
    Raises PictureError when a portrait is missing, RecordingError when the clip cannot be written.
    """
    recipe = _recipe(script)
    note = path.with_suffix(".json")
    if _is_current(path, note, recipe):
        if progress is not None:
            progress(1.0)
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".footfall-demo-", dir=path.parent) as folder:
            fresh = Path(folder) / "clip.mp4"
            _write(fresh, script, progress)
            note.unlink(missing_ok=True)
            said = Path(folder) / "clip.json"
            said.write_text(json.dumps({"recipe": recipe, "sha256": _digest(fresh)}, indent=1), encoding="utf-8")
            fresh.replace(path)
            said.replace(note)
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be written ({error.strerror})", fix="free some disk space or choose another folder"
        ) from error
    return True


def _write(path: Path, script: Script, progress: Callable[[float], None] | None) -> None:
    fourcc = cv2.VideoWriter.fourcc(*_CODEC)
    hush()
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, float(script.fps), script.size_wh)
    if not writer.isOpened():
        raise RecordingError(f"{path}: OpenCV cannot write MPEG-4 video", fix="python -m pip install opencv-python")
    count = len(script.times)
    try:
        for number, image in enumerate(frames(script), start=1):
            writer.write(image)
            if progress is not None:
                progress(number / count)
    finally:
        writer.release()
    if _frames_in(path) != count:
        raise RecordingError(f"{path.name}: the clip did not arrive whole on the disk", fix="free some disk space")


def _frames_in(path: Path) -> int:
    """Number of frames that a video holds, 0 when it cannot be read."""
    reader = open_file(str(path))
    if reader is None:
        return 0
    try:
        return round(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.read()[0] else 0
    finally:
        reader.release()


def _is_current(path: Path, note: Path, recipe: str) -> bool:
    with suppress(OSError, ValueError):
        said = json.loads(note.read_text(encoding="utf-8"))
        return isinstance(said, dict) and said.get("recipe") == recipe and said.get("sha256") == _digest(path)
    return False


def _recipe(script: Script) -> str:
    """Changes whenever the clip would look different."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    texts = [repr(script), cv2.__version__, np.__version__, *(portrait.sha256 for portrait in PORTRAITS.values())]
    digest.update("\0".join(texts).encode())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
