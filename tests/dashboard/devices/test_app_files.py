"""The page of a device and the networks: files for everybody, with headers that let them use the camera."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.devices import app_files
from models import cards
from models.browser import FOLDER
from models.catalog import CATALOG
from models.model_folder import Source
from tests.dashboard.devices.conftest import Gym


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!DOCTYPE html><title>Camera</title>")
    (folder / "service_worker.js").write_text("// worker")
    (folder / "app.webmanifest").write_text("{}")
    (folder / "main-4RTYX2QZ.js").write_text("// main")
    (folder / "assets" / "tf.0123456789abcdef.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.setattr(app_files, "BUILT", folder)
    return folder


@pytest.fixture
def client(gym: Gym, built: Path) -> FlaskClient:
    """A browser without key and sign-in."""
    found: FlaskClient = gym.app.server.test_client()
    return found


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("", "text/html", "no-cache"),
        ("index.html", "text/html", "no-cache"),
        ("service_worker.js", "text/javascript", "no-cache"),
        ("app.webmanifest", "application/manifest+json", "no-cache"),
        ("main-4RTYX2QZ.js", "text/javascript", "public, max-age=31536000, immutable"),
        ("assets/tf.0123456789abcdef.wasm", "application/wasm", "public, max-age=31536000, immutable"),
    ],
)
def test_files_need_no_sign_in(client: FlaskClient, path: str, kind: str, cache: str) -> None:
    answer = client.get(f"/camera/{path}")
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, kind, cache)
    assert answer.headers["Service-Worker-Allowed"] == "/camera/"
    assert answer.headers["ETag"]
    again = client.get(f"/camera/{path}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert "Set-Cookie" not in answer.headers


def test_large_texts_are_compressed_and_still_checked(client: FlaskClient, built: Path) -> None:
    (built / "service_worker.js").write_text("// worker\n" * 500)
    packed = client.get("/camera/service_worker.js", headers={"Accept-Encoding": "gzip"})
    assert (packed.status_code, packed.headers["Content-Encoding"]) == (200, "gzip")
    etag = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert client.get("/camera/service_worker.js", headers=etag).status_code == 304


def test_the_page_may_use_the_camera_and_webassembly_with_threads(client: FlaskClient) -> None:
    headers = client.get("/camera/").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self' blob: 'wasm-unsafe-eval'"
    assert policy["worker-src"] == "'self' blob:"
    google = "https://securetoken.googleapis.com https://firestore.googleapis.com"
    assert policy["connect-src"] == f"'self' {google}"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "screen-wake-lock=(self)" in headers["Permissions-Policy"]


def test_other_pages_have_the_headers_that_they_had(client: FlaskClient) -> None:
    headers = client.get("/sign-in").headers
    assert "wasm" not in headers["Content-Security-Policy"]
    assert "googleapis" not in headers["Content-Security-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Cross-Origin-Embedder-Policy" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "..%2fsecret.txt", "assets/../../secret.txt", "assets", "nothing.js", "link.txt", "%00",
        "networks/../../secret.txt", "/etc/passwd", "..\\secret.txt", "x" * 300,
    ],
)  # fmt: skip
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/camera/{path}")
    assert answer.status_code in (303, 308, 404, 503)
    assert b"secret" not in answer.data.lower().replace(b"secret.txt", b"")
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_the_address_without_a_slash_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/camera")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/camera/")


def test_only_reading_needs_no_sign_in(client: FlaskClient) -> None:
    assert client.post("/camera/").status_code == 401
    assert client.get("/cameras").status_code == 303


def test_without_a_build_the_page_says_how_to_make_one(gym: Gym, built: Path) -> None:
    (built / "index.html").unlink()
    answer = gym.app.server.test_client().get("/camera/")
    assert answer.status_code == 503
    assert "make browser" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def write_network(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """A network as `footfall models build --browser` leaves it, with other files."""
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    spec = CATALOG[name]
    source = Source(file="weights.h5", sha256=spec.source_sha256, package="mtcnn", version="1.0.0")
    cards.write(folder, cards.of(spec, source, form=cards.Format.TFJS, weights="float16"))


def test_networks_are_served_where_they_are_built_and_whole(gym: Gym, tmp_path: Path) -> None:
    models = gym.settings.models.model_copy(update={"dir": tmp_path / "models"})
    gym.settings = gym.settings.model_copy(update={"models": models})
    client = gym.restarted().app.server.test_client()
    folder = tmp_path / "models" / FOLDER / "pnet"
    missing = client.get("/camera/networks/pnet/model.json")
    assert (missing.status_code, "models build --browser" in missing.get_json()["fix"]) == (503, True)
    write_network(folder, "pnet", {"model.json": b"{}", "weights.bin": b"\1\3"})
    (folder / "weights.bin").write_bytes(b"\1\2")
    assert "damaged" in client.get("/camera/networks/pnet/model.json").get_json()["error"]
    (folder / "weights.bin").write_bytes(b"\1\3")
    found = client.get("/camera/networks/pnet/model.json")
    assert (found.status_code, found.mimetype, found.headers["Cache-Control"]) == (200, "application/json", "no-cache")
    assert client.get("/camera/networks/pnet/weights.bin").data == b"\1\3"
    for path in ("bodies/model.json", "pnet/../../pnet.tflite", "../../footfall.sqlite3", "pnet", f"pnet/{'x' * 300}"):
        assert client.get(f"/camera/networks/{path}").status_code == 404


def test_the_path_of_a_proxy_is_respected(new_gym: Callable[..., Gym], built: Path) -> None:
    gym = new_gym(base_path="/footfall/")
    client = gym.client()
    answer = client.get("/footfall/camera/")
    assert (answer.status_code, answer.headers["Service-Worker-Allowed"]) == (200, "/footfall/camera/")
    assert client.get("/footfall/camera/api/config").status_code == 200
    assert client.get("/camera/api/config").status_code == 200  # a proxy may remove the path
    assert client.get("/footfall/camera").headers["Location"].endswith("/footfall/camera/")
