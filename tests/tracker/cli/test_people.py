"""`footfall enroll` and `footfall people`."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from config.settings import Settings
from tests.tracker.cli.conftest import Done, Run
from tests.tracker.conftest import compact, no_file_above
from tests.tracker.fake_cameras import ADA, BOB, EVE, AgentHarness, scene
from tracker.cli import store as cli_store
from tracker.store.store import Store


def stored(tmp_path: Path) -> dict[str, int]:
    """Name -> vectors of everybody in the store."""
    with Store(tmp_path / "store.sqlite3") as store:
        counts = store.people.vector_counts()
        return {person.name: counts.get(person.person_id, 0) for person in store.people.all()}


# -- enroll


def test_pictures_with_a_name_become_one_person(run: Run, pictures: Path, tmp_path: Path) -> None:
    done = run("enroll", pictures / "ada.png", pictures / "ada-dark.png", "--name", "  Ada   Lovelace ")
    assert (done.code, done.out, done.err) == (0, "enrolled Ada Lovelace from 2 pictures\n", "")
    assert stored(tmp_path) == {"Ada Lovelace": 2}


def test_a_folder_has_a_person_per_file_or_folder(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "people" / "Ada").mkdir(parents=True)
    for name in ("ada.png", "ada-dark.png"):
        shutil.copy(pictures / name, tmp_path / "people" / "Ada")
    shutil.copy(pictures / "bob.jpg", tmp_path / "people" / "Bob Hopper.jpg")
    done = run("enroll", tmp_path / "people", "--json")
    assert done.code == 0
    keys = {"name", "person_id", "pictures", "refused", "problem", "added", "visitors"}
    assert [set(row) for row in done.data] == [keys] * 2
    assert [(row["name"], row["pictures"], row["problem"]) for row in done.data] == [
        ("Ada", 2, None),
        ("Bob Hopper", 1, None),
    ]
    assert stored(tmp_path) == {"Ada": 2, "Bob Hopper": 1}


def test_good_pictures_count_and_the_others_are_named(run: Run, pictures: Path, tmp_path: Path) -> None:
    done = run("enroll", pictures, "--name", "Ada", "--json")
    assert done.code == 0
    (row,) = done.data
    assert row["pictures"] == 2
    assert {Path(path).name: reason for path, reason in row["refused"]} == {
        "both.png": "2 faces found, exactly one is needed", "nobody.png": "no face found",
        "bob.jpg": "does not match the other pictures of Ada (distance 1.30)",
    }  # fmt: skip
    assert stored(tmp_path) == {"Ada": 2}


def test_person_without_a_good_picture_is_not_saved(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    shutil.copy(pictures / "nobody.png", tmp_path / "people" / "Ada.png")
    shutil.copy(pictures / "bob.jpg", tmp_path / "people" / "Bob.jpg")
    done = run("enroll", tmp_path / "people")
    done.refused("1 of 2 people were not enrolled")
    assert done.out == "enrolled Bob from 1 picture\n"
    assert "not enrolled: Ada: no usable picture of Ada\n" in done.err
    assert "Ada.png: no face found\n" in done.err
    assert stored(tmp_path) == {"Bob": 1}


def header_of_a_huge_png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("a.jpg", b"", "the file is empty", id="zero-bytes"),
        pytest.param("a.jpg", b"Dear diary, today I took no picture.\n" * 9, "not a picture", id="text-called-jpg"),
        pytest.param("a.png", header_of_a_huge_png(), "far too many pixels", id="20000-by-20000"),
        pytest.param("a.jpg", None, "damaged or cut off", id="cut-off"),
        pytest.param("a.heic", b"\0\0\0\x18ftypheic" + bytes(99), "HEIC pictures cannot be read", id="heic"),
    ],
)
def test_unreadable_picture_is_refused_with_the_reason(
    name: str, content: bytes | None, reason: str, run: Run, pictures: Path, tmp_path: Path
) -> None:
    whole = (pictures / "bob.jpg").read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 3] if content is None else content)
    done = run("enroll", tmp_path / name, "--name", "Ada")
    done.refused("1 of 1 people were not enrolled")
    assert f"{name}: " in done.err
    assert reason in done.err
    assert stored(tmp_path) == {}


def test_pictures_of_every_kind_show_the_same_person(run: Run, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kinds"
    folder.mkdir()
    image = cv2.imread(str(pictures / "ada.png"))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    cv2.imwrite(str(folder / "grey.png"), grey)
    cv2.imwrite(str(folder / "sixteen.png"), image.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "rgba.png"), np.dstack([image, np.full_like(grey, 255)]))
    turned = PIL.Image.open(pictures / "ada.png").convert("RGB").rotate(90, expand=True)
    note = PIL.Image.Exif()
    note[0x0112] = 6
    turned.save(folder / "turned.jpg", exif=note, quality=95)
    run("enroll", pictures / "ada.png", "--name", "Ada")
    done = run("enroll", folder, "--name", "Also Ada", "--force", "--json")
    assert [(row["pictures"], row["refused"]) for row in done.data] == [(4, [])]
    for file in sorted(folder.iterdir()):
        found = run("compare", pictures / "ada.png", file, "--json").data
        assert (file.name, found["same"], found["distance"] < 0.35) == (file.name, True, True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("a/b", ("slash",), id="slash"),
        pytest.param("..\\b", ("slash",), id="backslash"),
        pytest.param("   ", ("empty",), id="spaces"),
        pytest.param("", ("empty",), id="empty"),
        pytest.param("A" * 10_000, ("10,000 characters",), id="long"),
        pytest.param("A\x1b[31mda", ("control character",), id="control"),
    ],
)
def test_name_that_cannot_be_one_is_refused(name: str, words: tuple[str, ...], run: Run, pictures: Path) -> None:
    line = run("enroll", pictures / "ada.png", "--name", name).refused(*words)
    assert len(line) < 400


def test_emoji_and_any_script_are_names(run: Run, pictures: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("👩🏽‍🚀 Ада", "李明")):
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), cv2.imread(str(pictures / "ada.png"))[number:])
        assert run("enroll", file, "--name", name, "--force").code == 0
    assert [row["name"] for row in run("people", "list", "--json").data] == ["李明", "👩🏽‍🚀 Ада"]
    assert run("people", "show", "李明", "--json").data["vectors"] == 1
    assert "👩🏽‍🚀 Ада" in run("people", "list").out


def test_name_that_is_taken_is_refused_in_any_case_and_saves_nothing(run: Run, pictures: Path, tmp_path: Path) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    done = run("enroll", pictures / "bob.jpg", "--name", "ADA")
    done.refused()
    assert "a person named ADA already exists" in done.err
    assert stored(tmp_path) == {"Ada": 1}


def test_same_picture_twice_counts_once_and_for_two_people_not_at_all(run: Run, pictures: Path, tmp_path: Path) -> None:
    people = tmp_path / "people"
    (people / "Ada").mkdir(parents=True)
    (people / "Bob").mkdir()
    for place in ("Ada/1.png", "Ada/2.png"):
        shutil.copy(pictures / "ada.png", people / place)
    for place in ("Ada/3.jpg", "Bob/1.jpg"):
        shutil.copy(pictures / "bob.jpg", people / place)
    done = run("enroll", people, "--json")
    assert done.code == 1
    assert [(row["name"], row["pictures"]) for row in done.data] == [("Ada", 1), ("Bob", 0)]
    reasons = [reason for row in done.data for _, reason in row["refused"]]
    assert reasons == ["the same picture as 1.png"] + ["the same picture is given for 2 people"] * 2


def test_add_adds_pictures_to_a_person(run: Run, pictures: Path, tmp_path: Path) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    done = run("enroll", pictures / "ada-dark.png", "--name", "ada", "--add")
    assert (done.code, done.out) == (0, "added 1 picture to ada\n")
    assert stored(tmp_path) == {"Ada": 2}
    run("enroll", pictures / "bob.jpg", "--name", "Bob", "--add").refused("no person named 'Bob'")


def test_staff_is_marked(run: Run, pictures: Path) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada", "--staff")
    assert run("people", "show", "Ada", "--json").data["role"] == "staff"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        pytest.param(("--add",), ("--add without --name",), id="add-whom"),
        pytest.param(("--name", "Ada", "--add", "--staff"), ("--staff", "--add"), id="add-as-staff"),
        pytest.param(("--name", "Ada", "--add", "--update"), ("--add", "--update"), id="add-and-update"),
        pytest.param(("--name", "Ada", "--pattern", "{name}"), ("--pattern", "--name"), id="pattern-of-one"),
        pytest.param((), ("ada.png is a file", "--name"), id="who-is-this"),
    ],
)
def test_missing_or_contradicting_options_are_wrong_use(
    flags: tuple[str, ...], words: tuple[str, ...], run: Run, pictures: Path
) -> None:
    run("enroll", pictures / "ada.png", *flags).refused(*words, code=2)


def test_a_folder_without_faces_is_refused(run: Run, tmp_path: Path) -> None:
    run("enroll", tmp_path / "none").refused("no such folder")
    (tmp_path / "none").mkdir()
    run("enroll", tmp_path / "none").refused("no pictures in it")
    done = run("enroll", tmp_path / "none", "--name", "Ada")
    done.refused("not enrolled")
    assert "no picture of Ada" in done.err


# -- people


@pytest.fixture
def gym(tmp_path: Path) -> AgentHarness:
    """Ada is enrolled and was there twice; a visitor was there once."""
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.play([*scene(0, 60, ADA, fps=1), *scene(62, 698, fps=0.25), *scene(700.5, 705, ADA, EVE)])
    harness.store.close()
    return harness


def names(done: Done) -> list[str]:
    return [row["name"] for row in done.data]


def test_list_shows_the_enrolled_and_on_request_visitors(run: Run, gym: AgentHarness) -> None:
    done = run("people", "list", "--json")
    assert names(done) == ["Ada"]
    assert set(done.data[0]) == {
        "person_id", "name", "kind", "role", "access", "groups", "valid_from", "valid_until", "vectors", "created_at",
        "consented_at", "consent_version", "consent_by",
    }  # fmt: skip
    assert names(run("people", "list", "--visitors", "--json")) == ["Ada", "Visitor 1"]
    table = run("people", "list", "--visitors").out
    assert "Visitor 1" in table
    assert "enrolled" in table


def test_an_empty_list_prints_the_next_command(run: Run, tmp_path: Path) -> None:
    AgentHarness(tmp_path / "store.sqlite3").store.close()
    assert "footfall enroll" in run("people", "list").out
    assert run("people", "list", "--json").data == []


def test_show_takes_a_name_in_any_case_or_an_id_and_has_the_latest_events(run: Run, gym: AgentHarness) -> None:
    shown = run("people", "show", "ada", "--json").data
    assert (shown["name"], shown["vectors"], shown["access"]) == ("Ada", 1, True)
    assert [(event["kind"], event["at"]) for event in shown["events"]] == [
        ("exit", "2026-03-02T12:11:45.000000Z"), ("enter", "2026-03-02T12:11:40.500000Z"),
        ("exit", "2026-03-02T12:01:00.000000Z"), ("enter", "2026-03-02T12:00:00.000000Z"),
    ]  # fmt: skip
    assert run("people", "show", shown["person_id"], "--json").data == shown
    text = run("people", "show", "Ada").out
    assert "vectors: 1\n" in text
    assert "access: yes\n" in text
    assert "latest events" in text


def test_rename_moves_the_name_and_keeps_the_id(run: Run, gym: AgentHarness) -> None:
    before = run("people", "show", "Visitor 1", "--json").data["person_id"]
    done = run("people", "rename", "visitor 1", " The  postman ")
    assert (done.code, done.out) == (0, "Visitor 1 is now called The postman\n")
    assert run("people", "show", "The postman", "--json").data["person_id"] == before
    run("people", "rename", "The postman", "ADA").refused("somebody is called Ada already")
    run("people", "rename", "The postman", "a/b").refused("slash")
    assert names(run("people", "list", "--visitors", "--json")) == ["Ada", "The postman"]


def test_merge_gives_the_visits_of_the_first_to_the_second(run: Run, gym: AgentHarness) -> None:
    run("people", "merge", "Ada", "Visitor 1").refused("merge the visitor into the enrolled person")
    run("people", "merge", "Ada", "ada").refused("two different people")
    done = run("people", "merge", "Visitor 1", "Ada")
    assert (done.code, done.out) == (0, "Visitor 1 was merged into Ada\n")
    assert names(run("people", "list", "--visitors", "--json")) == ["Ada"]
    assert run("people", "show", "Ada", "--json").data["vectors"] == 2
    assert {row["name"] for row in run("report", "visits", "--from", "2026-03-01", "--json").data["visits"]} == {"Ada"}


@pytest.mark.parametrize(("flags", "visits"), [((), 2), (("--history",), 0)], ids=["keeps-counts", "with-history"])
def test_forget_erases_the_identity(
    flags: tuple[str, ...], visits: int, run: Run, gym: AgentHarness, tmp_path: Path
) -> None:
    person_id = run("people", "show", "Ada", "--json").data["person_id"]
    done = run("people", "forget", "Ada", "--yes", *flags)
    assert (done.code, done.out) == (0, "Ada is forgotten\n")
    run("people", "show", "Ada").refused("no person named 'Ada'")
    left = run("report", "visits", "--from", "2026-03-01", "--json").data["visits"]
    assert len([row for row in left if row["name"] != "Visitor 1"]) == visits
    for file in tmp_path.glob("store.sqlite3*"):
        assert person_id.encode() not in file.read_bytes()


def test_forget_blocked_by_a_reader_prints_how_to_finish(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    ada = harness.enrol("Ada", ADA)

    def impatient(settings: Settings, *, create: bool) -> Store:
        return Store(settings.store.path, busy_timeout_s=0.1).open(create=create)

    monkeypatch.setattr(cli_store, "open_store", impatient)
    with harness.store.database.reading() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchone()
        held_up = run("people", "forget", "Ada", "--yes", "--history")
        reader.execute("COMMIT")
    held_up.refused("erased, but", f"footfall people forget {ada}")
    assert run("people", "forget", ada).out == f"{ada} is forgotten\n"
    run("people", "forget", "Ada", "--yes").refused("no person named 'Ada'")


def test_forget_on_a_full_disk_prints_how_to_finish(run: Run, tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    ada = harness.enrol("Ada", ADA)
    harness.store.people.add_vectors(ada, np.random.default_rng(0).standard_normal((10_000, 128)).astype(np.float32))
    bob = harness.enrol("Bob", BOB)
    harness.store.close()
    compact(harness.path)
    with no_file_above(harness.path.stat().st_size):
        run("people", "forget", "Bob", "--yes").refused(
            "erased, but", " MB on its disk", f"footfall people forget {bob}"
        )
        assert names(run("people", "list", "--json")) == ["Ada"]
        warned = {row["check"]: row for row in run("doctor", "--json").data}["store"]
    assert (warned["outcome"], "not overwritten" in warned["detail"]) == ("warning", True)
    assert {row["check"]: row["outcome"] for row in run("doctor", "--json").data}["store"] == "ok"
    assert run("people", "forget", bob).out == f"{bob} is forgotten\n"


def test_forget_asks_first(run: Run, gym: AgentHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", lambda question, abort: questions.append((question, abort)))
    questions: list[tuple[str, bool]] = []
    run("people", "forget", "Ada")
    assert questions == [("Erase Ada for good?", True)]


def test_forget_without_an_answer_keeps_the_person(command: Run, gym: AgentHarness) -> None:
    done = command("people", "forget", "Ada")
    assert done.code == 1
    with gym.store as store:
        assert store.people.by_name("Ada") is not None


@pytest.mark.parametrize(
    "words", [("show",), ("rename", "Eve"), ("merge", "Ada"), ("forget",)], ids=lambda words: words[0]
)
def test_an_unknown_name_is_reported_with_a_fix(words: tuple[str, ...], run: Run, gym: AgentHarness) -> None:
    run("people", words[0], "Nobody", *words[1:]).refused("no person named 'Nobody'", "people list --visitors")
    assert len(run("people", words[0], "x" * 10_000, *words[1:]).refused()) < 300
