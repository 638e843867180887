"""`footfall people not`: faces that are somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import PictureError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.options import ActingModels, UsageError
from tracker.cli.output import print_line
from tracker.cli.people import WhoArgument, find_person
from tracker.cli.store import writing
from tracker.identity.networks import embedder_of, load_engine, match_of
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.actions.negatives import Faces
    from tracker.store.store import Store


@command(
    "footfall people not 'Ada Lovelace' sister.jpg",
    "footfall people not 'Ada Lovelace' --track front-20260131T080000.000000-1",
)
def deny(
    who: WhoArgument,
    access: ActingModels,
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
    from tracker.actions import negatives

    if clear == bool(pictures or track):
        raise UsageError("expected one of: pictures, --track, --clear", fix="give one of the three")
    actor = actor_of(access)
    with writing(access) as (settings, store):
        person = find_person(store, who)
        if clear:
            count = negatives.clear(store, actor, person.person_id)
            print_line(f"removed {count_text(count, 'face')} marked as not {person.name}")
            return
        match = match_of(settings, store)
        embedder = embedder_of(settings, store)
        faces = [negatives.of_track(store, person, each, embedder) for each in track or []]
        if pictures:
            reach = store.people.limits().get(person.person_id, match.max_distance)
            faces.append(_of_pictures(settings, store, pictures, reach))
        negatives.mark(store, actor, person.person_id, faces, force=force)
    print_line(f"{count_text(sum(len(each.sources) for each in faces), 'face')} marked as not {person.name}")


def _of_pictures(settings: Settings, store: Store, paths: list[Path], reach: float) -> Faces:
    from tracker.actions.negatives import Faces
    from tracker.identity.enrolment import plan_person
    from tracker.identity.enrolment_requests import pictures_of

    plan = plan_person("somebody else", pictures_of(paths), load_engine(settings, store))
    for refused in plan.rejected:
        raise PictureError(f"{refused.path}: {refused.reason}", fix="give pictures with one face each, well visible")
    return Faces(vectors=plan.vectors, sources=tuple(plan.sources), reach=reach)
