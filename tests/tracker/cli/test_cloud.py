"""`footfall cloud` against Firestore with its rules, and Authentication."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.rules.guard import GuardedServer
from tests.tracker.cli.conftest import ROOT, Run
from tests.tracker.cloud.auth.auth_server import AuthServer
from tests.tracker.cloud.shared_stores import person, vectors
from tracker.cli.cloud import BUNDLE
from tracker.store.store import Store

STORE = ("--store", "firestore://demo-gym")


@pytest.fixture(autouse=True)
def firebase(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthServer]:
    """The emulators' variables; `run` has cleared the environment before."""
    with ExitStack() as stack:
        server, accounts = stack.enter_context(GuardedServer()), stack.enter_context(AuthServer())
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", accounts.host)
        yield accounts


def test_from_registering_a_machine_to_striking_it_off(run: Run) -> None:
    assert "No machine is registered" in run("cloud", "devices", *STORE).out
    made = run("cloud", "register-device", " entrance  pi ", "--camera", "door", "--out", "pi.json", *STORE)
    assert (made.code, made.err) == (0, "")
    assert "entrance pi may add what camera door records at gym" in made.out
    assert 'store.url = "firestore://demo-gym", site.id = "gym"' in made.out
    assert stat.S_IMODE(Path("pi.json").stat().st_mode) == 0o600
    assert json.loads(Path("pi.json").read_text())["refresh_token"] not in made.out

    checked = run("cloud", "check", "--credentials", "pi.json", *STORE)
    assert checked.code == 0
    assert "device key, camera door at gym" in checked.out
    assert "adds what its camera sees, reads people and settings, and nothing else" in checked.out

    listed = run("cloud", "devices", *STORE, "--json").data
    assert isinstance(listed, list)
    assert [(each["name"], each["camera_id"], each["revoked_at"]) for each in listed] == [("entrance pi", "door", None)]

    assert "is revoked" in run("cloud", "revoke-device", "entrance pi", *STORE).out
    assert "entrance pi" in run("cloud", "devices", *STORE).out
    gone = run("cloud", "check", "--credentials", "pi.json", *STORE)
    gone.refused("failed: credentials")
    assert "register" in gone.out


