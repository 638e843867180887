"""`footfall display …`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.tracker.cli.conftest import Run
from tracker.store.store import Store


def opens(path: Path, url: str) -> bool:
    with Store(path).open(create=False) as store:
        return store.display_links.opens(parse_qs(urlsplit(url).query)["key"][0])


def test_a_link_is_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    made = run("display", "link", "entrance", "--address", "https://gym.example/footfall/")
    url = made.out.strip()
    assert made.code == 0
    assert url.startswith("https://gym.example/footfall/display?key=")
    assert "not shown again" in made.err
    assert "note:" not in made.err
    assert [each["name"] for each in run("display", "list", "--json").data] == ["entrance"]  # type: ignore[attr-defined]
    (path,) = tmp_path.rglob("*.sqlite3")
    assert opens(path, url)
    assert run("display", "revoke", "Entrance").out == "The link entrance is revoked\n"
    assert not opens(path, url)
    changes = [each["action"] for each in run("audit", "--json").data]  # type: ignore[attr-defined]
    assert changes == ["display.revoke", "display.link"]
    again = run("display", "revoke", "entrance")
    assert (again.code, "no link named 'entrance'" in again.err) == (1, True)


def test_the_address_is_that_of_the_settings(run: Run, tmp_path: Path) -> None:
    made = run("display", "link")
    assert made.out.startswith("http://127.0.0.1:8050/display?key=")
    assert "only this machine opens it" in made.err
    settings = tmp_path / "net.toml"
    settings.write_text('[dashboard]\nhost = "10.0.0.9"\nport = 99\nbase_path = "/gym/"\ntls = "self-signed"\n')
    made = run("display", "link", "bar", "--settings", str(settings), "--json")
    assert made.data["url"].startswith("https://10.0.0.9:99/gym/display?key=")  # type: ignore[attr-defined, index]
    assert "note:" not in made.err
