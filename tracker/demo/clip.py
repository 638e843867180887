"""The scene of the demo clip, and its ground truth: who is visible from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracker.demo.scene import (
    Actor,
    ActorKind,
    Conditions,
    Occluder,
    Pose,
    Scene,
    Silhouette,
    Waypoint,
    bust_share,
    face_share,
    poses,
)

DEMO_EXIT_AFTER_S = 2.0
"""`presence.exit_after_s` of the demo's run: an occlusion of one second is bridged, leaving the room is not."""
DEMO_MERGE_GAP_S = 6.0
"""`presence.merge_gap_s` of the demo's run: four seconds outside are part of the visit, nine start another."""
DEMO_SITE_NAME = "Demo lobby"

WALL_WIDTH = 54.0
"""A face narrower than this is behind the wall and visible only through the doorway."""
FRONT_WIDTH = 400.0
"""Equivalent width of pillar and counter, which are in front of everybody."""
DOOR_BOX = (726.0, 34.0, 938.0, 540.0)
PILLAR_BOX = (548.0, 0.0, 650.0, 540.0)
COUNTER_TOP = 436.0
SIZE_WH = (960, 540)


def _at(t: float, x: float, width: float, yaw: float = 0.0) -> Waypoint:
    return Waypoint(t=t, x=x, y=200.0, width=width, yaw=yaw)


ENROLLED = Actor(
    key="astronaut",
    label="Eileen",
    kind=ActorKind.ENROLLED,
    silhouette=Silhouette(face=(0.5, 0.64), head=(0.04, -0.3, 0.88, 0.95), body=(-2.2, 1.3, 1.5, 5.0)),
    walks=(
        (
            _at(1.2, -95, 64, 0.5),
            _at(4.0, 215, 72, 0.5),
            _at(6.0, 300, 80, 0.1),
            _at(9.0, 310, 84, 0.35),
            _at(11.5, 290, 84, -0.1),
            _at(14.5, 310, 84, 0.1),
            _at(17.5, 470, 84, 0.5),
            _at(20.0, 735, 86, 0.5),
            _at(21.5, 800, 88, 0.0),
            _at(24.0, 790, 88, -0.4),
            _at(26.0, 830, 86, 0.3),
            _at(28.4, 1090, 82, 0.5),
        ),
        (
            _at(30.4, 1090, 80, -0.5),
            _at(32.8, 830, 86, -0.5),
            _at(35.5, 770, 92, -0.2),
            _at(40.0, 760, 94, 0.2),
            _at(43.0, 790, 92, -0.3),
            _at(46.5, 800, 90, 0.0),
            _at(49.6, 1095, 84, 0.5),
        ),
    ),
)
STRANGER = Actor(
    key="hopper",
    label="Stranger",
    kind=ActorKind.STRANGER,
    silhouette=Silhouette(face=(0.5, 0.64), head=(0.0, -0.2, 0.66, 0.95), body=(-1.3, 0.9, 1.3, 5.0)),
    walks=(
        (
            _at(7.0, 640, 50, 0.4),
            _at(8.6, 790, 50, 0.4),
            _at(9.4, 832, 51, 0.2),
            _at(11.2, 826, 66, 0.0),
            _at(12.4, 800, 68, -0.2),
            _at(15.0, 560, 69, -0.5),
            _at(18.0, 300, 70, -0.5),
            _at(21.6, -105, 72, -0.5),
        ),
        (
            _at(30.4, -105, 66, 0.5),
            _at(33.4, 190, 76, 0.5),
            _at(35.0, 260, 82, 0.2),
            _at(38.5, 280, 84, -0.2),
            _at(42.0, 270, 84, 0.3),
            _at(44.0, 240, 80, -0.2),
            _at(47.0, -115, 74, -0.5),
        ),
    ),
)
PASSER_BY = Actor(
    key="from-behind",
    label="Passer-by",
    kind=ActorKind.UNIDENTIFIED,
    silhouette=Silhouette(face=(0.5, 0.64), head=(0.0, -0.2, 0.6, 0.85), body=(-1.32, 0.9, 1.32, 5.0)),
    walks=(
        (
            _at(22.6, -125, 88),
            _at(25.0, 230, 84),
            _at(27.6, 610, 76),
            _at(29.2, 790, 62),
            _at(30.2, 830, 52),
            _at(31.6, 630, 50),
        ),
    ),
)

