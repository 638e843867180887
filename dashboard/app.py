"""The dashboard as a Dash application: a frame, three pages, and a pulse on which open pages refresh."""

from __future__ import annotations

import html as markup
import logging
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
from dash import Dash, Input, Output, State, no_update
from dash.development.base_component import Component
from werkzeug.exceptions import HTTPException

from config.errors import FootfallError
from config.settings import Settings
from dashboard import feedback, people_files, person_picker, shell, visit_csv, visit_dialog
from dashboard.access import cookies
from dashboard.access import pages as sign_in
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.guard import guard
from dashboard.access.hosts import Hosts
from dashboard.access.identity import Access, current_user, may_open, names_shown
from dashboard.devices import app_files, routes
from dashboard.pages import cameras, enrol, now, people, review, usage, visits
from dashboard.plain import display, roll_call
from dashboard.queries import Board
from dashboard.sharing import share
from dashboard.wsgi import BelowPath, compressed
from tracker.store.users import UserRole

NOT_FOUND = "Not found"
PAGES: dict[str, ModuleType] = {
    "/": now,
    "/visits": visits,
    "/people": people,
    "/people/enrol": enrol,
    review.PATH: review,
    "/usage": usage,
    "/cameras": cameras,
}
"""By address. A page has a TITLE, the LEAST role that it is for, a `layout` and `register` for its callbacks."""

_OF_PLAIN_PAGES = r"(plain|roll-call|display)\.(css|js)|scheme\.js"
"""Assets that are not for the pages of Dash."""
_VERSIONS = re.compile(r'"((?:dash|ddk|plotly|python)_version(?:_url)?)":"[^"]*"')
logger = logging.getLogger("footfall.dashboard")

_INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    {%favicon%}
    <meta name="color-scheme" content="light dark">
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>{%config%}{%scripts%}{%renderer%}</footer>
  </body>
