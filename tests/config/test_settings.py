"""Settings: precedence, error messages, and the generated documents."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from config import reference, storage
from config.errors import SettingsError
from config.settings import Settings, SiteSettings, load_settings

ROOT = Path(__file__).parents[2]
DOOR = "[[camera]]\nid='a'\nsource='0'\nrole='door'\n"
ROOM = "[[camera]]\nid='a'\nsource='0'\n"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOOTFALL_SETTINGS", raising=False)


def test_default_values() -> None:
    presence = load_settings().presence
    assert (presence.exit_after_s, presence.merge_gap_s, presence.min_visit_s) == (30.0, 300.0, 0.0)
    assert (presence.max_visit_s, presence.skew_s) == (16 * 3600.0, 2.0)


def test_precedence_of_flags_environment_file_and_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gym.toml"
    file.write_text('[site]\nid = "file"\nname = "file"\ncapacity = 7\n[detect]\nmin_face = 33\n')
    monkeypatch.setenv("FOOTFALL_SITE__ID", "env")
    monkeypatch.setenv("FOOTFALL_SITE__NAME", "env")
    settings = load_settings(file, {"site": {"id": "flag", "time_zone": None}})
    assert (settings.site.id, settings.site.name, settings.site.capacity) == ("flag", "env", 7)
    assert (settings.detect.min_face, settings.site.time_zone) == (33, "local")


def test_settings_file_is_found_in_the_working_folder_or_by_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "footfall.toml").write_text('[site]\nid = "here"\n')
    assert load_settings().site.id == "here"
    (tmp_path / "other.toml").write_text('[site]\nid = "other"\n')
    monkeypatch.setenv("FOOTFALL_SETTINGS", str(tmp_path / "other.toml"))
    assert load_settings().site.id == "other"


@pytest.mark.parametrize("kind", [None, "office", "school", "lab"])
def test_expressions_are_not_counted_where_people_work_or_learn(kind: str | None, tmp_path: Path) -> None:
    site = "" if kind is None else f'[site]\nkind = "{kind}"\n'
    file = tmp_path / "site.toml"
    file.write_text(f"{site}[audience]\nexpression = true\nage = true\n")
    with pytest.raises(SettingsError, match=r"site\.kind.*European Union.*Article 5\(1\)\(f\)") as caught:
        load_settings(file)
    assert "kind in [site]" in caught.value.fix
    file.write_text(f"{site}[audience]\nage = true\n")
    assert load_settings(file).audience.networks == ("age",)


@pytest.mark.parametrize("kind", ["gym", "shop", "other"])
def test_an_audience_is_counted_elsewhere_where_a_setting_asks_for_it(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'[site]\nkind = "{kind}"\n')
    assert load_settings(file).audience.networks == ()
    file.write_text(f'[site]\nkind = "{kind}"\n[audience]\nexpression = true\nage = true\n')
    assert load_settings(file).audience.networks == ("expression", "age")


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        pytest.param("[presense]\n", "presense", "presence", id="section-misspelt"),
        pytest.param("[presence]\nexit_after = 3\n", "presence.exit_after", "presence.exit_after_s", id="key-misspelt"),
        pytest.param("[[camera]]\nid='a'\nsource='0'\nrolle='room'\n", "rolle", "camera.role", id="camera-key"),
        pytest.param("[presence]\nexit_after_s = 'soon'\n", "exit_after_s", "docs/settings.md", id="wrong-type"),
        pytest.param("[presence]\nexit_after_s = nan\n", "exit_after_s", "docs/settings.md", id="not-a-number"),
        pytest.param("[presence]\nexit_after_s = -1\n", "exit_after_s", "docs/settings.md", id="out-of-range"),
        pytest.param("site = 3\n", "site", "docs/settings.md", id="section-is-a-number"),
        pytest.param(
            '[site]\nname = "Gym\\u001b[2J"\n', "control characters (U+001B)", "docs/settings.md", id="escape"
        ),
        pytest.param('[site]\nname = "Gym\\u202e"\n', "control characters (U+202E)", "docs/settings.md", id="override"),
        pytest.param("[site]\ntime_zone = 'Mars/Olympus'\n", "Mars/Olympus", "docs/settings.md", id="no-such-zone"),
        pytest.param("[site]\nid = 'a/b'\n", "site.id", "docs/settings.md", id="id-with-slash"),
        pytest.param(
            "[match]\nmax_distance = 0.9\nstranger_distance = 0.8\n",
            "stranger_distance",
            "docs/settings.md",
            id="dead-zone-inverted",
        ),
        pytest.param("[store]\nurl = 'mysql://x'\n", "store.url", "docs/settings.md", id="unknown-store"),
        pytest.param("[site\n", "line 1", "footfall.example.toml", id="not-toml"),
        pytest.param(
            "[[camera]]\nid='a'\nsource='0'\n[[camera]]\nid='a'\nsource='1'\n",
            "a occurs more than once",
            "docs",
            id="same-id",
        ),
        pytest.param("[presence]\ncloses_at = '24:00'\n", "presence.closes_at", "docs/settings.md", id="no-such-hour"),
        pytest.param(
            "[presence]\nopens_at = '06:00'\n", "opens_at needs closes_at", "docs", id="opens-but-never-closes"
        ),
        pytest.param(
            "[presence]\nopens_at = '06:00'\ncloses_at = '06:00'\n",
            "different time",
            "docs",
            id="open-for-no-time",
        ),
        pytest.param(DOOR, "a door needs line", "docs/settings.md", id="door-without-line"),
        pytest.param(f"{DOOR}line=[[0.2,0.5],[0.8,0.5]]\n", "and inside", "docs", id="door-without-inside"),
        pytest.param(f"{DOOR}line=[[0.2,0.5]]\ninside='below'\n", "line", "docs", id="line-of-one-point"),
        pytest.param(f"{DOOR}line=[[0.2,0.5],[1.8,0.5]]\ninside='below'\n", "line.1.0", "docs", id="line-out-of-frame"),
        pytest.param(f"{DOOR}line=[[0.2,0.5],[0.2,0.51]]\ninside='left'\n", "0.05", "docs", id="line-too-short"),
        pytest.param(
            f"{DOOR}line=[[0.2,0.5],[0.8,0.5]]\ninside='left'\n", "above or below", "docs", id="no-left-of-a-level-line"
        ),
        pytest.param(
            f"{DOOR}line=[[0.5,0.2],[0.5,0.8]]\ninside='below'\n", "left or right", "docs", id="no-below-of-an-upright"
        ),
        pytest.param("[detect]\nregion=[0,0,1]\n", "detect.region", "docs/settings.md", id="region-of-three-numbers"),
        pytest.param("[detect]\nregion=[0,0,1,1.5]\n", "detect.region.3", "docs", id="region-out-of-frame"),
        pytest.param(
            "[detect]\nregion=[0,0.5,1,0.5]\n", "less than right and bottom", "docs", id="region-without-area"
        ),
        pytest.param(f"{ROOM}region=[0.9,0,0.1,1]\n", "camera.0.region: left", "docs", id="region-turned-round"),
        pytest.param(f"{ROOM}rotate=45\n", "camera.0.rotate", "docs", id="rotated-by-half-a-right-angle"),
        pytest.param(f"{ROOM}region=[0,0,nan,1]\n", "camera.0.region", "docs", id="region-of-nothing"),
        pytest.param(f"{DOOR}inside='up'\n", "inside", "docs", id="unknown-side"),
        pytest.param(f"{ROOM}inside='left'\n", "are for doors", "docs", id="a-room-has-no-line"),
        pytest.param(
            f"{ROOM}zones={{a=[[0,0],[1,1]]}}\n", "zone a needs at least three", "docs", id="zone-of-two-corners"
        ),
        pytest.param(f"{ROOM}zones={{a=[[0,0],[1,1],[2,0]]}}\n", "zones.a.2.0", "docs", id="zone-out-of-frame"),
        pytest.param(f"{ROOM}zones={{a=[[0,0],[0.5,0.5],[1,1]]}}\n", "almost no area", "docs", id="zone-without-area"),
        pytest.param(f"{ROOM}zones={{' '=[[0,0],[0,1],[1,1]]}}\n", "zones", "docs", id="zone-without-name"),
        pytest.param(
            f"{DOOR}line=[[0.2,0.5],[0.8,0.5]]\ninside='below'\nzones={{a=[[0,0],[0,1],[1,1]]}}\n",
            "zones are for rooms",
            "docs",
            id="a-door-has-no-zones",
        ),
    ],
)
def test_invalid_file_is_rejected_with_location_and_fix(tmp_path: Path, text: str, where: str, fix: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert where in caught.value.problem
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        pytest.param(
            "[camera]\nid='a'\nsource='0'\n", "camera: expected an array of cameras", "[[camera]]", id="bracket"
        ),
        pytest.param("[[site]]\nid='a'\n", "site: expected a table", "[site], in single", id="brackets"),
        pytest.param("[[camera]]\nid='a'\n", "camera.0.source: is missing", 'source = "0"', id="missing"),
        pytest.param("[[camera]]\nid='a'\nsource=true\n", "expected a string in quotes", 'source = "0"', id="truth"),
        pytest.param("[[camera]]\nid='a'\nsource=-1\n", "in quotes, got -1", 'source = "0"', id="below-zero"),
        pytest.param("[[camera]]\nid='a'\nsource=''\n", "must not be empty", 'source = "0"', id="empty"),
        pytest.param("[presence]\ncloses_at='25:00'\n", "time of day in the form HH:MM", '"23:30"', id="hour"),
        pytest.param("[presence]\ncloses_at=23:30:01\n", "got 23:30:01", 'closes_at = "23:30"', id="seconds"),
        pytest.param("[presence]\ncloses_at=2026-01-31\n", "a time of day", 'closes_at = "23:30"', id="day"),
        pytest.param("[presence]\nskew_s='x'\n", "presence.skew_s: expected a number, got 'x'", "2.0", id="number"),
        pytest.param("[presence]\nskew_s=99\n", "must be less than or equal to 60, got 99", "2.0", id="too-much"),
        pytest.param("[models]\nthreads=2.5\n", "expected an integer, got 2.5", "threads = 2", id="whole"),
        pytest.param("[models]\ndir=3\n", "models.dir: expected a string in quotes", "dir = ", id="path"),
        pytest.param("[cloud]\nshare_vectors='x'\n", "expected true or false", "share_vectors = false", id="no-truth"),
        pytest.param("[site]\nid='a/b'\n", "expected 1 to 64 characters", 'id = "main"', id="name"),
        pytest.param(f"[site]\nname='{'x' * 201}'\n", "not be longer than 200 characters", "My site", id="long"),
        pytest.param(
            "[detect]\nregion=[0,0,1]\n", "detect.region: the last value is missing", "region = [0.0", id="short-list"
        ),
        pytest.param("[detect]\nregion='all'\n", "expected an array in [ ], got 'all'", "region = [0.0", id="no-list"),
        pytest.param(
            "[detect]\nregion=[0,0,1,1,1]\n", "detect.region: expected 4 values, not 5", "region = [0.0", id="long-list"
        ),
        pytest.param(f"{ROOM}zones=[[0,0],[1,1]]\n", "zones: expected a table", "docs", id="zones-list"),
        pytest.param(f"{ROOM}role='dor'\n", "must be 'room', 'entrance', 'exit' or 'door'", "role = ", id="word"),
    ],
)
def test_messages_name_problem_and_fix(tmp_path: Path, text: str, problem: str, fix: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    message = str(caught.value)
    assert [word for word in ("Input", "String", "tuple", "valid", "^", "datetime", "Field") if word in message] == []


@pytest.mark.parametrize(
    ("name", "text", "problem", "fix"),
    [
        pytest.param("CAMERA", '[{"id":"a"', "FOOTFALL_CAMERA: the value is not JSON", "bracket", id="cut-off"),
        pytest.param("DETECT__REGION", "0,0,1,1", "DETECT__REGION: the value is not JSON", "bracket", id="no-list"),
        pytest.param("CAMERA", '{"id":"a","source":"0"}', "expected an array", "FOOTFALL_CAMERA='[{", id="one-camera"),
        pytest.param("MODELS__THREADS", "x", "got 'x' (FOOTFALL_MODELS__THREADS)", "MODELS__THREADS=2", id="word"),
    ],
)
def test_invalid_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, problem: str, fix: str
) -> None:
    monkeypatch.setenv("FOOTFALL_SITE__ID", "gym")
    monkeypatch.setenv(f"FOOTFALL_{name}", text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    assert "docs/settings.md" in caught.value.fix


def test_invalid_flag_is_not_attributed_to_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_STORE__URL", "sqlite:///fine.sqlite3")
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"store": {"url": "mysql://x"}})
    assert "FOOTFALL_STORE__URL" not in str(caught.value)


@pytest.mark.parametrize("number", ["0", "12"])
def test_device_number_can_be_an_integer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    file = tmp_path / "device.toml"
    file.write_text(f"[[camera]]\nid = 'a'\nsource = {number}\n")
    assert load_settings(file).camera[0].source == number
    monkeypatch.setenv("FOOTFALL_CAMERA", f'[{{"id": "a", "source": {number}}}]')
    assert load_settings().camera[0].source == number


def test_toml_time_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "hours.toml"
    file.write_text("[presence]\nopens_at = 06:00:00\ncloses_at = 23:30:00\n")
    presence = load_settings(file).presence
    assert (presence.opens_at, presence.closes_at) == ("06:00", "23:30")


def test_undecodable_and_missing_files_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "bytes.toml")
    with pytest.raises(SettingsError, match="no settings file"):
        load_settings(tmp_path / "missing.toml")


def test_unknown_variable_is_rejected_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_PRESENCE__EXIT_AFTER", "3")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "FOOTFALL_PRESENCE__EXIT_AFTER_S" in caught.value.fix


def test_cameras_from_file_or_json_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "two.toml"
    file.write_text("[[camera]]\nid = 'front'\nsource = '0'\n[[camera]]\nid = 'back'\nsource = 'rtsp://cam/1'\n")
    assert [camera.id for camera in load_settings(file).camera] == ["front", "back"]
    monkeypatch.setenv("FOOTFALL_CAMERA", '[{"id": "env", "source": "1"}]')
    assert [camera.id for camera in load_settings(file).camera] == ["env"]


def test_line_of_a_door_and_zones_of_a_room(tmp_path: Path) -> None:
    file = tmp_path / "doors.toml"
    file.write_text(
        f"[presence]\ncloses_at='23:30'\n{DOOR}line=[[0.2,0.6],[0.8,0.6]]\ninside='below'\n"
        "[[camera]]\nid='hall'\nsource='1'\n[camera.zones]\n'free weights'=[[0,0],[0.5,0],[0.5,1]]\n"
        "[[camera]]\nid='out'\nsource='2'\nrole='exit'\n"
    )
    settings = load_settings(file)
    door, hall, out = settings.camera
    assert (door.role, door.line, door.inside) == ("door", ((0.2, 0.6), (0.8, 0.6)), "below")
    assert (hall.role, hall.zones) == ("room", {"free weights": ((0, 0), (0.5, 0), (0.5, 1))})
    assert (out.role, out.line, settings.presence.closes_at) == ("exit", None, "23:30")


def test_region_for_all_cameras_or_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "regions.toml"
    file.write_text("[[camera]]\nid='a'\nsource='0'\n[[camera]]\nid='b'\nsource='1'\nregion=[0,0.5,1,1]\n")
    monkeypatch.setenv("FOOTFALL_DETECT__REGION", "[0.1, 0, 0.9, 1]")
    settings = load_settings(file)
    assert settings.detect.region == (0.1, 0, 0.9, 1)
    assert [camera.region for camera in settings.camera] == [None, (0, 0.5, 1, 1)]
    assert Settings().detect.region == (0, 0, 1, 1)


def test_settings_are_frozen_and_read_no_other_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_SITE__ID", "outside")
    settings = Settings()
    assert settings.site.id == "main"
    with pytest.raises(ValidationError):
        settings.site = SiteSettings()  # type: ignore[misc]


def test_reference_and_example_are_up_to_date() -> None:
    assert (ROOT / reference.DOCUMENT).read_text(encoding="utf-8") == reference.document()
    assert (ROOT / reference.EXAMPLE).read_text(encoding="utf-8") == reference.example()


def test_uncommented_example_is_valid(tmp_path: Path) -> None:
    lines = reference.example().splitlines()
    bare = [line.removeprefix("# ") for line in lines if "=" in line or line.lstrip("# ").startswith("[")]
    tomllib.loads("\n".join(bare))
    file = tmp_path / "all.toml"
    file.write_text("\n".join(bare))
    settings = load_settings(file)
    examples = {"max_faces": 10, "haar_cascade": Path("haarcascade_frontalface_alt2.xml")}
    assert settings.detect == Settings().detect.model_copy(update=examples)
    assert settings.camera[0].id == "entrance"


def test_the_setting_of_who_writes_visits_is_accepted_and_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage._warn_of_visits.cache_clear()
    file = tmp_path / "old.toml"
    file.write_text('[cloud]\nvisits = "functions"\n')
    assert load_settings(file).cloud.visits is None
    load_settings(file)
    assert caplog.text.count("cloud.visits is ignored") == 1


def test_a_yaw_of_an_earlier_release_is_converted_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "footfall.toml"
    file.write_text("[quality]\nmax_yaw = 0.6\n", encoding="utf-8")
    assert load_settings(file).quality.max_yaw == 35
    assert "quality.max_yaw is in degrees since 0.2: write 35 instead of 0.6" in caplog.text
