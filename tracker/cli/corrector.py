"""Corrections of events: who makes them, what they would change, and what they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from tracker.cli.acting import actor_of, plain
from tracker.cli.options import Acting
from tracker.cli.output import Result, Table, duration, local_time, short
from tracker.cli.people import names_in
from tracker.cli.store import reading, writing
from tracker.presence.documents import encode
from tracker.presence.events import OPERATOR, Action, Correction, Event, is_unidentified
from tracker.presence.preview import Change, preview

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.actions.actor import Actor
    from tracker.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionOptions(Acting):
    """Options of commands that correct events."""

    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, kept with the correction.")] = ""
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False


@contextmanager
def correcting(access: CorrectionOptions) -> Iterator[Corrector]:
    """The store for a correction; a dry run only reads it. Raises UsageError on an invalid author or reason."""
    actor, reason = actor_of(access), plain(access.reason, "--reason")
    with reading(access) if access.dry_run else writing(access) as (settings, store):
        yield Corrector(store, settings, actor, reason=reason, dry_run=access.dry_run)


@dataclass(frozen=True, slots=True)
class Corrector:
    """Corrects events of a store, or in a dry run only shows what would change."""

    store: Store
    settings: Settings
    actor: Actor
    reason: str
    dry_run: bool

    def carry_out(self, action: Action, events: Sequence[Event], write: Callable[[], int], *, done: str) -> Result:
        """Correct the events; how visits change.

        write: makes the corrections, and returns the id of their entry in the audit trail. done: the new state of each
        event, in a word.
        """
        made = self._planned(action, events)
        names = names_in(self.store)
        affected = [self._affected(at, names, events, made) for at in dict.fromkeys(map(_person_at, events))]
        done = f"would be {done}" if self.dry_run else done
        parts: list[str | Table] = [
            f"{done} by {self.actor.name}: {_in_words(event, names, self.zone(event.site_id))}" for event in events
        ]
        parts += [each.table() for each in affected]
        if not self.dry_run:
            parts.append(f"to revert: footfall undo {write()}")
            made = [self.store.events.corrections(event.event_id)[-1] for event in events]
        document = {
            "written": not self.dry_run,
            "corrections": [encode(each) for each in made],
            "changes": [each.document() for each in affected],
        }
        return Result(document=document, parts=parts)

    def zone(self, site_id: str) -> ZoneInfo:
        """The time zone of a site."""
        own = site_id == self.settings.site.id
        zone = self.settings.site.zone if own else self.store.sites.rules(site_id).zone
        return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")

    def _planned(self, action: Action, events: Sequence[Event]) -> list[Correction]:
        now = datetime.now(UTC)
        return [
            Correction(
                action=action,
                event_id=event.event_id,
                by=self.actor.name,
                at=now,
                reason=self.reason,
                event=event if action is Action.ADD else None,
            )
            for event in events
        ]

    def _affected(
        self, at: tuple[str, str], names: Mapping[str, str], events: Sequence[Event], made: Sequence[Correction]
    ) -> _Affected:
        """What the corrections change for a person at a site."""
        site_id, person_id = at
        ids = {event.event_id for event in events if _person_at(event) == at}
        change = preview(
            self.store.events.select(site_id=site_id, person_id=person_id),
            [each for each in made if each.event_id in ids],
            rules=self.store.sites.rules(site_id),
            now=made[0].at,
            presences=self.store.cameras.presences(site_id=site_id),
        )
        return _Affected(person_id, names.get(person_id, person_id), self.zone(site_id), change)


@dataclass(frozen=True, slots=True)
class _Affected:
    """Somebody whose visits corrections change. zone: of the site."""

    person_id: str
    name: str
    zone: ZoneInfo
    change: Change

    def document(self) -> dict[str, object]:
        return {
            "person_id": self.person_id,
            "name": self.name,
            "before": [encode(each) for each in self.change.before],
            "after": [encode(each) for each in self.change.after],
        }

    def table(self) -> Table:
        rows = [
            [
                word,
                local_time(each.started_at, self.zone),
                "still in" if each.ended_at is None else local_time(each.ended_at, self.zone, after=each.started_at),
                duration(each.dwell_s),
                "entry not seen" if each.enter_inferred else "exit not seen" if each.exit_inferred else "",
            ]
            for word, found in (("was", self.change.before), ("is", self.change.after))
            for each in found
        ]
        empty = f"The visits of {self.name} do not change."
        if is_unidentified(self.person_id):
            empty = (
                "Unidentified people have no visits; where doors count everybody, entries, exits and occupancy change."
            )
        return Table.of(["", "entered", "left", "net dwell", "note"], rows, title=f"visits of {self.name}", empty=empty)


def _person_at(event: Event) -> tuple[str, str]:
    return event.site_id, event.person_id


def _in_words(event: Event, names: Mapping[str, str], zone: ZoneInfo) -> str:
    camera = "" if event.camera_id == OPERATOR else f", camera {event.camera_id}"
    name = names.get(event.person_id, event.person_id)
    return f"{event.kind} of {name} at {local_time(event.at, zone)}{camera}, event {short(event.event_id)}"
