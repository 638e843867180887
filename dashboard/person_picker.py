"""A field to choose a person by typing a part of the name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import MATCH, Input, Output, State, ctx
from dash.development.base_component import Component

from config.text import fold
from dashboard import shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.queries import Board
from tracker.presence.people import Person

NOBODY = "@nobody"
"""The choice of nobody who is known; no person has this id."""
_OFFERED = 30


def person_picker(board: Board, name: str, *, label: str, nobody: bool = False, chosen: str = "") -> Component:
    """A field whose value is the id of a person. name: of the field; one page has each once.

    nobody: offer NOBODY too. chosen: the id of who is chosen at first. Pages read it from `value_of(name)`.
    """
    picker: Component = dmc.Select(
        id=_id(name, nobody),
        label=label,
        placeholder="Type a name",
        data=offered(board, "", nobody=nobody, chosen=chosen),
        value=chosen or None,
        searchable=True,
        clearable=True,
        limit=_OFFERED + 1,
        filter={"function": "everyOption"},
        nothingFoundMessage="Nobody has that name",
        leftSection=shell.icon("search"),
        comboboxProps={"withinPortal": True},
        clearButtonProps=shell.aria(label="Choose nobody"),
    )
    return picker


def value_of(name: str, *, nobody: bool = False) -> State:
    """The chosen id, as a state of a callback."""
    return State(_id(name, nobody), "value")


def offered(board: Board, text: str, *, nobody: bool, chosen: str = "") -> list[dict[str, str]]:
    """The people whose names have every word of the text, enrolled ones first; the chosen one is always among them."""
    words = fold(text).split()
    found: list[dict[str, str]] = []
    people: Mapping[str, Person] = board.people()
    if chosen in people:
        found.append(_option(people[chosen]))
    for person in people.values():
        if len(found) > _OFFERED:
            break
        if person.person_id != chosen and all(word in fold(person.name) for word in words):
            found.append(_option(person))
    return [*([{"value": NOBODY, "label": "Nobody I know"}] if nobody else []), *found]


def register(app: RoleCallbacks, board: Board) -> None:
    """Search while somebody types."""

    @app.callback(
        Output({"type": "person-picker", "name": MATCH, "nobody": MATCH}, "data"),
        Input({"type": "person-picker", "name": MATCH, "nobody": MATCH}, "searchValue"),
        State({"type": "person-picker", "name": MATCH, "nobody": MATCH}, "value"),
        prevent_initial_call=True,
    )
    def search(text: object, value: object) -> list[dict[str, str]]:
        asked: Any = ctx.outputs_list
        nobody = isinstance(asked, dict) and asked["id"].get("nobody") == "yes"
        chosen = value if isinstance(value, str) else ""
        typed = text if isinstance(text, str) else ""
        known = board.people().get(chosen)
        shown = known is not None and typed == known.name  # the field shows its choice: offer the others too
        return offered(board, "" if shown else typed[:100], nobody=nobody, chosen=chosen)


def _id(name: str, nobody: bool) -> dict[str, str]:
    return {"type": "person-picker", "name": name, "nobody": "yes" if nobody else "no"}


def _option(person: Person) -> dict[str, str]:
    return {"value": person.person_id, "label": person.name}
