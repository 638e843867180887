"""Answers to cards of the review, as the browser sends them, and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from config.errors import RecordError
from dashboard import review_queries
from dashboard.feedback import Notifications, attempt
from dashboard.queries import Board
from dashboard.wording import count
from tracker.actions import reassigning, review
from tracker.actions.actor import Actor
from tracker.identity.networks import embedder_of
from tracker.review.doubts import DoubtfulVisit
from tracker.review.rules import ReviewRules
from tracker.store.store import Store

_MOST = 200
"""Cards that are answered together, and visitors of one card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer to cards. people: ids of the visitors of strangers; visits: ids of doubtful visits. One is empty."""

    answer: str
    people: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: object) -> Self | None:
        """From what the browser sends; None where it is malformed."""
        if not isinstance(data, dict) or not isinstance(data.get("answer"), str):
            return None
        items = data.get("items")
        if not isinstance(items, list) or not 0 < len(items) <= _MOST or not all(isinstance(x, dict) for x in items):
            return None
        people = [each for item in items for each in _texts(item.get("people", []))]
        visits = [each for item in items for each in _texts([item["visit"]] if "visit" in item else [])]
        if bool(people) == bool(visits):
            return None
        return cls(answer=data["answer"], people=tuple(people), visits=tuple(visits))

    @property
    def needs_form(self) -> bool:
        """Whether the answer has to be completed: who the stranger is."""
        return bool(self.people) and self.answer in ("name", "known")


def answered(board: Board, asked: Asked) -> Notifications:
    """Do what an answer that needs no form says. Returns what to notify; nothing for an unknown answer."""
    if asked.people:
        return _of_strangers(board, asked)
    if asked.answer == "no":
        return [each for visit in asked.visits for each in _given_away(board, visit)]
    if asked.answer == "yes":
        return attempt(
            board,
            f"Confirmed: {_people(board, asked)}",
            lambda store, actor: review.confirm(store, actor, _found(board, asked), _rules(board)),
        )
    if asked.answer == "ignore":
        return attempt(
            board,
            f"Ignored: {_people(board, asked)}",
            lambda store, actor: review.ignore_visits(store, actor, _found(board, asked)),
        )
    return []


def _given_away(board: Board, session_id: str) -> Notifications:
    """Give a doubtful visit to a new visitor."""
    asked = Asked(answer="no", visits=(session_id,))

    def run(store: Store, actor: Actor) -> int:
        (doubtful,) = _found(board, asked)
        session_id = doubtful.visit.session_id
        return reassigning.reassign(
            store,
            actor,
            site_id=board.site_id,
            session_id=session_id,
            to=None,
            embedder=lambda: embedder_of(board.settings, store),
        )

    return attempt(board, f"Not {_people(board, asked)}: the visit is that of a new visitor", run)


def _of_strangers(board: Board, asked: Asked) -> Notifications:
    visitors = count(len(set(asked.people)), "visitor")
    if asked.answer == "ignore":
        return attempt(
            board, f"Ignored: {visitors}", lambda store, actor: review.ignore_visitors(store, actor, asked.people)
        )
    if asked.answer == "merge":
        return attempt(
            board, f"Merged: {visitors}", lambda store, actor: review.merge_visitors(store, actor, asked.people)
        )
    return []


def _found(board: Board, asked: Asked) -> list[DoubtfulVisit]:
    """The doubtful visits that are asked about. Raises RecordError where one waits no more."""
    known = {each.visit.session_id: each for each in review_queries.items(board).visits}
    if not known.keys() >= set(asked.visits):
        raise RecordError("this visit was answered already", fix="load the page again")
    return [known[each] for each in asked.visits]


def _people(board: Board, asked: Asked) -> str:
    """Whose visits are asked about: a name, or how many they are."""
    names = [each.person.name for each in review_queries.items(board).visits if each.visit.session_id in asked.visits]
    return names[0] if len(names) == 1 else count(len(asked.visits), "visit")


def _rules(board: Board) -> ReviewRules:
    return ReviewRules.of(board.settings, board.store())


def _texts(values: object) -> Sequence[str]:
    """The values, if they are a list of few texts."""
    if not isinstance(values, list) or len(values) > _MOST or not all(isinstance(each, str) for each in values):
        return ()
    return values
