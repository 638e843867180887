"""`footfall annotate` and `footfall compare`: what the engine sees in pictures and videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.progress import track as progress

from config.errors import PictureError, RecordingError, StoreError
from config.settings import Settings
from models.runtime import ensure_built
from tracker.cameras.recording import RecordingSource
from tracker.cli.door import JsonOption, ModelsOption, SettingsOption, StoreOption, open_store, settings_for
from tracker.cli.output import console, errors, print_json
from tracker.faces.drawing import draw_faces
from tracker.faces.engine import FaceEngine
from tracker.faces.faces import FloatArray, Image
from tracker.identity.gallery import Gallery
from tracker.identity.match import Verdict, judge, nearest
from tracker.identity.pictures import PICTURE_SUFFIXES, pictures_in, read_picture
from tracker.presence.people import PersonKind

VIDEO_SUFFIXES = frozenset({".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})


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


class Eye:
    """The engine with the gallery of a store: who is in a picture."""

    def __init__(self, settings: Settings) -> None:
        ensure_built(settings.models.dir, settings.models.precision)
        self.engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
        self._match = settings.match
        self._gallery, self._names = _known_people(settings)

    def look(self, image: Image) -> list[FoundFace]:
        """The faces of a picture, best first."""
        seen = self.engine.see(image)
        found = []
        for row, closest in enumerate(nearest(self._gallery, seen.vectors)):
            usable = bool(seen.usable[row])
            named = usable and closest is not None and judge(closest, self._match) is Verdict.MATCH
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
    """Draw boxes, names and distances on pictures or videos, into another folder under the same file names."""
    chosen = settings_for(settings, store=store, models=models)
    files = _files(source)
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise PictureError(f"{out} is where the originals lie", fix="give another folder to --out")
    _make_folder(out)
    eye = Eye(chosen)
    report: list[dict[str, object]] = []
    for file in progress(files, "Annotating", console=errors, disable=not errors.is_terminal):
        try:
            report.append(_annotate_one(eye, file, out))
        except (PictureError, RecordingError) as error:
            report.append({"file": str(file), "problem": error.problem, "fix": error.fix})
    if as_json:
        print_json(report)
    else:
        _tell(report)
    if all("problem" in line for line in report):
        raise PictureError(f"{source}: nothing could be annotated", fix="see the reasons above")


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Picture with one face.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Picture with one face.")],
    settings: SettingsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether two pictures show the same person, with the distance and the threshold."""
    chosen = settings_for(settings, models=models)
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
        vectors, person_ids = store.vectors(PersonKind.ENROLLED)
        return Gallery(vectors, person_ids), {person.person_id: person.name for person in store.people()}


def _only_face(engine: FaceEngine, path: Path) -> FloatArray:
    image = read_picture(path)
    faces = engine.detect(image)
    if len(faces) != 1:
        found = f"{len(faces)} faces" if len(faces) else "no face"
        raise PictureError(f"{path}: {found}, one is needed", fix="crop the picture to the one person")
    vector: FloatArray = engine.embed(image, faces)[0]
    return vector


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        videos = [path for path in source.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES - PICTURE_SUFFIXES]
        files = sorted({*pictures_in(source), *videos})
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
        raise StoreError(f"{path}: cannot make this folder ({error.strerror})", fix="give another to --out") from error


def _annotate_one(eye: Eye, file: Path, out: Path) -> dict[str, object]:
    if file.suffix.lower() in VIDEO_SUFFIXES:
        target = out / file.with_suffix(".avi").name
        return {"file": str(file), "out": str(target), "frames": _annotate_video(eye, file, target)}
    image = read_picture(file)
    faces = eye.look(image)
    target = out / file.with_suffix(".png").name
    _write_picture(target, _drawn(image, faces))
    return {"file": str(file), "out": str(target), "faces": faces}


def _annotate_video(eye: Eye, file: Path, target: Path) -> int:
    source = RecordingSource(file)
    source.open()
    writer: cv2.VideoWriter | None = None
    count = 0
    try:
        for image in _images(source):
            if writer is None:
                size_wh = (image.shape[1], image.shape[0])
                writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"MJPG"), source.fps, size_wh)
                if not writer.isOpened():
                    raise RecordingError(f"{target}: cannot be written", fix="check the folder and the free space")
            writer.write(_drawn(image, eye.look(image)))
            count += 1
    finally:
        source.close()
        if writer is not None:
            writer.release()
    return count


def _images(source: RecordingSource) -> Iterator[Image]:
    while (frame := source.read()) is not None:
        yield frame.image


def _drawn(image: Image, faces: list[FoundFace]) -> Image:
    labels = []
    for face in faces:
        who = face.name or ("unknown" if face.reason is None else "?")
        labels.append(who if face.distance is None else f"{who} {face.distance:.2f}")
    known = [face.name is not None for face in faces]
    return draw_faces(image, [face.box for face in faces], labels, known)


def _write_picture(path: Path, image: Image) -> None:
    done, data = cv2.imencode(".png", image)
    try:
        path.write_bytes(data.tobytes() if done else b"")
    except OSError as error:
        raise PictureError(f"{path}: cannot be written ({error.strerror})", fix="check the disk and --out") from error


def _tell(report: list[dict[str, object]]) -> None:
    for line in report:
        if "problem" in line:
            errors.print(f"skipped {line['problem']}; {line['fix']}", markup=False)
        else:
            what = f"{line['frames']} frames" if "frames" in line else f"{len(line['faces'])} faces"  # type: ignore[arg-type]
            console.print(f"{line['out']}: {what}", markup=False)
