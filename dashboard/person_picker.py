"""A field to choose a person by typing a part of the name."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import MATCH, Input, Output, State, ctx
from dash.development.base_component import Component

from dashboard import shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.queries import Board
from tracker.presence.people import Person
from tracker.reports.text import printable
from tracker.store.directory import DirectoryQuery, Who

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
        limit=_OFFERED + 2,
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
    """The first people by name whose names or groups have every word of the text; the chosen one is always there."""
    store = board.store()
    query = DirectoryQuery(site_id=board.site_id, since=board.now(), today=board.today(), text=text, who=Who.EVERYBODY)
    found = [entry.person for entry in store.directory.page(query, limit=_OFFERED)]
    kept = store.people.some([chosen]) if chosen and all(each.person_id != chosen for each in found) else []
    return [*([{"value": NOBODY, "label": "Nobody I know"}] if nobody else []), *map(_option, [*kept, *found])]


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
        known = board.store().people.some([chosen]) if chosen else []
        shown = bool(known) and typed == known[0].name  # the field shows its choice: offer the others too
        return offered(board, "" if shown else typed[:100], nobody=nobody, chosen=chosen)


def _id(name: str, nobody: bool) -> dict[str, str]:
    return {"type": "person-picker", "name": name, "nobody": "yes" if nobody else "no"}


def _option(person: Person) -> dict[str, str]:
    return {"value": person.person_id, "label": printable(person.name)}
