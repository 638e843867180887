"""The embedded store: everything that one machine knows, in one SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from config.errors import RecordError
from tracker.presence.crossing import Standing
from tracker.presence.events import Correction, Event, Match, as_utc
from tracker.presence.health import CameraHealth
from tracker.presence.hours import HourUsage
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session
from tracker.presence.watches import Watch
from tracker.presence.zones import ZoneStay
from tracker.store import (
    camera_rows,
    correction_rows,
    door_rows,
    event_rows,
    exception_rows,
    people_rows,
    visit_queries,
    visit_rows,
    watch_rows,
)
from tracker.store.event_rows import Wanted
from tracker.store.forgetting import without_forgotten
from tracker.store.leases import lease
from tracker.store.outbox import Outbox
from tracker.store.shared_copy import SharedCopy
from tracker.store.visit_queries import Moment


class LocalStore(SharedCopy, Outbox):
    """People, vectors, events, matches, open presences and camera health in the file `path`.

    Safe to use from several threads of a process and several processes on one machine. What a method wrote is on the
    disk when it returns, all of it or nothing. Every method raises StoreError when the file or the disk fails, and
    StoreBusyError when others kept the store for longer than `busy_timeout_s`.

    model: the network whose vectors are written and read; those of other networks stay out of sight.
    """

    # -- what agents write

    def record(
        self,
        *,
        events: Iterable[Event] = (),
        matches: Iterable[Match] = (),
        camera_id: str | None = None,
        site_id: str | None = None,
        presences: Iterable[Presence] | None = None,
        visitors: Iterable[tuple[Person, NDArray[np.float32]]] = (),
        health: CameraHealth | None = None,
        watch: Watch | None = None,
        standings: Iterable[Standing] | None = None,
        zone_stays: Iterable[ZoneStay] = (),
        evidence: Mapping[str, NDArray[np.float32]] | None = None,
        dropped_stays: Iterable[str] = (),
        corrections: Iterable[Correction] = (),
    ) -> int:
        """Write what one step of an agent found, in one transaction. Returns the number of new events.

        Events and matches whose ids are known are skipped. presences: replace all open presences of that site and
        camera, which must both be given; None leaves them. visitors: each with all vectors (N, D) kept for them;
        a visitor whom somebody named, merged or enrolled meanwhile stays so. evidence: vectors (N, D) behind matches,
        by match_id. watch: since when and until when a camera watched; one with a known start makes that longer, never
        shorter. standings: replace all that a door knows of its tracks, like presences. zone_stays: added, or brought
        up to date, after those of the ids `dropped_stays` are gone. corrections: of what an agent told before; one of
        an event that is not there any more does nothing. Whatever names a forgotten person is dropped. Visits and
        hourly usage follow the events.
        """
        if (presences is not None or standings is not None) and (site_id is None or camera_id is None):
            raise ValueError("presences, standings: expected site_id and camera_id beside them")
        with self._writing() as writing:
            for person, vectors in visitors:
                people_rows.save_visitor(writing, person, vectors, model=self._model)
            count = event_rows.insert_events(writing, without_forgotten(writing, events))
            for correction in corrections:
                if event_rows.select_one(writing.connection, correction.event_id) is not None:
                    correction_rows.insert(writing, correction)
            event_rows.insert_matches(writing, without_forgotten(writing, matches))
            exception_rows.insert_evidence(writing, evidence or {}, model=self._model)
            if presences is not None and site_id is not None and camera_id is not None:
                known = without_forgotten(writing, presences)
                camera_rows.replace_presences(writing, known, site_id=site_id, camera_id=camera_id)
            if standings is not None and site_id is not None and camera_id is not None:
                stood = without_forgotten(writing, standings)
                door_rows.replace_standings(writing, stood, site_id=site_id, camera_id=camera_id)
            door_rows.drop_zone_stays(writing, dropped_stays)
            door_rows.save_zone_stays(writing, without_forgotten(writing, zone_stays))
            if health is not None:
                camera_rows.save_health(writing, health)
            if watch is not None:
                watch_rows.save(writing, watch)
        return count

    def correct(self, corrections: Iterable[Correction]) -> None:
        """Write what an operator says about events, all of it or nothing; visits follow.

        Of several corrections of one event the latest holds, in whatever order they come. Raises RecordError when one
        voids an event that is not there, or adds one of somebody who was forgotten.
        """
        with self._writing() as writing:
            for correction in corrections:
                if correction.event is not None and not without_forgotten(writing, [correction.event]):
                    raise RecordError(
                        "correction: event: its person asked to be forgotten", fix="leave this person's events out"
                    )
                correction_rows.insert(writing, correction)

    def use_rules(self, rules: Rules) -> bool:
        """Make visits by these rules from now on; True when all of them had to be made anew."""
        with self._database.reading() as connection:
            if visit_rows.stored_rules(connection) == rules:
                return False
        with self._writing() as writing:
            visit_rows.rebuild(writing, rules)
        return True

    # -- history and the present

    def events(
        self,
        *,
        site_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        person_id: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Event]:
        """Events with since <= at < until in order of (at, event_id), those of merged people under one id."""
        wanted = Wanted(
            site_id=site_id, since=since, until=until, person_id=person_id, limit=limit, newest_first=newest_first
        )
        with self._database.reading() as connection:
            return event_rows.select_events(connection, wanted)

    def matches(
        self,
        *,
        site_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        person_id: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Match]:
        """Matches with since <= at < until in order of (at, match_id), those of merged people under one id."""
        wanted = Wanted(
            site_id=site_id, since=since, until=until, person_id=person_id, limit=limit, newest_first=newest_first
        )
        with self._database.reading() as connection:
            return event_rows.select_matches(connection, wanted)

    def corrections(self, event_id: str | None = None) -> list[Correction]:
        """What operators said about one event, or about all, by time."""
        with self._database.reading() as connection:
            return correction_rows.select(connection, event_id)

    def find_events(self, id_start: str, *, limit: int = 20) -> list[tuple[Event, bool]]:
        """Events whose ids begin so, by id, and whether each is voided."""
        with self._database.reading() as connection:
            return correction_rows.select_events(connection, id_start, limit=limit)

    def sessions(
        self,
        *,
        site_id: str,
        rules: Rules,
        now: datetime,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Session]:
        """Visits that touch [since, until), by start, then person; open ones run to `now`.

        By the rules in use (`use_rules`) they are read, by any others worked out from all events of the site.
        """
        with self._database.reading() as connection:
            moment = Moment(site_id=site_id, rules=rules, now=as_utc(now))
            return visit_queries.select_sessions(connection, moment, since=since, until=until)

    def usage_hours(
        self,
        *,
        site_id: str,
        rules: Rules,
        now: datetime,
        since: datetime,
        until: datetime,
        without: Iterable[str] = (),
    ) -> list[HourUsage]:
        """Hours of the rules' zone that begin in [since, until) and have any usage; people of some ids left out.

        Read or worked out as `sessions` are.
        """
        with self._database.reading() as connection:
            moment = Moment(site_id=site_id, rules=rules, now=as_utc(now))
            return visit_queries.select_usage(connection, moment, since=since, until=until, without=without)

    def standings(self, *, site_id: str, camera_id: str) -> list[Standing]:
        """What a door knows of its tracks."""
        with self._database.reading() as connection:
            return door_rows.select_standings(connection, site_id, camera_id)

    def zone_stays(
        self,
        *,
        site_id: str,
        camera_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        over: bool | None = None,
    ) -> list[ZoneStay]:
        """Stays in zones that touch [since, until), by start. over: only those that are, or are not, over."""
        with self._database.reading() as connection:
            return door_rows.select_zone_stays(
                connection, site_id=site_id, camera_id=camera_id, since=since, until=until, over=over
            )

    def presences(self, *, site_id: str | None = None, camera_id: str | None = None) -> list[Presence]:
        """Who is in sight, longest first, as the agents wrote it last."""
        with self._database.reading() as connection:
            return camera_rows.select_presences(connection, site_id, camera_id)

    def cameras(self, site_id: str | None = None) -> list[CameraHealth]:
        """The last known state of each camera, by site and id."""
        with self._database.reading() as connection:
            return camera_rows.select_health(connection, site_id)

    def watches(self, site_id: str | None = None) -> list[Watch]:
        """When each camera watched, by site, camera and start."""
        with self._database.reading() as connection:
            return watch_rows.select(connection, site_id)

    def version(self) -> int:
        """A number that grows whenever anybody changed anything; cheap enough to ask several times a second."""
        return self._state("version")

    def people_version(self) -> int:
        """The `version` at which people, vectors or merges changed last: time to load the gallery again."""
        return self._state("people_version")

    def events_version(self) -> int:
        """The `version` at which events changed last; with `people_version`, time to read the history again."""
        return self._state("events_version")

    def camera_lease(self, camera_id: str) -> AbstractContextManager[None]:
        """Hold a camera while inside, so that no second agent tracks it into this store.

        Raises StoreBusyError naming the process that holds it. The kernel frees it when the process dies.
        """
        return lease(self.path, camera_id)
