"""One visit in detail, the fields of its forms, and the people that they offer."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from config.errors import RecordError
from dashboard.person_picker import NOBODY, offered
from dashboard.queries import Board
from dashboard.time_field import field_text, local_moment
from dashboard.visit_detail import visit_detail
from tests.dashboard import boards, gym
from tests.dashboard.boards import NOW, minutes_ago
from tracker.actions import visits
from tracker.actions.actor import Actor
from tracker.actions.reassigning import reassign
from tracker.actions.undo import undo
from tracker.presence.events import CameraRef, Match
from tracker.presence.explain import Edge
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.embedders import SFACE

BERLIN = ZoneInfo("Europe/Berlin")
ANN = Actor("Ann", UserRole.DESK)


def visit_of(store: Store, person_id: str) -> str:
    (visit,) = store.sessions.select(site_id=gym.SITE, now=NOW, person_ids=[person_id])
    return visit.session_id


def test_a_visit_has_its_steps_its_matches_and_who_has_it_in_sight(store: Store, board: Board) -> None:
    boards.stay(store, "p-ada", 60, None)
    session_id = visit_of(store, "p-ada")
    (event,) = store.events.select(person_id="p-ada")
    match = Match(
        site_id=gym.SITE, camera_id="door", track_id=event.track_id, at=event.at, person_id="p-ada", distance=0.4,
        margin=0.2, quality=0.9, authorised=True, reason="near enough",
    )  # fmt: skip
    presence = gym._presence("p-ada", minutes_ago(60), minutes_ago(2), "door")
    store.record(Observation(matches=[match], camera=CameraRef(gym.SITE, "door"), presences=[presence]))
    detail = visit_detail(board, session_id)
    assert detail is not None
    assert (detail.name, detail.seen_at) == ("Ada", minutes_ago(2))
    assert [(step.edge, step.at, step.camera) for step in detail.steps] == [
        (Edge.START, minutes_ago(60), "door"),
        (Edge.END, None, ""),
    ]
    assert [(each.match.match_id, each.taken_for) for each in detail.matches] == [(match.match_id, "")]
    assert detail.changes == ()
    reassign(store, ANN, site_id=gym.SITE, session_id=session_id, to="p-vera", embedder=lambda: SFACE)
    moved = visit_detail(board, visit_of(store, "p-vera"))
    assert moved is not None
    assert [each.taken_for for each in moved.matches] == ["Ada"]


def test_the_latest_change_in_force_can_be_undone(store: Store, board: Board) -> None:
    boards.stay(store, "p-ada", 60, 30)
    session_id = visit_of(store, "p-ada")
    first = visits.move(
        store, ANN, site_id=gym.SITE, session_id=session_id, left_at=minutes_ago(20), reason="badge at the till"
    )
    second = visits.move(store, ANN, site_id=gym.SITE, session_id=session_id, left_at=minutes_ago(10))

    def changes() -> list[tuple[str, str, int | None]]:
        detail = visit_detail(board, session_id)
        assert detail is not None
        return [(each.reason, each.undone_by, each.undo) for each in detail.changes]

    assert changes() == [("", "", second), ("badge at the till", "", None)]
    undo(store, Actor("Bea", UserRole.DESK), second)
    assert changes() == [("", "Bea", None), ("badge at the till", "", first)]


@pytest.mark.parametrize("session_id", ["", "nosuchid"])
def test_a_visit_that_is_not_there_has_no_detail(board: Board, session_id: str) -> None:
    assert visit_detail(board, session_id) is None


def test_people_are_offered_by_any_part_of_the_name(store: Store, board: Board) -> None:
    store.people.rename("p-ada", "Björn Ólafsson")
    names = [each["label"] for each in offered(board, "", nobody=False)]
    assert names == ["Björn Ólafsson", "Vera"]
    assert [each["value"] for each in offered(board, "olaf bjo", nobody=True)] == [NOBODY, "p-ada"]
    assert [each["value"] for each in offered(board, "vera", nobody=False, chosen="p-ada")] == ["p-ada", "p-vera"]
    assert offered(board, "zoe", nobody=False) == []


def test_times_are_on_the_clock_of_the_site() -> None:
    at = datetime(2026, 7, 1, 16, 30, tzinfo=UTC)
    assert field_text(at, BERLIN) == "2026-07-01 18:30:00"
    assert local_moment("2026-07-01 18:30:00", BERLIN, "time of leaving") == at
    assert local_moment("", BERLIN, "time of leaving") is None
    assert field_text(None, BERLIN) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [("soon", "time of leaving is no time"), ("2026-03-29 02:30:00", "skipped"), ("2026-10-25 02:30:00", "twice")],
)
def test_a_time_that_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        local_moment(text, BERLIN, "time of leaving")
