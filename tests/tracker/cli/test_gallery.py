"""`footfall people export --gallery` and `people import`: from one machine to another, and again."""

from __future__ import annotations

import getpass
import io
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.packs import Pack
from tests.tracker.cli.conftest import Done, Run
from tests.tracker.fake_cameras import NOON
from tracker.identity.gallery import NO_VECTORS
from tracker.moving.gallery_file import GalleryFile, encode_gallery
from tracker.moving.sealed import LEAST_COST, seal
from tracker.presence.people import Consent, Person, PersonKind, Role
from tracker.store.cursors import Stream
from tracker.store.people_copy import PersonCopy
from tracker.store.store import Store

PASSPHRASE = "correct horse battery staple"


class Machine:
    """The other machine: its store, and commands on it."""

    def __init__(self, run: Run, path: Path) -> None:
        self.run, self.path = run, path

    def __call__(self, *words: object) -> Done:
        return self.run(*words, "--store", f"sqlite:///{self.path}")

    def store(self) -> Store:
        return Store(self.path)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase.txt"
    path.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    return path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def there(run: Run, tmp_path: Path) -> Machine:
    return Machine(run, tmp_path / "there.sqlite3")


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store and the gallery file of this machine are kept for all tests."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def gallery(run: Run, pictures: Path, here: Path, secret: Path, tmp_path: Path, kept: Path) -> Path:
    """The gallery of this machine: Ada with a group, two faces, a negative, a limit and a merged visitor, and Bob."""
    file = tmp_path / "gym.footfall"
    if (kept / file.name).exists():
        shutil.copy(kept / here.name, here)
        return Path(shutil.copy(kept / file.name, file))
    run("enroll", pictures / "ada.png", pictures / "ada-dark.png", "--name", "Ada", "--group", "Yoga", "--by", "Ann")
    run("enroll", pictures / "bob.jpg", "--name", "Bob", "--staff", "--valid-until", "2027-12-31")
    with Store(here) as store:
        ada = store.people.by_name("Ada")
        visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=NOON, kind=PersonKind.VISITOR)
        other = replace(visitor, person_id="v-0000000002", name="Visitor 2")
        for each in (visitor, other):
            store.people.add(each, NO_VECTORS)
        store.people.merge("v-0000000001", ada.person_id)
        store.people.add_negatives(ada.person_id, -vectors_of(store, "Bob"), sources=["sister.jpg"])
        store.people.replace_limits({ada.person_id: 0.9})
    done = run("people", "export", "--gallery", file, "--passphrase-file", secret, "--json")
    assert (done.code, done.data["people"], done.data["faces"]) == (0, 2, 3), done.err
    shutil.copy(here, kept)
    shutil.copy(file, kept)
    return file


def vectors_of(store: Store, name: str) -> np.ndarray:
    person = store.people.by_name(name)
    vectors, owners = store.people.vectors(PersonKind.ENROLLED)
    return vectors[[owner == person.person_id for owner in owners]]


def outcomes(done: Done) -> dict[str, tuple[str, int]]:
    return {row["name"]: (row["outcome"], row["faces"]) for row in done.data["people"]}


def test_people_arrive_as_they_were_and_are_uploaded(gallery: Path, secret: Path, there: Machine, here: Path) -> None:
    with there.store() as store:
        store.outbox.begin()
    done = there("people", "import", gallery, "--passphrase-file", secret, "--by", "Ben", "--json")
    assert (done.code, outcomes(done)) == (0, {"Ada": ("added", 2), "Bob": ("added", 1)})
    with Store(here) as source, there.store() as store:
        assert store.people.all() == source.people.all(kind=PersonKind.ENROLLED)
        ada = store.people.by_name("Ada")
        for name in ("Ada", "Bob"):
            assert (vectors_of(store, name) == vectors_of(source, name)).all()
        assert store.people.limits() == {ada.person_id: 0.9}
        assert (store.people.negatives()[0] == source.people.negatives()[0]).all()
        assert store.people.get("v-0000000001") == ada, "what was merged there is the same person here"
        page = store.outbox.page(Stream.PEOPLE, store.outbox.cursor(Stream.PEOPLE), now=NOON, limit=10, vectors=True)
        assert {each.record.person.name: len(each.record.vectors) for each in page.messages} == {"Ada": 2, "Bob": 1}
    rows = there("audit", "--json").data
    assert {(row["action"], row["actor"]) for row in rows} == {("people.import", "Ben")}
    again = there("people", "import", gallery, "--passphrase-file", secret)
    assert again.out == "2 people in the file: 2 unchanged; 0 face vectors added\n"
    assert len(there("audit", "--json").data) == len(rows)


def test_the_file_is_for_its_owner_and_shows_nothing(gallery: Path, run: Run, secret: Path) -> None:
    if sys.platform != "win32":
        assert stat.S_IMODE(gallery.stat().st_mode) == 0o600
    content = gallery.read_bytes()
    assert [word for word in (b"Ada", b"Yoga", b"sface", b"person") if word in content] == []
    run("people", "export", "--gallery", gallery, "--passphrase-file", secret)
    assert gallery.read_bytes() != content, "another salt and nonce each time"
    assert [path.name for path in gallery.parent.iterdir() if path.name.startswith(".gym")] == []
    run("import", gallery).refused("is a gallery of another machine", "footfall people import")


