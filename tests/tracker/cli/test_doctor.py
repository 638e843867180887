"""`footfall doctor`: each problem is reported by its own row, with a fix."""

from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Done, Run
from tests.tracker.conftest import SmallDisk
from tests.tracker.fake_cameras import ADA, AgentHarness
from tracker.cli import doctor
from tracker.presence.events import Event, EventKind
from tracker.store.observation import Observation
from tracker.vision.native import kernels

CHECKS = ["python", "packages", "compiled", "models", "recognition", "store", "disk", "clock"]


def outcomes(done: Done) -> dict[str, str]:
    return {row["check"]: row["outcome"] for row in done.data}


def failed(done: Done) -> dict[str, str]:
    """The one check that failed and its fix; all the others are well."""
    names = {row["check"]: row["fix"] for row in done.data if row["outcome"] == "failed"}
    done.refused(f"failed: {', '.join(names)}")
    assert len(names) == 1
    assert all(names.values())
    return names


def test_all_is_well(run: Run, tmp_path: Path, clip: Path) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.store.close()
    done = run("doctor", "--camera", clip, "--json")
    assert (done.code, done.err) == (0, "")
    assert [set(row) for row in done.data] == [{"check", "outcome", "detail", "fix"}] * 9
    assert outcomes(done) == {**dict.fromkeys(CHECKS, "ok"), f"camera {clip}": "ok"}
    details = {row["check"]: row["detail"] for row in done.data}
    assert "1 people, 0 cameras" in details["store"]
    assert details[f"camera {clip}"] == "recording, 480x270"


def test_a_machine_without_store_and_camera_is_healthy_and_unchanged(run: Run, tmp_path: Path) -> None:
    done = run("doctor")
    assert done.code == 0
    assert "will be made at first use" in done.out
    assert "none is configured" in done.out
    assert "fix: give --camera 0" in done.out
    assert not (tmp_path / "store.sqlite3").exists()


def test_cameras_of_the_settings_are_tried(run: Run, clip: Path) -> None:
    tables = f'[[camera]]\nid = "a"\nsource = "{clip}"\n[[camera]]\nid = "b"\nsource = "gone.mp4"\n'
    Path("footfall.toml").write_text(tables, encoding="utf-8")
    done = run("doctor", "--json")
    assert failed(done) == {"camera gone.mp4": "check the path of the recording"}
    assert outcomes(done)[f"camera {clip}"] == "ok"


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        pytest.param("99", "plugged in", id="no-such-device"),
        pytest.param("ftp://10.0.0.7/film", "rtsp or http", id="unknown-address"),
        pytest.param("empty", "folder with .jpg or .png", id="empty-folder"),
    ],
)
def test_a_camera_without_frames_is_reported(source: str, fix: str, run: Run) -> None:
    Path("empty").mkdir()
    assert fix in failed(run("doctor", "--camera", source, "--json"))[f"camera {source}"]


def test_an_unreachable_address_is_reported_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.cameras.check.FRAME_WAIT_S", 0.5)
    done = run("doctor", "--camera", "http://ada:secret@127.0.0.1:9/live", "--json")
    assert list(failed(done)) == ["camera http://***@127.0.0.1:9/live"]
    assert "secret" not in done.out + done.err


def test_detection_that_is_not_compiled_is_a_warning(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "KERNELS", None)
    monkeypatch.setattr(kernels, "UNAVAILABLE_REASON", "no compiler")
    done = run("doctor", "--json")
    assert done.code == 0
    assert outcomes(done)["compiled"] == "warning"
    (found,) = (row for row in done.data if row["check"] == "compiled")
    assert "no compiler" in found["detail"]
    assert "C compiler" in found["fix"]


def test_missing_and_damaged_networks_are_found(run: Run, models_folder: Path, tmp_path: Path) -> None:
    assert "models build" in failed(run("doctor", "--json", "--models", tmp_path / "none"))["models"]
    half = shutil.copytree(models_folder, tmp_path / "half")
    (half / "pnet-float16.tflite").write_bytes(b"half")
    assert "models build --force" in failed(run("doctor", "--json", "--models", half))["models"]


