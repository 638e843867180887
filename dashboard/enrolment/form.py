"""The form of an enrolment: who is in the pictures, and the consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import dash_mantine_components as dmc
from dash import State, html
from dash.development.base_component import Component

from config.errors import PeopleError
from dashboard import shell
from dashboard.access.identity import current_actor
from dashboard.enrolment.questions import BACK, FIRST, SECOND, text_of
from dashboard.person_words import ROLES
from dashboard.queries import Board
from tracker.identity.names import clean_group, clean_name
from tracker.presence.people import MOST_GROUPS, Consent, Person, Role

_VALUES = {
    "run": ("enrol-run", "data"),
    "name": ("enrol-name", "value"),
    "role": ("enrol-role", "value"),
    "groups": ("enrol-groups", "value"),
    "valid_from": ("enrol-from", "value"),
    "valid_until": ("enrol-until", "value"),
    "agreed": ("enrol-consent", "checked"),
    "answers": ("enrol-answers", "data"),
}
STATES = [State(*target) for target in _VALUES.values()]
"""What a callback needs for `Filled.of`, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The form as it was sent, whatever was sent. enrolment_id: "" before the first picture. answers: to questions."""

    enrolment_id: str
    name: str
    agreed: bool
    answers: object
    _given: Mapping[str, object]

    @classmethod
    def of(cls, values: list[object]) -> Filled:
        """From the values of STATES."""
        given = dict(zip(_VALUES, values, strict=True))
        run = given["run"]
        return cls(
            enrolment_id=text_of(run.get("id")) if isinstance(run, dict) else "",
            name=text_of(given["name"]),
            agreed=given["agreed"] is True,
            answers=given["answers"],
            _given=given,
        )

    def person(self, board: Board) -> Person:
        """Somebody new of these values, who consented now. Raises PeopleError where nobody can have them."""
        from tracker.identity.enrolment import new_person_id

        now, groups = board.now(), self._given["groups"]
        consent = Consent(at=now, version=board.settings.site.consent_version, by=current_actor().name)
        try:
            return Person(
                person_id=new_person_id(),
                name=clean_name(self.name),
                created_at=now,
                role=Role.STAFF if self._given["role"] == Role.STAFF else Role.MEMBER,
                groups=tuple(clean_group(text_of(each)) for each in groups) if isinstance(groups, list) else (),
                valid_from=_day(self._given["valid_from"]),
                valid_until=_day(self._given["valid_until"]),
            ).with_consent(consent)
        except ValueError as error:
            raise PeopleError(str(error), fix="give other values") from error


def form(board: Board, person: Person | None) -> Component:
    """The form. person: who gets the pictures, None for somebody new."""
    return html.Section(
        [
            html.H2(f"Add to {person.name}" if person else "Who is it?", className="card-title", id="enrol-form-title"),
            html.Div(_fields(person), className="enrol-fields", hidden=person is not None),
            _consent(board, person),
            html.Div(id="enrol-problem", role="alert", className="enrol-problem"),
            html.Button("Save", id="enrol-save", type="button", className="button button-main enrol-save"),
        ],
        className="card enrol-form",
        **shell.aria(labelledby="enrol-form-title"),
    )


def question() -> Component:
    """What is asked before saving; the callback that saves fills it."""
    modal: Component = dmc.Modal(
        [
            html.P(id="enrol-question-text", className="enrol-question-text"),
            html.Div(
                [
                    html.Button(id=FIRST, type="button", className="button button-main"),
                    html.Button(id=SECOND, type="button", className="button"),
                    html.Button("Cancel", id=BACK, type="button", className="button"),
                ],
                className="enrol-answers",
            ),
        ],
        id="enrol-question",
        opened=False,
        centered=True,
        closeButtonProps=shell.aria(label="Close"),
    )
    return modal


def _fields(person: Person | None) -> list[Component]:
    role = dmc.SegmentedControl(
        id="enrol-role",
        value=str(Role.MEMBER),
        data=[{"value": str(role), "label": label} for role, label in ROLES.items()],
        fullWidth=True,
        **shell.aria(label="Role"),
    )
    return [
        dmc.TextInput(
            id="enrol-name",
            label="Name",
            value=person.name if person else "",
        ),
        html.Div([html.Span("Role", className="enrol-label"), role]),
        dmc.TagsInput(
            id="enrol-groups",
            label="Groups",
            description="Such as Morning course; Enter adds one",
            value=[],
            maxTags=MOST_GROUPS,
        ),
        html.Div(
            [_day_input("enrol-from", "Valid from"), _day_input("enrol-until", "Valid until")], className="enrol-days"
        ),
    ]


def _day_input(field_id: str, label: str) -> Component:
    field: Component = dmc.DatePickerInput(
        id=field_id,
        label=label,
        placeholder="No limit",
        valueFormat="D MMM YYYY",
        firstDayOfWeek=1,
        weekendDays=[],
        clearable=True,
        leftSection=shell.icon("calendar"),
    )
    return field


def _consent(board: Board, person: Person | None) -> Component:
    site, today, who = board.settings.site, board.today(), person.name if person else "The person"
    recorded = f"Recorded by {current_actor().name} on {today.day} {today:%b %Y}, version {site.consent_version}"
    return html.Div(
        [
            html.P(site.consent_text, className="enrol-consent-text"),
            dmc.Checkbox(id="enrol-consent", label=f"{who} has read this and agrees", size="md"),
            html.P(recorded, className="enrol-consent-by"),
        ],
        className="enrol-consent",
    )


def _day(given: object) -> date | None:
    """Raises ValueError for what is no day."""
    return date.fromisoformat(given[:10]) if isinstance(given, str) and given else None
