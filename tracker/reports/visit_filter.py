"""Which visits of a range a reader asks for, and in which order."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.text import fold
from tracker.presence.people import Person, PersonKind, Role
from tracker.reports.data import ReportData
from tracker.reports.frames import local_days
from tracker.reports.measures import measured

Mask: TypeAlias = NDArray[np.bool_]

_DAY_FORMS = ("%A", "%d", "%B", "%Y", "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y")
_MINUTES_A_DAY = 1440
_MONTHS = frozenset(name.lower() for name in calendar.month_abbr if name)


class Who(StrEnum):
    """Whose visits."""

    EVERYBODY = "everybody"
    PUBLIC = "public"
    """Everybody but staff, whom figures leave out."""
    MEMBERS = "members"
    VISITORS = "visitors"
    STAFF = "staff"


class State(StrEnum):
    ANY = "any"
    INSIDE = "inside"
    LEFT = "left"


class Order(StrEnum):
    """What visits are sorted by."""

    NAME = "name"
    ENTERED = "entered"
    LEFT = "left"
    DWELL = "dwell"
    GROSS = "gross"
    SEGMENTS = "segments"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFilter:
    """Conditions that all hold for a visit.

    text: each word of it is in the name or in the camera's id, or begins a word of the local date or the time of entry;
    accents and case do not matter. begun: it began in the range, and does not only reach into it. hour: 0..23, the
    local hour in which it began. dwell_s: measured, and its net length (s) is in [from, to). names: the text is looked
    for in names too.
    """

    text: str = ""
    who: Who = Who.EVERYBODY
    state: State = State.ANY
    camera_id: str = ""
    person_id: str = ""
    begun: bool = False
    hour: int | None = None
    dwell_s: tuple[float, float] | None = None
    names: bool = True


def matching(data: ReportData, visits: pd.DataFrame, wanted: VisitFilter) -> pd.DataFrame:
    """The visits for which the filter holds, in the same order."""
    if wanted.dwell_s is not None:
        known = measured(visits)
        visits = known[known["dwell_s"].between(*wanted.dwell_s, inclusive="left")]
    mask = np.ones(len(visits), dtype=bool)
    if wanted.who is not Who.EVERYBODY:
        mask &= _people(data, visits, lambda person: _is(person, wanted.who))
    if wanted.person_id:
        mask &= np.asarray(visits["person_id"] == wanted.person_id)
    if wanted.camera_id:
        mask &= np.asarray(visits["enter_camera_id"] == wanted.camera_id)
    if wanted.state is not State.ANY:
        mask &= np.asarray(visits["ended_at"].isna()) == (wanted.state is State.INSIDE)
    if wanted.begun:
        mask &= np.asarray(visits["started_at"] >= pd.Timestamp(data.since))
    if wanted.hour is not None:
        mask &= np.asarray(visits["started_at"].dt.tz_convert(data.zone).dt.hour == wanted.hour)
    found = visits[mask]
    words = fold(wanted.text).split()
    return found[_text(data, found, words, names=wanted.names)] if words and len(found) else found


def in_order(data: ReportData, visits: pd.DataFrame, order: Order, *, descending: bool) -> pd.DataFrame:
    """The visits sorted; equal ones by their start, the latest first. visits: by start, as frames have them."""
    newest_first = visits.iloc[::-1]
    if order is Order.ENTERED:
        return newest_first if descending else visits
    keys = _keys(data, newest_first, order)
    missing = np.isnan(keys)
    keys = np.where(missing, np.inf, -keys if descending else keys)  # a missing value is last in both directions
    return newest_first.iloc[np.argsort(keys, kind="stable")]


def _keys(data: ReportData, visits: pd.DataFrame, order: Order) -> NDArray[np.float64]:
    """A number for each visit, NaN where there is no value."""
    if order is Order.NAME:
        return _ranks(visits["person_id"], lambda person_id: fold(data.person(person_id).name))
    if order is Order.CAMERA:
        return _ranks(visits["enter_camera_id"], fold)
    if order is Order.LEFT:
        ended = visits["ended_at"]
        return np.where(ended.isna(), np.nan, ended.array.asi8.astype(np.float64))
    column = {Order.DWELL: "dwell_s", Order.GROSS: "gross_s", Order.SEGMENTS: "segments"}[order]
    return visits[column].to_numpy(dtype=np.float64)


def _ranks(column: pd.Series[Any], key: Callable[[str], str]) -> NDArray[np.float64]:
    """The place of each value of a categorical column in the order of `key`."""
    texts = [key(value) for value in column.cat.categories]
    places = {text: place for place, text in enumerate(sorted(set(texts)))}
    ranks = np.array([*(places[text] for text in texts), np.nan])
    return ranks[column.cat.codes.to_numpy()]  # code -1, which is missing, is the last one


def _people(data: ReportData, visits: pd.DataFrame, holds: Callable[[Person], bool]) -> Mask:
    """For which visits something holds of their person."""
    return _by_category(visits["person_id"], lambda person_id: holds(data.person(person_id)))


def _by_category(column: pd.Series[Any], holds: Callable[[str], bool]) -> Mask:
    known = np.array([*(holds(value) for value in column.cat.categories), False])
    return known[column.cat.codes.to_numpy()]


def _is(person: Person, who: Who) -> bool:
    if who is Who.STAFF or person.role is Role.STAFF:
        return (person.role is Role.STAFF) == (who is Who.STAFF)
    return who is Who.PUBLIC or (person.kind is PersonKind.VISITOR) == (who is Who.VISITORS)


def _text(data: ReportData, visits: pd.DataFrame, words: list[str], *, names: bool) -> Mask:
    """Which visits have every word."""
    local = visits["started_at"].dt.tz_convert(data.zone)
    days, day_codes = np.unique(local_days(visits["started_at"], data.zone).to_numpy(), return_inverse=True)
    day_words = [_words_of_day(pd.Timestamp(day)) for day in days]
    minutes = (local.dt.hour * 60 + local.dt.minute).to_numpy()
    people = visits["person_id"].cat.categories if names else ()
    called = {person_id: fold(data.person(person_id).name) for person_id in people}
    cameras = {camera_id: fold(camera_id) for camera_id in visits["enter_camera_id"].cat.categories}
    mask = np.ones(len(visits), dtype=bool)
    for place, word in enumerate(words):
        of_day = np.array([_begins(word, each) for each in day_words])[day_codes]
        if _is_day_of_month(words, place):
            mask &= of_day
            continue
        found = of_day | _by_category(visits["person_id"], _contains(called, word))
        found |= _by_category(visits["enter_camera_id"], _contains(cameras, word))
        if ":" in word:
            clock = [f"{minute // 60:02d}:{minute % 60:02d}".startswith(word) for minute in range(_MINUTES_A_DAY)]
            found |= np.array(clock)[minutes]
        mask &= found
    return mask


def _is_day_of_month(words: list[str], place: int) -> bool:
    """Whether a word is a number beside a month, as in `3 march`, and so no part of a name."""
    word, beside = words[place], words[max(0, place - 1) : place + 2]
    return word.isdecimal() and len(word) <= 2 and any(each[:3] in _MONTHS for each in beside if len(each) > 2)


def _contains(texts: Mapping[str, str], word: str) -> Callable[[str], bool]:
    return lambda key: word in texts.get(key, "")


def _words_of_day(day: datetime) -> frozenset[str]:
    return frozenset({*(day.strftime(form).lower() for form in _DAY_FORMS), str(day.day), f"{day.day}.{day.month}."})


def _begins(word: str, words_of_day: frozenset[str]) -> bool:
    """Whether the word begins one of a day's; a number of two digits or less is a whole day of the month."""
    if word.isdecimal() and len(word) <= 2:
        return word in words_of_day
    return any(each.startswith(word) for each in words_of_day)
