"""`footfall demo` and `footfall dashboard`: the pipeline against the script, and missing packages."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tracker.cli import dashboard, demo, extras
from tracker.demo.clip import CLIP, truth
from tracker.demo.render import CLIP_NAME, render_clip
from tracker.store.leases import lease

SHORT = replace(CLIP, length_s=12.0, fps=5)
"""The beginning of the demo: the enrolled one enters and stays to the end, so does the stranger."""


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "clip.mp4"
    render_clip(path, scene=SHORT)
    return path


@pytest.fixture
def short(short_clip: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo with that clip, in the folder of the demo."""
    kept = Path(environment["XDG_CACHE_HOME"]) / "footfall" / "demo" / CLIP_NAME
    kept.parent.mkdir(parents=True)
    for suffix in (".mp4", ".json"):
        shutil.copy(short_clip.with_suffix(suffix), kept.with_suffix(suffix))
    monkeypatch.setattr("tracker.demo.clip.CLIP", SHORT)
    monkeypatch.setattr("tracker.demo.render.render_clip", partial(render_clip, scene=SHORT))


@pytest.mark.usefixtures("short")
def test_demo_finds_every_visit_of_the_script_and_starts_afresh_each_time(run: Run) -> None:
    done = run("demo", "--no-serve", "--fast", "--json")
    assert done.code == 0, done.err
    assert set(done.data) == {"passed", "tolerance_s", "visits"}
    assert [(row["label"], row["who"], row["problem"]) for row in done.data["visits"]] == [
        ("Eileen", "Eileen", ""), ("Stranger", "Visitor 1", ""),
    ]  # fmt: skip
    assert "Enrolled Eileen from one picture" in done.err
    table = run("demo", "--no-serve", "--fast").out
    assert "2 of 2 visits right, tolerance 1 s" in table


def later(script: object, **rules: float) -> object:
    """Another truth: the first visit begins three seconds later."""
    first, *others = truth(SHORT, **rules)
    begins = replace(first.segments[0], started_s=first.segments[0].started_s + 3)
    return (replace(first, segments=(begins, *first.segments[1:])), *others)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda patch: patch.setattr("tracker.demo.clip.truth", later), id="other-truth"),
        pytest.param(lambda patch: patch.setenv("FOOTFALL_MATCH__MAX_DISTANCE", "0.01"), id="broken-matcher"),
    ],
)
def test_demo_fails_when_truth_or_matcher_are_spoilt(
    spoil: Callable[[pytest.MonkeyPatch], None], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch)
    done = run("demo", "--no-serve", "--fast", "--json")
    done.refused("the visits differ from the script")
    assert json.loads(done.out)["passed"] is False


@pytest.mark.usefixtures("short")
def test_demo_serves_the_dashboard_beside_it_on_a_free_port_and_ends_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: dict[int, str] = {}

    def page_on(port: int) -> str:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        return connection.getresponse().read().decode()

    def look() -> None:
        port = int(re.findall(r"http://127.0.0.1:([0-9]+)", capsys.readouterr().err)[0])
        pages[port] = page_on(port)

    monkeypatch.setattr(demo, "_wait", look)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port = taken.getsockname()[1]
        assert run("demo", "--fast", "--port", taken_port).code == 0
    ((port, page),) = pages.items()
    assert port != taken_port
    assert "<html" in page
    with pytest.raises(ConnectionError):
        page_on(port)


@pytest.mark.usefixtures("short")
def test_demo_leaves_a_store_that_is_there_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.sqlite3").write_bytes(b"precious")
    run("demo", "--no-serve", "--fast", "--store", f"sqlite:///{tmp_path / 'mine.sqlite3'}").refused("exists already")
    assert (tmp_path / "mine.sqlite3").read_bytes() == b"precious"


@pytest.mark.usefixtures("short")
def test_demo_does_not_pull_the_store_from_under_another_demo(run: Run, environment: dict[str, str]) -> None:
    store = Path(environment["XDG_DATA_HOME"]) / "footfall" / "demo" / "footfall-demo.sqlite3"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"of the other")
    with lease(store, "lobby"):
        run("demo", "--no-serve", "--fast").refused("camera lobby is tracked into")
    assert store.read_bytes() == b"of the other"


def test_demo_says_which_packages_it_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "skimage" else object())
    run("demo", "--no-serve").refused("the demo needs scikit-image", "pip install 'footfall[demo]'")
    monkeypatch.setattr(extras, "find_spec", lambda _name: object())
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "dash" else object())
    run("demo").refused("the dashboard needs dash", "pip install 'footfall[dashboard]'")
    run("dashboard").refused("the dashboard needs dash", "pip install 'footfall[dashboard]'")


def test_dashboard_hands_its_flags_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(dashboard.runpy, "run_module", lambda name, **_: called.append((name, sys.argv)))
    run("dashboard", "--store", "sqlite:///x", "--port", "0", "--host", "127.0.0.1")
    words = ["footfall dashboard", "--store", "sqlite:///x", "--host", "127.0.0.1", "--port", "0"]
    assert called == [("dashboard", words)]
