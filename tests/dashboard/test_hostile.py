"""A server process against those who want to stop it, read it from elsewhere, or use it without a sign-in."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from config.serving import DashboardSettings
from dashboard.tls import certificate_of
from tests.dashboard import gym
from tests.dashboard.conftest import ROOT, TOKEN, announced, served
from tracker.store.passwords import hash_password
from tracker.store.users import User, UserRole

HALF_OPEN = 130
PASSWORD = "correct horse staple"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "footfall.sqlite3"
    with gym.open_store(path) as store:
        user = User(name="Ada", role=UserRole.ADMIN, created_at=store.now())
        store.users.add(user, hash_password(PASSWORD, name="Ada"))
    return path


@pytest.fixture(scope="module")
def port(store: Path) -> Iterator[int]:
    with served(store) as address:
        yield int(address.split(":")[2].strip("/"))


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def answer_of(connection: socket.socket) -> bytes:
    """All that the server sends until it closes the connection."""
    found = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return found
        if not part:
            return found
        found += part


def seconds_to_sign_in_page(port: int) -> float:
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/sign-in")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - started


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", id="half-a-head"),
        pytest.param(
            b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\nname=", id="half-a-body"
        ),
    ],
)
def test_half_open_requests_keep_nobody_out(port: int, sent: bytes) -> None:
    with ExitStack() as opened:
        for _ in range(HALF_OPEN):
            connection = opened.enter_context(connect(port))
            connection.sendall(sent)
        assert max(seconds_to_sign_in_page(port) for _ in range(5)) < 5


def test_more_connections_than_allowed_keep_nobody_out(port: int) -> None:
    with ExitStack() as opened:
        for _ in range(600):
            opened.enter_context(connect(port)).sendall(b"GET / HTTP/1.1\r\n")
        assert seconds_to_sign_in_page(port) < 5


def test_a_head_that_trickles_in_is_cut_off(port: int) -> None:
    with connect(port) as connection:
        started = time.monotonic()
        connection.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n")
        while time.monotonic() - started < 25:
            time.sleep(0.5)
            try:
                connection.sendall(b"X-Slow: 1\r\n")
            except OSError:
                break
        assert 9 < time.monotonic() - started < 20


def test_a_connection_is_used_again(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(3):
        connection.request("GET", "/sign-in")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        assert not answer.will_close
        time.sleep(0.2)
    connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"Content-Length: 1000001\r\n\r\n", b"413", id="declared"),
        pytest.param(b"Content-Length: -5\r\n\r\n", b"400", id="negative"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400", id="two-lengths"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n", b"413", id="chunked"
        ),
    ],
)
def test_a_body_over_the_limit_ends_the_connection(port: int, head: bytes, status: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n" + head)
        if b"chunked" in head:
            try:
                for _ in range(20):
                    connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            except OSError:
                pass  # the server has closed the connection
        assert answer_of(connection).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        pytest.param("/enrol/x/pictures", 1_000_001, b"401", id="picture"),
        pytest.param("/enrol/x/pictures", 5_000_001, b"413", id="large-picture"),
        pytest.param("/enrol/x/frames", 1_000_001, b"413", id="frame"),
    ],
)
def test_only_pictures_to_enrol_from_may_be_larger(port: int, path: str, length: int, status: bytes) -> None:
    with connect(port) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-CSRF-Token: guessed\r\n"
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        if status != b"413":
            connection.sendall(b"x" * length)
        assert answer_of(connection).startswith(b"HTTP/1.1 " + status)


def test_half_sent_pictures_keep_nobody_out(port: int) -> None:
    with ExitStack() as opened:
        for _ in range(20):
            connection = opened.enter_context(connect(port))
            connection.sendall(b"POST /enrol/x/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n")
        assert max(seconds_to_sign_in_page(port) for _ in range(3)) < 5


def test_a_head_over_the_limit_is_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"x" * 40_000)
        assert answer_of(connection).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls-to-http"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two-hosts"),
        pytest.param(b"nonsense\r\n\r\n", id="nonsense"),
        pytest.param(b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", id="nul"),
    ],
)
def test_what_is_no_request_is_refused(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        assert answer_of(connection).startswith(b"HTTP/1.1 400")
    assert seconds_to_sign_in_page(port) < 5


def test_answers_tell_no_server_and_no_version(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    for path in ("/sign-in", "/nope", "/assets/base.css"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.getheader("Server") is None
        assert not re.search(r"uvicorn|werkzeug|python|dash/|flask", str(answer.headers), re.IGNORECASE)


def test_a_proxy_on_this_machine_says_that_the_browser_has_https(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/sign-in", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
    assert str(connection.getresponse().getheader("Set-Cookie")).startswith("__Host-footfall-form")
    connection.close()


def test_a_websocket_is_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        connection.settimeout(5)
        assert not connection.recv(4096).startswith(b"HTTP/1.1 101")


# -- which addresses are served


def run(store: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dashboard", "--store", f"sqlite:///{store}", "--port", "0", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])  # noqa: S104 - refused
def test_the_network_is_refused_without_users(tmp_path: Path, host: str) -> None:
    with gym.open_store(tmp_path / "x.sqlite3"):
        pass
    for path in (tmp_path / "x.sqlite3", tmp_path / "none.sqlite3"):
        refused = run(path, "--host", host)
        assert refused.returncode == 1
        assert "there are no users" in refused.stderr
        assert "footfall users add NAME --role admin" in refused.stderr
        assert "--insecure" in refused.stderr


def warnings_of(store: Path, *flags: str) -> tuple[str, str]:
    """What a server that starts prints: the address and what it warns of."""
    command = [sys.executable, "-m", "dashboard", "--store", f"sqlite:///{store}", "--port", "0", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        address = announced(process)
        time.sleep(0.5)
        process.terminate()
        return address, process.communicate(timeout=20)[1]


def test_insecure_opens_it_and_warns(tmp_path: Path) -> None:
    _, warned = warnings_of(tmp_path / "none.sqlite3", "--host", "0.0.0.0", "--insecure")  # noqa: S104 - meant
    assert "without users anybody on the network can read everything" in warned
    assert "without https anybody on the network can read along" in warned


def test_with_users_the_network_is_served_with_a_warning_about_http(store: Path) -> None:
    _, warned = warnings_of(store, "--host", "0.0.0.0")  # noqa: S104 - meant
    assert "without users" not in warned
    assert "see --tls self-signed" in warned
    assert warnings_of(store)[1] == ""


# -- https


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a new user."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "footfall"


def fingerprint_of(port: int) -> str:
    certificate = ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
    return ":".join(digest[start : start + 2] for start in range(0, 64, 2))


def test_a_certificate_is_made_once_and_serves_https(store: Path, own_data: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "dashboard",
        "--store",
        f"sqlite:///{store}",
        "--port",
        "0",
        "--tls",
        "self-signed",
    ]
    fingerprints = set()
    for _ in range(2):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            address = announced(process)
            assert address.startswith("https://127.0.0.1:")
            port = int(address.split(":")[2].strip("/"))
            found = fingerprint_of(port)
            fingerprints.add(found)
            trusting = ssl.create_default_context(cafile=str(own_data / "tls" / "cert.pem"))
            connection = HTTPSConnection("127.0.0.1", port, context=trusting, timeout=10)
            connection.request("GET", "/sign-in")
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200
            assert "Secure" in str(answer.getheader("Set-Cookie"))
            assert TOKEN.search(text)
            process.terminate()
            assert found in process.communicate(timeout=20)[1]
    assert len(fingerprints) == 1
    assert (own_data / "tls" / "key.pem").stat().st_mode & 0o077 == 0


def test_a_fingerprint_is_printed_as_it_is(store: Path, own_data: Path) -> None:
    """Every tenth has a `:CD:`, which is a disc to a console that reads emoji."""
    while ":CD:" not in (made := certificate_of(DashboardSettings())).fingerprint:
        made.cert.unlink()
    url = f"sqlite:///{store}"
    command = [sys.executable, "-m", "dashboard", "--store", url, "--port", "0", "--tls", "self-signed"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        announced(process)
        process.terminate()
        assert made.fingerprint in process.communicate(timeout=20)[1]
    assert made.cert.is_relative_to(own_data)


def test_idle_handshakes_keep_nobody_out(store: Path, own_data: Path) -> None:
    with served(store, "--tls", "self-signed") as address, ExitStack() as opened:
        port = int(address.split(":")[2].strip("/"))
        for number in range(HALF_OPEN):
            connection = opened.enter_context(connect(port))
            connection.sendall(b"\x16\x03\x01" if number % 2 else b"")
        trusting = ssl.create_default_context(cafile=str(own_data / "tls" / "cert.pem"))
        started = time.monotonic()
        secure = HTTPSConnection("127.0.0.1", port, context=trusting, timeout=10)
        secure.request("GET", "/sign-in")
        assert secure.getresponse().status == 200
        assert time.monotonic() - started < 5
        secure.close()


def test_a_certificate_of_ones_own_is_served(store: Path, own_data: Path, tmp_path: Path) -> None:
    warnings_of(store, "--tls", "self-signed")
    cert, key = tmp_path / "own.pem", tmp_path / "own-key.pem"
    (own_data / "tls" / "cert.pem").rename(cert)
    (own_data / "tls" / "key.pem").rename(key)
    address, warned = warnings_of(store, "--tls-cert", str(cert), "--tls-key", str(key))
    assert address.startswith("https://")
    assert warned == ""
    assert not (own_data / "tls" / "cert.pem").exists()


@pytest.mark.parametrize("given", [["--tls-cert"], ["--tls-key"], ["--tls-cert", "--tls-key"]], ids=" ".join)
def test_a_certificate_that_cannot_be_used_is_refused(store: Path, tmp_path: Path, given: list[str]) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    refused = run(store, *(word for flag in given for word in (flag, str(tmp_path / "x.pem"))))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "fix:" in refused.stderr
    assert ("together" in refused.stderr) == (len(given) == 1)
