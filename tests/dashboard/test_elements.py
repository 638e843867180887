"""Elements as plain data: they are what Dash makes of its own objects, and have only properties that Dash knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dash import html
from flask.testing import FlaskClient
from plotly.io.json import to_json_plotly

from dashboard import elements
from dashboard.app import create_app
from tests.dashboard import boards, gym
from tests.dashboard.callbacks import UPDATE, asked
from tests.dashboard.conftest import with_token
from tracker.presence.events import EventKind
from tracker.store.observation import Observation
from tracker.store.store import Store

NAMES = [name for name in vars(elements) if name[0].isupper() and hasattr(html, name)]
FILLED = {"/": ("now-tiles", "now-inside"), "/visits": ("visits-table",), "/people": ("people-table",),
          "/usage": ("usage-tiles",)}  # fmt: skip
"""page -> ids that its callbacks fill"""


@pytest.mark.parametrize("name", NAMES)
def test_an_element_is_encoded_as_that_of_dash(name: str) -> None:
    properties = {"id": "one", "className": "two", "title": None, "data-go": "top", "aria-label": "three"}
    theirs = getattr(html, name)
    assert json.loads(to_json_plotly(getattr(elements, name)("text", **properties))) == json.loads(
        to_json_plotly(theirs("text", **properties))
    )
    assert json.loads(to_json_plotly(getattr(elements, name)())) == json.loads(to_json_plotly(theirs()))


def found_in(answer: object) -> Iterator[dict[str, Any]]:
    """The elements of HTML in an answer."""
    if isinstance(answer, dict):
        if answer.get("namespace") == "dash_html_components":
            yield answer
        for value in answer.values():
            yield from found_in(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from found_in(value)


def post(client: FlaskClient, name: str, **values: object) -> object:
    answer = client.post(UPDATE, json=asked(client, name, values))
    assert answer.status_code == 200
    return answer.json


@pytest.mark.parametrize("page", FILLED)
def test_pages_use_no_property_that_dash_refuses(page: str, store: Store) -> None:
    now = datetime.now(UTC)
    came = [gym.event(EventKind.ENTER, one_id, now - timedelta(hours=1)) for one_id in ("p-ada", "p-vera")]
    left = gym.event(EventKind.EXIT, "p-ada", now - timedelta(minutes=10))
    store.record(Observation(events=[*came, left]))
    client = with_token(create_app(store.path, boards.settings(store.path, capacity=10)).server.test_client())
    answers = [post(client, "page.children", url=page)]
    answers += [post(client, f"{name}.children", url="", pulse="1", history="1") for name in FILLED[page]]
    assert "Ada" in json.dumps(answers)
    for each in found_in(answers):
        getattr(html, each["type"])(**each["props"])  # raises TypeError
