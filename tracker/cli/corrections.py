"""`footfall people not`: this is not that person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from config.errors import PeopleError, PictureError
from config.settings import Settings
from models.runtime import ensure_built
from tracker.cli.door import ModelsOption, SettingsOption, StoreOption, UsageError, settings_for
from tracker.cli.in_step import in_step
from tracker.cli.output import console
from tracker.cli.people import WhoArgument, find_person
from tracker.identity.enrolment import pictures_of, plan_person
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.presence.people import Person
from tracker.store.store import Store
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import FloatArray

_PLAINLY = 0.5
"""Nearer than this part of the limit hardly anybody else comes. A track that was taken for somebody is near anyhow."""


def deny(
    who: WhoArgument,
    pictures: Annotated[
        list[Path] | None, typer.Argument(metavar="[PICTURES]", help="Pictures of somebody else, one face each.")
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="TRACK", help="A track that was wrongly taken for the person."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all that was said so about this person.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take faces that look like the person: somebody else's all the same.")
    ] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    models: ModelsOption = None,
) -> None:
    """Say that a face is not this person: from now on, faces nearer to it than to the person's own are not either.

    Tracks are named by the flag --explain of track, and by the store's match records. The vectors behind them are kept
    for a week (store.evidence_days). What looks like the person's own face is refused: they would hardly be known
    again.
    """
    if clear == bool(pictures or track):
        raise UsageError("neither pictures nor --track nor --clear, or too many of them", fix="give one of the three")
    chosen = settings_for(settings, store=store, models=models)
    with in_step(chosen) as opened:
        person = find_person(opened, who)
        if clear:
            count = opened.people.clear_negatives(person.person_id)
            console.print(f"{_faces(count)} marked as not {person.name} forgotten", markup=False)
            return
        found = [_of_track(opened, person, each) for each in track or []]
        sources = [each for each, vectors in zip(track or [], found, strict=True) for _ in vectors]
        limit = opened.people.limits().get(person.person_id, chosen.match.max_distance)
        reaches = [_PLAINLY * limit] * len(sources)
        if pictures:
            vectors, names = _of_pictures(chosen, pictures)
            found.append(vectors)
            sources += names
            reaches += [limit] * len(names)
        if not force:
            _require_others(opened, person, np.concatenate(found), sources, reaches)
        opened.people.add_negatives(person.person_id, np.concatenate(found), sources=sources)
    console.print(f"{_faces(len(sources))} marked as not {person.name}", markup=False)


def _faces(count: int) -> str:
    return "1 face" if count == 1 else f"{count} faces"


def _require_others(
    store: Store, person: Person, vectors: FloatArray, sources: Sequence[str], reaches: Sequence[float]
) -> None:
    """Raises PeopleError where a face (N, D) is within its reach of the person's own: then it is plainly theirs."""
    own = Gallery.of(*store.people.vectors(person.kind))
    if person.person_id not in own.people:
        return
    apart = distances(own, vectors)[:, own.people.index(person.person_id)].tolist()
    near = [each for each in zip(apart, sources, reaches, strict=True) if each[0] <= each[2]]
    if not near:
        return
    distance, source, _ = min(near)
    raise PeopleError(
        f"{source[:80]} looks like {person.name} ({distance:.2f} from their own faces): marked as not {person.name},"
        f" it would keep {person.name} from being known",
        fix="give a picture or track of the other person; if it is somebody else who looks so, add --force",
    )


def _of_track(store: Store, person: Person, track_id: str) -> FloatArray:
    vectors, taken_for = store.matches.evidence(track_id)
    rows = [row for row, person_id in enumerate(taken_for) if person_id == person.person_id]
    if not rows:
        raise PeopleError(
            f"track {track_id[:80]} was not taken for {person.name}, or that is more than a week ago",
            fix="give a track that 'footfall track --explain' named, or a picture of the other person",
        )
    return vectors[rows]


def _of_pictures(settings: Settings, paths: list[Path]) -> tuple[FloatArray, list[str]]:
    ensure_built(settings.models.dir, settings.models.precision)
    engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
    plan = plan_person("somebody else", pictures_of(paths), engine)
    for refused in plan.rejected:
        raise PictureError(f"{refused.path}: {refused.reason}", fix="give pictures with one face each, well visible")
    return plan.vectors, list(plan.sources)