def test_who_was_forgotten_stays_forgotten(gallery: Path, secret: Path, there: Machine) -> None:
    there("people", "import", gallery, "--passphrase-file", secret)
    there("people", "forget", "Bob", "--yes")
    done = there("people", "import", gallery, "--passphrase-file", secret, "--json")
    assert (done.code, outcomes(done)) == (0, {"Ada": ("unchanged", 0), "Bob": ("forgotten", 0)})
    with there.store() as store:
        assert [person.name for person in store.people.all()] == ["Ada"]


def test_who_was_forgotten_as_a_visitor_before_the_merge_stays_forgotten(
    gallery: Path, secret: Path, there: Machine
) -> None:
    with there.store() as store:
        visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=NOON, kind=PersonKind.VISITOR)
        store.people.add(visitor, NO_VECTORS)
        store.people.forget("v-0000000001", erase_history=False)
    done = there("people", "import", gallery, "--passphrase-file", secret, "--json")
    assert outcomes(done) == {"Ada": ("forgotten", 0), "Bob": ("added", 1)}


def test_people_who_are_here_keep_their_profile_and_get_what_is_missing(
    gallery: Path, secret: Path, there: Machine
) -> None:
    there("people", "import", gallery, "--passphrase-file", secret)
    there("people", "rename", "Ada", "Ada Lovelace")
    with there.store() as store:
        ada = store.people.by_name("Ada Lovelace")
        ids = [row[0] for row in store.rows("SELECT vector_id FROM vectors WHERE person_id = ?", (ada.person_id,))]
        store.people.delete_vectors({ada.person_id: ids[:1]}, network=store.model)
        store.people.update(replace(ada, consented_at=None, consent_by=""))
    done = there("people", "import", gallery, "--passphrase-file", secret)
    assert done.out == "2 people in the file: 1 brought up to date, 1 unchanged; 1 face vector added\n"
    assert done.err == "note: Ada Lovelace has another profile here, which stays\n"
    with there.store() as store:
        ada = store.people.by_name("Ada Lovelace")
        assert (len(vectors_of(store, "Ada Lovelace")), ada.consent_by, ada.groups) == (2, "Ann", ("Yoga",))


def test_a_visitor_here_becomes_the_person_whom_they_were_merged_into(
    gallery: Path, secret: Path, there: Machine
) -> None:
    with there.store() as store:
        visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=NOON, kind=PersonKind.VISITOR)
        store.people.add(visitor, NO_VECTORS)
    done = there("people", "import", gallery, "--passphrase-file", secret, "--json")
    assert outcomes(done) == {"Ada": ("updated", 2), "Bob": ("added", 1)}
    with there.store() as store:
        ada = store.people.get("v-0000000001")
    assert (ada.name, ada.kind, ada.consent_by, ada.created_at) == ("Ada", PersonKind.ENROLLED, "Ann", NOON)


def test_somebody_else_of_the_same_name_or_face_is_a_conflict(
    gallery: Path, secret: Path, there: Machine, pictures: Path
) -> None:
    there("enroll", pictures / "ada.png", "--name", "Countess")
    with there.store() as store:
        bob = Person(person_id="p-other", name="BOB", created_at=NOON, role=Role.STAFF)
        store.people.add(bob, NO_VECTORS)
        before = store.people.all()
    done = there("people", "import", gallery, "--passphrase-file", secret)
    done.refused("2 of 2 people were not imported")
    assert "conflict: Ada: matches Countess, who is enrolled here (distance 0.00)" in done.err
    assert "conflict: Bob: somebody else is called BOB here (p-other)" in done.err
    with there.store() as store:
        assert store.people.all() == before
    forced = there("people", "import", gallery, "--passphrase-file", secret, "--force", "--json")
    assert outcomes(forced) == {"Ada": ("added", 2), "Bob": ("conflict", 0)}


def test_another_network_is_refused_unless_nobody_is_enrolled(
    gallery: Path, secret: Path, there: Machine, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "dlib_resnet")
    there("people", "import", gallery, "--passphrase-file", secret).refused("recognition.embedder is dlib_resnet")
    there("enroll", pictures / "bob.jpg", "--name", "Cy")
    monkeypatch.delenv("FOOTFALL_RECOGNITION__EMBEDDER")
    there("people", "import", gallery, "--passphrase-file", secret).refused("recognised by dlib_resnet", "sface")
    with there.store() as store:
        assert [person.name for person in store.people.all()] == ["Cy"]


