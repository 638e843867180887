"""The scene of the demo clip as data: actors and their paths, occluders, and lighting.

Coordinates are pixels of the clip, x to the right and y down; times are seconds from its first frame. The width
of a face encodes its distance: of two objects, the one with the greater width occludes the other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise
from math import pi, sin

import numpy as np
from numpy.typing import NDArray

from tracker.vision.faces import FloatArray

_SAMPLES = 24
"""Grid points per axis for sampling a face."""
_CHEST = 2.5
"""Where the chest ends, in face widths below the middle of the face."""
_REACH = 3.0
"""Nobody is wider than twice this, in face widths."""
_STEPS_PER_S = 1.7
_BOB = 0.035
"""Vertical movement of a head with each step, in face widths."""


class ActorKind(StrEnum):
    """Whether an actor is enrolled, a stranger, or never shows a face."""

    ENROLLED = "enrolled"
    STRANGER = "stranger"
    UNIDENTIFIED = "unidentified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """Position of the centre of a face at one time.

    width: px, of the face. yaw: -1..1, negative conditions to the left of the picture, 1 is about 35 degrees.
    """

    t: float
    x: float
    y: float
    width: float
    yaw: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silhouette:
    """The silhouette of a person in face widths, relative to the centre of the face.

    face: half axes of the face's ellipse. head: middle and half axes of the ellipse of head and hair.
    body: left, top, right, bottom of shoulders and trunk.
    """

    face: tuple[float, float]
    head: tuple[float, float, float, float]
    body: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One person of the clip.

    key: which portrait or figure plays it. label: the name people read. walks: each is one appearance, at least two
    waypoints in order of time; between walks the person is nowhere near.

    Raises ValueError when a walk is too short or its times do not grow.
    """

    key: str
    label: str
    kind: ActorKind
    silhouette: Silhouette
    walks: tuple[tuple[Waypoint, ...], ...]

    def __post_init__(self) -> None:
        for walk in self.walks:
            if len(walk) < 2 or any(after.t <= before.t for before, after in pairwise(walk)):
                raise ValueError(f"{self.key}: a walk needs at least two waypoints whose times grow")


