"""Draws the faces of pictures and videos, with the people of a gallery that they match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from config.errors import PictureError, RecordingError
from tracker.cameras.recording import RecordingSource
from tracker.identity.enrolment_faces import prominent_faces, vector_of
from tracker.identity.match import Verdict, classify
from tracker.identity.pictures import pictures_in, read_picture, write_picture
from tracker.identity.rules import Comparison
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import FloatArray, Image
from tracker.vision.overlay import draw_faces

VIDEO_SUFFIXES = frozenset(
    {
        ".264", ".265", ".3gp", ".asf", ".avi", ".dv", ".flv", ".gif", ".h264", ".h265", ".hevc", ".m2ts", ".m4v",
        ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv",
    }
)  # fmt: skip
_WRITTEN_VIDEOS = frozenset({".m4v", ".mkv", ".mov", ".mp4"})
_WRITTEN_PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFace:
    """One face of a picture: box in px (x1 y1 x2 y2), score, and the person it matches.

    reason: why the face cannot be matched, None where it can.
    """

    box: tuple[float, float, float, float]
    score: float
    person_id: str | None
    name: str | None
    distance: float | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The result for one file. frames: 1 for a picture. faces: of a picture, None for a video.

    notes: what is wrong with a video that was annotated nevertheless. problem, fix: why a file was not, else None.
    """

    file: Path
    out: Path | None = None
    frames: int = 0
    faces: tuple[FoundFace, ...] | None = None
    notes: tuple[str, ...] = ()
    problem: str | None = None
    fix: str | None = None


class FaceFinder:
    """Finds the faces of a picture and the people of a gallery that they match."""

    def __init__(self, engine: FaceEngine, compared: Comparison, names: Mapping[str, str]) -> None:
        self._engine, self._compared, self._names = engine, compared, names

    def find(self, image: Image) -> list[FoundFace]:
        """The faces of a picture, best first."""
        seen = self._engine.analyse(image)
        found = []
        for row, closest in enumerate(self._compared.closest(seen.vectors)):
            usable = bool(seen.usable[row])
            named = usable and closest is not None and classify(closest, self._compared.settings) is Verdict.MATCH
            x1, y1, x2, y2 = (round(float(edge), 1) for edge in seen.faces.boxes[row])
            found.append(
                FoundFace(
                    box=(x1, y1, x2, y2),
                    score=round(float(seen.faces.scores[row]), 4),
                    person_id=closest.person_id if named and closest else None,
                    name=self._names.get(closest.person_id) if named and closest else None,
                    distance=round(closest.distance, 4) if usable and closest else None,
                    reason=seen.rejections[row],
                )
            )
        return found


def only_face(engine: FaceEngine, path: Path) -> FloatArray:
    """The vector (D) of the one face of a picture. Raises PictureError."""
    image = read_picture(path)
    faces = prominent_faces(image, engine)
    if len(faces) != 1:
        found = f"{len(faces)} faces" if len(faces) else "no face"
        raise PictureError(f"{path}: {found}, one is needed", fix="crop the picture to the one person")
    return vector_of(image, engine, faces, name=str(path))


def files_in(source: Path) -> list[Path]:
    """The file, or the pictures and videos of the folder. Raises PictureError."""
    if source.is_dir():
        try:
            videos = [path for path in source.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()]
            files = sorted({*pictures_in(source), *(path for path in videos if not path.name.startswith("."))})
        except OSError as error:
            raise PictureError(
                f"{source}: cannot be listed ({error.strerror})", fix="give a readable folder"
            ) from error
        if not files:
            raise PictureError(f"{source}: no picture or video in this folder", fix="give a folder that holds some")
        return files
    if not source.exists():
        raise PictureError(f"{source}: no such file", fix="give a picture, a video, or a folder of them")
    return [source]


def annotated(finder: FaceFinder, file: Path, out: Path, *, fps: float | None = None) -> Drawing:
    """Draw the faces of a picture or video into the folder `out`. fps: of a video without time stamps."""
    try:
        if file.suffix.lower() in VIDEO_SUFFIXES and not _is_still(file):
            target = out / (file.name if file.suffix.lower() in _WRITTEN_VIDEOS else f"{file.name}.mp4")
            frames, notes = _annotate_video(finder, file, target, fps)
            return Drawing(file=file, out=target, frames=frames, notes=notes)
        image = read_picture(file)
        faces = finder.find(image)
        target = out / (file.name if file.suffix.lower() in _WRITTEN_PICTURES else f"{file.name}.png")
        write_picture(target, _drawn(image, faces))
        return Drawing(file=file, out=target, frames=1, faces=tuple(faces))
    except (PictureError, RecordingError) as error:
        return Drawing(file=file, problem=error.problem, fix=error.fix)


def _is_still(file: Path) -> bool:
    """Whether it is a GIF of one frame, which is a picture."""
    try:
        with PIL.Image.open(file, formats=("GIF",)) as picture:
            return getattr(picture, "n_frames", 1) == 1
    except (OSError, SyntaxError):
        return False


def _annotate_video(finder: FaceFinder, file: Path, target: Path, fps: float | None) -> tuple[int, tuple[str, ...]]:
    """Write the video with its faces drawn, each frame at its time; how many frames, and the problems of the original.

    Raises RecordingError when it is not all on the disk.
    """
    from tracker.cameras.video_writer import VideoWriter  # takes time, and pictures do not need it

    source = RecordingSource(file, fps=fps)
    source.open()
    count, first_at = 0, None
    try:
        with VideoWriter(target) as writer:
            while (frame := source.read()) is not None:
                first_at = first_at or frame.at
                writer.write(_drawn(frame.image, finder.find(frame.image)), (frame.at - first_at).total_seconds())
                count += 1
    finally:
        source.close()
    return count, source.state.problems


def _drawn(image: Image, faces: Sequence[FoundFace]) -> Image:
    labels = []
    for face in faces:
        who = face.name or ("unknown" if face.reason is None else "?")
        labels.append(who if face.distance is None else f"{who} {face.distance:.2f}")
    known = [face.name is not None for face in faces]
    return draw_faces(image, [face.box for face in faces], labels, known)
