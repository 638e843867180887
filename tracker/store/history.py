"""What the settings say about a site, as presence knows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, time, timedelta, tzinfo

from config.settings import CameraRole, CameraSettings, PresenceSettings, Settings
from tracker.presence.calendar import Opening
from tracker.presence.rules import Rules, Site


def rules_of(settings: PresenceSettings, *, cameras: Iterable[CameraSettings] = (), zone: tzinfo = UTC) -> Rules:
    """The rules of the session algorithm that the settings say, at a site with these cameras in this time zone."""
    ways = [(camera.id, camera.role) for camera in cameras]
    return Rules(
        exit_after=timedelta(seconds=settings.exit_after_s),
        merge_gap=timedelta(seconds=settings.merge_gap_s),
        min_visit=timedelta(seconds=settings.min_visit_s),
        max_visit=timedelta(seconds=settings.max_visit_s),
        max_unseen=timedelta(seconds=settings.max_unseen_s),
        skew=timedelta(seconds=settings.skew_s),
        closes_at=None if settings.closes_at is None else time.fromisoformat(settings.closes_at),
        zone=zone,
        entrances=frozenset(one_id for one_id, role in ways if role in (CameraRole.ENTRANCE, CameraRole.DOOR)),
        exits=frozenset(one_id for one_id, role in ways if role in (CameraRole.EXIT, CameraRole.DOOR)),
        rooms=frozenset(one_id for one_id, role in ways if role is CameraRole.ROOM),
    )


def site_rules(settings: Settings) -> Rules:
    """The rules of the site that the settings describe."""
    return rules_of(settings.presence, cameras=settings.camera, zone=settings.site.zone)


def site_of(settings: Settings, rules: Rules | None = None) -> Site:
    """The site that the settings describe. rules: where they are others than those of the settings."""
    return Site(
        site_id=settings.site.id,
        name=settings.site.name,
        capacity=settings.site.capacity,
        rules=rules or site_rules(settings),
    )


def opening_of(settings: Settings) -> Opening | None:
    """When the site is open, None where the settings do not say."""
    hours = settings.presence
    if hours.opens_at is None or hours.closes_at is None:
        return None
    return Opening(time.fromisoformat(hours.opens_at), time.fromisoformat(hours.closes_at), settings.site.zone)
