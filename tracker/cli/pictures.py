"""`footfall annotate` and `footfall compare`: faces in pictures and videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from config.errors import PictureError
from tracker.cli.command import command
from tracker.cli.lines import make_folder
from tracker.cli.options import FpsOption, NoStoreModels, ReadingModels, UsageError
from tracker.cli.output import Result
from tracker.cli.people import names_in
from tracker.cli.store import reading
from tracker.cli.terminal import with_progress
from tracker.identity.networks import load_engine, match_of
from tracker.presence.people import PersonKind
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.identity.annotation import Drawing, FaceFinder


@command("footfall annotate holiday/ --out drawn/")
def annotate(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, a video, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to; created if missing.")],
    access: ReadingModels,
    fps: FpsOption = None,
) -> Result:
    """Draw boxes, names and distances on pictures or videos.

    They are written to another folder under their own names; .png, or .mp4 for a video, is added to those of formats
    that cannot be written. Enrolled people are green, others amber.
    """
    from tracker.identity.annotation import annotated, files_in

    settings = access.load()
    files = files_in(source)
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise UsageError(f"{out} is the folder of the originals", fix="give another folder to --out")
    make_folder(out, fix="give another to --out")
    finder = _finder(settings, access)
    drawings = [annotated(finder, file, out, fps=fps) for file in with_progress(files, "Annotating", total=len(files))]
    failed = [drawing for drawing in drawings if drawing.problem is not None]
    problem = f"{len(failed)} of {len(drawings)} files could not be annotated: {failed[0].problem}" if failed else ""
    return Result(
        document=drawings,
        parts=[_line(drawing) for drawing in drawings if drawing.problem is None],
        notes=[
            *(f"note: {note}" for drawing in drawings for note in drawing.notes),
            *(f"skipped {each.problem}; fix: {each.fix}" for each in failed if len(drawings) > 1),
        ],
        failure=PictureError(problem, fix=failed[0].fix or "") if failed else None,
    )


@command("footfall compare passport.jpg visitor.jpg")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Picture with one face.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Picture with one face.")],
    access: NoStoreModels,
) -> Result:
    """Compare the faces of two pictures.

    Prints whether they show the same person, with the distance and the threshold.
    """
    import numpy as np

    from tracker.identity.annotation import only_face
    from tracker.identity.limits import match_settings

    settings = access.load()
    engine = load_engine(settings)
    vectors = [only_face(engine, path) for path in (first, second)]
    distance = float(np.linalg.norm(vectors[0] - vectors[1]))
    threshold = match_settings(settings.match, engine.embedder, people=1).max_distance
    same = distance <= threshold
    verdict = ("same person", "bold green") if same else ("different people", "bold")
    return Result(
        document={"same": same, "distance": round(distance, 4), "threshold": threshold},
        parts=[Text.assemble(verdict, f": distance {distance:.3f}, threshold {threshold:g}")],
    )


def _finder(settings: Settings, access: ReadingModels) -> FaceFinder:
    """The networks and the people of the store; nobody where there is no store yet."""
    from tracker.identity.annotation import FaceFinder
    from tracker.identity.fitting import rule_of
    from tracker.identity.gallery import Gallery
    from tracker.identity.rules import Comparison

    if not settings.store.path.exists() and (settings.store.firestore is None or access.offline):
        return FaceFinder(load_engine(settings, thorough=False), Comparison(Gallery.empty(), settings.match), {})
    with reading(access) as (settings, store):
        engine = load_engine(settings, store, thorough=False)
        gallery = Gallery(*store.people.vectors(PersonKind.ENROLLED))
        match = match_of(settings, store)
        return FaceFinder(engine, Comparison(gallery, match, rule_of(store.people, match, gallery)), names_in(store))


def _line(drawing: Drawing) -> str:
    count, what = (drawing.frames, "frame") if drawing.faces is None else (len(drawing.faces), "face")
    return f"{drawing.out}: {count_text(count, what)}"
