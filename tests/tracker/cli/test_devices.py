"""`footfall camera devices …`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import segno

from tests.tracker.cli.conftest import Run
from tracker.store.devices import DeviceKey
from tracker.store.store import Store


def key_of(url: str) -> DeviceKey:
    parsed = DeviceKey.parse(urlsplit(url).fragment.removeprefix("pair="))
    assert parsed is not None
    return parsed


def modules(drawn: list[str]) -> list[list[bool]]:
    """The dark modules of a QR code of block characters; a character is two of them, light ones are drawn."""
    dark = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}
    pairs = [[dark[each] for each in line] for line in drawn]
    return [[pair[half] for pair in line] for line in pairs for half in (0, 1)]


def test_a_device_is_added_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    made = run(
        "camera", "devices", "add", "Old phone", "--role", "entrance", "--address", "https://gym.example/footfall/"
    )
    *drawn, url = made.out.splitlines()
    assert made.code == 0
    assert url.startswith("https://gym.example/footfall/camera/#pair=d-")
    expected = segno.make(url, error="l", micro=False).matrix_iter(border=4)
    assert modules(drawn)[: len(drawn) * 2 - 1] == [[bool(each) for each in row] for row in expected]
    assert "not shown again" in made.err
    assert "note:" not in made.err
    (known,) = run("camera", "devices", "list", "--json").data  # type: ignore[misc]
    assert (known["name"], known["camera_id"], known["role"]) == ("Old phone", "old-phone", "entrance")
    (path,) = tmp_path.rglob("*.sqlite3")
    with Store(path).open(create=False) as store:
        opened = store.devices.opened_by(key_of(url))
    assert opened is not None
    assert opened.device_id == key_of(url).device_id
    assert run("camera", "devices", "revoke", "old PHONE").out == "The device Old phone is revoked\n"
    assert "There are no devices yet" in run("camera", "devices", "list").out
    changes = [each["action"] for each in run("audit", "--json").data]  # type: ignore[attr-defined]
    assert changes == ["devices.revoke", "devices.add"]
    run("camera", "devices", "revoke", "Old phone").refused("no device named 'Old phone'", "devices list")


def test_adding_a_device_notes_that_it_knows_no_other_rule_than_nearest(run: Run, tmp_path: Path) -> None:
    settings = tmp_path / "knn.toml"
    settings.write_text('[match]\nrule = "knn"\n')
    made = run("camera", "devices", "add", "Phone", "--settings", settings)
    assert "match.rule is knn; devices always use nearest" in made.err


def test_the_address_is_that_of_the_settings_with_what_it_lacks(run: Run, tmp_path: Path) -> None:
    made = run("camera", "devices", "add", "Phone")
    assert "http://127.0.0.1:8050/camera/#pair=d-" in made.out
    assert "only this machine opens it" in made.err
    assert "https" not in made.err
    settings = tmp_path / "net.toml"
    settings.write_text('[dashboard]\nhost = "10.0.0.9"\nport = 99\nbase_path = "/gym/"\n')
    made = run("camera", "devices", "add", "Tablet", "--settings", settings)
    assert "http://10.0.0.9:99/gym/camera/#pair=d-" in made.out
    assert "browsers give their camera to https pages only" in made.err
    settings.write_text(f'{settings.read_text()}tls = "self-signed"\n')
    made = run("camera", "devices", "add", "Laptop", "--settings", settings, "--json")
    assert made.data["url"].startswith("https://10.0.0.9:99/gym/camera/#pair=d-")  # type: ignore[index]
    assert made.err == ""


def test_bad_input_is_refused(run: Run) -> None:
    run("camera", "devices", "add", "Phone")
    run("camera", "devices", "add", "PHONE").refused("another device has the name")
    run("camera", "devices", "add", "Two", "--camera-id", "a/b").refused("is no camera id", "letters")
    run("camera", "devices", "add", "Two", "--camera-id", "phone").refused("there is a camera 'phone' already")
    run("camera", "devices", "add", " ").refused("the name is empty")
    assert run("camera", "devices", "add", "Two", "--role", "window").code == 2


@pytest.mark.parametrize("command", [("camera", "devices", "add", "Phone"), ("display", "link", "door")])
@pytest.mark.parametrize(
    "address", ["gym.example", "javascript:alert(1)", "https://", "https://[", "http://a/#b", "https:/a"]
)
def test_an_address_that_is_none_is_refused_before_a_key_is_made(
    run: Run, tmp_path: Path, command: tuple[str, ...], address: str
) -> None:
    run(*command, "--address", address).refused("is no address of a dashboard", "https://gym.example/")
    assert list(tmp_path.rglob("*.sqlite3")) == []
