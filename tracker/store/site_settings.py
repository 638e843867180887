"""The site of the settings: its rules, and what its machines share by the site's document in Firestore.

Shared settings apply where the file and the environment of a machine set none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path

from pydantic import BaseModel

from config.errors import SettingsError, StoreError
from config.settings import CameraRole, CameraSettings, Counting, PresenceSettings, Settings, load_settings
from config.shared import Shared, accepted
from tracker.presence.calendar import Opening
from tracker.presence.coverage import OUTAGE_AFTER, CoverageSpan
from tracker.presence.health import CameraState, unstopped
from tracker.presence.rules import Rules, Site, decode_rules, encode_rules
from tracker.store.store import Store

_TRANSIT_S = 60.0
"""How old a heartbeat may be when it is read: up to 30 s when it is sent, and up to 30 s in transit."""
Overrides = Mapping[str, Mapping[str, object]]


def rules_of(settings: PresenceSettings, *, cameras: Iterable[CameraSettings] = (), zone: tzinfo = UTC) -> Rules:
    """The rules of sessions in the settings, at a site with these cameras in this time zone."""
    cameras = tuple(cameras)
    ways = [(camera.id, camera.role) for camera in cameras]
    doors = [camera for camera in cameras if camera.role is CameraRole.DOOR]
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
        counted=frozenset(camera.id for camera in doors if camera.count is Counting.BODIES),
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
    """When the site is open, None where the settings leave it open."""
    hours = settings.presence
    if hours.opens_at is None or hours.closes_at is None:
        return None
    return Opening(time.fromisoformat(hours.opens_at), time.fromisoformat(hours.closes_at), settings.site.zone)


def fields_of(settings: Settings, rules: Rules | None = None) -> dict[str, object]:
    """The fields of the site's document that describe the site of these settings.

    rules: where they are others than those of the settings.
    """
    return {
        "name": settings.site.name,
        "time_zone": settings.site.zone.key,
        "capacity": settings.site.capacity,
        "rules": encode_rules(rules or site_rules(settings)),
    }


def shared_by(document: Mapping[str, object]) -> Shared:
    """The settings in a site's document: its rules and its name, over them its settings."""
    own: dict[str, dict[str, object]] = {"site": {}, "presence": _presence(rules_in(document))}
    for name in ("name", "time_zone", "capacity"):
        if document.get(name) is not None:
            own["site"][name] = document[name]
    under, over = accepted(own), accepted(document.get("settings") or {})
    sections = {name: under.sections.get(name, {}) | over.sections.get(name, {}) for name in _names(under, over)}
    together = accepted(sections)
    return Shared(together.sections, under.refused | over.refused | together.refused)


def settings_at_site(path: Path | None, overrides: Overrides) -> tuple[Settings, dict[str, str]]:
    """The settings of a run with what the site shares, as the store last had it; and why some of that is left out.

    Without a shared store it is what `load_settings` gives. `model_fields_set` of a section is what the file and the
    environment of this machine set. Raises SettingsError for those.
    """
    settings = own = load_settings(path, overrides)
    document = _document(settings)
    if document is None:
        return settings, {}
    shared = shared_by(document)
    refused = dict(shared.refused)
    kept: dict[str, dict[str, object]] = {}
    for name, fields in shared.sections.items():
        try:
            settings = load_settings(path, overrides, shared=kept | {name: fields})
        except SettingsError as error:  # it contradicts the settings of this machine
            refused[name] = error.problem
        else:
            kept[name] = fields
    return settings.model_copy(update={name: _own_set(settings, own, name) for name in kept}), refused


def rules_at_site(settings: Settings, store: Store) -> Rules:
    """The rules in the settings, with the devices in use as cameras.

    Where the settings name no camera, the roles of other cameras are those that the site shares.
    """
    rules = site_rules(settings)
    if settings.store.firestore is not None and not settings.camera:
        theirs = rules_in(store.inbox.site_document(settings.site.id) or {})
        if theirs is not None:
            rules = replace(rules, entrances=theirs.entrances, exits=theirs.exits, rooms=theirs.rooms)
    return with_devices(rules, store, settings.site.id)


