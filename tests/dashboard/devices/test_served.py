"""A device and a dashboard in a process of its own, which may be killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.dashboard.conftest import ROOT, announced
from tests.dashboard.devices.conftest import SITE, Gym, documents


@contextmanager
def killed(gym: Gym, settings: Path) -> Iterator[int]:
    """The port of a dashboard, which is killed at the end."""
    command = [sys.executable, "-m", "dashboard", "--store", gym.settings.store.url, "--port", "0"]
    with subprocess.Popen(
        [*command, "--settings", settings], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield int(announced(process).split(":")[2].strip("/"))
        finally:
            process.send_signal(signal.SIGKILL)


def post(port: int, gym: Gym, body: bytes) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/camera/api/records", body, {"Authorization": f"Bearer {gym.key}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def status_of_large_body(port: int, gym: Gym) -> int:
    """The answer to the head of a request whose body is too large."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest("POST", "/camera/api/records")
        for name, value in (("Authorization", f"Bearer {gym.key}"), ("Content-Length", "10000000")):
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gym.toml"
    path.write_text(f'[site]\nid = "{SITE}"\n')
    return path


def test_records_are_stored_once_though_the_dashboard_is_killed(gym: Gym, settings: Path) -> None:
    sent = documents(*(gym.event("enter", 600 - number, track_id=f"t-{number}") for number in range(50)))
    body = json.dumps({"instance": "page-1", "events": sent, "heartbeat": gym.heartbeat()}).encode()
    with killed(gym, settings) as port:
        first = json.loads(post(port, gym, body)[1])
    with killed(gym, settings) as port:
        again = json.loads(post(port, gym, body)[1])
        status = status_of_large_body(port, gym)
    assert (first["stored"], first["known"]) == (50, 0)
    assert (again["stored"], again["known"]) == (0, 50)
    assert status == 413
    assert len(gym.store.events.select(site_id=SITE)) == 50
