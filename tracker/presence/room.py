"""Cameras that watch a room: who is in sight is present, who has not been seen for a while has left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from tracker.presence.events import CameraRef, EventKind, as_utc
from tracker.presence.transitions import Transition

_NOBODY: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A named person in one frame.

    since: where the evidence starts, UTC: the track's start when its name came late, else `seen_at`.
    x_frac, y_frac: where in the frame, 0..1. Raises ValueError on a naive time or a `since` after `seen_at`.
    """

    person_id: str
    track_id: str
    since: datetime
    seen_at: datetime
    x_frac: float
    y_frac: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "since", as_utc(self.since))
        object.__setattr__(self, "seen_at", as_utc(self.seen_at))
        if self.since > self.seen_at:
            raise ValueError(f"since: expected {self.seen_at.isoformat()} or earlier, got {self.since.isoformat()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Somebody whom a camera has in sight, from `entered_at` to `seen_at` so far.

    track_id: the track that began it; its enter and its exit carry the same one, which marks them as the two ends of
    one presence. x_frac, y_frac: where the person was last, 0..1.
    """

    site_id: str
    camera_id: str
    person_id: str
    track_id: str
    entered_at: datetime
    seen_at: datetime
    x_frac: float
    y_frac: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "entered_at", as_utc(self.entered_at))
        object.__setattr__(self, "seen_at", as_utc(self.seen_at))
        if self.entered_at > self.seen_at:
            raise ValueError(
                f"entered_at: expected {self.seen_at.isoformat()} or earlier, got {self.entered_at.isoformat()}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without frames, too short to conclude anything from it, UTC.

    frames_since: when the frames before it began. until: when frames came again. Whoever was seen since `frames_since`
    counts as unseen from `until` on. Others were out of sight in frames already: the gap changes nothing for them.
    """

    frames_since: datetime
    until: datetime


def observe(
    open_: Mapping[str, Presence],
    sightings: Iterable[Sighting],
    *,
    camera: CameraRef,
    now: datetime,
    exit_after: timedelta,
    ended: bool = False,
    left: Mapping[str, datetime] = _NOBODY,
    gap: Gap | None = None,
) -> tuple[dict[str, Presence], tuple[Transition, ...]]:
    """Open presences and what was seen since -> open presences and the transitions, in order of time.

    open_: person id -> presence of this camera. now: the time of the frame, UTC. A person enters at the start of the
    evidence and leaves when unseen for `exit_after`, dated at the last sighting. Two tracks of one person are one
    presence. ended: the recording is over, so everybody still in sight leaves at the last sighting, inferred.
    left: person id -> when that person's last presence here ended; a late name never reaches back before it.
    gap: the latest one without frames.

    Raises ValueError unless `exit_after` is positive.
    """
    if exit_after <= timedelta(0):
        raise ValueError(f"exit_after: expected more than 0 s, got {exit_after.total_seconds()} s")
    by_person = _by_person(sightings)
    still_open: dict[str, Presence] = {}
    transitions: list[Transition] = []
    for person_id in sorted(open_.keys() | by_person.keys()):
        presence = open_.get(person_id)
        for sighting in by_person.get(person_id, ()):
            if presence is not None and sighting.since - _unseen_since(presence, gap) < exit_after:
                presence = _go_on(presence, sighting)
                continue
            if presence is not None:
                transitions.append(_exit(presence))
            presence = _begin(sighting, left.get(person_id), camera)
            if presence is not None:
                transitions.append(_enter(presence))
        if presence is None:
            continue
        if now - _unseen_since(presence, gap) >= exit_after:
            transitions.append(_exit(presence))
        elif ended:
            transitions.append(_exit(presence, inferred=True))
        else:
            still_open[person_id] = presence
    transitions.sort(key=lambda each: each.at)
    return still_open, tuple(transitions)


def _by_person(sightings: Iterable[Sighting]) -> dict[str, list[Sighting]]:
    """Each person's sightings, in order of the start of their evidence."""
    found: dict[str, list[Sighting]] = {}
    for sighting in sorted(sightings, key=_in_time):
        found.setdefault(sighting.person_id, []).append(sighting)
    return found


def _unseen_since(presence: Presence, gap: Gap | None) -> datetime:
    if gap is None or presence.seen_at < gap.frames_since:
        return presence.seen_at
    return max(presence.seen_at, gap.until)


def _in_time(sighting: Sighting) -> tuple[datetime, datetime, str, float, float]:
    return sighting.since, sighting.seen_at, sighting.track_id, sighting.x_frac, sighting.y_frac


def _begin(sighting: Sighting, left_at: datetime | None, camera: CameraRef) -> Presence | None:
    """A presence from the start of the evidence, or None if that person's exit has accounted for all of it."""
    if left_at is not None and sighting.seen_at <= left_at:
        return None
    return Presence(
        site_id=camera.site_id,
        camera_id=camera.camera_id,
        person_id=sighting.person_id,
        track_id=sighting.track_id,
        entered_at=sighting.since if left_at is None else max(sighting.since, left_at),
        seen_at=sighting.seen_at,
        x_frac=sighting.x_frac,
        y_frac=sighting.y_frac,
    )


def _go_on(presence: Presence, sighting: Sighting) -> Presence:
    """The presence with its last sighting brought forward, never back."""
    if sighting.seen_at < presence.seen_at:
        return presence
    return replace(presence, seen_at=sighting.seen_at, x_frac=sighting.x_frac, y_frac=sighting.y_frac)


def _enter(presence: Presence) -> Transition:
    return _transition(EventKind.ENTER, presence, presence.entered_at)


def _exit(presence: Presence, *, inferred: bool = False) -> Transition:
    return _transition(EventKind.EXIT, presence, presence.seen_at, inferred=inferred)


def _transition(kind: EventKind, presence: Presence, at: datetime, *, inferred: bool = False) -> Transition:
    return Transition(
        kind=kind,
        person_id=presence.person_id,
        track_id=presence.track_id,
        at=at,
        x_frac=presence.x_frac,
        y_frac=presence.y_frac,
        inferred=inferred,
    )
