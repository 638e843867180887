"""A site whose clock stands still, its store, and what happens there, for the tests of queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.settings import PresenceSettings, Settings, SiteSettings, StoreSettings
from dashboard.address import VisitQuery
from dashboard.views import Days
from tests.dashboard import gym
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import EventKind
from tracker.reports.visit_filter import VisitFilter
from tracker.store.observation import Observation
from tracker.store.store import Store

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ENTER, EXIT = EventKind.ENTER, EventKind.EXIT


def settings(path: Path, **site: object) -> Settings:
    return Settings(
        site=SiteSettings.model_validate({"id": gym.SITE, "time_zone": "Europe/Berlin", **site}),
        store=StoreSettings(url=f"sqlite:///{path}"),
        presence=PresenceSettings(min_visit_s=60),
    )


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def over(days: Days, **where: object) -> VisitQuery:
    """The visits of these days."""
    return VisitQuery(days=days, moving=None, where=VisitFilter(**where))  # type: ignore[arg-type]


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def stay(store: Store, person_id: str, from_min: float, to_min: float | None, *, camera: str = "door") -> None:
    """Somebody entered and, unless `to_min` is None, left; minutes before NOW."""
    events = [gym.event(ENTER, person_id, minutes_ago(from_min), camera=camera)]
    if to_min is not None:
        events.append(gym.event(EXIT, person_id, minutes_ago(to_min), camera=camera))
    store.record(Observation(events=events))


def watch(store: Store, from_min: float, to_min: float, camera: str = "door") -> None:
    """A camera watched; minutes before NOW."""
    seen = CoverageSpan(
        site_id=gym.SITE, camera_id=camera, started_at=minutes_ago(from_min), ended_at=minutes_ago(to_min)
    )
    store.record(Observation(coverage=[seen]))