</html>"""


def _page(path: str) -> ModuleType | None:
    """The page at an address, None where there is none for who asks."""
    page = PAGES.get(path.rstrip("/") or "/")
    return page if page is not None and may_open(page.LEAST) else None


def _navigation_items() -> list[shell.NavigationItem]:
    """The entries of the navigation for who asks."""
    return [item for item in shell.NAVIGATION if _page(item.path)]


def _is_unknown_page(request: flask.Request) -> bool:
    """Whether Dash answers this address only because it answers every address."""
    return request.endpoint == "/<path:path>" and _page(request.path) is None


def _dialogs() -> list[Component]:
    """What pages share beside their content, for who asks."""
    return [*feedback.components(), *(visit_dialog.components() if may_open(UserRole.DESK) else ())]


class _TitledDash(Dash):
    """A Dash whose first response has the title of the requested page and its token, and no version of a package."""

    def interpolate_index(self, *args: Any, **parts: Any) -> Any:
        page = _page(flask.request.path)
        script = f'<script src="{self.get_asset_url("scheme.js")}"></script>'
        parts["metas"] += f'<meta name="csrf-token" content="{cookies.csrf_token()}">{script}'
        parts["config"] = _VERSIONS.sub(r'"\1":null', parts["config"])
        parts["favicon"] = f'<link rel="icon" type="image/svg+xml" href="{self.get_asset_url("favicon.svg")}">'
        parts["title"] = markup.escape(f"{page.TITLE if page else NOT_FOUND} · {self.title}")
        fill: Callable[..., str] = super().interpolate_index
        return fill(*args, **parts)


def create_app(
    store_path: Path,
    settings: Settings,
    reread: Callable[[], Settings] | None = None,
    settings_file: Path | None = None,
    *,
    always_sign_in: bool = False,
) -> Dash:
    """The application over one store; `.server` is its WSGI application.

    reread: loads the settings again when the shared ones changed. settings_file: the file given at the start, for the
    commands on pages. always_sign_in: pages need a sign-in, also while there are no users.
    The store need not exist yet: pages show the problem, and recover when it can be read.
    """
    board = Board(store_path, settings, reread=reread, settings_file=settings_file, names_shown=names_shown)
    access = Access(board.store_file, now=board.now, always=always_sign_in)
    app = _TitledDash(
        __name__,
        title=settings.site.name,
        update_title="",
        index_string=_INDEX,
        assets_folder=str(Path(__file__).parent / "assets"),
        assets_ignore=_OF_PLAIN_PAGES,
        assets_path_ignore=["^enrol$"],
        suppress_callback_exceptions=True,
        serve_locally=True,
        routes_pathname_prefix="/",
        requests_pathname_prefix=settings.dashboard.base_path,
        add_log_handler=False,
        on_error=_log_and_leave_as_it_is,
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1, viewport-fit=cover"},
            {"name": "description", "content": "Who is in, since when, and how the place is used."},
        ],
    )
    app.layout = lambda: shell.frame(settings.site.name, current_user(), _navigation_items(), _dialogs())
    _route(app, board, settings.site.name, settings.dashboard.base_path)
    _pulse(app, board)
    feedback.register(app, board)
    visit_dialog.register(app, board)
    person_picker.register(RoleCallbacks(app, UserRole.DESK), board)
    for page in PAGES.values():
        page.register(RoleCallbacks(app, page.LEAST), board)
    share(app, board)
    app.server.jinja_env.globals["asset"] = app.get_asset_url
    guard(app.server, access, Hosts(settings.dashboard.allowed_hosts), script_hashes=app.csp_hashes())
    sign_in.register(app.server, access, site_name=settings.site.name)
    _answer(app.server, board)
    visit_csv.register(app.server, board)
    roll_call.register(app.server, board, site_name=settings.site.name)
    display.register(app.server, board, site_name=settings.site.name)
    people_files.register(app.server, board)
    routes.register(app.server, board)
    app_files.register(app.server, board)
    app.server.after_request(compressed)
    app.server.wsgi_app = BelowPath(app.server.wsgi_app, settings.dashboard.base_path)
    return app


def _route(app: Dash, board: Board, site_name: str, base_path: str) -> None:
    @app.callback(
        Output("page", "children"),
        Output("navigation", "children"),
        Output("title", "data"),
        Input("url", "pathname"),
        State("url", "search"),
    )
    def show(path: object, search: object) -> tuple[Any, Any, str]:
        asked = f"/{path.removeprefix(base_path.rstrip('/')).lstrip('/')}" if isinstance(path, str) else "/"
        page = _page(asked)
        items = _navigation_items()
        content = page.layout(board, search) if page else shell.no_such_page(asked, items)
        title = f"{page.TITLE if page else NOT_FOUND} · {site_name}"
        return content, shell.navigation(asked.rstrip("/") or "/", items), title

    shell.in_browser(
        app,
        "function (title) { if (title) document.title = title; return window.dash_clientside.no_update; }",
        Output("title", "clear_data"),
        Input("title", "data"),
    )
    shell.in_browser(
        app,
        "function () { return matchMedia('(max-width: 640px)').matches ? 'narrow' : 'wide'; }",
        Output("viewport", "data"),
        Input("url", "pathname"),
    )
    shell.in_browser(
        app,
        "function () { return document.documentElement.dataset.mantineColorScheme || 'light'; }",
        Output("colours", "data"),
        Input("url", "pathname"),
    )


def _pulse(app: Dash, board: Board) -> None:
    @app.callback(
        Output("pulse", "data"),
        Output("history", "data"),
        Output("trouble", "children"),
        Output("page", "hidden"),
        Input("tick", "n_intervals"),
        State("pulse", "data"),
        State("history", "data"),
    )
    def beat(_ticks: object, pulse: object, history: object) -> tuple[Any, ...]:
        """Change `pulse` and `history` when there is something new; report a store that cannot be read."""
        try:
            now = board.pulse()
        except FootfallError as error:
            state = f"trouble: {error}"
            return (no_update,) * 4 if pulse == state else (state, state, shell.trouble(error), True)
        if pulse == now.anything:
            return (no_update,) * 4
        return now.anything, no_update if history == now.history else now.history, None, False


def _log_and_leave_as_it_is(error: Exception) -> Any:
    """A page keeps its content when a callback fails; the pulse reports a store that cannot be read.

    What a role may not ask for is refused.
    """
    if isinstance(error, HTTPException):
        raise error
    flask.g.callback_failed = True
    if isinstance(error, FootfallError):
        logger.warning("%s", error)
    else:
        logger.error("a callback failed", exc_info=error)
    return no_update


def _answer(server: flask.Flask, board: Board) -> None:
    """The time with every answer, the status of an unknown page, and no traceback for an invalid request."""

    @server.after_request
    def finish(response: flask.Response) -> flask.Response:
        response.headers["X-Footfall-Now-Ms"] = str(round(board.now().timestamp() * 1000))
        if response.status_code == 200 and _is_unknown_page(flask.request):
            response.status_code = 404
        return response

    @server.errorhandler(Exception)
    def refuse(error: Exception) -> Any:
        if isinstance(error, HTTPException):
            return error
        if flask.request.method == "POST":
            logger.warning("invalid request: %s: %s", type(error).__name__, error)
            return {"error": "invalid request"}, 400
        logger.error("a request failed", exc_info=error)
        return {"error": "the dashboard failed to answer"}, 500
