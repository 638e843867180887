"""The questions before an enrolment is saved, in words, and what their buttons answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dashboard.enrolment.saving import Answers, Question

FIRST, SECOND, BACK = "enrol-first", "enrol-second", "enrol-back"
"""The ids of the buttons below a question."""


@dataclass(frozen=True, slots=True)
class Words:
    """A question in words. first, second: the labels of its buttons; no first button where `first` is empty."""

    title: str
    text: str
    first: str
    second: str


def words(question: Question) -> Words:
    """The question for people."""
    name = question.whose
    if question.lookalike is not None:
        known = question.lookalike.name
        text = f"{known} is enrolled already. Is it the same person?"
        return Words(f"This looks like {known}", text, f"Yes, add to {known}", "No, somebody else")
    if question.all_shots:
        text = "Make sure that all pictures show the same person."
        return Words(f"These pictures may not all show {name}", text, "", f"It is {name}, save them all")
    several = len(question.shots) > 1
    numbers = " and ".join(map(str, question.shots))
    title = f"Pictures {numbers} look like somebody else" if several else f"Picture {numbers} looks like somebody else"
    text = f"{'They do' if several else 'It does'} not look like the other pictures of {name}."
    return Words(title, text, f"Leave {'them' if several else 'it'} out and save", f"It is {name}, save all")


def remembered(answers: Answers, question: Question) -> dict[str, Any]:
    """The answers so far and the question, as the page keeps them."""
    return {
        "without": sorted(answers.without),
        "kept": sorted(answers.kept),
        "same": answers.same,
        "others": sorted(answers.others),
        "shots": list(question.shots),
        "lookalike": "" if question.lookalike is None else question.lookalike.person_id,
    }


def answered(kept: object, button: str) -> Answers:
    """The answers that a page kept, with that to its question; what is malformed there is left out."""
    given = kept if isinstance(kept, dict) else {}
    answers = Answers(
        without=_numbers(given.get("without")),
        kept=_numbers(given.get("kept")),
        same=text_of(given.get("same")),
        others=frozenset(text_of(each) for each in _list(given.get("others"))),
    )
    shots, lookalike = _numbers(given.get("shots")), text_of(given.get("lookalike"))
    if lookalike:
        is_same = button == FIRST
        return replace(answers, same=lookalike) if is_same else replace(answers, others=answers.others | {lookalike})
    if button == FIRST:
        return replace(answers, without=answers.without | shots)
    return replace(answers, kept=answers.kept | shots)


def _list(given: object) -> list[object]:
    return given if isinstance(given, list) else []


def _numbers(given: object) -> frozenset[int]:
    return frozenset(each for each in _list(given) if isinstance(each, int))


def text_of(given: object) -> str:
    """The value of a field; empty for what is no text."""
    return given if isinstance(given, str) else ""
