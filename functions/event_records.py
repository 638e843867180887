"""The events of a site as they count: corrected, and under the present ids of their people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Snapshot, chunks, decoded, fields_of, pages
from functions.site import SiteConfig
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of, record_id
from tracker.presence.events import UNIDENTIFIED_PREFIX, Correction, Event, corrected, is_unidentified
from tracker.presence.occupancy import Passage, cameras_of

_PAGE = 10


@dataclass(frozen=True, slots=True)
class EventRecords:
    """Reads the events of one site. read: a query, as far as a limit."""

    client: firestore.Client
    site: SiteConfig
    read: Callable[[Any], Iterable[Snapshot]]

    def first_at(self) -> datetime | None:
        """When the first event happened that was not voided."""
        firsts = [event.at for event in self._added()]
        for chunk in chunks(pages(self._collection(Collection.EVENTS).order_by("at"), _PAGE), _PAGE):
            found = self._corrected(decoded(chunk, self._decode))
            if found:
                return min([*firsts, *(event.at for event in found)])
        return min(firsts, default=None)

    def between(self, since: datetime, until: datetime) -> list[Event]:
        """Those in [since, until), in no order."""
        merged = self._merged()
        return [_renamed(event, merged) for event in self._within(since, until)]

    def counts_people(self) -> bool:
        """Whether people are counted beside sessions: the rules say so, and somebody unidentified was ever recorded."""
        return bool(cameras_of(self.site.rules)) and self._has_unidentified()

    def passages(self, since: datetime, until: datetime) -> list[Passage]:
        """What the count needs of the events in [since, until)."""
        rules = self.site.rules
        cameras = cameras_of(rules)
        events = self.between(since, until) if rules.rooms else self._within(since, until)  # doors count any id
        return [Passage.of(event) for event in events if event.camera_id in cameras]

    def _has_unidentified(self) -> bool:
        first, last = f"{UNIDENTIFIED_PREFIX}0", f"{UNIDENTIFIED_PREFIX}g"
        query = self._collection(Collection.EVENTS).where(filter=FieldFilter("person_id", ">=", first))
        query = query.where(filter=FieldFilter("person_id", "<", last)).order_by("person_id")
        found = pages(query, _PAGE)  # an id of another system may have the prefix
        return any(is_unidentified(str(fields_of(each).get("person_id"))) for each in found)

    def _within(self, since: datetime, until: datetime) -> list[Event]:
        """Those in [since, until), under the ids by which they were recorded."""
        within = self._collection(Collection.EVENTS).where(filter=FieldFilter("at", ">=", since))
        within = within.where(filter=FieldFilter("at", "<", until))
        events = self._corrected(decoded(self.read(within), self._decode))
        known = {event.event_id for event in events}
        events += [event for event in self._added() if event.event_id not in known]
        return [event for event in events if since <= event.at < until]

    def _added(self) -> list[Event]:
        """The events that corrections add."""
        added = self._collection(Collection.CORRECTIONS).where(filter=FieldFilter("action", "==", "add"))
        found = decoded(added.stream(), documents.correction_of)
        return self._corrected(each.event for each in found if each.event is not None)

    def _corrected(self, events: Iterable[Event]) -> list[Event]:
        events = list(events)
        found: list[Correction] = []
        for chunk in chunks([event.event_id for event in events]):
            query = self._collection(Collection.CORRECTIONS).where(filter=FieldFilter("event_id", "in", chunk))
            found += decoded(query.stream(), documents.correction_of)
        return corrected(events, found)

    def _merged(self) -> dict[str, str]:
        """The ids of merged people, and whom each was merged into."""
        merged = self._collection(Collection.PEOPLE).where(filter=FieldFilter("merged_into", ">", ""))
        return {record_id(each.id): str(fields_of(each)["merged_into"]) for each in merged.stream()}

    def _decode(self, event_id: str, fields: dict[str, Any]) -> Event:
        return documents.event_of(self.site.site_id, event_id, fields)

    def _collection(self, name: Collection) -> Any:
        return self.client.collection(path_of(self.site.site_id, name))


def _renamed(event: Event, merged: Mapping[str, str]) -> Event:
    """The event under the id of whom its person was merged into."""
    person_id, seen = event.person_id, set[str]()
    while person_id in merged and person_id not in seen:
        seen.add(person_id)
        person_id = merged[person_id]
    return replace(event, person_id=person_id) if person_id != event.person_id else event
