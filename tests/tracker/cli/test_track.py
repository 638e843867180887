"""`footfall track` as a process: output, exit codes, the store after a kill."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from tests.tracker.cli.conftest import Done, Run, write_clip
from tests.tracker.vision.scenes import clip_frames
from tracker.presence.documents import decode
from tracker.presence.events import Event
from tracker.presence.health import CameraState
from tracker.store.store import Store

Start = Callable[..., subprocess.Popen[str]]
SETTINGS = "[site]\ntime_zone = 'UTC'\n[presence]\nexit_after_s = 2.0\nmerge_gap_s = 60.0\n"
TWO = ("--camera", "0", "--camera", "1")
BEGINS = ("--start", "2026-03-02T12:00:00")


@pytest.fixture
def ready(run: Run, pictures: Path, tmp_path: Path) -> None:
    """Ada is enrolled; visits end after two seconds."""
    for place in (tmp_path, Path()):
        (place / "footfall.toml").write_text(SETTINGS, encoding="utf-8")
    assert run("enroll", pictures / "ada-dark.png", pictures / "ada.png", "--name", "Ada").code == 0


pytestmark = pytest.mark.usefixtures("ready")


def visits(run: Run) -> list[tuple[str, str, str | None, bool]]:
    """(name, entered, left, exit inferred) of each visit, the earliest first."""
    rows = run("report", "visits", "--from", "2026-03-01", "--to", "2026-03-03", "--json").data["visits"]
    return sorted(
        (row["name"], row["started_at"][14:21], row["ended_at"] and row["ended_at"][14:21], row["exit_inferred"])
        for row in rows
    )


TRUTH = [("Ada", "00:00.4", "00:03.8", False), ("Visitor 1", "00:00.6", "00:05.8", False)]


def stored(tmp_path: Path) -> list[Event]:
    with Store(tmp_path / "store.sqlite3") as store:
        return store.events.select()


def test_recording_gives_the_visits_it_shows(run: Run, clip: Path, tmp_path: Path) -> None:
    done = run("track", "--camera", clip, "--camera-id", "hall", "--fast", *BEGINS)
    assert (done.code, done.err) == (0, "hall: 45 frames, 2 tracks, each has a name\n")
    assert done.out.splitlines() == [
        "2026-03-02 12:00:00  hall  enter  Ada",
        "2026-03-02 12:00:00  hall  enter  Visitor 1",
        "2026-03-02 12:00:03  hall  exit   Ada",
        "2026-03-02 12:00:05  hall  exit   Visitor 1",
    ]
    assert visits(run) == TRUTH
    assert [event.camera_id for event in stored(tmp_path)] == ["hall"] * 4
    again = run("track", "--camera", clip, "--camera-id", "hall", "--fast", *BEGINS)
    assert again.code == 0
    assert visits(run) == TRUTH


def test_json_is_an_event_a_line(run: Run, clip: Path, tmp_path: Path) -> None:
    done = run("track", "--camera", clip, "--fast", "--json", "--explain", *BEGINS)
    printed = [decode(Event, json.loads(line)) for line in done.out.splitlines()]
    assert printed == stored(tmp_path)
    assert done.err.count(" track ") == 2
    assert "Ada by 2 sightings" in done.err


def test_explain_prints_the_name_and_the_reason(run: Run, clip: Path) -> None:
    lines = run("track", "--camera", clip, "--fast", "--explain", *BEGINS).out.splitlines()
    named, stranger = [line for line in lines if "  track  " in line]
    assert "Ada by 2 sightings, nearest 0." in named
    assert "a stranger by 4 sightings: nobody nearer than 1." in stranger


def test_explain_prints_why_a_track_has_no_name(run: Run, clip: Path) -> None:
    Path("footfall.toml").write_text(SETTINGS + "[quality]\nmin_width = 300\n", encoding="utf-8")
    done = run("track", "--camera", clip, "--fast", "--explain", *BEGINS)
    assert done.code == 0
    tracks = [line for line in done.out.splitlines() if "  track  " in line]
    assert [line.partition(": ")[2][:23] for line in tracks] == ["no usable face among 18", "no usable face among 27"]


def test_people_without_a_name_are_unidentified(run: Run, clip: Path) -> None:
    Path("footfall.toml").write_text(SETTINGS + "[quality]\nmin_width = 300\n", encoding="utf-8")
    done = run("track", "--camera", clip, "--fast", *BEGINS)
    assert done.code == 0
    told = [line.split("  ", 2)[2].split(maxsplit=1) for line in done.out.splitlines()]
    assert sorted(told) == [["enter", "an unidentified person"]] * 2 + [["exit", "an unidentified person"]] * 2


def test_a_recording_without_names_prints_the_reasons(run: Run, clip: Path, tmp_path: Path) -> None:
    faces = '[[camera]]\nid = "camera-1"\nsource = "0"\ncount = "faces"\n'
    Path("footfall.toml").write_text(f"{SETTINGS}[quality]\nmin_width = 300\n{faces}", encoding="utf-8")
    empty = write_clip(tmp_path / "empty.avi", [], 1)
    done = run("track", "--camera", clip, "--camera", empty, "--fast", "--json", *BEGINS)
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "camera-1: 45 frames, 2 tracks, nobody named: too small (use --explain for details)",
        "camera-2: 5 frames, no face found",
    ]


def test_two_recordings_at_once_with_ids_of_their_own(run: Run, clip: Path, tmp_path: Path) -> None:
    done = run("track", "--camera", clip, "--camera", clip, "--fast", *BEGINS)
    assert done.code == 0
    assert {event.camera_id for event in stored(tmp_path)} == {"camera-1", "camera-2"}
    assert [name for name, *_ in visits(run)] == ["Ada", "Visitor 1"]


def test_cameras_of_the_settings_are_followed(run: Run, clip: Path, tmp_path: Path) -> None:
    Path("footfall.toml").write_text(f'{SETTINGS}[[camera]]\nid = "hall"\nsource = "{clip}"\n', encoding="utf-8")
    assert run("track", "--fast", *BEGINS).code == 0
    assert {event.camera_id for event in stored(tmp_path)} == {"hall"}


def test_camera_that_fails_does_not_stop_the_other(run: Run, clip: Path) -> None:
    done = run("track", "--camera", "gone.mp4", "--camera", clip, "--fast", *BEGINS)
    done.refused("gone.mp4: no such file", "check the path")
    assert visits(run) == TRUTH


def test_folder_of_pictures_is_a_camera_of_one_a_second(run: Run, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index, frame in clip_frames(clip.parent, clip.name, every=5):
        cv2.imwrite(str(folder / f"{index // 5}.png"), frame)
    (folder / "7.png").write_bytes(b"")
    Path("footfall.toml").write_text(SETTINGS.replace("2.0", "3.0"), encoding="utf-8")
    done = run("track", "--camera", folder, "--fast", *BEGINS)
    assert done.code == 0
    assert "note: " in done.err
    assert "7.png: the file is empty" in done.err
    assert [(name, entered) for name, entered, *_ in visits(run)] == [("Ada", "00:01.0"), ("Visitor 1", "00:01.0")]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("gone.mp4", ("gone.mp4: no such file",), id="missing-file"),
        pytest.param("empty.mp4", ("empty.mp4: the file is empty",), id="empty-file"),
        pytest.param("text.mp4", ("text.mp4: no frame can be read",), id="text"),
        pytest.param("folder", ("no picture in this folder",), id="empty-folder"),
        pytest.param("98", ("device 98: no such camera",), id="missing-device"),
        pytest.param("ftp://x/y", ("cannot open ftp addresses",), id="unknown-address"),
        pytest.param("f" * 5000, ("File name too long",), id="name-too-long"),
    ],
)
def test_an_invalid_camera_is_refused(source: str, words: tuple[str, ...], run: Run) -> None:
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("no film " * 999, encoding="utf-8")
    Path("folder").mkdir()
    run("track", "--camera", source, "--fast").refused(*words)


def test_a_truncated_recording_is_tracked_and_reported(run: Run, clip: Path) -> None:
    whole = clip.read_bytes()
    Path("cut.avi").write_bytes(whole[: 2 * len(whole) // 3])
    done = run("track", "--camera", "cut.avi", "--fast", *BEGINS)
    assert done.code == 0
    assert "note: cut.avi: " in done.err
    assert "cut off" in done.err
    assert visits(run)[0][:2] == ("Ada", "00:00.4")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param((), "no camera to follow", id="none"),
        pytest.param(("--camera-id", "a"), "--camera-id without --camera", id="id-alone"),
        pytest.param((*TWO, "--camera-id", "a"), "2 --camera but 1 --camera-id", id="count"),
        pytest.param((*TWO, "--camera-id", "a", "--camera-id", "a"), "the same", id="twice"),
        pytest.param(("--camera", "0", "--camera-id", "front door"), "'front door': not a name", id="space"),
        pytest.param(("--camera", "0", "--camera-id", "x" * 10_000), "not a name", id="long"),
        pytest.param(("--camera", ""), "no source", id="empty"),
        pytest.param(("--camera", "0", "--start", "noon"), "--start: 'noon' is not a date", id="no-time"),
        pytest.param(("--camera", "0", "--start", "2999-01-01T08:00"), "08:00 is in the future", id="to-come"),
        pytest.param(("--camera", "0", "--start", "1926-01-01T08:00"), "is before 1970", id="before-cameras"),
    ],
)  # fmt: skip
def test_invalid_options_are_wrong_use(words: tuple[str, ...], message: str, run: Run) -> None:
    assert len(run("track", *words).refused(message, code=2)) < 400


# -- processes


def wait_for_line(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"{word!r} was never printed")


def ended(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)],
    ids=["ctrl-c", "terminated", "killed"],
)
def test_run_stopped_in_the_middle_and_played_again_has_every_visit_once(
    number: int, code: int, start: Start, run: Run, clip: Path, tmp_path: Path
) -> None:
    process = start("track", "--camera", clip, *BEGINS)
    wait_for_line(process, "Visitor 1")
    process.send_signal(number)
    assert (ended(process).code, process.returncode) == (code, code)
    with Store(tmp_path / "store.sqlite3") as store:
        assert len(store.cameras.presences()) == 2
        if number != signal.SIGKILL:
            assert [health.state for health in store.cameras.health()] == [CameraState.STOPPED]
    assert run("track", "--camera", clip, "--fast", *BEGINS).code == 0
    assert visits(run) == TRUTH
    assert len(stored(tmp_path)) == 4


def test_killed_run_is_closed_by_the_next_run_of_that_camera(
    start: Start, run: Run, clip: Path, tmp_path: Path
) -> None:
    """Somebody unplugs the machine; an hour later another recording of the same camera shows an empty room."""
    process = start("track", "--camera", clip, *BEGINS)
    wait_for_line(process, "Visitor 1")
    process.kill()
    ended(process)
    empty = write_clip(tmp_path / "empty.avi", [], 1)
    assert run("track", "--camera", empty, "--fast", "--start", "2026-03-02T13:00:00").code == 0
    closed = visits(run)
    assert [(name, entered, inferred) for name, entered, _, inferred in closed] == [
        ("Ada", "00:00.4", True), ("Visitor 1", "00:00.6", True),
    ]  # fmt: skip
    assert all("00:00.8" <= (left or "") <= "00:03.8" for _, _, left, _ in closed)


def test_run_whose_store_is_deleted_fails_and_counts_what_is_not_stored(
    start: Start, clip: Path, tmp_path: Path
) -> None:
    process = start("track", "--camera", clip, *BEGINS)
    wait_for_line(process, "Visitor 1")
    (tmp_path / "store.sqlite3").unlink()
    done = ended(process)
    line = done.refused("the store was deleted or replaced while in use; ", "records of camera-1 are not stored")
    assert "stop all agents" in line
    assert done.err.count("records are kept in memory and tried again") == 1


def test_second_agent_is_refused_while_the_first_runs(start: Start, run: Run, clip: Path) -> None:
    first = start("track", "--camera", clip, *BEGINS)
    wait_for_line(first, "enter")
    done = run("track", "--camera", clip, "--fast", *BEGINS)
    done.refused("camera camera-1 is tracked into", f"process {first.pid}", "--camera-id")
    assert run("track", "--camera", clip, "--camera-id", "other", "--fast", *BEGINS).code == 0
    first.kill()
    ended(first)
    assert run("track", "--camera", clip, "--fast", *BEGINS).code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["ctrl-c", "service"])
def test_an_unreachable_address_is_reported_without_its_password_and_retried(
    start: Start, number: int, code: int
) -> None:
    process = start("track", "--camera", "http://ada:secret@127.0.0.1:9/live")
    assert process.stderr is not None
    printed = process.stderr.readline()
    assert "camera-1: http://***@127.0.0.1:9/live: cannot be opened (Connection refused); trying again" in printed
    process.send_signal(number)
    assert ended(process) == Done(code, "", "")


def test_second_ctrl_c_ends_a_run_that_hangs(start: Start, clip: Path, tmp_path: Path) -> None:
    """The store is locked by somebody else, so that the last write waits."""
    process = start("track", "--camera", clip, *BEGINS)
    wait_for_line(process, "Visitor 1")
    holder = Store(tmp_path / "store.sqlite3").open()
    with holder.database.writing():
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        process.send_signal(signal.SIGINT)
        process.wait(5)
    holder.close()
    assert process.returncode == -signal.SIGINT


def test_progress_is_drawn_on_the_terminal_and_events_go_where_stdout_goes(start: Start, clip: Path) -> None:
    master, slave = pty.openpty()
    process = start("track", "--camera", clip, "--fast", "--json", *BEGINS, stderr=slave)
    os.close(slave)
    drawn = b""
    while True:
        try:
            drawn += os.read(master, 65536)
        except OSError:
            break
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert process.wait(30) == 0
    assert [json.loads(line)["kind"] for line in lines] == ["enter", "enter", "exit", "exit"]
    assert b"camera-1" in drawn
    assert b"45/45" in drawn
    assert b'"kind"' not in drawn
