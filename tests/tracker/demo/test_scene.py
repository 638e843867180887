from __future__ import annotations

import pytest

from tracker.demo.scene import (
    Actor,
    ActorKind,
    Conditions,
    Occluder,
    Pose,
    Scene,
    Silhouette,
    Waypoint,
    conditions_at,
    face_share,
    poses,
)

FIGURE = Silhouette(face=(0.5, 0.5), head=(0.0, 0.0, 1.0, 1.0), body=(-2.0, 1.0, 2.0, 5.0))


def actor(*walks: tuple[Waypoint, ...], key: str = "a") -> Actor:
    return Actor(key=key, label=key, kind=ActorKind.STRANGER, silhouette=FIGURE, walks=walks)


def at(t: float, x: float, width: float = 40.0) -> Waypoint:
    return Waypoint(t=t, x=x, y=100.0, width=width)


def scene(*actors: Actor, occluders: tuple[Occluder, ...] = ()) -> Scene:
    dull = Conditions(t=0.0, sun=0.0, lamp=1.0, blur=0.0, noise=0.0)
    bright = Conditions(t=10.0, sun=1.0, lamp=0.5, blur=2.0, noise=4.0)
    return Scene(
        size_wh=(400, 200),
        fps=10,
        length_s=10.0,
        actors=actors,
        occluders=occluders,
        conditions=(dull, bright),
        min_face=0.5,
        min_bust=0.5,
        seed=1,
    )


def still(x: float, y: float = 100.0, width: float = 40.0) -> Pose:
    return Pose(actor=actor((at(0, x), at(1, x))), x=x, y=y, width=width, yaw=0.0)


def test_interpolation_between_two_waypoints() -> None:
    (pose,) = poses(scene(actor((at(0, 0, 40), at(10, 100, 80)))), 2.5)
    assert (pose.x, pose.width) == pytest.approx((25.0, 50.0))


def test_walks_do_not_overshoot() -> None:
    moving = scene(actor((at(0, 0), at(1, 100), at(2, 100), at(6, 90), at(7, 300))))
    xs = [poses(moving, t / 100)[0].x for t in range(701)]
    assert min(xs) >= -1e-9
    assert max(xs) <= 300 + 1e-9
    assert xs[100] == pytest.approx(100)
    assert all(abs(xs[t] - 100) < 1e-9 for t in range(100, 201))


def test_actors_are_absent_outside_their_walks() -> None:
    moving = scene(actor((at(1, 0), at(2, 9)), (at(4, 0), at(5, 9))))
    assert [len(poses(moving, t)) for t in (0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 5.1)] == [0, 1, 1, 1, 0, 1, 0]


def test_poses_are_sorted_by_distance() -> None:
    moving = scene(actor((at(0, 0, 60), at(9, 0, 60)), key="near"), actor((at(0, 0, 50), at(9, 0, 50)), key="far"))
    assert [pose.actor.key for pose in poses(moving, 1.0)] == ["far", "near"]


def test_conditions_are_interpolated() -> None:
    now = conditions_at(scene(), 2.5)
    assert (now.sun, now.lamp, now.blur, now.noise) == pytest.approx((0.25, 0.875, 0.5, 1.0))


@pytest.mark.parametrize(
    ("pose", "occluders", "share"),
    [
        pytest.param(still(200), (), 1.0, id="whole-in-the-frame"),
        pytest.param(still(0), (), 0.5, id="half-out-on-the-left"),
        pytest.param(still(400), (), 0.5, id="half-out-on-the-right"),
        pytest.param(still(200, y=0), (), 0.5, id="half-out-above"),
        pytest.param(still(-60), (), 0.0, id="out"),
        pytest.param(still(200), (Occluder(99.0, (200.0, 0.0, 300.0, 200.0)),), 0.5, id="half-behind-a-pillar"),
        pytest.param(still(200), (Occluder(99.0, (150.0, 0.0, 250.0, 200.0)),), 0.0, id="behind-a-pillar"),
        pytest.param(still(200), (Occluder(30.0, (150.0, 0.0, 250.0, 200.0)),), 1.0, id="before-a-wall"),
    ],
)
def test_face_share(pose: Pose, occluders: tuple[Occluder, ...], share: float) -> None:
    assert face_share(scene(occluders=occluders), pose, ()) == pytest.approx(share, abs=0.01)


def test_only_nearer_people_occlude() -> None:
    far, near = still(200, width=40), still(200, width=60)
    assert face_share(scene(), far, (far, near)) == 0.0
    assert face_share(scene(), near, (far, near)) == 1.0


def test_bodies_occlude() -> None:
    low = still(200, y=190 - 40, width=40)
    assert face_share(scene(), low, (still(200, y=50, width=60),)) == 0.0


@pytest.mark.parametrize(
    "walk",
    [pytest.param((at(0, 0),), id="one-waypoint"), pytest.param((at(1, 0), at(1, 5)), id="equal-times")],
)
def test_invalid_walks_are_rejected(walk: tuple[Waypoint, ...]) -> None:
    with pytest.raises(ValueError, match="at least two waypoints"):
        actor(walk)
