"""The display at the door: how many people are in, in a number that is read from far away; no names.

Plain HTML, styles and a script that old browsers of tablets run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import flask

from config.errors import StoreError
from dashboard.now_strip import LEVEL_WORDS
from dashboard.queries import Board
from dashboard.theme import Level
from dashboard.views import NowView

_SCHEMES = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the display says. number: people in, or a dash where nothing watches. percent: of the capacity, 0 to 100.

    of: `of 50` with a capacity. words: beside the bar; level: its colour.
    """

    number: str
    of: str
    words: str
    percent: int | None
    level: str


def shown(view: NowView, capacity: int | None) -> Shown:
    """The text of the display; where no camera watches, no number is known."""
    if view.watching is False or not view.started:
        return _nothing("not watched")
    inside = view.people_in
    level, of = Level.of(inside, capacity), "" if capacity is None else f"of {capacity:,}"
    free = 0 if capacity is None else max(0, capacity - inside)
    room = "" if capacity is None else f"{free:,} free" if free else "no place free"
    words = " · ".join(filter(None, (LEVEL_WORDS[level], room)))
    percent = None if capacity is None else min(100, round(100 * inside / capacity))
    return Shown(number=f"{inside:,}", of=of, words=words, percent=percent, level=level)


def _nothing(words: str) -> Shown:
    return Shown(number="–", of="", words=words, percent=None, level=Level.CALM)


def _now(board: Board) -> Shown:
    try:
        return shown(board.now_view(), board.capacity)
    except StoreError:
        return _nothing("not available")


def register(server: flask.Flask, board: Board, *, site_name: str) -> None:
    """Serve the page, and what it polls."""
    pages = flask.Blueprint("display", __name__, template_folder="templates")

    @pages.get("/display")
    def page() -> str:
        scheme = flask.request.args.get("scheme", "")
        return flask.render_template(
            "display.html",
            site_name=site_name,
            scheme=scheme if scheme in _SCHEMES else "",
            shown=_now(board),
            data=flask.url_for("display.data", key=flask.request.args.get("key")),
        )

    @pages.get("/display.json")
    def data() -> flask.Response:
        return flask.jsonify(asdict(_now(board)))

    server.register_blueprint(pages)
