"""The requests of the page of enrolment: what they answer, whom they refuse, and what they leave behind."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from config.settings import Settings
from tests.dashboard.access.conftest import Site
from tests.dashboard.conftest import with_token
from tests.dashboard.enrolment.conftest import FakeEngine, begun, picture
from tracker.identity.networks import embedder_of
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.embedders import DLIB, SFACE

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def desk(site: Site) -> FlaskClient:
    return site.signed_in(UserRole.DESK)


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG of that size, and no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    size = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\x00\x00\x00") + chunk(b"IDAT", zlib.compress(b"0"))


def test_a_good_frame_is_taken_with_its_quality_and_the_next_hint(desk: FlaskClient) -> None:
    enrolment = begun(desk)
    first = desk.post(f"/enrol/{enrolment}/frames", data=picture()).json
    assert first["shot"] == {"number": 1, "quality": "very good", "pose": "from the front", "side": "front"}
    assert (first["hint"], first["words"]) == ("left", "Turn a little to your left")
    assert first["faces"][0]["box"] == [20, 20, 170, 170]
    assert len(first["faces"][0]["points"]) == 5
    again = desk.post(f"/enrol/{enrolment}/frames", data=picture(who=1)).json
    assert again["shot"] is None
    two = desk.post(f"/enrol/{enrolment}/frames", data=picture(faces=2)).json
    assert (two["hint"], two["shot"]) == ("alone", None)


def test_a_removed_shot_makes_place_for_another(desk: FlaskClient) -> None:
    enrolment = begun(desk)
    assert desk.post(f"/enrol/{enrolment}/pictures?name=a.png", data=picture()).json["shot"]["number"] == 1
    assert desk.post(f"/enrol/{enrolment}/pictures?name=a.png", data=picture()).status_code == 422
    assert desk.delete(f"/enrol/{enrolment}/shots/1").status_code == 200
    assert desk.post(f"/enrol/{enrolment}/pictures?name=a.png", data=picture()).json["shot"]["number"] == 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_each_format_is_taken(desk: FlaskClient, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeEngine, "embed", lambda *_: np.zeros((1, 128), np.float32))
    everywhere = FakeEngine().detect
    monkeypatch.setattr(FakeEngine, "detect", lambda _self, image: everywhere(image * 0 + 1))
    answer = desk.post(f"/enrol/{begun(desk)}/pictures", data=picture(kind=kind))
    assert answer.json["shot"]["number"] == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "not a picture", id="empty"),
        pytest.param(b"<script>alert(1)</script>", "not a picture", id="text"),
        pytest.param(picture(kind="TIFF"), "not a picture", id="other-format"),
        pytest.param(picture()[:5000], "damaged or cut off", id="truncated"),
        pytest.param(png_of(50_000, 50_000), "pixels", id="bomb"),
        pytest.param(png_of(5_001, 5_000), "25 million", id="too-many-pixels"),
        pytest.param(picture(faces=0), "no face", id="nobody"),
        pytest.param(picture(faces=2), "2 faces", id="two-faces"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_with_the_reason(
    desk: FlaskClient, content: bytes, problem: str
) -> None:
    answer = desk.post(f"/enrol/{begun(desk)}/pictures?name=me.png", data=content)
    assert answer.status_code == 422
    assert problem in answer.json["problem"]
    assert answer.json["problem"].startswith("me.png: ")
    assert answer.json["fix"]
    assert answer.json["retry"] is False


def test_a_frame_has_fewer_pixels_than_a_picture(desk: FlaskClient) -> None:
    answer = desk.post(f"/enrol/{begun(desk)}/frames", data=png_of(2000, 1001))
    assert (answer.status_code, "pixels" in answer.json["problem"]) == (422, True)


def test_a_picture_over_the_limit_is_refused(desk: FlaskClient) -> None:
    enrolment = begun(desk)
    large = desk.post(f"/enrol/{enrolment}/pictures", data=b"x" * 5_000_001)
    assert (large.status_code, large.json["problem"]) == (413, "The picture is too large: at most 5 MB are read.")
    assert desk.post(f"/enrol/{enrolment}/pictures", data=b"x" * 4_999_999).status_code == 422


def test_an_enrolment_of_somebody_else_is_not_there(site: Site, desk: FlaskClient) -> None:
    enrolment = begun(desk)
    admin = site.signed_in(UserRole.ADMIN)
    for method, path in REQUESTS[2:]:
        answer = admin.open(path.format(enrolment), method=method, data=picture())
        assert answer.status_code == (200 if method == "DELETE" and path.endswith("{}") else 404)
    assert desk.post(f"/enrol/{enrolment}/frames", data=picture()).json["shot"]["number"] == 1


REQUESTS = (
    ("POST", "/enrol/begin"),
    ("GET", "/enrol/recognition"),
    ("POST", "/enrol/{}/frames"),
    ("POST", "/enrol/{}/pictures"),
    ("DELETE", "/enrol/{}/shots/1"),
    ("DELETE", "/enrol/{}"),
)


def test_for_a_viewer_nothing_of_it_is_there(site: Site, desk: FlaskClient) -> None:
    enrolment, viewer = begun(desk), site.signed_in(UserRole.VIEWER)
    for method, path in REQUESTS:
        assert viewer.open(path.format(enrolment), method=method, data=picture()).status_code == 404
    assert desk.post(f"/enrol/{enrolment}/frames", data=picture()).status_code == 200
    assert (viewer.get("/people/enrol").status_code, desk.get("/people/enrol").status_code) == (404, 200)


def test_without_a_sign_in_or_the_token_of_a_page_everything_is_refused(site: Site, desk: FlaskClient) -> None:
    enrolment = begun(desk)
    nobody = with_token(site.client(), "/sign-in")
    for method, path in REQUESTS:
        assert nobody.open(path.format(enrolment), method=method, data=picture()).status_code in {303, 401}
    desk.environ_base.pop("HTTP_X_CSRF_TOKEN")
    for method, path in (each for each in REQUESTS if each[0] != "GET"):
        assert desk.open(path.format(enrolment), method=method, data=picture()).status_code == 401
        other = desk.open(path.format(enrolment), method=method, headers={"Sec-Fetch-Site": "cross-site"})
        assert other.status_code == 403


def test_where_no_sign_in_is_needed_the_id_is_the_key(new_site: Callable[..., Site]) -> None:
    site = new_site(users=False)
    one, other = with_token(site.client()), with_token(site.client())
    enrolment = begun(one)
    assert other.post(f"/enrol/{enrolment[:-1]}/frames", data=picture()).status_code == 404
    assert one.post(f"/enrol/{enrolment}/frames", data=picture()).status_code == 200


def test_a_cancelled_enrolment_leaves_nothing_behind(site: Site, desk: FlaskClient) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_size for path in site.path.parent.rglob("*") if path.is_file()}

    people, known = site.store.people.all(), site.store.people.vector_counts()
    before = files()
    enrolment = begun(desk)
    assert desk.post(f"/enrol/{enrolment}/frames", data=picture()).json["shot"] is not None
    assert desk.delete(f"/enrol/{enrolment}").status_code == 200
    assert desk.post(f"/enrol/{enrolment}/frames", data=picture()).status_code == 404
    assert (site.store.people.all(), site.store.people.vector_counts()) == (people, known)
    assert files() == before


def test_only_the_page_of_enrolment_may_use_a_camera(site: Site, desk: FlaskClient) -> None:
    assert "camera=(self)" in desk.get("/people/enrol").headers["Permissions-Policy"]
    for path in ("/", "/visits", "/people", "/enrol/recognition", "/assets/enrol/enrol.js"):
        assert "camera=()" in desk.get(path).headers["Permissions-Policy"]
    viewer = site.signed_in(UserRole.VIEWER)
    assert "camera=()" in viewer.get("/").headers["Permissions-Policy"]


def test_after_a_change_of_the_network_the_next_enrolment_is_with_it(
    site: Site, desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_engine(settings: Settings, store: Store) -> FakeEngine:
        engine = FakeEngine()
        engine.embedder = embedder_of(settings, store)
        loaded.append(engine.embedder.network)
        return engine

    loaded: list[str] = []
    monkeypatch.setattr("tracker.identity.networks.load_engine", load_engine)
    assert desk.post(f"/enrol/{begun(desk)}/pictures", data=picture()).json["shot"]["number"] == 1
    with Store(site.path) as other_process:
        ids = [person.person_id for person in other_process.people.recognised()]
        vector = np.full((1, DLIB.dimension), 0.1, np.float32)
        other_process.people.replace_network(DLIB.network, {ids[0]: (vector, ("a.png",))}, people=ids)
    assert desk.post(f"/enrol/{begun(desk)}/pictures", data=picture()).json["shot"]["number"] == 1
    assert loaded == [SFACE.network, DLIB.network]
