"""The server: addresses, titles, headers, malformed requests, start and stop."""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask.testing import FlaskClient

from config.settings import Settings, SiteSettings, StoreSettings
from dashboard.app import create_app
from tests.dashboard import gym
from tests.dashboard.callbacks import UPDATE, callback, outputs_of
from tests.dashboard.conftest import ROOT, announced, with_token


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    path = tmp_path / "footfall.sqlite3"
    with gym.open_store(path):
        pass
    settings = Settings(site=SiteSettings(name="Ada & Sons <gym>"), store=StoreSettings(url=f"sqlite:///{path}"))
    with create_app(path, settings).server.test_client() as client:
        yield with_token(client)


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/", 200, "Now"),
        ("/visits", 200, "Visits"),
        ("/usage", 200, "Usage"),
        ("/usage/", 200, "Usage"),
        ("/cameras", 200, "Cameras"),
        ("/?x=%00&y=%ff&page=../..", 200, "Now"),
        ("/nope", 404, "Not found"),
        ("/very/deep/%2e%2e/<b>", 404, "Not found"),
    ],
)
def test_each_address_has_its_status_and_title(client: FlaskClient, path: str, status: int, title: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert f"<title>{title} · Ada &amp; Sons &lt;gym&gt;</title>" in answer.text


def test_pages_name_no_other_host(client: FlaskClient) -> None:
    text = client.get("/").text
    assert "http://" not in text
    assert "https://" not in text
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy


@pytest.mark.parametrize("name", ["favicon.svg", "base.css", "icons/now.svg"])
def test_assets_of_the_pages_are_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/assets/{name}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{nonsense", id="no-json"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"{}", id="nothing-asked"),
        pytest.param(b'{"output": "nope.children", "inputs": []}', id="an-unknown-output"),
        pytest.param(b'{"output": "..pulse.data..", "inputs": "x"}', id="inputs-are-a-text"),
    ],
)
def test_an_invalid_request_is_refused_without_a_traceback(client: FlaskClient, body: bytes) -> None:
    answer = client.post(UPDATE, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "search",
    [
        None,
        7,
        {"a": 1},
        "?",
        "?days=-1&page=0&hour=99&dwell=9&who=nobody&state=&sort=%00",
        "?from=2026-01-01",
        "?from=0001-01-01&to=9999-12-31",
        "?q=%ff%00<b>&page=999999999999&visit=" + "x" * 5000,
    ],
    ids=lambda search: str(search)[:20],
)
@pytest.mark.parametrize("name", ["visits-table", "usage-tiles"])
def test_a_malformed_address_is_answered(client: FlaskClient, name: str, search: object) -> None:
    asked = callback(outputs_of(client, name), {"history.data": 1, "url.search": search})
    assert client.post(UPDATE, json=asked).status_code == 200


def test_answers_are_compressed_for_browsers_that_take_it(client: FlaskClient) -> None:
    plain = client.get("/_dash-dependencies")
    packed = client.get("/_dash-dependencies", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 3


def test_bundles_of_scripts_are_compressed_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r'src="(/_dash-component-suites/[^"]*react-dom[^"]*)"', client.get("/").text)
    assert found
    plain = client.get(found[1]).data
    first = client.get(found[1], headers={"Accept-Encoding": "gzip"})
    monkeypatch.setattr(gzip, "compress", lambda *_more: pytest.fail("compressed again"))
    again = client.get(found[1], headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(first.data) == gzip.decompress(again.data) == plain


def test_an_answer_has_the_time_of_the_server(client: FlaskClient) -> None:
    assert int(client.get("/").headers["X-Footfall-Now-Ms"]) > 1_700_000_000_000


def test_a_missing_store_is_reported_with_a_fix_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite3"
    settings = Settings(store=StoreSettings(url=f"sqlite:///{path}"))
    client = with_token(create_app(path, settings).server.test_client())
    output = "..pulse.data...history.data...trouble.children...page.hidden.."
    asked = callback(output, {"tick.n_intervals": 0}, {"pulse.data": None, "history.data": None})
    answer = client.post(UPDATE, json=asked)
    text = json.dumps(answer.json)
    assert answer.status_code == 200
    assert "The store cannot be read" in text
    assert "footfall track" in text
    with gym.open_store(path):
        pass
    answered = answer.json
    assert answered is not None
    known = answered["response"]["pulse"]["data"]
    again = client.post(
        UPDATE, json=callback(output, {"tick.n_intervals": 1}, {"pulse.data": known, "history.data": known})
    ).json
    assert again is not None
    assert again["response"]["page"] == {"hidden": False}
    assert again["response"]["trouble"] == {"children": None}


def command(tmp_path: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "dashboard", "--store", f"sqlite:///{tmp_path / 'x.sqlite3'}", *flags]


def test_a_port_in_use_is_reported_with_a_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            command(tmp_path, "--port", str(port)), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in result.stderr
    assert f"--port {port + 1}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_host_of_another_machine_is_refused(tmp_path: Path) -> None:
    flags = ("--host", "192.0.2.1", "--port", "0", "--insecure")
    result = subprocess.run(
        command(tmp_path, *flags), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert "give an address of this machine" in result.stderr
    assert "Traceback" not in result.stderr


def test_messages_are_printed_as_they_are(tmp_path: Path) -> None:
    """Brackets and colons are markup to rich, which draws the `:CD:` of a fingerprint as a disc."""
    cert = str(tmp_path / "[bold]A6:CD:54[fe80::1]" / "cert.pem")
    result = subprocess.run(
        command(tmp_path, "--port", "0", "--tls-cert", cert, "--tls-key", cert),
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert f"error: cannot serve https with {cert} and {cert}" in result.stderr


def test_many_readers_at_once_leave_the_log_empty(tmp_path: Path) -> None:
    with gym.open_store(tmp_path / "x.sqlite3"):
        pass
    process = subprocess.Popen(
        command(tmp_path, "--port", "0"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    address = announced(process)

    def read(_number: int) -> int:
        with urlopen(address, timeout=30) as answer:  # noqa: S310 - our own server
            return int(answer.status)

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(read, range(200))) == {200}
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_it_stops_quietly_when_asked(tmp_path: Path, how: signal.Signals) -> None:
    asked = command(tmp_path, "--port", "0")
    with subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        announced(process)
        process.send_signal(how)
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert complaints == ""
