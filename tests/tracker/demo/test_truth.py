from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from tracker.demo.clip import CLIP, DEMO_EXIT_AFTER_S, DEMO_MERGE_GAP_S, times_in_view, truth
from tracker.demo.scene import Actor, ActorKind, Conditions, Occluder, Scene, Silhouette, Waypoint, face_share, poses

FIGURE = Silhouette(face=(0.5, 0.5), head=(0.0, 0.0, 1.0, 1.0), body=(-2.0, 1.0, 2.0, 5.0))


def crossing(kind: ActorKind = ActorKind.ENROLLED, occluders: tuple[Occluder, ...] = ()) -> Scene:
    """Somebody crosses a frame 400 px wide at 100 px/s, 40 px wide, middle on the left edge at 1.05 s."""
    walk = (Waypoint(t=0.0, x=-105.0, y=100.0, width=40.0), Waypoint(t=6.1, x=505.0, y=100.0, width=40.0))
    person = Actor(key="k", label="Kim", kind=kind, silhouette=FIGURE, walks=(walk,))
    calm = Conditions(t=0.0, sun=1.0, lamp=1.0, blur=0.0, noise=0.0)
    return Scene(
        size_wh=(400, 200),
        fps=10,
        length_s=7.0,
        actors=(person,),
        occluders=occluders,
        conditions=(calm,),
        min_face=0.5,
        min_bust=0.5,
        seed=1,
    )


PILLAR = Occluder(99.0, (150.0, 0.0, 250.0, 200.0))
"""Hides more than half of somebody while its middle is between x = 150 and 250: from 2.6 to 3.5 s, 1.1 s unseen."""


def test_visible_from_half_in_to_half_out() -> None:
    (visit,) = truth(crossing(), exit_after_s=2.0, merge_gap_s=6.0)
    assert (visit.entered_s, visit.left_s, visit.dwell_s) == pytest.approx((1.1, 5.0, 3.9))
    assert (visit.label, visit.person, len(visit.segments)) == ("Kim", "Kim", 1)


def test_stranger_is_identified_by_key() -> None:
    (visit,) = truth(crossing(ActorKind.STRANGER), exit_after_s=2.0, merge_gap_s=6.0)
    assert visit.person == "k"


@pytest.mark.parametrize(
    ("exit_after_s", "merge_gap_s", "segments"),
    [
        pytest.param(2.0, 6.0, [[(1.1, 5.0)]], id="short-cover-is-no-gap"),
        pytest.param(1.15, 6.0, [[(1.1, 5.0)]], id="unseen-for-less-than-exit-after"),
        pytest.param(1.05, 6.0, [[(1.1, 2.5), (3.6, 5.0)]], id="gap-within-merge-parts-segments"),
        pytest.param(0.5, 0.9, [[(1.1, 2.5)], [(3.6, 5.0)]], id="gap-beyond-merge-parts-visits"),
    ],
)
def test_gaps_follow_the_rules_of_the_site(
    exit_after_s: float, merge_gap_s: float, segments: list[list[tuple[float, float]]]
) -> None:
    visits = truth(crossing(occluders=(PILLAR,)), exit_after_s=exit_after_s, merge_gap_s=merge_gap_s)
    got = [[(segment.started_s, segment.ended_s) for segment in visit.segments] for visit in visits]
    assert [len(visit) for visit in got] == [len(visit) for visit in segments]
    for mine, expected in zip(got, segments, strict=True):
        assert mine == [pytest.approx(segment) for segment in expected]
    net = sum(end - start for visit in segments for start, end in visit)
    assert sum(visit.dwell_s for visit in visits) == pytest.approx(net)


def test_demo_covers_all_cases() -> None:
    visits = truth(CLIP, exit_after_s=DEMO_EXIT_AFTER_S, merge_gap_s=DEMO_MERGE_GAP_S)
    assert [(visit.kind, visit.person, len(visit.segments)) for visit in visits] == [
        (ActorKind.ENROLLED, "Eileen", 2),
        (ActorKind.STRANGER, "hopper", 1),
        (ActorKind.UNIDENTIFIED, "from-behind", 1),
        (ActorKind.STRANGER, "hopper", 1),
    ]
    assert max(visit.left_s for visit in visits) + 2 * DEMO_EXIT_AFTER_S < CLIP.length_s
    assert 50 <= CLIP.length_s <= 60


@pytest.mark.parametrize("key", ["astronaut", "hopper"])
def test_gaps_are_not_near_a_limit(key: str) -> None:
    """A detector half a second off must not turn one visit into two, nor two into one."""

    def gaps(times: Sequence[float]) -> list[float]:
        return [after - before for before, after in pairwise(times) if after - before > 0.1]

    assert any(0.8 <= gap <= 1.5 for gap in gaps(times_in_view(CLIP, key, bodies=False))), (
        "a face is covered for about a second"
    )
    for limit in (DEMO_EXIT_AFTER_S, DEMO_MERGE_GAP_S):
        assert all(abs(gap - limit) > 0.75 for gap in gaps(times_in_view(CLIP, key)))


def test_by_faces_nobody_is_there_who_never_shows_one() -> None:
    visits = truth(CLIP, exit_after_s=DEMO_EXIT_AFTER_S, merge_gap_s=DEMO_MERGE_GAP_S, bodies=False)
    assert [(visit.person, len(visit.segments)) for visit in visits] == [("Eileen", 2), ("hopper", 1), ("hopper", 1)]


def test_somebody_is_in_view_for_long_enough_to_count_without_a_name() -> None:
    (visit,) = [each for each in truth(CLIP, exit_after_s=2.0, merge_gap_s=6.0) if each.kind is ActorKind.UNIDENTIFIED]
    assert visit.dwell_s > 3 * DEMO_EXIT_AFTER_S


def test_visible_faces_are_large_enough() -> None:
    for t in CLIP.times:
        everybody = poses(CLIP, t)
        for pose in everybody:
            assert pose.width >= 45 or face_share(CLIP, pose, everybody) == 0


def test_actors_cross_with_occlusion() -> None:
    hidden = []
    for t in CLIP.times:
        everybody = poses(CLIP, t)
        if len(everybody) == 2:
            far = everybody[0]
            alone, together = face_share(CLIP, far, ()), face_share(CLIP, far, everybody)
            hidden += [t] if alone - together > 0.5 else []
    assert hidden
    assert max(hidden) - min(hidden) < DEMO_EXIT_AFTER_S
