"""The embedded store: everything that one machine knows, in one SQLite file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from tracker.store.store_file import StoreFile

if TYPE_CHECKING:
    from tracker.store.audience import AudienceCounts
    from tracker.store.audit import Audit
    from tracker.store.cameras import Cameras
    from tracker.store.devices import Devices
    from tracker.store.directory import Directory
    from tracker.store.display_links import DisplayLinks
    from tracker.store.events import Events, Matches
    from tracker.store.inbox import Inbox
    from tracker.store.observation import Observation
    from tracker.store.outbox import Outbox
    from tracker.store.people import People
    from tracker.store.reviews import Reviews
    from tracker.store.sessions import Sessions
    from tracker.store.shadow import ShadowVectors
    from tracker.store.sites import Sites
    from tracker.store.users import Users


class Store(StoreFile):
    """People, vectors, events, matches, sessions and the state of cameras in the file `path`.

    Safe to use from several threads of a process and several processes on one machine. What a method wrote is on the
    disk when it returns, all of it or nothing. Every method raises StoreError when the file or the disk fails, and
    StoreBusyError when others kept the store for longer than `busy_timeout_s`.

    model: the network whose vectors are written and read; those of other networks stay out of sight. Default: that of
    the vectors in the store. clock: the time now, UTC; facts later than it are kept but take no effect before their
    time. A part is made, and its modules are imported, when it is first used: a command waits for no others.
    """

    @cached_property
    def people(self) -> People:
        from tracker.store.people import People

        return People(self)

    @cached_property
    def shadow(self) -> ShadowVectors:
        from tracker.store.shadow import ShadowVectors

        return ShadowVectors(self)

    @cached_property
    def directory(self) -> Directory:
        from tracker.store.directory import Directory

        return Directory(self)

    @cached_property
    def events(self) -> Events:
        from tracker.store.events import Events

        return Events(self)

    @cached_property
    def matches(self) -> Matches:
        from tracker.store.events import Matches

        return Matches(self)

    @cached_property
    def sessions(self) -> Sessions:
        from tracker.store.sessions import Sessions

        return Sessions(self)

    @cached_property
    def sites(self) -> Sites:
        from tracker.store.sites import Sites

        return Sites(self)

    @cached_property
    def cameras(self) -> Cameras:
        from tracker.store.cameras import Cameras

        return Cameras(self)

    @cached_property
    def outbox(self) -> Outbox:
        from tracker.store.outbox import Outbox

        return Outbox(self)

    @cached_property
    def inbox(self) -> Inbox:
        from tracker.store.inbox import Inbox

        return Inbox(self)

    @cached_property
    def users(self) -> Users:
        from tracker.store.users import Users

        return Users(self)

    @cached_property
    def audit(self) -> Audit:
        from tracker.store.audit import Audit

        return Audit(self)

    @cached_property
    def display_links(self) -> DisplayLinks:
        from tracker.store.display_links import DisplayLinks

        return DisplayLinks(self)

    @cached_property
    def devices(self) -> Devices:
        from tracker.store.devices import Devices

        return Devices(self)

    @cached_property
    def reviews(self) -> Reviews:
        from tracker.store.reviews import Reviews

        return Reviews(self)

    @cached_property
    def audience(self) -> AudienceCounts:
        from tracker.store.audience import AudienceCounts

        return AudienceCounts(self)

    def record(self, found: Observation) -> int:
        """Write what one step of an agent found, in one transaction. Returns the number of new events.

        Whatever names a forgotten person is dropped. Of tracks that a user gave to somebody else, what `camera` reports
        is that person's, see `reassigned_tracks`. Vectors are dropped once people are recognised by another network.
        Sessions follow the events.
        """
        from tracker.store import camera_rows, correction_rows, event_rows, people_rows, reassigned_tracks, vector_rows
        from tracker.store.forgetting import without_forgotten

        with self.writing() as writing:
            vectors_fit = vector_rows.network(writing.connection) in (None, self.model)
            for person, vectors in found.visitors:
                rows = vectors if vectors_fit else vectors[:0]
                people_rows.save_visitor(writing, person, rows, model=self.model)
            events, presences = found.events, found.presences
            if found.camera is not None:
                events = reassigned_tracks.events(writing.connection, events)
                presences = None if presences is None else reassigned_tracks.presences(writing.connection, presences)
            count = event_rows.insert_events(writing, without_forgotten(writing, events))
            for correction in found.corrections:
                if event_rows.select_one(writing.connection, correction.event_id) is not None:
                    correction_rows.insert(writing, correction)
            event_rows.insert_matches(writing, without_forgotten(writing, found.matches))
            if vectors_fit:
                vector_rows.insert_evidence(writing, found.evidence, model=self.model)
            if presences is not None and found.camera is not None:
                camera_rows.replace_presences(writing, without_forgotten(writing, presences), found.camera)
            if found.line_states is not None and found.camera is not None:
                camera_rows.replace_line_states(writing, without_forgotten(writing, found.line_states), found.camera)
            writing.delete("zone_stays", "stay_id", found.dropped_stays)
            camera_rows.save_zone_stays(writing, without_forgotten(writing, found.zone_stays))
            if found.health is not None:
                camera_rows.save_health(writing, found.health)
            camera_rows.save_coverage(writing, found.coverage)
            if found.audience:
                from tracker.store import audience

                audience.save(writing, found.audience)
        return count

    def version(self) -> int:
        """A number that grows whenever anybody changed anything; cheap enough to ask several times a second."""
        return self.state("version")

    def scrub_due(self) -> bool:
        """Whether somebody was erased whose rows could not be overwritten on the disk yet."""
        return bool(self.state("scrub_due"))

    def camera_lease(self, camera_id: str) -> AbstractContextManager[None]:
        """Hold a camera while inside, so that no second agent tracks it into this store.

        Raises StoreBusyError naming the process that holds it. The kernel frees it when the process dies.
        """
        from tracker.store.leases import lease

        return lease(self.path, camera_id)