def test_a_device_key_reports_that_it_cannot_erase(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("cloud", "register-device", "pi", "--camera", "door", "--out", "pi.json", *STORE)
    monkeypatch.setenv("FOOTFALL_STORE__FILE", str(tmp_path / "copy.sqlite3"))
    monkeypatch.setenv("FOOTFALL_CLOUD__CREDENTIALS", "pi.json")
    monkeypatch.setenv("FOOTFALL_SITE__ID", "gym")
    with Store(tmp_path / "copy.sqlite3").open() as store:
        store.outbox.begin()
        store.people.add(person(), vectors(1))
    done = run("people", "forget", "Ada", "--yes", "--history", *STORE)
    assert (done.code, "Firestore rejected 1 records: see 'footfall status'" in done.err) == (0, True), done.err
    status = run("status", *STORE, "--json").data
    assert isinstance(status, dict)
    assert (status["backlog"], len(status["parked"])) == ({}, 1)
    assert "where a service account is set" in status["parked"][0]["reason"]


def test_a_machine_of_another_site(run: Run) -> None:
    run("cloud", "register-device", "pool-1", "--camera", "pool", "--site", "spa", "--out", "p.json", *STORE)
    assert "pool-1" in run("cloud", "devices", "--site", "spa", *STORE).out
    assert "pool-1" not in run("cloud", "devices", *STORE).out


def test_registering_as_json_prints_no_secret(run: Run) -> None:
    done = run("cloud", "register-device", "pi", "--camera", "door", "--out", "pi.json", *STORE, "--json")
    assert isinstance(done.data, dict)
    assert {*done.data} == {"name", "uid", "site_id", "camera_id", "file"}


def test_granting_and_revoking_access(run: Run, firebase: AuthServer) -> None:
    done = run("cloud", "grant", "ann@example.org", "--operator", *STORE)
    assert "ann@example.org is operator at gym, from their next sign-in" in done.out
    assert "they choose a password here: http" in done.out
    (account,) = firebase.accounts.values()
    assert account.claims == {"sites": {"gym": "operator"}}
    assert run("cloud", "grant", "ann@example.org", "--admin", "--site", "spa", *STORE, "--json").data == {
        "email": "ann@example.org",
        "uid": account.uid,
        "site_id": "spa",
        "access": "admin",
        "link": None,
    }
    assert "has no access at gym" in run("cloud", "grant", "ann@example.org", "--remove", *STORE).out
    assert account.claims == {"sites": {"spa": "admin"}}


@pytest.mark.parametrize(
    ("words", "problem", "code"),
    [
        (("register-device", "pi", "--camera", "door", "--out", "there.json"), "there already", 1),
        (("register-device", "pi", "--camera", "a/b", "--out", "k.json"), "is not a camera id", 2),
        (("register-device", "pi", "--camera", "@operator", "--out", "k.json"), "is not a camera id", 2),
        (("register-device", "  ", "--camera", "door", "--out", "k.json"), "needs a name", 2),
        (("register-device", "pi", "--camera", "door", "--out", "k.json", "--site", "a/b"), "site", 1),
        (("revoke-device", "ghost"), "no machine is called ghost", 1),
        (("grant", "ann@example.org"), "one of --operator", 2),
        (("grant", "ann@example.org", "--operator", "--admin"), "one of --operator", 2),
        (("grant", "ann", "--operator"), "no e-mail address", 1),
        (("check", "--credentials", "missing.json"), "missing.json", 1),
        (("check", "--credentials", "there.json"), "there.json", 1),
    ],
)
def test_invalid_input_is_a_one_line_error(run: Run, words: tuple[str, ...], problem: str, code: int) -> None:
    Path("there.json").write_text("[]")
    run("cloud", *words, *STORE).refused(problem, code=code)
    assert not Path("k.json").exists()


def test_without_firestore_the_fix_is_named(run: Run) -> None:
    for words in (("devices",), ("check",), ("revoke-device", "x")):
        assert "firestore://PROJECT" in run("cloud", *words).refused("store.url is not a Firestore address")


def test_a_device_key_cannot_administrate(run: Run) -> None:
    run("cloud", "register-device", "pi", "--camera", "door", "--out", "pi.json", *STORE)
    for words in (
        ("devices",),
        ("revoke-device", "pi"),
        ("grant", "eve@example.org", "--admin"),
        ("register-device", "pi-2", "--camera", "door", "--out", "pi-2.json"),
    ):
        run("cloud", *words, "--credentials", "pi.json", *STORE).refused("a device key does not allow this")
    assert not Path("pi-2.json").exists()


def test_a_check_as_json_names_the_failure(run: Run) -> None:
    run("cloud", "register-device", "pi", "--camera", "door", "--out", "pi.json", "--site", "spa", *STORE)
    done = run("cloud", "check", "--credentials", "pi.json", *STORE, "--json")
    assert done.code == 1
    assert isinstance(done.data, list)
    assert [each["verdict"] for each in done.data] == ["failed"]
    assert "spa" in done.data[0]["fix"]


def test_the_bundle_is_in_the_folder_of_firebase_json(run: Run) -> None:
    done = run("cloud", "bundle", "--region", "europe-west3", "--store", "firestore://demo-gym/archive")
    assert (done.code, done.err) == (0, "")
    assert json.loads((BUNDLE / "deployment.json").read_text()) == {"database": "archive", "region": "europe-west3"}
    deployed = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    (functions,) = deployed["functions"]
    assert Path(functions["source"]) == BUNDLE
    assert (BUNDLE / "main.py").exists()
    again = run("cloud", "bundle", "--json")
    assert isinstance(again.data, dict)
    assert "main.py" in again.data["files"]
    run("cloud", "bundle", "--region", "on the moon").refused("is no region")


def test_files_that_firebase_deploys_exist() -> None:
    deployed = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    for name in ("rules", "indexes"):
        assert (ROOT / deployed["firestore"][name]).exists()