@dataclass(frozen=True, slots=True)
class Occluder:
    """An object that occludes everybody whose face is narrower than `width` px.

    box: left, top, right, bottom px.
    """

    width: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Lighting, blur and noise at one time; interpolated linearly in between.

    sun: daylight through the window, 0..1. lamp: gain of the light in the room. blur: sigma px. noise: sigma in
    grey levels.
    """

    t: float
    sun: float
    lamp: float
    blur: float
    noise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A clip as data. fps: frames a second. size_wh: px.

    min_face, min_bust: share of a face, and of head and chest, that must be visible for somebody to be seen.
    """

    size_wh: tuple[int, int]
    fps: int
    length_s: float
    actors: tuple[Actor, ...]
    occluders: tuple[Occluder, ...]
    conditions: tuple[Conditions, ...]
    min_face: float
    min_bust: float
    seed: int

    @property
    def times(self) -> tuple[float, ...]:
        """Time of every frame."""
        return tuple(index / self.fps for index in range(round(self.length_s * self.fps)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """An actor at one time: centre and width of the face in px, yaw -1..1, roll in radians."""

    actor: Actor
    x: float
    y: float
    width: float
    yaw: float
    roll: float = 0.0


def poses(scene: Scene, t: float) -> tuple[Pose, ...]:
    """The poses of all present actors at time t, the farthest first."""
    here = [pose for actor in scene.actors if (pose := _pose(actor, t)) is not None]
    return tuple(sorted(here, key=lambda pose: pose.width))


def conditions_at(scene: Scene, t: float) -> Conditions:
    """Lighting, blur and noise at time t."""
    times = [step.t for step in scene.conditions]

    def at(values: Sequence[float]) -> float:
        return float(np.interp(t, times, values))

    return Conditions(
        t=t,
        sun=at([step.sun for step in scene.conditions]),
        lamp=at([step.lamp for step in scene.conditions]),
        blur=at([step.blur for step in scene.conditions]),
        noise=at([step.noise for step in scene.conditions]),
    )


def face_share(scene: Scene, pose: Pose, others: Sequence[Pose]) -> float:
    """Share (0..1) of the face inside the frame and not occluded by an object or a nearer person."""
    return _visible(scene, pose, others, _disc() * np.array(pose.actor.silhouette.face, np.float32))


def bust_share(scene: Scene, pose: Pose, others: Sequence[Pose]) -> float:
    """As `face_share`, of head and chest."""
    return _visible(scene, pose, others, _bust(pose.actor.silhouette))


def _visible(scene: Scene, pose: Pose, others: Sequence[Pose], points: FloatArray) -> float:
    """points: (N, 2) of the person, in face widths from the middle of the face."""
    x, y = pose.x + points[:, 0] * pose.width, pose.y + points[:, 1] * pose.width
    width, height = scene.size_wh
    seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    for occluder in scene.occluders:
        if occluder.width > pose.width:
            seen &= ~_inside_box(x, y, occluder.box)
    for other in others:
        if other.width > pose.width:
            seen &= ~_inside_silhouette(x, y, other)
    return float(seen.mean())


def _pose(actor: Actor, t: float) -> Pose | None:
    for walk in actor.walks:
        if walk[0].t <= t <= walk[-1].t:
            return _walking(actor, walk, t)
    return None


def _walking(actor: Actor, walk: tuple[Waypoint, ...], t: float) -> Pose:
    times = [point.t for point in walk]

    def at(values: Sequence[float]) -> float:
        return _smooth(times, values, t)

    x = at([point.x for point in walk])
    width = at([point.width for point in walk])
    pace = min(
        abs(at([point.x for point in walk]) - _smooth(times, [p.x for p in walk], t - 0.1)) / (0.06 * width), 1.0
    )
    step = pi * _STEPS_PER_S * t
    return Pose(
        actor=actor,
        x=x,
        y=at([point.y for point in walk]) - pace * _BOB * width * abs(sin(step)),
        width=width,
        yaw=at([point.yaw for point in walk]),
        roll=pace * 0.02 * sin(step),
    )


def _smooth(times: Sequence[float], values: Sequence[float], t: float) -> float:
    """Monotone cubic through the waypoints: no overshoot.

    Source: Fritsch and Butland, A method for constructing local monotone piecewise cubic interpolants (1984).
    """
    t = min(max(t, times[0]), times[-1])
    left = min(bisect_right(times, t), len(times) - 1) - 1
    gaps = [after - before for before, after in pairwise(times)]
    slopes = [(after - before) / gap for (before, after), gap in zip(pairwise(values), gaps, strict=True)]
    start, end = _tangent(gaps, slopes, left), _tangent(gaps, slopes, left + 1)
    gap = gaps[left]
    u = (t - times[left]) / gap
    return (
        values[left] * (1 + 2 * u) * (1 - u) ** 2
        + values[left + 1] * u * u * (3 - 2 * u)
        + gap * (start * u * (1 - u) ** 2 - end * u * u * (1 - u))
    )


def _tangent(gaps: Sequence[float], slopes: Sequence[float], knot: int) -> float:
    if knot in (0, len(slopes)):
        return slopes[min(knot, len(slopes) - 1)]
    before, after = slopes[knot - 1], slopes[knot]
    if before * after <= 0:
        return 0.0
    share = (gaps[knot - 1] + 2 * gaps[knot]) / (3 * (gaps[knot - 1] + gaps[knot]))
    return before * after / (share * after + (1 - share) * before)


@cache
def _disc() -> FloatArray:
    """(N, 2) points spread evenly over the unit disc."""
    axis = (np.arange(_SAMPLES, dtype=np.float32) + 0.5) / _SAMPLES * 2 - 1
    x, y = np.meshgrid(axis, axis)
    inside = x * x + y * y <= 1
    return np.stack([x[inside], y[inside]], axis=1)


@cache
def _bust(silhouette: Silhouette) -> FloatArray:
    """(N, 2) points spread evenly over head and chest, in face widths."""
    axis = np.arange(-_REACH, _REACH, _REACH / _SAMPLES, dtype=np.float32)
    x, y = (each.ravel() for each in np.meshgrid(axis, axis))
    inside = _within(silhouette, x, y) & (y < _CHEST)
    return np.stack([x[inside], y[inside]], axis=1)


def _inside_box(x: FloatArray, y: FloatArray, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    return np.asarray((x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3]), np.bool_)


def _inside_silhouette(x: FloatArray, y: FloatArray, pose: Pose) -> NDArray[np.bool_]:
    return _within(pose.actor.silhouette, (x - pose.x) / pose.width, (y - pose.y) / pose.width)


def _within(silhouette: Silhouette, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    cx, cy, rx, ry = silhouette.head
    in_head = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1
    return np.asarray(in_head, np.bool_) | _inside_box(x, y, silhouette.body)
