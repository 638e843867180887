"""The button at a person who is in: it opens the dialog in which the visit is corrected."""

from __future__ import annotations

from typing import Any

from dashboard import elements as html
from dashboard import shell
from dashboard.elements import Element


def person_menu(session_id: str, name: str) -> Element:
    """A button for a person who is in, for pages whose user has the role desk.

    session_id: of the visit that goes on. The dialog marks the person as left, gives the visit to somebody else, and
    leads to the profile; it is part of the frame, see `dashboard/visit_dialog.py`.
    """
    return correct_button(
        session_id, shell.icon("more"), class_name="icon-button", label=f"Correct the visit of {name}"
    )


def correct_button(session_id: str, children: Any, *, class_name: str, label: str | None = None) -> Element:
    """A button that opens the dialog for a visit; see assets/feedback.js."""
    more: dict[str, Any] = {"data-correct": session_id, **shell.aria(haspopup="dialog")}
    if label is not None:
        more |= {**shell.aria(label=label), "title": label}
    return html.Button(children, type="button", className=class_name, **more)
