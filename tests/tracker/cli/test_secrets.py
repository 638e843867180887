"""Passwords of cameras reach neither terminal nor log, nor store, pages, heartbeats or exports."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import Settings, SiteSettings, StoreSettings
from dashboard.queries import Board
from tests.tracker.cli.conftest import Run
from tracker.cloud.heartbeats import Heartbeats, Load
from tracker.store.store import Store

SECRET = "s3cret"
ADDRESSES = {
    "user": "rtsp://admin:s3cret@127.0.0.1:9/Streaming/Channels/101",
    "query": "http://127.0.0.1:9/cgi-bin/CGIStream.cgi?usr=admin&pwd=s3cret",
    "path": "rtsp://127.0.0.1:9/user=admin&password=s3cret&channel=1",
}
each_address = pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)


@each_address
def test_a_tracked_camera_keeps_its_password(
    address: str, start: Callable[..., subprocess.Popen[str]], run: Run, tmp_path: Path
) -> None:
    process = start("-v", "track", "--camera", address)
    assert process.stderr is not None
    printed = ""
    while "cannot be opened" not in printed:
        line = process.stderr.readline()
        assert line, printed
        printed += line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    path = tmp_path / "store.sqlite3"
    with Store(path).open(create=False) as store:
        [health] = store.cameras.health()
        assert "127.0.0.1:9/" in health.source
        assert health.problem is not None
        store.outbox.begin()
        sent = Heartbeats(store, "m-1", every_s=10, version="1").due(
            datetime.now(UTC), lambda: Load(backlog=0, rejected=0)
        )
        assert sent
    settings = Settings(site=SiteSettings(id="gym"), store=StoreSettings(url=f"sqlite:///{path}"))
    board = Board(path, settings)
    exported = run("events", "export").out + run("status").out + run("report", "today", "--json").out
    for text in (printed, out, err, repr(health), repr(sent), repr(board.now_view().cameras), exported):
        assert SECRET not in text
    for file in tmp_path.glob("store.sqlite3*"):
        assert SECRET.encode() not in file.read_bytes()


def test_checks_and_previews_do_not_print_it(run: Run, tmp_path: Path) -> None:
    settings = f'[[camera]]\nid = "door"\nsource = "{ADDRESSES["path"]}"\n'
    (tmp_path / "here" / "footfall.toml").write_text(settings)
    for words in (["doctor"], ["camera", "preview", "--camera", "door", "--out", "x.png"]):
        done = run("-v", *words)
        assert SECRET not in done.out + done.err, words


@pytest.mark.parametrize(
    "source", ["admin:s3cret@cam/live", "rtsp:/admin:s3cret@cam/live", "ftp://admin:s3cret@cam/live"]
)
def test_an_address_that_is_misspelt_is_not_printed(source: str, run: Run) -> None:
    done = run("track", "--camera", source)
    assert SECRET not in done.refused("rtsp")


@pytest.mark.parametrize(
    "value", ['["rtsp://admin:s3cret@cam"]', '{ url = "rtsp://admin:s3cret@cam" }', '"rtsp://admin:s3cret@cam\\u0000"']
)
def test_invalid_settings_do_not_print_it(value: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "here" / "footfall.toml").write_text(f'[[camera]]\nid = "door"\nsource = {value}\n')
    done = run("report", "today")
    assert SECRET not in done.out + done.err