def test_a_gallery_of_a_model_pack_needs_the_same_pack(
    there: Machine, pack: Pack, secret: Path, tmp_path: Path
) -> None:
    def file_of(network: str, numbers: int) -> Path:
        faces = (np.ones((1, numbers), np.float32), ("",))
        none = (NO_VECTORS, ())
        person = Person(person_id="p-ada", name="Ada", created_at=NOON, consented_at=NOON)
        copy = PersonCopy(person=person, former_ids=(), faces=faces, negatives=none, limit=None)
        content = encode_gallery(GalleryFile(network=network, exported_at=NOON, people=(copy,)))
        path = tmp_path / "pack.footfall"
        path.write_bytes(seal(content, PASSPHRASE, cost=LEAST_COST))
        return path

    def imported(network: str, numbers: int = 4) -> Done:
        return there("people", "import", file_of(network, numbers), "--passphrase-file", secret)

    imported("theirs@aaaaaaaaaaaa").refused("'theirs@aaaaaaaaaaaa', which is not in", "footfall models add PACK")
    imported("ours@bbbbbbbbbbbb").refused("another network named ours", "--force")
    imported(pack.network, 5).refused(f"its vectors are not of {pack.network}, which have 4 numbers")
    assert not there.path.exists()
    assert imported(pack.network).out == "1 person in the file: 1 added; 1 face vector added\n"
    with there.store() as store:
        assert store.people.network() == pack.network


def test_a_wrong_passphrase_and_a_damaged_file_are_told_apart(
    gallery: Path, secret: Path, there: Machine, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("correct horse battery stable")
    there("people", "import", gallery, "--passphrase-file", wrong).refused("the passphrase is wrong")
    there("people", "import", gallery, "--passphrase-file", tmp_path / "none").refused("none: cannot be read")
    content = gallery.read_bytes()
    gallery.write_bytes(content[:-1])
    there("people", "import", gallery, "--passphrase-file", secret).refused("damaged or incomplete")
    gallery.write_bytes(b"SQLite format 3\0" + content)
    there("people", "import", gallery, "--passphrase-file", secret).refused("not a file of", "footfall import")
    there("people", "import", tmp_path, "--passphrase-file", secret).refused("not a file")
    there("people", "import", tmp_path / "none", "--passphrase-file", secret).refused("cannot be read")
    assert not there.path.exists()


def test_passphrases_are_typed_twice_or_piped_and_must_be_long(
    gallery: Path, run: Run, there: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def typed(*answers: str) -> None:
        texts = iter(answers)
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(texts))

    file = tmp_path / "other.footfall"
    run("people", "export", "--gallery", file).refused("no terminal", "--passphrase-file", code=2)
    typed("password")
    run("people", "export", "--gallery", file).refused("the passphrase is easy to guess")
    typed(PASSPHRASE, f"{PASSPHRASE}s")
    run("people", "export", "--gallery", file).refused("the two passphrases differ")
    assert not file.exists()
    typed(PASSPHRASE, PASSPHRASE)
    assert run("people", "export", "--gallery", file).code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n"))
    assert there("people", "import", file, "--passphrase-file", "-").code == 0


def test_a_passphrase_is_text_and_may_follow_a_byte_order_mark(
    gallery: Path, run: Run, there: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "other.footfall"
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse \udcff\udcfe battery\n"))
    run("people", "export", "--gallery", file, "--passphrase-file", "-").refused("-: cannot be read (not a text")
    assert not file.exists()
    marked = tmp_path / "marked.txt"
    marked.write_text(f"{PASSPHRASE}\r\nmore", encoding="utf-8-sig")
    assert there("people", "import", gallery, "--passphrase-file", marked).code == 0


def test_export_is_of_a_person_or_of_everybody(run: Run, gallery: Path, secret: Path, there: Machine) -> None:
    run("people", "export").refused("whom to export", code=2)
    run("people", "export", "Ada", "--gallery", gallery).refused("--gallery with a person", code=2)
    run("people", "export", "Ada", "--passphrase-file", secret).refused("which file to encrypt", code=2)
    missing = gallery.parent / "missing" / "gym.footfall"
    run("people", "export", "--gallery", missing, "--passphrase-file", secret).refused("cannot be written")
    with there.store():
        pass
    there("people", "export", "--gallery", gallery, "--passphrase-file", secret).refused("nobody is enrolled")


def test_a_consent_that_was_withdrawn_takes_no_vectors_along(
    run: Run, gallery: Path, here: Path, secret: Path, there: Machine
) -> None:
    with Store(here) as store:
        bob = store.people.by_name("Bob")
        store.people.update(replace(bob, consented_at=None, consent_by=""))
    run("people", "export", "--gallery", gallery, "--passphrase-file", secret)
    done = there("people", "import", gallery, "--passphrase-file", secret, "--json")
    assert outcomes(done) == {"Ada": ("added", 2), "Bob": ("added", 0)}
    with Store(here) as store:
        store.people.update(replace(bob, consented_at=NOON, consent_by=Consent(at=NOON, by="Ann").by))
    run("people", "export", "--gallery", gallery, "--passphrase-file", secret)
    assert outcomes(there("people", "import", gallery, "--passphrase-file", secret, "--json"))["Bob"] == ("updated", 1)
