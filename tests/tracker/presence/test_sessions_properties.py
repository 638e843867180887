"""Properties that hold for any events, however wrong the cameras were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.presence.candidates import CandidateSession
from tracker.presence.events import Correction, Event, EventKind, corrected
from tracker.presence.explain import explain, uncounted
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, SessionState, run, sessions, without_duplicates

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
RULES = Rules(
    merge_gap=timedelta(seconds=20),
    min_visit=timedelta(seconds=5),
    max_visit=timedelta(seconds=120),
    skew=timedelta(seconds=2),
)
CLOSING = replace(RULES, closes_at=time(9, 2), max_visit=timedelta(hours=9))
DOORS = replace(RULES, entrances=frozenset("ac"), exits=frozenset("bc"))
ENTRANCE = replace(RULES, entrances=frozenset("a"))
PROOF = replace(
    RULES,
    entrances=frozenset("c"),
    exits=frozenset("c"),
    rooms=frozenset("ab"),
    max_unseen=timedelta(seconds=60),
    max_visit=timedelta(seconds=200),
)
every_rules = st.sampled_from(
    [
        RULES,
        CLOSING,
        DOORS,
        ENTRANCE,
        replace(DOORS, closes_at=time(9, 1)),
        PROOF,
        replace(PROOF, rooms=frozenset("a"), closes_at=time(9, 2)),
        replace(PROOF, max_unseen=timedelta(seconds=10)),
    ]
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


def found_in(events: list[Event], now: int = 700, rules: Rules = RULES) -> list[Session]:
    return sessions(events, rules=rules, now=at(now))


@quick
@given(events_of("pq"), presences, every_rules, st.data())
def test_any_order_and_any_duplication_give_the_same_visits(
    events: list[Event],
    open_: list[Presence],
    rules: Rules,
    data: st.DataObject,
) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    shuffled = data.draw(st.permutations(events + again))
    expected = sessions(events, rules=rules, now=at(700), presences=open_)
    assert sessions(shuffled, rules=rules, now=at(700), presences=reversed(open_)) == expected
    assert expected == sorted(expected, key=lambda visit: (visit.started_at, visit.person_id))


@quick
@given(events_of("pq"))
def test_adding_events_one_by_one_equals_the_batch(events: list[Event]) -> None:
    kept: list[Event] = []
    found: list[Session] = []
    for event in events:
        kept.append(event)
        others = [visit for visit in found if visit.person_id != event.person_id]
        own = found_in([known for known in kept if known.person_id == event.person_id])
        found = sorted(others + own, key=lambda visit: (visit.started_at, visit.person_id))
    assert found == found_in(events)


@quick
@given(events_of("pq"), presences, every_rules, st.integers(0, 900))
def test_segments_are_in_order_and_never_overlap(
    events: list[Event], open_: list[Presence], rules: Rules, now: int
) -> None:
    found = sessions(events, rules=rules, now=at(now), presences=open_)
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
@given(events_of("pq"), presences, every_rules, st.integers(0, 900))
def test_a_visit_agrees_with_its_segments(events: list[Event], open_: list[Presence], rules: Rules, now: int) -> None:
    for visit in sessions(events, rules=rules, now=at(now), presences=open_):
        assert visit.segments
        assert (visit.started_at, visit.ended_at) == (visit.segments[0].started_at, visit.segments[-1].ended_at)
        assert (visit.state is SessionState.OPEN) == (visit.ended_at is None)
        assert 0 <= visit.dwell_s <= visit.gross_s
        lengths = [(each.ended_at or max(at(now), each.started_at)) - each.started_at for each in visit.segments]
        assert visit.dwell_s == sum(lengths, timedelta()).total_seconds()
        assert visit.state is SessionState.CLOSED or not visit.exit_inferred
        assert visit.dwell_known or not visit.bounce


@quick
@given(events_of("p"), events_of("q"), every_rules)
def test_somebody_else_changes_nothing(events: list[Event], others: list[Event], rules: Rules) -> None:
    together = found_in(others[::2] + events + others[1::2], rules=rules)
    assert [visit for visit in together if visit.person_id == "p"] == found_in(events, rules=rules)


@quick
@given(events_of("p"))
def test_visits_are_farther_apart_than_the_merge_gap(events: list[Event]) -> None:
    for earlier, later in pairwise(found_in(events)):
        assert earlier.ended_at is not None
        assert later.started_at - earlier.ended_at > RULES.merge_gap


@quick
@given(events_of("p"), every_rules)
def test_every_segment_is_between_two_events(events: list[Event], rules: Rules) -> None:
    """No visit begins or ends at a time that no camera spoke of."""
    times = {event.at for event in events}
    for visit in found_in(events, rules=rules):
        for segment in visit.segments:
            assert segment.started_at in times
            assert segment.ended_at is None or segment.ended_at in times


@quick
@given(events_of("pq"), every_rules)
def test_every_event_is_in_a_visit(events: list[Event], rules: Rules) -> None:
    """Nobody is reported at a site without a visit that covers the time, give or take a gap, or nothing proves it."""
    distinct = {event.event_id + event.person_id: event for event in events}
    found = found_in(list(distinct.values()), rules=rules)
    late = rules.merge_gap if rules.exits else timedelta()
    alone = {event.event_id + event.person_id for event, _ in uncounted(distinct.values(), rules=rules, now=at(700))}
    assert rules.proves or not alone
    for event in distinct.values():
        if event.event_id + event.person_id in alone:
            continue
        own = [visit for visit in found if visit.person_id == event.person_id]
        assert any(visit.started_at <= event.at <= (visit.ended_at or at(900)) + late for visit in own)


@quick
@given(events_of("p"), every_rules, st.integers(0, 900))
def test_every_visit_can_be_explained(events: list[Event], rules: Rules, now: int) -> None:
    """Explanations equal the derived visits, and each event is in one visit or counts in none."""
    found = found_in(events, now, rules)
    explained = [explain(visit.session_id, events, rules=rules, now=at(now)) for visit in found]
    assert [each.session for each in explained] == found
    for each in explained:
        edges = [(boundary.at, boundary.edge) for boundary in each.boundaries]
        assert [edge for edge in edges if edge[1] in ("start", "resume")] == [
            (segment.started_at, "resume" if index else "start") for index, segment in enumerate(each.session.segments)
        ]
        assert edges[-1] == (each.session.ended_at, "end")
    ids = [event.event_id for each in explained for event, _ in each.events]
    ids += [event.event_id for event, _ in uncounted(events, rules=rules, now=at(now))]
    assert len(ids) == len(set(ids)) == len({event.event_id for event in events if event.at <= at(now)})


def derived(events: list[Event], rules: Rules, now: int = 4000) -> list[CandidateSession]:
    return run(events, rules=rules, now=at(now)).sessions


def segments_of(visit: CandidateSession) -> list[tuple[datetime, datetime | None]]:
    return [(segment.started_at, segment.ended_at) for segment in visit.segments]


def shape(visits: list[CandidateSession]) -> list[object]:
    return [
        (
            visit.first,
            visit.enter_inferred,
            visit.exit_inferred,
            visit.evidence_at,
            visit.in_sight,
            visit.clean,
            segments_of(visit),
        )
        for visit in visits
    ]


@quick
@given(events_of("p"), every_rules)
def test_derivation_may_restart_at_a_clean_session(events: list[Event], rules: Rules) -> None:
    """What comes before its first event has no effect on it or on what follows."""
    events = without_duplicates(events)
    visits = derived(events, rules)
    for index, visit in enumerate(visits):
        if visit.clean:
            later = [event for event in events if event.at >= visit.first.at]
            assert shape(derived(later, rules)) == shape(visits[index:])


@quick
@given(st.lists(st.tuples(st.integers(60, 300), st.integers(0, 60)), max_size=6))
def test_visits_with_a_seen_exit_are_clean(stays: list[tuple[int, int]]) -> None:
    second, events = 0, list[Event]()
    for gap, length in stays:
        second += gap
        events += [event_of(EventKind.ENTER, "a", "p", second, f"t{second}", False, "")]
        events += [event_of(EventKind.EXIT, "a", "p", second + length, f"t{second}", False, "")]
        second += length
    visits = derived(events, RULES)
    assert [visit.clean for visit in visits] == [True] * len(stays)
    assert [visit.evidence_at for visit in visits] == [None] * len(stays)
    assert [visit.clean for visit in derived(events[1::2], RULES)] == [True] * len(stays)
    assert [visit.evidence_at for visit in derived(events[:-1], RULES)[-1:]] == [event.at for event in events[-2:-1]]
    found_inside = derived([replace(event, camera_id="d", event_id="") for event in events[1:2]], DOORS)
    assert [(visit.clean, visit.evidence_at) for visit in found_inside] == [(True, each.at) for each in events[1:2]]


stays_in_sight = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 60), st.sampled_from("ab")), max_size=6)


@quick
@given(stays_in_sight, st.lists(st.integers(0, 11), max_size=4), every_rules)
def test_dwell_is_bounded_by_sightings_and_rules(
    stays: list[tuple[int, int, str]], lost: list[int], rules: Rules
) -> None:
    """Stays one after the other, a track each; some of their events are lost."""
    events: list[Event] = []
    second = in_sight = 0
    for index, (gap, length, camera) in enumerate(stays):
        second += gap
        for kind, moment in ((EventKind.ENTER, second), (EventKind.EXIT, second + length)):
            events.append(event_of(kind, camera, "p", moment, f"t{index}", False, ""))
        second += length
        in_sight += length
    known = [event for index, event in enumerate(events) if index not in lost]
    net_s = sum(visit.dwell_s for visit in found_in(known, second, rules))
    allowed = rules.skew * len(stays) + rules.max_visit * len(lost)
    if rules.exits:  # a room that loses somebody does not put them out
        allowed += rules.max_visit * len(stays)
    assert net_s <= in_sight + allowed.total_seconds()


@quick
@given(events_of("p"), st.lists(st.integers(0, 13), max_size=3), st.lists(st.integers(0, 13), max_size=3))
def test_corrections_are_as_if_the_events_had_been_so(events: list[Event], voided: list[int], added: list[int]) -> None:
    distinct = list({event.event_id: event for event in events}.values())
    gone = {distinct[index].event_id for index in voided if index < len(distinct)}
    new = [event for index, event in enumerate(distinct) if index in added and event.event_id not in gone]
    corrections = [Correction(action="void", event_id=event_id, by="ann", at=at(0)) for event_id in gone]
    corrections += [Correction(action="add", event_id=event.event_id, by="ann", at=at(0), event=event) for event in new]
    before = [event for event in distinct if event not in new]
    kept = [event for event in distinct if event.event_id not in gone]
    assert found_in(corrected(before, corrections)) == found_in(kept)
