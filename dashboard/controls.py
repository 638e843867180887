"""Controls above lists and tables: a search, a choice, a download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard import shell


def search(control_id: str, text: str, *, label: str, placeholder: str = "Search") -> Component:
    """A field to search with. label: its name for screen readers."""
    control: Component = dmc.TextInput(
        id=control_id,
        value=text,
        placeholder=placeholder,
        leftSection=shell.icon("search"),
        debounce=200,
        className="search",
        **shell.aria(label=label),
    )
    return control


def options(names: Mapping[Any, str]) -> list[dict[str, Any]]:
    """What a choice offers. names: by value."""
    return [{"value": str(value), "label": name} for value, name in names.items()]


def choice(
    control_id: str,
    label: str,
    value: str | None,
    offered: Sequence[Mapping[str, Any]],
    *,
    class_name: str = "choice",
) -> Component:
    """One of several values. label: its name for screen readers. offered: options, or groups of options."""
    control: Component = dmc.Select(
        id=control_id,
        value=None if value is None else str(value),
        data=list(offered),
        allowDeselect=False,
        checkIconPosition="right",
        className=class_name,
        **shell.aria(label=label),
    )
    return control


def download_csv(control_id: str, href: str) -> Component:
    """A button that downloads what the list shows."""
    return html.A(
        [shell.icon("download"), html.Span([html.Span("Download ", className="wide-only"), "CSV"])],
        id=control_id,
        className="button",
        href=href,
        download="",
    )
