"""The cards of the review: a stranger who waits for a name, a visit that may be somebody else's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.person_menu import correct_button
from dashboard.review_words import (
    likeness_words,
    stranger_name,
    stranger_seen,
    stranger_visits,
    visit_doubt,
    visit_faces,
    visit_figures,
    visit_time,
)
from dashboard.views import Days
from dashboard.wording import count, initials
from tracker.identity.review import Resemblance
from tracker.reports.visit_filter import VisitFilter
from tracker.review.doubts import DoubtfulVisit
from tracker.review.strangers import Stranger

Answers = Sequence[tuple[str, str]]
"""Answers as the browser sends them, and what their buttons say; the first is the main one."""
_MOST_DAYS = 30


def stranger_card(stranger: Stranger, names: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Component:
    """A stranger: who came when, and whom they resemble."""
    name, like = stranger_name(stranger), stranger.like
    answers = [("name", "Name…")]
    if like is not None and like.resemblance is not Resemblance.SLIGHT:
        answers.insert(0, ("known", f"Yes, {names[like.person_id]}…"))
    if len(stranger.people) > 1:
        answers.append(("merge", "Merge"))
    alike = likeness_words(stranger, names)
    return _card(
        key=stranger.person_ids[0],
        item={"people": stranger.person_ids},
        face=html.Span("?", className="face face-visitor", **shell.aria(hidden="true")),
        title=name,
        tag=count(len(stranger.people), "visitor") if len(stranger.people) > 1 else "",
        lines=(stranger_visits(stranger), stranger_seen(stranger, zone, now)),
        mark=alike,
        more=[shell.link("See the visits", _visits_of(stranger, zone, now))],
        answers=[*answers, ("ignore", "Ignore")],
    )


def visit_card(doubtful: DoubtfulVisit, names: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Component:
    """A visit that rests on doubtful matches."""
    name = doubtful.person.name
    return _card(
        key=doubtful.visit.session_id,
        item={"visit": doubtful.visit.session_id},
        face=html.Span(initials(name), className="face", **shell.aria(hidden="true")),
        title=f"Was this {name}?",
        tag=visit_doubt(doubtful),
        lines=(visit_time(doubtful, zone, now), visit_figures(doubtful, names), visit_faces(doubtful)),
        mark="",
        more=[
            correct_button(
                doubtful.visit.session_id, "Somebody else…", class_name="button", label=f"Somebody else than {name}…"
            ),
            shell.link("See the visit", _visit(doubtful, zone, now)),
        ],
        answers=(("yes", f"Yes, {name}"), ("no", "No"), ("ignore", "Ignore")),
    )


def _card(
    *,
    key: str,
    item: Mapping[str, Any],
    face: Component,
    title: str,
    tag: str,
    lines: Sequence[str],
    mark: str,
    answers: Answers,
    more: Sequence[Component],
) -> Component:
    """item: what an answer sends to the server, as JSON."""
    title_id = f"review-{key}"
    text = [
        html.Div(
            [
                html.H2(title, className="review-title", id=title_id),
                *([html.Span(tag, className="tag")] if tag else []),
            ],
            className="review-head",
        ),
        *(html.P(line, className="review-line") for line in lines if line),
        *([html.P(mark, className="review-like")] if mark else []),
        html.Div([*_buttons(answers, title), *more], className="review-answers"),
    ]
    select = html.Button(
        html.Span(className="review-tick", **shell.aria(hidden="true")),
        className="review-select",
        type="button",
        role="checkbox",
        **shell.aria(checked="false", label=f"Select: {title}"),
    )
    data: dict[str, Any] = {"data-key": key, "data-item": json.dumps(item)}
    return html.Li(
        [select, face, html.Div(text, className="review-text")],
        className="card review-card",
        tabIndex=-1,
        **shell.aria(labelledby=title_id),
        **data,
    )


def answer_button(answer: str, words: str, *, main: bool = False, **more: Any) -> Component:
    """A button whose answer assets/review.js sends to the server."""
    data: dict[str, Any] = {"data-answer": answer}
    return html.Button(words, type="button", className="button button-main" if main else "button", **data, **more)


def _buttons(answers: Answers, title: str) -> list[Component]:
    return [
        answer_button(answer, words, main=number == 0, **shell.aria(label=f"{words} ({title})"))
        for number, (answer, words) in enumerate(answers)
    ]


def _visits_of(stranger: Stranger, zone: ZoneInfo, now: datetime) -> str:
    """The visits of the visitor with most of them."""
    days = Days.until(now.astimezone(zone).date(), days=_MOST_DAYS)
    where = VisitFilter(person_id=stranger.person_ids[0])
    return VisitQuery(days=days, moving=_MOST_DAYS, where=where).link()


def _visit(doubtful: DoubtfulVisit, zone: ZoneInfo, now: datetime) -> str:
    first, last = (each.astimezone(zone).date() for each in (doubtful.visit.started_at, now))
    days = Days.until(last, days=(last - first).days + 1)
    return VisitQuery(days=days, moving=days.count, visit=doubtful.visit.session_id).link()
