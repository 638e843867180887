"""`footfall annotate` and `footfall compare`: what the engine sees in pictures and videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import PIL.Image
import typer
from rich.progress import track as progress

from config.errors import FootfallError, PictureError, RecordingError
from config.settings import Settings
from models.runtime import ensure_built
from tracker.cameras.recording import RecordingSource
from tracker.cli.door import (
    JsonOption,
    ModelsOption,
    SettingsOption,
    StoreOption,
    UnusedStoreOption,
    UsageError,
    open_store,
    settings_for,
)
from tracker.cli.output import console, errors, print_json
from tracker.identity.enrolment import prominent_faces
from tracker.identity.gallery import Gallery
from tracker.identity.match import Verdict, classify, nearest
from tracker.identity.pictures import pictures_in, read_picture
from tracker.presence.people import PersonKind
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import FloatArray, Image
from tracker.vision.overlay import draw_faces

VIDEO_SUFFIXES = frozenset({".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
_VIDEO_CODECS = {".avi": "MJPG", ".mp4": "mp4v"}
_WRITTEN_PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFace:
    """One face of a picture: box in px (x1 y1 x2 y2), score, who, and why not.

    reason: why the face says nothing about who it is, None where it does.
    """

    box: tuple[float, float, float, float]
    score: float
    person_id: str | None
    name: str | None
    distance: float | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What became of one file. frames: 1 for a picture. faces: of a picture, None for a video.

    problem, fix: why there is no drawing, else None.
    """

    file: Path
    out: Path | None = None
    frames: int = 0
    faces: tuple[FoundFace, ...] | None = None
    problem: str | None = None
    fix: str | None = None


class Eye:
    """The engine with the gallery of a store: who is in a picture."""

    def __init__(self, settings: Settings) -> None:
        ensure_built(settings.models.dir, settings.models.precision)
        self.engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
        self._match = settings.match
        self._gallery, self._names = _known_people(settings)

    def look(self, image: Image) -> list[FoundFace]:
        """The faces of a picture, best first."""
        seen = self.engine.analyse(image)
        found = []
        for row, closest in enumerate(nearest(self._gallery, seen.vectors)):
            usable = bool(seen.usable[row])
            named = usable and closest is not None and classify(closest, self._match) is Verdict.MATCH
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