def test_a_missing_network_for_bodies_is_a_warning_where_bodies_count(
    run: Run, models_folder: Path, tmp_path: Path
) -> None:
    names = shutil.ignore_patterns("bodies-*")
    without = shutil.copytree(models_folder, tmp_path / "without", ignore=names)
    for count, outcome in (("bodies", "warning"), ("faces", "ok")):
        Path("footfall.toml").write_text(f"[[camera]]\nid = 'hall'\nsource = '0'\ncount = '{count}'\n")
        done = run("doctor", "--json", "--models", without)
        assert outcomes(done)["models"] == outcome
        (found,) = (row for row in done.data if row["check"] == "models")
        assert ("only faces are counted" in found["detail"]) is (count == "bodies")


def test_a_haar_cascade_that_is_missing_or_no_cascade_is_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.xml").write_text("<html/>")
    for name in ("none.xml", "page.xml"):
        Path("footfall.toml").write_text(f"[detect]\ndetector = 'haar'\nhaar_cascade = '{tmp_path / name}'\n")
        assert "detect.haar_cascade" in failed(run("doctor", "--json"))["models"]


def test_store_that_cannot_be_used_is_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no store " * 999, encoding="utf-8")
    for place in (tmp_path / "text", tmp_path / "text" / "below.sqlite3", tmp_path):
        assert "store" in failed(run("doctor", "--json", "--store", f"sqlite:///{place}"))


def test_read_only_disk_is_found(run: Run, small_disk: SmallDisk) -> None:
    small_disk.make_read_only()
    done = run("doctor", "--json", "--store", f"sqlite:///{small_disk.path / 'gym.sqlite3'}")
    assert {check for check, outcome in outcomes(done).items() if outcome == "failed"} == {"store", "disk"}


def test_little_room_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(10**12, 10**12, 5 * 10**8))
    assert "free some" in failed(run("doctor", "--json"))["disk"]


def test_wrong_python_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1, "final", 0))
    assert "3.11, 3.12 or 3.13" in failed(run("doctor", "--json"))["python"]


@pytest.mark.parametrize(
    ("missing", "outcome", "fix"),
    [("scipy", "failed", "footfall[edge]"), ("dash", "warning", "footfall[dashboard]")],
)
def test_missing_package_is_found(
    missing: str, outcome: str, fix: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == missing else object())
    (finding,) = [row for row in run("doctor", "--json").data if row["check"] == "packages"]
    assert (finding["outcome"], missing in finding["detail"], fix in finding["fix"]) == (outcome, True, True)


class Anno1970(datetime):
    @classmethod
    def now(cls, _tz: object = None) -> datetime:
        return datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


def test_clock_that_was_never_set_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.store.check.datetime", Anno1970)
    assert "NTP" in failed(run("doctor", "--json"))["clock"]


def test_a_clock_behind_stored_events_is_reported(run: Run, tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    ahead = datetime.now(UTC) + timedelta(hours=2)
    harness.store.record(
        Observation(
            events=[
                Event(kind=EventKind.ENTER, site_id="gym", camera_id="a", person_id="p-1", at=ahead, track_id="t"),
            ]
        )
    )
    harness.store.close()
    done = run("doctor", "--json")
    assert (done.code, outcomes(done)["clock"]) == (0, "warning")
    assert f"{ahead:%Y-%m-%d %H:%M:%S}" in done.out


def test_text_has_each_fix_beside_its_check(run: Run, tmp_path: Path) -> None:
    done = run("doctor", "--models", tmp_path / "none", "--camera", "gone.mp4")
    done.refused("failed: models, camera gone.mp4")
    assert done.out.count("fix: ") == 2
    assert done.out.startswith("ok ")
