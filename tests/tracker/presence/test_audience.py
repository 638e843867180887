"""What may be published of an audience: no group, no part of one and no difference of two figures below five people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.presence.audience import (
    LABELS,
    MIN_PEOPLE,
    REST,
    Attribute,
    AudienceGroup,
    hour_of,
    label_of,
    published,
    published_groups,
)

LAST = LABELS[Attribute.AGE][-1]
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
counts = st.dictionaries(st.sampled_from(LABELS[Attribute.EXPRESSION]), st.integers(1, 12))
hours = st.lists(counts, max_size=6)


def group(people: dict[str, int], hour: int = 0, camera_id: str = "front") -> AudienceGroup:
    at = NINE + timedelta(hours=hour)
    return AudienceGroup(
        site_id="gym", camera_id=camera_id, hour=at, since=NINE, attribute=Attribute.EXPRESSION, people=people
    )


def sums(groups: Iterable[AudienceGroup]) -> Counter[str]:
    return sum((Counter(each.people) for each in groups), Counter[str]())


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        pytest.param({"happy": 4}, {}, id="too-few"),
        pytest.param({"happy": 5}, {"happy": 5}, id="five"),
        pytest.param({"happy": 2, "sad": 3}, {REST: 5}, id="parts-too-small"),
        pytest.param({"happy": 9, "sad": 5}, {"happy": 9, "sad": 5}, id="all-large"),
        pytest.param({"happy": 9, "sad": 5, "angry": 1}, {"happy": 9, REST: 6}, id="one-person-hides-behind-five"),
        pytest.param({"happy": 9, "sad": 3, "angry": 2}, {"happy": 9, REST: 5}, id="small-ones-hide-together"),
        pytest.param({"happy": 5, "sad": 1}, {REST: 6}, id="the-largest-hides-the-last"),
        pytest.param({}, {}, id="nobody"),
    ],
)
def test_small_labels_hide_in_the_rest(people: dict[str, int], expected: dict[str, int]) -> None:
    assert published(people) == expected


@given(counts)
def test_nothing_smaller_than_five_is_published_and_nobody_is_lost(people: dict[str, int]) -> None:
    found = published(people)
    assert all(count >= MIN_PEOPLE for count in found.values())
    assert all(found[label] == people[label] for label in found if label != REST)
    assert sum(found.values()) == (sum(people.values()) if sum(people.values()) >= MIN_PEOPLE else 0)


@given(counts)
def test_publishing_what_is_published_changes_nothing(people: dict[str, int]) -> None:
    assert published(published(people)) == published(people)


@given(hours, hours, st.integers(0, 6), st.integers(0, 6))
def test_no_difference_of_two_ranges_or_of_camera_and_site_shows_fewer_than_five(
    front: list[dict[str, int]], back: list[dict[str, int]], first: int, last: int
) -> None:
    """A longer range minus a shorter one, and the site minus one camera, by label and in all."""
    groups = [group(people, hour, name) for name, all_ in (("front", front), ("back", back)) for hour, people in
              enumerate(all_)]  # fmt: skip
    shown = published_groups(groups, NINE + timedelta(days=1))
    inner = [each for each in shown if first <= (each.hour - NINE) / timedelta(hours=1) < last]
    for part in (inner, [each for each in shown if each.camera_id == "front"]):
        left = sums(shown)
        left.subtract(sums(part))
        assert all(count == 0 or count >= MIN_PEOPLE for count in [*left.values(), left.total()])


@pytest.mark.parametrize(("minutes", "count"), [(59, 0), (64, 0), (65, 1)])
def test_an_hour_is_published_when_nobody_is_added_to_it_any_more(minutes: int, count: int) -> None:
    assert len(published_groups([group({"happy": 6})], NINE + timedelta(minutes=minutes))) == count


@pytest.mark.parametrize(
    ("years", "label"),
    [(17.9, "under 18"), (18, "18-34"), (34.9, "18-34"), (35, "35-49"), (50, "50-64"), (64.9, "50-64"), (79, LAST)],
)
def test_ages_are_the_mean_of_the_years_in_bands(years: float, label: str) -> None:
    below = int(years)
    probabilities = [0.0] * 81
    probabilities[below], probabilities[below + 1] = 1 - (years - below), years - below
    assert label_of(Attribute.AGE, probabilities) == label


def test_an_expression_is_the_most_probable_one() -> None:
    assert label_of(Attribute.EXPRESSION, [0.1, 0, 0, 0.3, 0.2, 0, 0.4]) == "neutral"
    with pytest.raises(ValueError, match="shorter"):
        label_of(Attribute.EXPRESSION, [0.5, 0.5])


def test_hours_are_those_of_the_clock_at_the_site() -> None:
    at = datetime(2026, 3, 2, 9, 45, 12, tzinfo=UTC)
    assert hour_of(at, UTC) == NINE
    assert hour_of(at, ZoneInfo("Asia/Kolkata")) == NINE + timedelta(minutes=30)
    repeated = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert hour_of(repeated, ZoneInfo("Europe/Berlin")) == datetime(2026, 10, 25, 1, tzinfo=UTC)
