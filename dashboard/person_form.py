"""The forms of a profile: name and groups, and for admins role, access and validity; each saves by one action."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import dash_mantine_components as dmc
from dash import Input, State, html, no_update
from dash.development.base_component import Component

from config.errors import PeopleError
from dashboard import feedback, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.elements import Element
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import ProfileView
from dashboard.person_words import ROLES
from dashboard.queries import Board
from dashboard.time_field import MONTHS
from tracker.actions import people
from tracker.actions.actor import Actor
from tracker.identity.names import MAX_NAME
from tracker.presence.documents import encode
from tracker.presence.people import LONGEST_GROUP, MOST_GROUPS, Person, PersonKind, Role
from tracker.store.store import Store
from tracker.store.users import UserRole


def forms(view: ProfileView, *, admin: bool) -> list[Component]:
    """The forms that there are for who asks. admin: they may change what the person may."""
    person = view.person
    found = [_profile_form(person, view.groups)]
    if admin and person.kind is PersonKind.ENROLLED:
        found.append(_rights_form(person))
    return found


def fingerprint(view: ProfileView) -> str:
    """Equal for two views whose forms are equal: what somebody types is not lost to changes of other things."""
    return json.dumps([encode(view.person), list(view.groups)])


def _profile_form(person: Person, groups: Sequence[str]) -> Element:
    fields = [
        dmc.TextInput(id="person-name", label="Name", value=person.name),
        dmc.TagsInput(
            id="person-groups",
            label="Groups",
            value=list(person.groups),
            data=list(groups),
            maxTags=MOST_GROUPS,
            placeholder="" if person.groups else "Such as Morning course",
            clearable=False,
            acceptValueOnBlur=True,
        ),
    ]
    return _form("Name and groups", fields, "person-save-profile", "person-profile-title")


def _rights_form(person: Person) -> Element:
    fields = [
        dmc.Select(
            id="person-role",
            label="Role",
            value=person.role.value,
            data=[{"value": role.value, "label": name} for role, name in ROLES.items()],
            allowDeselect=False,
            checkIconPosition="right",
        ),
        dmc.Switch(id="person-access", label="May be here", checked=person.access, className="form-switch"),
        html.Div(
            [
                _date("person-from", "From", person.valid_from),
                _date("person-until", "Until, included", person.valid_until),
            ],
            className="form-pair",
        ),
    ]
    return _form("Role and access", fields, "person-save-rights", "person-rights-title")


def _date(control_id: str, label: str, value: date | None) -> Component:
    control: Component = dmc.DateInput(
        id=control_id,
        label=label,
        value=None if value is None else value.isoformat(),
        valueFormat="D MMM YYYY",
        placeholder="No limit",
        clearable=True,
        firstDayOfWeek=1,
        weekendDays=[],
        clearButtonProps=shell.aria(label=f"No limit: {label}"),
        ariaLabels=MONTHS,
    )
    return control


def _form(title: str, fields: list[Component], button_id: str, heading_id: str) -> Element:
    save = html.Button("Save", id=button_id, className="button", type="button", **shell.aria(describedby=heading_id))
    return shell.card(title, html.Div([*fields, html.Div(save)], className="form"), heading_id=heading_id)


def register(app: RoleCallbacks, board: Board) -> None:
    """Save what the forms hold."""

    @app.callback(
        feedback.NOTIFY,
        Input("person-save-profile", "n_clicks"),
        Input("person-name", "n_submit"),
        State("url", "search"),
        State("person-name", "value"),
        State("person-groups", "value"),
        prevent_initial_call=True,
    )
    def save_profile(clicks: object, enters: object, search: object, name: object, groups: object) -> Any:
        if not (clicks or enters):
            return no_update
        person_id = PeopleQuery.of_address(search).person
        called, words = _text(name, MAX_NAME), _texts(groups)

        def run(store: Store, actor: Actor) -> int:
            return people.edit_profile(store, actor, person_id, name=called, groups=words)

        return feedback.attempt(board, f"{called} is saved", run)

    @RoleCallbacks(app, UserRole.ADMIN).callback(
        feedback.NOTIFY,
        Input("person-save-rights", "n_clicks"),
        State("url", "search"),
        State("person-role", "value"),
        State("person-access", "checked"),
        State("person-from", "value"),
        State("person-until", "value"),
        prevent_initial_call=True,
    )
    def save_rights(clicks: object, search: object, role: object, access: object, *days: object) -> Any:
        if not clicks:
            return no_update
        person_id = PeopleQuery.of_address(search).person

        def run(store: Store, actor: Actor) -> int:
            return people.edit(
                store,
                actor,
                person_id,
                role=_role(role),
                access=access if isinstance(access, bool) else None,
                validity=(_day(days[0]), _day(days[1])),
            )

        return feedback.attempt(board, "Role and access are saved", run)


def _text(value: object, most: int) -> str:
    return value[: most + 1] if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    """The texts of a list; one too long, or too many, stay so, for the action to refuse."""
    parts = value[: MOST_GROUPS + 1] if isinstance(value, list) else []
    return [_text(each, LONGEST_GROUP) for each in parts]


def _role(value: object) -> Role | None:
    return next((role for role in Role if role.value == value), None)


def _day(value: object) -> date | None:
    """The day of a control, None for no limit. Raises PeopleError for what is no day."""
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise PeopleError(f"{str(value)[:20]!r} is not a day", fix="choose a day, or none for no limit") from error