CLIP = Scene(
    size_wh=SIZE_WH,
    fps=15,
    length_s=54.0,
    actors=(ENROLLED, STRANGER, PASSER_BY),
    occluders=(
        Occluder(WALL_WIDTH, (-400.0, 0.0, DOOR_BOX[0], 540.0)),
        Occluder(WALL_WIDTH, (DOOR_BOX[2], 0.0, 1400.0, 540.0)),
        Occluder(FRONT_WIDTH, PILLAR_BOX),
        Occluder(FRONT_WIDTH, (0.0, COUNTER_TOP, 960.0, 540.0)),
    ),
    conditions=(
        Conditions(t=0.0, sun=0.8, lamp=1.0, blur=0.6, noise=2.5),
        Conditions(t=10.0, sun=1.0, lamp=1.0, blur=0.5, noise=2.5),
        Conditions(t=12.0, sun=1.0, lamp=1.0, blur=1.3, noise=2.5),
        Conditions(t=13.5, sun=1.0, lamp=1.0, blur=0.5, noise=2.5),
        Conditions(t=20.0, sun=0.9, lamp=1.0, blur=0.5, noise=3.0),
        Conditions(t=24.0, sun=0.25, lamp=0.92, blur=0.7, noise=5.0),
        Conditions(t=34.0, sun=0.2, lamp=0.9, blur=0.7, noise=5.5),
        Conditions(t=37.0, sun=0.4, lamp=1.04, blur=1.6, noise=4.5),
        Conditions(t=39.5, sun=0.6, lamp=1.04, blur=1.5, noise=4.0),
        Conditions(t=41.0, sun=0.9, lamp=1.0, blur=0.5, noise=3.0),
        Conditions(t=54.0, sun=1.0, lamp=1.0, blur=0.6, noise=2.5),
    ),
    min_face=0.6,
    min_bust=0.2,
    seed=20240229,
)


@dataclass(frozen=True, slots=True)
class TrueSegment:
    """A segment of a visit, seconds from the first frame."""

    started_s: float
    ended_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueVisit:
    """A visit in the ground truth.

    label: display name. person: name of the enrolled person, or the key that distinguishes others from each other.
    entered_s, left_s: first and last frame in view. dwell_s: net, the gaps between segments left out.
    """

    label: str
    person: str
    kind: ActorKind
    segments: tuple[TrueSegment, ...]

    @property
    def entered_s(self) -> float:
        """Seconds from the first frame."""
        return self.segments[0].started_s

    @property
    def left_s(self) -> float:
        """Seconds from the first frame."""
        return self.segments[-1].ended_s

    @property
    def dwell_s(self) -> float:
        """Net seconds."""
        return sum(segment.ended_s - segment.started_s for segment in self.segments)


def truth(scene: Scene, *, exit_after_s: float, merge_gap_s: float, bodies: bool = True) -> tuple[TrueVisit, ...]:
    """The visits of the scene under the rules of the site, by start.

    bodies: as `times_in_view`. Gaps shorter than `exit_after_s` are no gaps; gaps of up to `merge_gap_s` part the
    segments of one visit; longer ones part visits.
    """
    visits = [
        TrueVisit(
            label=actor.label,
            person=actor.label if actor.kind is ActorKind.ENROLLED else actor.key,
            kind=actor.kind,
            segments=segments,
        )
        for actor in scene.actors
        for segments in _visits(times_in_view(scene, actor.key, bodies=bodies), exit_after_s, merge_gap_s)
    ]
    return tuple(sorted(visits, key=lambda visit: (visit.entered_s, visit.person)))


def times_in_view(scene: Scene, key: str, *, bodies: bool = True) -> tuple[float, ...]:
    """Times of the frames in which the actor can be seen. bodies: by head and chest; else by a face that is shown."""
    seen = []
    for t in scene.times:
        everybody = poses(scene, t)
        if any(pose.actor.key == key and _is_seen(scene, pose, everybody, bodies=bodies) for pose in everybody):
            seen.append(t)
    return tuple(seen)


def _is_seen(scene: Scene, pose: Pose, everybody: Sequence[Pose], *, bodies: bool) -> bool:
    if bodies:
        return bust_share(scene, pose, everybody) >= scene.min_bust
    return pose.actor.kind is not ActorKind.UNIDENTIFIED and face_share(scene, pose, everybody) >= scene.min_face


def _visits(times: Iterable[float], exit_after_s: float, merge_gap_s: float) -> tuple[tuple[TrueSegment, ...], ...]:
    visits: list[list[TrueSegment]] = []
    for t in times:
        gap = t - visits[-1][-1].ended_s if visits else float("inf")
        if gap < exit_after_s:
            visits[-1][-1] = TrueSegment(visits[-1][-1].started_s, t)
        elif gap <= merge_gap_s:
            visits[-1].append(TrueSegment(t, t))
        else:
            visits.append([TrueSegment(t, t)])
    return tuple(tuple(segments) for segments in visits)
