from __future__ import annotations

import pytest

from tracker.demo.stage import Actor, Cover, Figure, Look, Part, Pose, Script, Waypoint, look, poses, visible_share

FIGURE = Figure(face=(0.5, 0.5), head=(0.0, 0.0, 1.0, 1.0), body=(-2.0, 1.0, 2.0, 5.0))


def actor(*walks: tuple[Waypoint, ...], key: str = "a") -> Actor:
    return Actor(key=key, label=key, part=Part.STRANGER, figure=FIGURE, walks=walks)


def at(t: float, x: float, width: float = 40.0) -> Waypoint:
    return Waypoint(t=t, x=x, y=100.0, width=width)


def script(*actors: Actor, covers: tuple[Cover, ...] = ()) -> Script:
    dull = Look(t=0.0, sun=0.0, lamp=1.0, blur=0.0, noise=0.0)
    bright = Look(t=10.0, sun=1.0, lamp=0.5, blur=2.0, noise=4.0)
    return Script(
        size_wh=(400, 200),
        fps=10,
        length_s=10.0,
        actors=actors,
        covers=covers,
        looks=(dull, bright),
        sight=0.5,
        seed=1,
    )


def still(x: float, y: float = 100.0, width: float = 40.0) -> Pose:
    return Pose(actor=actor((at(0, x), at(1, x))), x=x, y=y, width=width, yaw=0.0)


def test_between_two_waypoints_everything_changes_evenly() -> None:
    (pose,) = poses(script(actor((at(0, 0, 40), at(10, 100, 80)))), 2.5)
    assert (pose.x, pose.width) == pytest.approx((25.0, 50.0))


def test_a_walk_never_overshoots_its_waypoints() -> None:
    scene = script(actor((at(0, 0), at(1, 100), at(2, 100), at(6, 90), at(7, 300))))
    xs = [poses(scene, t / 100)[0].x for t in range(701)]
    assert min(xs) >= -1e-9
    assert max(xs) <= 300 + 1e-9
    assert xs[100] == pytest.approx(100)
    assert all(abs(xs[t] - 100) < 1e-9 for t in range(100, 201))


def test_nobody_is_there_before_between_and_after_walks() -> None:
    scene = script(actor((at(1, 0), at(2, 9)), (at(4, 0), at(5, 9))))
    assert [len(poses(scene, t)) for t in (0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 5.1)] == [0, 1, 1, 1, 0, 1, 0]


def test_the_farthest_comes_first() -> None:
    scene = script(actor((at(0, 0, 60), at(9, 0, 60)), key="near"), actor((at(0, 0, 50), at(9, 0, 50)), key="far"))
    assert [pose.actor.key for pose in poses(scene, 1.0)] == ["far", "near"]


def test_light_changes_evenly_between_two_looks() -> None:
    now = look(script(), 2.5)
    assert (now.sun, now.lamp, now.blur, now.noise) == pytest.approx((0.25, 0.875, 0.5, 1.0))


@pytest.mark.parametrize(
    ("pose", "covers", "share"),
    [
        pytest.param(still(200), (), 1.0, id="whole-in-the-frame"),
        pytest.param(still(0), (), 0.5, id="half-out-on-the-left"),
        pytest.param(still(400), (), 0.5, id="half-out-on-the-right"),
        pytest.param(still(200, y=0), (), 0.5, id="half-out-above"),
        pytest.param(still(-60), (), 0.0, id="out"),
        pytest.param(still(200), (Cover(99.0, (200.0, 0.0, 300.0, 200.0)),), 0.5, id="half-behind-a-pillar"),
        pytest.param(still(200), (Cover(99.0, (150.0, 0.0, 250.0, 200.0)),), 0.0, id="behind-a-pillar"),
        pytest.param(still(200), (Cover(30.0, (150.0, 0.0, 250.0, 200.0)),), 1.0, id="before-a-wall"),
    ],
)
def test_visible_share(pose: Pose, covers: tuple[Cover, ...], share: float) -> None:
    assert visible_share(script(covers=covers), pose, ()) == pytest.approx(share, abs=0.01)


def test_somebody_nearer_hides_a_face_and_somebody_farther_does_not() -> None:
    far, near = still(200, width=40), still(200, width=60)
    assert visible_share(script(), far, (far, near)) == 0.0
    assert visible_share(script(), near, (far, near)) == 1.0


def test_shoulders_hide_too() -> None:
    low = still(200, y=190 - 40, width=40)
    assert visible_share(script(), low, (still(200, y=50, width=60),)) == 0.0


@pytest.mark.parametrize(
    "walk",
    [pytest.param((at(0, 0),), id="one-waypoint"), pytest.param((at(1, 0), at(1, 5)), id="time-stands-still")],
)
def test_a_walk_that_goes_nowhere_is_refused(walk: tuple[Waypoint, ...]) -> None:
    with pytest.raises(ValueError, match="at least two waypoints"):
        actor(walk)
