"""Commands of other computers do not change the shared document of a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import SERVER_TIMESTAMP

from tests.firestore.fixtures import Firestore
from tests.functions.gym import Gym
from tests.tracker.cli.conftest import Run


class Site:
    """A site in Firestore with Ada, who is a member, and a laptop with nothing but its address."""

    def __init__(self, firestore: Firestore, run: Run, folder: Path) -> None:
        gym = Gym(firestore.client())
        gym.open(name="The gym", capacity=80, received_at=SERVER_TIMESTAMP)
        gym.put_person("p-ada")
        self.profile = gym.client.document("sites/gym/people/p-ada")
        self.profile.update({"received_at": SERVER_TIMESTAMP})
        self._document = gym.client.document("sites/gym")
        self._run = run
        self._settings = folder / "laptop.toml"
        self._store = f"firestore://{firestore.project}"
        self.settings("")

    def settings(self, text: str) -> None:
        """Add to the settings of the laptop."""
        self._settings.write_text(f'[store]\nfile = "{self._settings.parent / "copy.sqlite3"}"\n{text}')

    def footfall(self, *words: str) -> Any:
        return self._run(*words, "--settings", str(self._settings), "--store", self._store)

    @property
    def document(self) -> dict[str, Any]:
        found = self._document.get().to_dict() or {}
        return {name: value for name, value in found.items() if name != "received_at"}


@pytest.fixture
def site(firestore_server: Firestore, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.host)
    monkeypatch.setenv("FOOTFALL_SITE__ID", "gym")
    return Site(firestore_server, run, tmp_path)


@pytest.mark.parametrize("first", [(), ("report", "today"), ("people", "list")], ids=" ".join)
@pytest.mark.parametrize("text", ["", '[site]\nname = "Spa"\n'], ids=["empty", "name"])
def test_a_correction_does_not_write_the_site_document(site: Site, first: tuple[str, ...], text: str) -> None:
    before = site.document
    site.settings(text)
    if first:
        assert site.footfall(*first).code == 0
    assert site.footfall("people", "rename", "P-Ada", "Countess").code == 0
    assert (site.profile.get().to_dict() or {})["name"] == "Countess"
    assert site.document == before


def test_settings_are_published_when_asked_and_not_by_sync(site: Site) -> None:
    before = site.document
    site.settings('[site]\nname = "Spa"\ncapacity = 30\n[[camera]]\nid = "bar"\nsource = "0"\n')
    assert site.footfall("sync").code == 0
    assert site.document == before
    assert site.footfall("cloud", "publish-settings").code == 0
    assert (site.document["name"], site.document["capacity"]) == ("Spa", 30)
    assert '"rooms": ["bar"]' in site.document["rules"]
    assert site.document.get("derived_by") == before.get("derived_by")


def test_the_deriver_is_set_with_the_settings(site: Site) -> None:
    assert site.footfall("cloud", "publish-settings", "--derived-by", "functions").code == 0
    assert site.document["derived_by"] == "functions"
    assert site.footfall("cloud", "publish-settings", "--derived-by", "machine").code == 0
    assert site.document["derived_by"].startswith("m-")
    assert site.footfall("cloud", "publish-settings", "--derived-by", "magic").code == 2
