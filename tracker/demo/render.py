"""Rendering of the scene into frames and a video file."""

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

from config.errors import CameraError, RecordingError
from tracker.cameras.capture import hush
from tracker.cameras.video import Video
from tracker.demo.background import Background, paint_background
from tracker.demo.clip import CLIP, WALL_WIDTH
from tracker.demo.figure import from_behind
from tracker.demo.portraits import PORTRAITS, Cutout, cutouts
from tracker.demo.scene import ActorKind, Conditions, Pose, Scene, conditions_at, poses
from tracker.vision.faces import FloatArray, Image

CLIP_NAME = "footfall-demo.mp4"
_CODEC = "mp4v"
"""MPEG-4 ActorKind 2: every OpenCV wheel carries it, and it is a fifth of the size of MJPEG."""
_SOURCES = ("portraits.py", "figure.py", "render.py", "background.py", "clip.py", "scene.py")
"""The code that decides how the clip conditions."""
_SHADOW_SHIFT = (0.42, 0.1)
"""Offset of a person's shadow, in face widths."""
_SHADOW = 0.2
_TURN = 0.17
"""How far the nose moves at a yaw of 1, in face widths."""
_MARGIN = 64
"""Background around the sheet of noise from which every frame takes another piece."""


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


class _Renderer:
    """Background, actors and noise sheet of one scene, made once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.room: Background = paint_background(scene.seed)
        faced = [actor.key for actor in scene.actors if actor.kind is not ActorKind.UNIDENTIFIED]
        self.sprites = {key: _Sprite.of(cutout) for key, cutout in cutouts(faced).items()}
        self.sprites |= {key: _Sprite.of(from_behind()) for key in {each.key for each in scene.actors} - {*faced}}

    @cached_property
    def noise(self) -> NDArray[np.float32]:
        """Noise of sigma 1, a little coarser than a pixel as compressed video has it."""
        width, height = self.scene.size_wh
        rng = np.random.default_rng(self.scene.seed + 1)
        sheet = rng.standard_normal((height + _MARGIN, width + _MARGIN, 3)).astype(np.float32)
        soft = cv2.GaussianBlur(sheet, (0, 0), 0.6)
        return np.asarray(soft / soft.std(), np.float32)

    def frame(self, index: int) -> Image:
        """Frame `index`, the same whatever was asked for before."""
        t = index / self.scene.fps
        now = conditions_at(self.scene, t)
        everybody = poses(self.scene, t)
        canvas = self.room.base.copy()
        for pose in everybody:
            if pose.width >= WALL_WIDTH:
                self._shade(canvas, pose)
        for pose in everybody:
            self._paint(canvas, pose)
        return self._exposed(canvas, now, index)

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
        """(H, W) 0..1: visibility of a person at that distance."""
        beyond = pose.width < WALL_WIDTH
        return (1 - self.room.front) * (1 - self.room.wall) if beyond else 1 - self.room.front

    def _placed(self, pose: Pose) -> tuple[NDArray[np.uint8] | None, tuple[int, int, int, int]]:
        """The actor's picture at its place: (h, w, 4) uint8 and left, top, right, bottom px, None out of the frame."""
        width, sheet, (cx, cy) = self.sprites[pose.actor.key].level(pose.width)
        scale = pose.width / width
        rows, columns = sheet.shape[:2]
        x0 = max(0, int(pose.x - cx * scale) - 8)
        x1 = min(self.scene.size_wh[0], int(pose.x + (columns - cx) * scale) + 8)
        y0 = max(0, int(pose.y - cy * scale) - 8)
        y1 = min(self.scene.size_wh[1], int(pose.y + (rows - cy) * scale) + 8)
        if x1 <= x0 or y1 <= y0:
            return None, (0, 0, 0, 0)
        u = (np.arange(x0, x1, dtype=np.float32)[None, :] - np.float32(pose.x)) / np.float32(pose.width)
        v = (np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(pose.y)) / np.float32(pose.width)
        u, v = _rotated(u, v, pose.yaw, pose.roll)
        placed = cv2.remap(sheet, u * np.float32(width) + np.float32(cx), v * np.float32(width) + np.float32(cy),
                           cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))  # fmt: skip
        return np.asarray(placed, np.uint8), (x0, y0, x1, y1)

    def _exposed(self, canvas: Image, now: Conditions, index: int) -> Image:
        """Applies lighting, blur and sensor noise."""
        gain = self.room.sun * np.float32(now.sun) + self.room.lamp * np.float32(now.lamp)
        lit = cv2.multiply(canvas, cv2.merge([gain, gain, gain]), dtype=cv2.CV_32F)
        if now.blur > 0.3:
            lit = cv2.GaussianBlur(lit, (0, 0), now.blur)
        rng = np.random.default_rng((self.scene.seed, index))
        dx, dy = (int(value) for value in rng.integers(0, _MARGIN, 2))
        height, width = canvas.shape[:2]
        sheet = self.noise[dy : dy + height, dx : dx + width]
        if rng.random() < 0.5:
            sheet = sheet[:, ::-1]
        return np.asarray(cv2.scaleAdd(np.ascontiguousarray(sheet), now.noise, lit).clip(0, 255), np.uint8)