def annotate(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, a video, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to; made where missing.")],
    store: StoreOption = None,
    settings: SettingsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw boxes, names and distances on pictures or videos, into another folder.

    Green is somebody enrolled, amber is anybody else. Files keep their names; .png, or .avi for a video, is added to
    those of formats that cannot be written.
    """
    chosen = settings_for(settings, store=store, models=models)
    files = _files(source)
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise UsageError(f"{out} is where the originals lie", fix="give another folder to --out")
    _make_folder(out)
    eye = Eye(chosen)
    drawings = [
        _annotated(eye, file, out)
        for file in progress(files, "Annotating", console=errors, disable=not errors.is_terminal)
    ]
    failed = [drawing for drawing in drawings if drawing.problem is not None]
    if as_json:
        print_json(drawings)
    else:
        _tell(drawings)
    if failed:
        count = f"{len(failed)} of {len(drawings)} files"
        raise PictureError(f"{count} could not be annotated: {failed[0].problem}", fix=failed[0].fix or "")


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Picture with one face.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Picture with one face.")],
    store: UnusedStoreOption = None,
    settings: SettingsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether two pictures show the same person, with the distance and the threshold."""
    chosen = settings_for(settings, store=store, models=models)
    ensure_built(chosen.models.dir, chosen.models.precision)
    engine = FaceEngine.load(models=chosen.models, detect=chosen.detect, quality=chosen.quality)
    vectors = [_only_face(engine, path) for path in (first, second)]
    distance = float(np.linalg.norm(vectors[0] - vectors[1]))
    threshold = chosen.match.max_distance
    same = distance <= threshold
    if as_json:
        print_json({"same": same, "distance": round(distance, 4), "threshold": threshold})
    else:
        verdict = "[bold green]same person[/]" if same else "[bold]different people[/]"
        console.print(f"{verdict}: distance {distance:.3f}, threshold {threshold:g}")


def _known_people(settings: Settings) -> tuple[Gallery, dict[str, str]]:
    """Gallery and names of the store; nobody where there is no store yet."""
    if not settings.store.path.exists():
        return Gallery.empty(), {}
    with open_store(settings, create=False) as store:
        vectors, person_ids = store.people.vectors(PersonKind.ENROLLED)
        return Gallery(vectors, person_ids), {person.person_id: person.name for person in store.people.all()}


def _only_face(engine: FaceEngine, path: Path) -> FloatArray:
    image = read_picture(path)
    faces = prominent_faces(image, engine)
    if len(faces) != 1:
        found = f"{len(faces)} faces" if len(faces) else "no face"
        raise PictureError(f"{path}: {found}, one is needed", fix="crop the picture to the one person")
    vector: FloatArray = engine.embed(image, faces)[0]
    return vector


def _files(source: Path) -> list[Path]:
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


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FootfallError(
            f"{path}: cannot make this folder ({error.strerror})", fix="give another to --out"
        ) from error


def _annotated(eye: Eye, file: Path, out: Path) -> Drawing:
    try:
        if file.suffix.lower() in VIDEO_SUFFIXES and not _is_still(file):
            target = out / (file.name if file.suffix.lower() in _VIDEO_CODECS else f"{file.name}.avi")
            return Drawing(file=file, out=target, frames=_annotate_video(eye, file, target))
        image = read_picture(file)
        faces = eye.look(image)
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


def _annotate_video(eye: Eye, file: Path, target: Path) -> int:
    """Write the video with its faces drawn; how many frames. Raises RecordingError when it is not all on the disk."""
    source = RecordingSource(file)
    source.open()
    writer: cv2.VideoWriter | None = None
    count = 0
    try:
        for image in _images(source):
            if writer is None:
                codec = cv2.VideoWriter.fourcc(*_VIDEO_CODECS[target.suffix.lower()])
                writer = cv2.VideoWriter(str(target), codec, source.fps, (image.shape[1], image.shape[0]))
                if not writer.isOpened():
                    raise _unwritten(target)
            writer.write(_drawn(image, eye.look(image)))
            count += 1
    finally:
        source.close()
        if writer is not None:
            writer.release()
    if _frames_in(target) != count:  # the writer does not tell when the disk is full
        target.unlink(missing_ok=True)
        raise _unwritten(target)
    return count


def _images(source: RecordingSource) -> Iterator[Image]:
    while (frame := source.read()) is not None:
        yield frame.image


def _frames_in(video: Path) -> int | None:
    written = RecordingSource(video)
    try:
        written.open()
    except RecordingError:
        return None
    written.close()
    return written.declared_frames


def _unwritten(path: Path) -> RecordingError:
    return RecordingError(f"{path}: cannot be written", fix="check the rights on the folder and the free space")


def _drawn(image: Image, faces: Sequence[FoundFace]) -> Image:
    labels = []
    for face in faces:
        who = face.name or ("unknown" if face.reason is None else "?")
        labels.append(who if face.distance is None else f"{who} {face.distance:.2f}")
    known = [face.name is not None for face in faces]
    return draw_faces(image, [face.box for face in faces], labels, known)


def write_picture(path: Path, image: Image) -> None:
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


def _tell(drawings: Sequence[Drawing]) -> None:
    for drawing in drawings:
        if drawing.problem is not None:
            if len(drawings) > 1:
                errors.print(f"left out {drawing.problem}; fix: {drawing.fix}", markup=False, soft_wrap=True)
            continue
        count, what = (len(drawing.faces), "face") if drawing.faces is not None else (drawing.frames, "frame")
        console.print(f"{drawing.out}: {count} {what}{'' if count == 1 else 's'}", markup=False, soft_wrap=True)
