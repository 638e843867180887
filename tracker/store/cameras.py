"""The cameras of a store: health, coverage, who is in sight, line states at doors, stays in zones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tracker.presence.coverage import CoverageSpan
from tracker.presence.health import CameraHealth
from tracker.presence.line import LineState
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay
from tracker.store import camera_rows, presence_rows
from tracker.store.camera_rows import SharedCamera
from tracker.store.store_file import StoreFile


class Cameras:
    """The state of each camera. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def health(self, site_id: str | None = None) -> list[CameraHealth]:
        """The last known state of each camera, by site and id."""
        with self._file.reading() as connection:
            return camera_rows.select_health(connection, site_id)

    def shared(self, site_id: str, now: datetime) -> list[SharedCamera]:
        """Cameras that several machines report at the same time, by the heartbeats in Firestore."""
        with self._file.reading() as connection:
            return camera_rows.select_shared(connection, site_id, now)

    def coverage(
        self, site_id: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[CoverageSpan]:
        """When each camera watched, by site, camera and start.

        since, until: only what touches [since, until), and of each camera the spans around it and its first and last.
        """
        with self._file.reading() as connection:
            return camera_rows.select_coverage(connection, site_id, since, until)

    def ids(self, site_id: str) -> list[str]:
        """The cameras of which there is any record, by id."""
        with self._file.reading() as connection:
            return camera_rows.select_ids(connection, site_id)

    def event_bounds(self, site_id: str, camera_id: str | None = None) -> tuple[datetime, datetime] | None:
        """When the first and the last event of a site, or of one of its cameras, happened; None without any."""
        with self._file.reading() as connection:
            return camera_rows.event_bounds(connection, site_id, camera_id)

    def last_events(self, site_id: str, person_ids: Iterable[str]) -> dict[str, str]:
        """The camera of the last event of each of these people; who has none is left out."""
        with self._file.reading() as connection:
            return camera_rows.select_last_cameras(connection, site_id, person_ids)

    def zones(self, site_id: str) -> dict[str, tuple[datetime, datetime]]:
        """The zones in which anybody stayed, with the starts of the first and of the last stay."""
        with self._file.reading() as connection:
            return presence_rows.select_zones(connection, site_id)

    def presences(self, *, site_id: str | None = None, camera_id: str | None = None) -> list[Presence]:
        """Who is in sight, longest first, as the agents wrote it last."""
        with self._file.reading() as connection:
            return presence_rows.select_presences(connection, site_id, camera_id)

    def line_states(self, *, site_id: str, camera_id: str) -> list[LineState]:
        """The line states of a door."""
        with self._file.reading() as connection:
            return presence_rows.select_line_states(connection, site_id, camera_id)

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
        with self._file.reading() as connection:
            return presence_rows.select_zone_stays(
                connection, site_id=site_id, camera_id=camera_id, since=since, until=until, over=over
            )