def with_devices(rules: Rules, store: Store, site_id: str) -> Rules:
    """The rules with the devices in use at a site as cameras."""
    for device in store.devices.all(site_id):
        rules = with_camera(rules, device.camera_id, device.role)
    return rules


def with_camera(rules: Rules, camera_id: str, role: CameraRole | None) -> Rules:
    """The rules with a browser as the camera of that id and role; None for no role, as without it.

    At its door everybody counts whose face is seen, recognised or not.
    """
    own = {
        "entrances": role in (CameraRole.ENTRANCE, CameraRole.DOOR),
        "exits": role in (CameraRole.EXIT, CameraRole.DOOR),
        "rooms": role is CameraRole.ROOM,
        "counted": role is CameraRole.DOOR,
    }
    cameras = {
        name: getattr(rules, name) - {camera_id} | ({camera_id} if among else set()) for name, among in own.items()
    }
    return replace(rules, **cameras)


def use_camera(settings: Settings, store: Store, camera_id: str, role: CameraRole | None) -> None:
    """Let sessions follow that a browser is the camera of that id and role from now on, or None: is no camera."""
    known = store.sites.get(settings.site.id)
    site = known if known is not None and known.name else site_of(settings, rules_at_site(settings, store))
    store.sites.save(replace(site, rules=with_camera(site.rules, camera_id, role)))


def reports_after_s(settings: Settings) -> float:
    """How long a camera that is watched by another machine may be silent before something is wrong; 0 for none is."""
    return 0.0 if settings.store.firestore is None else 1.5 * settings.cloud.heartbeat_s + _TRANSIT_S


def coverage_at_site(
    settings: Settings,
    store: Store,
    now: datetime,
    *,
    site_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[CoverageSpan]:
    """When each camera watched. One of another machine that was live at its last report watches on until the next.

    A camera that was started and never gave a frame has a span without length there: it counts, as down.

    site_id: of another site than that of the settings. since, until: as `store.cameras.coverage` takes them.
    """
    site_id = site_id or settings.site.id
    spans = store.cameras.coverage(site_id, since=since, until=until)
    patience = timedelta(seconds=reports_after_s(settings))
    health = store.cameras.health(site_id)
    reported = {
        camera.camera_id: camera.updated_at
        for camera in health
        if not camera.source and camera.state is CameraState.LIVE and now - camera.updated_at <= patience
    }
    watched = [
        replace(watch, ended_at=max(now, watch.ended_at))
        if watch.camera_id in reported and reported[watch.camera_id] - watch.ended_at <= OUTAGE_AFTER
        else watch
        for watch in spans
    ]
    return watched + [
        CoverageSpan(
            site_id=site_id, camera_id=camera.camera_id, started_at=camera.started_at, ended_at=camera.started_at
        )
        for camera in health
        if camera.last_frame_at is None and camera.camera_id in unstopped(health)
    ]


def _own_set(settings: Settings, own: Settings, name: str) -> BaseModel:
    """A section with all its values, of which only those of `own` count as set."""
    section: BaseModel = getattr(settings, name)
    known: BaseModel = getattr(own, name)
    return section.model_construct(_fields_set=set(known.model_fields_set), **dict(section))


def _document(settings: Settings) -> Mapping[str, object] | None:
    if settings.store.firestore is None or not settings.store.path.is_file():
        return None
    with suppress(StoreError), Store(settings.store.path).open(create=False) as store:
        return store.inbox.site_document(settings.site.id)
    return None


def rules_in(document: Mapping[str, object]) -> Rules | None:
    """The rules of sessions in a site's document, None where it has none that can be read."""
    text = document.get("rules")
    if not isinstance(text, str) or not text:
        return None
    try:
        return decode_rules(text)
    except ValueError:  # of another version, or damaged
        return None


def _presence(rules: Rules | None) -> dict[str, object]:
    if rules is None:
        return {}
    lengths = ("exit_after", "merge_gap", "min_visit", "max_visit", "max_unseen", "skew")
    fields: dict[str, object] = {f"{name}_s": getattr(rules, name).total_seconds() for name in lengths}
    if rules.closes_at is not None:
        fields["closes_at"] = rules.closes_at.strftime("%H:%M")
    return fields


def _names(*each: Shared) -> list[str]:
    return sorted({name for shared in each for name in shared.sections})
