"""`footfall people not`: faces that are somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import PeopleError, PictureError
from tracker.cli.command import command
from tracker.cli.extras import embedder_of, load_engine, match_of
from tracker.cli.options import Models, UsageError
from tracker.cli.output import print_line
from tracker.cli.people import WhoArgument, find_person
from tracker.cli.store import writing
from tracker.presence.people import Person
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.store import Store
    from tracker.vision.faces import FloatArray


@command(
    "footfall people not 'Ada Lovelace' sister.jpg",
    "footfall people not 'Ada Lovelace' --track front-20260131T080000.000000-1",
)
def deny(
    who: WhoArgument,
    access: Models,
    pictures: Annotated[
        list[Path] | None, typer.Argument(metavar="PICTURES", help="Pictures of somebody else, one face each.")
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="TRACK", help="A track that was wrongly matched to the person."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all such marks of this person.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Accept faces that look like the person but are somebody else's.")
    ] = False,
) -> None:
    """Mark faces as not this person.

    From now on, a face that is nearer to a marked one than to the person's own does not match. `footfall track
    --explain` shows track ids; the vectors behind them are kept for a week (store.evidence_days). Faces that look like
    the person's own are rejected unless --force is given: the person might no longer be recognised.
    """
    import numpy as np

    if clear == bool(pictures or track):
        raise UsageError("expected one of: pictures, --track, --clear", fix="give one of the three")
    with writing(access) as (settings, store):
        person = find_person(store, who)
        if clear:
            count = store.people.clear_negatives(person.person_id)
            print_line(f"removed {count_text(count, 'face')} marked as not {person.name}")
            return
        found = [_of_track(store, person, each) for each in track or []]
        sources = [each for each, vectors in zip(track or [], found, strict=True) for _ in vectors]
        limit = store.people.limits().get(person.person_id, match_of(settings, store).max_distance)
        reaches = [embedder_of(settings, store).same_face] * len(sources)  # the tracks matched the person
        if pictures:
            vectors, names = _of_pictures(settings, store, pictures)
            found.append(vectors)
            sources += names
            reaches += [limit] * len(names)
        if not force:
            _require_others(store, person, np.concatenate(found), sources, reaches)
        store.people.add_negatives(person.person_id, np.concatenate(found), sources=sources)
    print_line(f"{count_text(len(sources), 'face')} marked as not {person.name}")


def _require_others(
    store: Store, person: Person, vectors: FloatArray, sources: Sequence[str], reaches: Sequence[float]
) -> None:
    """Raises PeopleError where a face (N, D) is within its reach of the person's own faces."""
    from tracker.identity.gallery import Gallery
    from tracker.identity.match import distances

    own = Gallery.of(*store.people.vectors(person.kind))
    if person.person_id not in own.people:
        return
    apart = distances(own, vectors)[:, own.people.index(person.person_id)].tolist()
    near = [each for each in zip(apart, sources, reaches, strict=True) if each[0] <= each[2]]
    if not near:
        return
    distance, source, _ = min(near)
    raise PeopleError(
        f"{source[:80]} looks like {person.name} (distance {distance:.2f}): marking it would keep {person.name} from"
        " being recognised",
        fix="give a picture or track of the other person; if it is somebody who looks alike, add --force",
    )


def _of_track(store: Store, person: Person, track_id: str) -> FloatArray:
    vectors, taken_for = store.matches.evidence(track_id)
    rows = [row for row, person_id in enumerate(taken_for) if person_id == person.person_id]
    if not rows:
        raise PeopleError(
            f"track {track_id[:80]} was not matched to {person.name}, or its vectors have expired",
            fix="give a track that 'footfall track --explain' shows, or a picture of the other person",
        )
    return vectors[rows]


def _of_pictures(settings: Settings, store: Store, paths: list[Path]) -> tuple[FloatArray, list[str]]:
    from tracker.identity.enrolment import plan_person
    from tracker.identity.enrolment_requests import pictures_of

    plan = plan_person("somebody else", pictures_of(paths), load_engine(settings, store))
    for refused in plan.rejected:
        raise PictureError(f"{refused.path}: {refused.reason}", fix="give pictures with one face each, well visible")
    return plan.vectors, list(plan.sources)