def _rotated(u: FloatArray, v: FloatArray, yaw: float, roll: float) -> tuple[FloatArray, FloatArray]:
    """Where in the frontal portrait a point of the turned one is taken from; face widths around the face's middle.

    The head is a smooth hill whose top, the nose, moves to the side it turns to; its outline stays and narrows a bit.
    """
    tilted = u + np.float32(roll) * v
    upright = v - np.float32(roll) * u
    depth = np.exp(-((tilted / 0.55) ** 2 + (upright / 0.75) ** 2))
    narrower = np.float32(1 + 0.05 * abs(yaw))
    return (tilted * narrower - np.float32(_TURN * yaw) * depth).astype(np.float32), upright.astype(np.float32)


def frames(scene: Scene = CLIP) -> Iterator[Image]:
    """Every frame of the scene in order; the same pixels every time. Raises PictureError as `cast` does."""
    renderer = _Renderer(scene)
    for index in range(len(scene.times)):
        yield renderer.frame(index)


def stills(scene: Scene, indexes: Sequence[int]) -> list[Image]:
    """The frames asked for, equal to those that `frames` gives."""
    renderer = _Renderer(scene)
    return [renderer.frame(index) for index in indexes]


def render_clip(path: Path, *, progress: Callable[[float], None] | None = None, scene: Scene = CLIP) -> bool:
    """Render the clip to `path` (an .mp4) unless it is there already; True when it was rendered now.

    A JSON file beside it records what the clip was rendered from; when scene, code or portraits have changed, or the
    clip was modified, it is rendered again. The clip is written atomically. progress: called with the share done, 0..1.
    Raises PictureError when a portrait is missing, RecordingError when the clip cannot be written.
    """
    fingerprint = _fingerprint(scene)
    sidecar = path.with_suffix(".json")
    if _is_current(path, sidecar, fingerprint):
        if progress is not None:
            progress(1.0)
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".footfall-demo-", dir=path.parent) as folder:
            fresh = Path(folder) / "clip.mp4"
            _write(fresh, scene, progress)
            sidecar.unlink(missing_ok=True)
            stored = Path(folder) / "clip.json"
            stored.write_text(
                json.dumps({"fingerprint": fingerprint, "sha256": _digest(fresh)}, indent=1), encoding="utf-8"
            )
            fresh.replace(path)
            stored.replace(sidecar)
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be written ({error.strerror})", fix="free some disk space or choose another folder"
        ) from error
    return True


def _write(path: Path, scene: Scene, progress: Callable[[float], None] | None) -> None:
    fourcc = cv2.VideoWriter.fourcc(*_CODEC)
    hush()
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, float(scene.fps), scene.size_wh)
    if not writer.isOpened():
        raise RecordingError(f"{path}: OpenCV cannot write MPEG-4 video", fix="python -m pip install opencv-python")
    count = len(scene.times)
    try:
        for number, image in enumerate(frames(scene), start=1):
            writer.write(image)
            if progress is not None:
                progress(number / count)
    finally:
        writer.release()
    if _frames_in(path) != count:
        raise RecordingError(f"{path.name}: the clip on disk is incomplete", fix="free some disk space")


def _frames_in(path: Path) -> int:
    """Number of frames that a video holds, 0 when it cannot be read."""
    try:
        video = Video.open_file(path)
    except CameraError:
        return 0
    count = video.declared_frames or 0
    video.close()
    return count


def _is_current(path: Path, sidecar: Path, fingerprint: str) -> bool:
    with suppress(OSError, ValueError):
        stored = json.loads(sidecar.read_text(encoding="utf-8"))
        return (
            isinstance(stored, dict)
            and stored.get("fingerprint") == fingerprint
            and stored.get("sha256") == _digest(path)
        )
    return False


def _fingerprint(scene: Scene) -> str:
    """Changes whenever the clip would conditions_at different."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    texts = [repr(scene), cv2.__version__, np.__version__, *(portrait.sha256 for portrait in PORTRAITS.values())]
    digest.update("\0".join(texts).encode())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
