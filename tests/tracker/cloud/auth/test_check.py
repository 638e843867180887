"""The findings of `footfall cloud check`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from firebase_admin import auth

from config.findings import Finding, Outcome
from tests.rules.guard import GuardedServer
from tests.rules.samples import site
from tests.tracker.cloud.auth.conftest import SITE, Project
from tracker.cloud.auth.devices import revoke
from tracker.cloud.check import check


def found(project: Project, key: Path | None) -> list[Finding]:
    return list(check(project.connect(key), SITE))


def outcomes(tried: list[Finding]) -> dict[str, str]:
    return {each.check: str(each.outcome) for each in tried}


def bad(tried: list[Finding]) -> Finding:
    (one,) = [each for each in tried if each.outcome is not Outcome.OK]
    assert len(one.fix) > 10
    return one


def test_a_machine_in_order(project: Project) -> None:
    project.set(f"sites/{SITE}", site())
    tried = found(project, project.registered())
    expected = ["credentials", "firestore", "clock", "machine", "access", "sessions"]
    assert outcomes(tried) == dict.fromkeys(expected, "ok")
    assert "camera door at gym" in tried[0].detail
    assert tried[3].detail == "registered as pi"


def test_the_owner_of_a_project(project: Project) -> None:
    tried = found(project, None)
    assert outcomes(tried) == dict.fromkeys(["credentials", "firestore", "clock", "access", "sessions"], "ok")


def test_a_revoked_machine(project: Project) -> None:
    path = project.registered()
    revoke(project.connect(), SITE, "pi")
    one = bad(found(project, path))
    assert (one.check, one.outcome) == ("credentials", Outcome.FAILED)
    assert "register" in one.fix


def test_a_machine_whose_claims_are_gone(project: Project) -> None:
    path = project.registered()
    machine = project.connect(path)
    assert machine.device is not None
    auth.set_custom_user_claims(machine.device.uid, None, app=project.connect().app)
    assert bad(list(check(machine, SITE))).check == "credentials"


@pytest.mark.parametrize("change", [{"revoked_at": datetime.now(UTC)}, None], ids=["revoked", "deleted"])
def test_a_record_of_another_machine(project: Project, change: dict[str, object] | None) -> None:
    path = project.registered()
    machine = project.connect(path)
    assert machine.device is not None
    record = project.connect().client.document(f"sites/{SITE}/devices/{machine.device.uid}")
    if change is None:
        record.delete()
    else:
        record.update(change)
    one = bad(list(check(machine, SITE)))
    assert (one.check, one.outcome) == ("machine", Outcome.FAILED)


def test_a_key_of_another_site(project: Project) -> None:
    path = project.registered(site="pool")
    one = bad(found(project, path))
    assert (one.check, one.outcome) == ("credentials", Outcome.FAILED)
    assert "pool" in one.detail
    assert "pool" in one.fix


def test_no_firestore(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    one = bad(found(project, None))
    assert (one.check, one.outcome) == ("firestore", Outcome.FAILED)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [("allow read, write: if true;", "no camera machine should"), ("allow read, write: if false;", "denies")],
    ids=["open", "shut"],
)
def test_undeployed_rules(
    project: Project, rules: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.registered()
    file = tmp_path / "other.rules"
    head = "rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {"
    file.write_text(f"{head} match /{{all=**}} {{ {rules} }} }} }}")
    with GuardedServer(rules=file) as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        machine = project.connect(path)
        assert machine.device is not None
        project.set(f"sites/{SITE}/devices/{machine.device.uid}", {"name": "pi", "revoked_at": None})
        one = bad(list(check(machine, SITE)))
    assert one.outcome is Outcome.FAILED
    assert problem in one.detail


@pytest.mark.parametrize("fields", [{"name": "The gym"}, None], ids=["nobody-named", "no-site-yet"])
def test_a_site_without_a_deriver(project: Project, fields: dict[str, object] | None) -> None:
    if fields is not None:
        project.set(f"sites/{SITE}", fields)
    one = bad(found(project, project.registered()))
    assert (one.check, one.outcome) == ("sessions", Outcome.WARNING)


@pytest.mark.parametrize(
    ("off", "outcome"),
    [(timedelta(minutes=5), "warning"), (timedelta(minutes=-5), "warning"), (timedelta(days=1), "failed")],
)
def test_a_clock_that_is_off(project: Project, off: timedelta, outcome: str) -> None:
    one = bad(list(check(project.connect(), SITE, clock=lambda: datetime.now(UTC) + off)))
    assert (one.check, one.outcome) == ("clock", outcome)
    assert ("ahead" if off > timedelta(0) else "behind") in one.detail
