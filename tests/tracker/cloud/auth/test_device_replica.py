"""Downloads of a camera machine under the deployed rules: people only."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud import firestore

from config.errors import CloudError
from tests.tracker.cloud.auth.conftest import SITE, Project, wait_until
from tests.tracker.cloud.auth.stores import AGREED, DID_NOT, VISITOR, filled
from tests.tracker.cloud.auth.test_what_goes_up import send
from tracker.cloud.auth.devices import revoke
from tracker.cloud.download import Scope
from tracker.cloud.replica import Replica
from tracker.presence.people import PersonKind
from tracker.store.store import Store


def replica(project: Project, key: Path, store: Store, scope: Scope = Scope.GALLERY) -> Replica:
    return Replica(store, lambda: project.connect(key), site_id=SITE, scope=scope)


@pytest.fixture
def shared(project: Project, tmp_path: Path) -> Project:
    """A site that another machine filled, with the vectors of people who consented."""
    with filled(tmp_path / "other.sqlite3") as other:
        send(project, other, vectors=True, site={"name": "The gym"})
    return project


def test_people_are_downloaded_and_events_are_not(shared: Project, tmp_path: Path) -> None:
    key = shared.registered()
    with Store(tmp_path / "here.sqlite3").open() as here:
        replica(shared, key, here).catch_up(lambda *_: None, patience_s=20.0)
        assert {each.person_id for each in here.people.all()} >= {AGREED, DID_NOT}
        _, owners = here.people.vectors(PersonKind.ENROLLED)
        assert {*owners} == {AGREED}
        assert here.events.select() == []
        assert here.people.vectors(PersonKind.VISITOR)[1] == ()
        assert VISITOR not in owners


def test_a_new_person_is_recognised_at_once(shared: Project, tmp_path: Path) -> None:
    key = shared.registered()
    with Store(tmp_path / "here.sqlite3").open() as here:
        listening = replica(shared, key, here)
        listening.catch_up(lambda *_: None, patience_s=20.0)
        listening.follow()
        try:
            wait_until(lambda: listening.is_live)
            fields = shared.connect().client.document(f"sites/{SITE}/people/{AGREED}").get().to_dict()
            assert fields is not None
            fields |= {"name": "Grace", "received_at": firestore.SERVER_TIMESTAMP}
            shared.set(f"sites/{SITE}/people/p-dddddddddddd", fields)
            wait_until(lambda: any(each.name == "Grace" for each in here.people.all()))
        finally:
            listening.close()


@pytest.mark.parametrize("scope", [Scope.EVERYTHING, Scope.HISTORY])
def test_reading_other_collections_is_denied(shared: Project, tmp_path: Path, scope: Scope) -> None:
    key = shared.registered()
    with Store(tmp_path / "here.sqlite3").open() as here, pytest.raises(CloudError, match="denies"):
        replica(shared, key, here, scope).catch_up(lambda *_: None, patience_s=5.0)


def test_a_revoked_machine_downloads_nothing(shared: Project, tmp_path: Path) -> None:
    key = shared.registered()
    with Store(tmp_path / "here.sqlite3").open() as here:
        listening = replica(shared, key, here)
        listening.catch_up(lambda *_: None, patience_s=20.0)
        revoke(shared.connect(), SITE, "pi")
        with pytest.raises(CloudError):
            listening.catch_up(lambda *_: None, patience_s=5.0)
