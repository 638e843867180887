"""Enrolment: pictures from the camera of the browser or from files, and who is in them. Only vectors are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import Input, Output, ctx, dcc, html, no_update
from dash.development.base_component import Component

from config.errors import FootfallError, ModelError, PeopleError
from dashboard import shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.identity import current_actor
from dashboard.address import parsed, place
from dashboard.devices.app_files import has_hints
from dashboard.enrolment import routes
from dashboard.enrolment.form import STATES, Filled, form, question
from dashboard.enrolment.questions import BACK, FIRST, SECOND, answered, remembered, words
from dashboard.enrolment.recognition import Recognition
from dashboard.enrolment.running import Enrolments
from dashboard.enrolment.saving import Answers, Question, Saved, name_problem, save
from dashboard.queries import Board
from dashboard.wording import count, sentence
from tracker.presence.people import PersonKind
from tracker.store.users import UserRole

if TYPE_CHECKING:
    from tracker.identity.shots import ShotEngine

TITLE = "Enrol somebody"
LEAST = UserRole.DESK
_PROMISE = "Pictures are looked at on the machine of this site and deleted at once. Numbers that tell faces apart stay."
_CONSENT_MISSING = "Without consent nothing is saved"
_NAME_ERROR = ("enrol-name", "error")
_OUTPUTS = {
    "problem": ("enrol-problem", "children"),
    "name": _NAME_ERROR,
    "consent": ("enrol-consent", "error"),
    "asked": ("enrol-question", "opened"),
    "title": ("enrol-question", "title"),
    "text": ("enrol-question-text", "children"),
    "first": (FIRST, "children"),
    "first_hidden": (FIRST, "hidden"),
    "second": (SECOND, "children"),
    "answers": ("enrol-answers", "data"),
    "content": ("enrol", "children"),
}
"""What the callback that saves may change, by name."""


def layout(board: Board, search: object) -> Component:
    """The pictures beside the form. search: `person` is the id of somebody who gets more pictures."""
    person_id = parsed(search).get("person", "")
    person = board.store().people.get(person_id) if person_id else None
    if person_id and (person is None or person.kind is not PersonKind.ENROLLED):
        return _nobody()
    title = f"More pictures of {person.name}" if person else TITLE
    head = html.Div([html.H1(title, className="page-title"), html.P(_PROMISE, className="page-subtitle")])
    attributes: dict[str, Any] = {"data-person": person.person_id if person else "", **shell.aria(label="Pictures")}
    stage = html.Section(id="enrol-stage", className="card enrol-stage", **attributes)
    return html.Div(
        [
            html.Div(head, className="page-head"),
            html.Div([stage, form(board, person)], className="enrol-grid"),
            dcc.Store(id="enrol-run"),
            dcc.Store(id="enrol-mounted"),
            dcc.Store(id="enrol-answers"),
            question(),
        ],
        id="enrol",
    )


def _nobody() -> Component:
    another = shell.link("Enrol somebody new", place("/people/enrol"), class_name="button", load=True)
    return html.Section(
        [
            html.H1("Nobody to add pictures to", className="page-title"),
            html.P("This person is not enrolled, or was merged or forgotten.", className="empty-text"),
            html.P(another, className="empty-action"),
        ],
        className="card no-page",
    )


def _done(saved: Saved) -> Component:
    pictures, name = count(saved.pictures, "picture"), saved.person.name
    title = f"{pictures} added to {name}" if saved.added else f"{name} is enrolled from {pictures}"
    text = "Cameras recognise them from now on."
    again = shell.link("Enrol somebody else", place("/people/enrol"), class_name="button button-main", load=True)
    profile = shell.link(f"Open {name}", place("/people", {"person": saved.person.person_id}), class_name="button")
    alike = [
        html.P(f"{visitor} looks like {name}: a review can give them those visits.", className="empty-text")
        for visitor in saved.visitors
    ]
    return html.Section(
        [
            shell.icon("check"),
            html.H1(title, className="page-title", id="enrol-done-title"),
            html.P(text, className="empty-text"),
            *alike,
            html.P([again, profile], className="empty-action"),
        ],
        className="card no-page enrol-done",
        role="status",
    )


def register(app: RoleCallbacks, board: Board) -> None:
    """The page, and the addresses that its pictures are sent to."""
    recognition = Recognition(lambda: _load(board), is_current=lambda engine: _is_current(board, engine))
    enrolments = Enrolments()
    routes.register(app.server, recognition, enrolments, hints_here=lambda: has_hints(board.settings.models.dir))
    shell.in_browser(
        app,
        f"function (page) {{ if (page) import({app.asset('enrol/enrol.js')!r}).then((found) => found.mount());"
        " return window.dash_clientside.no_update; }",
        Output("enrol-mounted", "data"),
        Input("enrol", "id"),
    )

    @app.callback(Output(*_NAME_ERROR), Input("enrol-name", "value"), prevent_initial_call=True)
    def check_name(name: object) -> str | None:
        """Say that a name is taken while the form is filled in; nothing of an empty one."""
        problem = name_problem(board.store(), name) if isinstance(name, str) and name.strip() else None
        return sentence(problem) if problem else None

    @app.callback(
        *(Output(*target, allow_duplicate=target == _NAME_ERROR) for target in _OUTPUTS.values()),
        *(Input(button, "n_clicks") for button in ("enrol-save", FIRST, SECOND, BACK)),
        *STATES,
        prevent_initial_call=True,
    )
    def press(save_clicks: object, first: object, second: object, back: object, *values: object) -> tuple[Any, ...]:
        """Save, after the questions that the pictures raise."""
        button = ctx.triggered_id
        if button == BACK or not any((save_clicks, first, second, back)):
            return _changes()
        filled = Filled.of(list(values))
        try:
            return _saved(board, enrolments, filled, button)
        except FootfallError as error:
            return _changes(problem=f"{sentence(error.problem)} {sentence(error.fix)}")


def _saved(board: Board, enrolments: Enrolments, filled: Filled, button: object) -> tuple[Any, ...]:
    """Save what was filled in, or say what is wrong with it or to be asked. Raises FootfallError."""
    if not filled.enrolment_id:
        raise PeopleError("there are no pictures yet", fix="take or upload at least one")
    enrolment = enrolments.get(filled.enrolment_id, routes.owner())
    problem = None if enrolment.person_id else name_problem(board.store(), filled.name)
    if problem or not filled.agreed:
        return _changes(
            name=sentence(problem) if problem else None, consent=None if filled.agreed else _CONSENT_MISSING
        )
    answers = answered(filled.answers, button) if button in {FIRST, SECOND} else Answers()
    found = save(board.store(), board.settings, current_actor(), enrolment, filled.person(board), answers)
    if isinstance(found, Question):
        return _asking(found, answers)
    enrolments.end(enrolment.enrolment_id, enrolment.owner)
    return _changes(content=_done(found))


def _asking(question: Question, answers: Answers) -> tuple[Any, ...]:
    said = words(question)
    return _changes(
        asked=True,
        title=said.title,
        text=said.text,
        first=said.first,
        first_hidden=not said.first,
        second=said.second,
        answers=remembered(answers, question),
    )


def _changes(**given: object) -> tuple[Any, ...]:
    """The values of the outputs: errors are cleared and the question is closed unless given, the rest stays."""
    usual = {"problem": None, "name": None, "consent": None, "asked": False}
    return tuple(given.get(name, usual.get(name, no_update)) for name in _OUTPUTS)


def _load(board: Board) -> ShotEngine:
    from tracker.identity.networks import load_engine

    return load_engine(board.settings, board.store())


def _is_current(board: Board, engine: ShotEngine) -> bool:
    """Whether the people are recognised with the network of the engine. Raises StoreError."""
    from tracker.identity.networks import embedder_of

    try:
        return embedder_of(board.settings, board.store()).network == engine.embedder.network
    except ModelError:  # loading the engine again reports it
        return False
