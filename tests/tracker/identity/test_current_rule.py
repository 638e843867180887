"""The rule of a running agent: fitted before the first frame, later beside the cameras, and kept in the store."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from config.errors import ModelError, StoreError
from config.recognition import MatchSettings, RuleName
from config.settings import TrackSettings
from tests.tracker.fake_cameras import ADA, BLENDED, BOB, EVE, AgentHarness, FakeEngine, at, face_of, picture
from tracker.identity import current_rule
from tracker.identity.fitting import FITTED, fingerprint
from tracker.identity.known import KnownPeople
from tracker.identity.match import nearest
from tracker.identity.recognition import Recognition
from tracker.identity.rules import LinearRule, Neighbours

ROOT = Path(__file__).parents[3]
SVM = MatchSettings(rule=RuleName.SVM)


class Fits:
    """Counts fits; while `gate` is clear, those in the background wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.people: list[tuple[str, ...]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._fit = current_rule.fit
        monkeypatch.setattr(current_rule, "fit", self)

    def __call__(self, name: RuleName, gallery: Any) -> LinearRule:
        self.people.append(gallery.people)
        assert self.gate.wait(30)
        return self._fit(name, gallery)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    return Fits(monkeypatch)


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    harness = AgentHarness(tmp_path / "gym.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Bob", BOB)
    return harness


def loaded(harness: AgentHarness, settings: MatchSettings = SVM) -> KnownPeople:
    known = KnownPeople(settings)
    known.refresh(harness.store.people)
    return known


def until_ready(known: KnownPeople) -> LinearRule:
    deadline = time.monotonic() + 30
    while known.compared.rule is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert isinstance(known.compared.rule, LinearRule)
    return known.compared.rule


@pytest.mark.parametrize("rule", FITTED)
def test_rule_is_there_after_the_first_load_and_kept(harness: AgentHarness, fits: Fits, rule: RuleName) -> None:
    known = loaded(harness, MatchSettings(rule=rule))
    assert fits.people == [known.gallery.people]
    kept = harness.store.people.fitted_rule(fingerprint(rule, known.gallery))
    assert kept is not None
    assert kept[0] == known.gallery.people
    found = known.closest(face_of(BLENDED + 4)[None])[0]
    assert found is not None
    assert found.confidence is not None
    again = loaded(harness, MatchSettings(rule=rule))
    assert len(fits.people) == 1
    assert again.closest(face_of(BLENDED + 4)[None]) == [found]


def test_nearest_and_neighbours_fit_nothing(harness: AgentHarness, fits: Fits) -> None:
    assert loaded(harness, MatchSettings()).compared.rule is None
    assert isinstance(loaded(harness, MatchSettings(rule=RuleName.KNN)).compared.rule, Neighbours)
    assert fits.people == []


def test_new_people_are_fitted_in_the_background_and_compared_by_distance_meanwhile(
    harness: AgentHarness, fits: Fits
) -> None:
    known = loaded(harness)
    fits.gate.clear()
    eve = harness.enrol("Eve", EVE)
    known.refresh(harness.store.people)
    faces = face_of(EVE)[None]
    assert known.closest(faces) == nearest(known.gallery, faces)
    fits.gate.set()
    assert until_ready(known).people == known.gallery.people
    found = known.closest(faces)[0]
    assert found is not None
    assert (found.person_id, found.confidence is not None) == (eve, True)
    assert harness.store.people.fitted_rule(fingerprint(RuleName.SVM, known.gallery)) is not None


def test_rule_of_people_who_changed_again_is_not_used(harness: AgentHarness, fits: Fits) -> None:
    known = loaded(harness)
    fits.gate.clear()
    eve = harness.enrol("Eve", EVE)
    known.refresh(harness.store.people)
    harness.enrol("Kim", EVE + 1)
    known.refresh(harness.store.people)
    harness.store.people.forget(eve, True)
    known.refresh(harness.store.people)
    fits.gate.set()
    assert until_ready(known).people == known.gallery.people
    assert eve not in known.gallery.people
    assert [len(people) for people in fits.people] == [2, 3, 3]
    assert fits.people[-1] == known.gallery.people


def test_changes_that_leave_the_vectors_alone_fit_nothing(harness: AgentHarness, fits: Fits) -> None:
    known = loaded(harness)
    first = known.gallery
    ada = first.people[0]
    harness.store.people.rename(ada, "Ada Lovelace")
    harness.store.people.replace_limits({ada: 0.5})
    known.refresh(harness.store.people)
    assert known.gallery is not first
    assert isinstance(known.compared.rule, LinearRule)
    assert len(fits.people) == 1


def test_rule_that_cannot_be_kept_is_used(
    harness: AgentHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> bool:
        raise StoreError("the disk is full", fix="make room")

    monkeypatch.setattr(harness.store.people, "save_fitted_rule", full)
    known = loaded(harness)
    assert isinstance(known.compared.rule, LinearRule)
    assert "will be fitted again: the disk is full" in caplog.text


def test_without_scikit_learn_the_start_fails_each_time(harness: AgentHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.identity.fitting.find_spec", lambda _name: None)
    known = KnownPeople(SVM)
    for _ in range(2):
        with pytest.raises(ModelError, match="needs scikit-learn"):
            known.refresh(harness.store.people)


def test_without_scikit_learn_a_running_agent_warns_and_goes_on(
    harness: AgentHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known = loaded(harness)
    monkeypatch.setattr("tracker.identity.fitting.find_spec", lambda _name: None)
    eve = harness.enrol("Eve", EVE)
    known.refresh(harness.store.people)
    deadline = time.monotonic() + 30
    while "needs scikit-learn" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    found = known.closest(face_of(EVE)[None])[0]
    assert found is not None
    assert (found.person_id, found.confidence) == (eve, None)


@pytest.mark.parametrize("rule", list(RuleName))
def test_tracks_get_their_names_and_records_under_every_rule(harness: AgentHarness, rule: RuleName) -> None:
    known = loaded(harness, MatchSettings(rule=rule))
    ada, _ = known.gallery.people
    recognition = Recognition(site_id="gym", camera_id="front", known=known, track=TrackSettings(), zone=UTC)
    matches = [
        match
        for frame in range(6)
        for match in recognition.update(
            FakeEngine().analyse(picture(ADA, EVE)), at(frame / 2), size_wh=(400, 100)
        ).matches
    ]
    by_person = {match.person_id: match for match in matches}
    assert by_person[ada].distance == 0.0
    assert by_person[ada].margin == pytest.approx(2**0.5)
    assert ("confidence 1.00" in by_person[ada].reason or "confidence 0." in by_person[ada].reason) == (
        rule is not RuleName.NEAREST
    )
    (visitor,) = by_person.keys() - {ada}
    assert visitor is not None
    assert visitor.startswith("v-")


def test_agent_imports_no_scikit_learn_for_the_nearest() -> None:
    code = (
        "import sys, tempfile, pathlib, tracker.agent.assembly, tracker.cli.step_output\n"
        "from tests.tracker.fake_cameras import AgentHarness, ADA, BOB\n"
        "from config.recognition import MatchSettings, RuleName\n"
        "from tracker.identity.known import KnownPeople\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    harness = AgentHarness(pathlib.Path(folder) / 'gym.sqlite3')\n"
        "    harness.enrol('Ada', ADA); harness.enrol('Bob', BOB)\n"
        "    for rule in ('nearest', 'knn', 'svm'):\n"
        "        KnownPeople(MatchSettings(rule=rule)).refresh(harness.store.people)\n"
        "        print(rule, 'sklearn' in sys.modules)\n"
        "    harness.store.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["nearest False", "knn False", "svm True"]
