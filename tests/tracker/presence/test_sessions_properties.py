"""What must hold for any events at all, however wrong the cameras were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.presence.events import Event, EventKind
from tracker.presence.occupancy import occupancy_of
from tracker.presence.room import Presence
from tracker.presence.sessions import Rules, Session, SessionState, sessions

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
RULES = Rules(
    merge_gap=timedelta(seconds=20),
    min_visit=timedelta(seconds=5),
    max_visit=timedelta(seconds=120),
    skew=timedelta(seconds=2),
)
quick = settings(max_examples=200, deadline=None, derandomize=True)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event_of(
    kind: EventKind, camera: str, person: str, second: int, track: str, inferred: bool, given_id: str
) -> Event:
    return Event(
        kind=kind,
        site_id="s",
        camera_id=camera,
        person_id=person,
        at=at(second),
        track_id=track,
        inferred=inferred,
        event_id=given_id,
    )


seconds = st.one_of(st.integers(0, 40), st.integers(0, 600))


def events_of(people: str) -> st.SearchStrategy[list[Event]]:
    """Few cameras, tracks and seconds, so that instants and tracks meet; now and then two events share an id."""
    one = st.builds(
        event_of,
        st.sampled_from(EventKind),
        st.sampled_from("abc"),
        st.sampled_from(people),
        seconds,
        st.sampled_from("xy"),
        st.booleans(),
        st.sampled_from(["", "", "", "", "same"]),
    )
    return st.lists(one, max_size=14)


def presence_of(camera: str, person: str, track: str, entered: int, lasted: int) -> Presence:
    return Presence(
        site_id="s",
        camera_id=camera,
        person_id=person,
        track_id=track,
        entered_at=at(entered),
        seen_at=at(entered + lasted),
        x_frac=0.5,
        y_frac=0.5,
    )


presences = st.lists(
    st.builds(presence_of, st.sampled_from("abc"), st.sampled_from("pq"), st.sampled_from("xy"), seconds, seconds),
    max_size=2,
)
last_seen = st.dictionaries(st.tuples(st.just("s"), st.sampled_from("pq")), seconds.map(at), max_size=2)


def found_in(events: list[Event], now: int = 700) -> list[Session]:
    return sessions(events, rules=RULES, now=at(now))


@quick
@given(events_of("pq"), presences, last_seen, st.data())
def test_any_order_and_any_duplication_give_the_same_visits(
    events: list[Event], open_: list[Presence], seen: dict[tuple[str, str], datetime], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    shuffled = data.draw(st.permutations(events + again))
    expected = sessions(events, rules=RULES, now=at(700), last_seen=seen, presences=open_)
    assert sessions(shuffled, rules=RULES, now=at(700), last_seen=seen, presences=reversed(open_)) == expected


@quick
@given(events_of("pq"))
def test_feeding_one_by_one_ends_in_what_the_batch_gives(events: list[Event]) -> None:
    kept: list[Event] = []
    found: list[Session] = []
    for event in events:
        kept.append(event)
        others = [visit for visit in found if visit.person_id != event.person_id]
        own = found_in([known for known in kept if known.person_id == event.person_id])
        found = sorted(others + own, key=lambda visit: (visit.started_at, visit.person_id))
    assert found == found_in(events)


@quick
@given(events_of("pq"), presences, last_seen, st.integers(0, 900))
def test_segments_are_in_order_and_never_overlap(
    events: list[Event], open_: list[Presence], seen: dict[tuple[str, str], datetime], now: int
) -> None:
    found = sessions(events, rules=RULES, now=at(now), last_seen=seen, presences=open_)
    for person in "pq":
        own = [visit for visit in found if visit.person_id == person]
        segments = [segment for visit in own for segment in visit.segments]
        assert all(segment.ended_at is None or segment.started_at <= segment.ended_at for segment in segments)
        for earlier, later in pairwise(segments):
            assert earlier.ended_at is not None
            assert earlier.ended_at <= later.started_at
        assert all(visit.state is SessionState.CLOSED for visit in own[:-1])
        assert len({visit.session_id for visit in own}) == len(own)


@quick
@given(events_of("pq"), presences, last_seen, st.integers(0, 900))
def test_a_visit_agrees_with_its_segments(
    events: list[Event], open_: list[Presence], seen: dict[tuple[str, str], datetime], now: int
) -> None:
    for visit in sessions(events, rules=RULES, now=at(now), last_seen=seen, presences=open_):
        assert visit.segments
        assert (visit.started_at, visit.ended_at) == (visit.segments[0].started_at, visit.segments[-1].ended_at)
        assert (visit.state is SessionState.OPEN) == (visit.ended_at is None)
        assert 0 <= visit.dwell_s <= visit.gross_s
        assert visit.state is SessionState.CLOSED or not visit.exit_inferred
        assert visit.dwell_known or not visit.bounce


@quick
@given(events_of("p"), events_of("q"))
def test_somebody_else_changes_nothing(events: list[Event], others: list[Event]) -> None:
    together = found_in(others[::2] + events + others[1::2])
    assert [visit for visit in together if visit.person_id == "p"] == found_in(events)


@quick
@given(events_of("p"))
def test_visits_lie_farther_apart_than_the_merge_gap(events: list[Event]) -> None:
    for earlier, later in pairwise(found_in(events)):
        assert earlier.ended_at is not None
        assert later.started_at - earlier.ended_at > RULES.merge_gap


@quick
@given(events_of("p"))
def test_every_segment_lies_between_two_events(events: list[Event]) -> None:
    """No visit begins or ends at a time that no camera spoke of."""
    times = {event.at for event in events}
    for visit in found_in(events):
        for segment in visit.segments:
            assert segment.started_at in times
            assert segment.ended_at is None or segment.ended_at in times


@quick
@given(events_of("pq"))
def test_every_event_lies_in_a_visit(events: list[Event]) -> None:
    """Nobody is reported at a site without a visit that covers the time, give or take a gap."""
    found = found_in(list({event.event_id + event.person_id: event for event in events}.values()))
    for event in {event.event_id + event.person_id: event for event in events}.values():
        own = [visit for visit in found if visit.person_id == event.person_id]
        assert any(visit.started_at <= event.at and (visit.ended_at or at(900)) >= event.at for visit in own)


@quick
@given(events_of("pq"), seconds, seconds, seconds)
def test_occupancy_is_never_below_zero_nor_above_the_people_there_are(
    events: list[Event], since: int, length: int, now: int
) -> None:
    found = found_in(events, now)
    points = occupancy_of(found, since=at(since), until=at(since + length), now=at(now))
    assert all(0 <= point.people <= 2 for point in points)
    assert all(earlier.at < later.at for earlier, later in pairwise(points))
    assert points[0].at == at(since)
    for point in points:
        inside = {
            visit.person_id
            for visit in found
            for segment in visit.segments
            if segment.started_at <= point.at and (segment.ended_at is None or point.at < segment.ended_at)
        }
        assert point.people == len(inside)
