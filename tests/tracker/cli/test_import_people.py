"""`footfall import`: pictures, names beside pictures, and vectors of real networks."""

from __future__ import annotations

import csv
import importlib.util
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import ModelSettings, Settings
from models.packs import Pack
from tests.tracker.cli.conftest import Run
from tracker.identity.networks import engine_of
from tracker.presence.people import Person, PersonKind, Role
from tracker.store.store import Store
from tracker.vision.embedders import DLIB, SFACE
from tracker.vision.faces import FloatArray

Vectors = Mapping[str, FloatArray]


@pytest.fixture(scope="session")
def vectors(models_folder: Path, two_people: Path) -> Mapping[str, Vectors]:
    """By network and name the vectors (3, 128) of a real picture, as it is and in less light."""
    found: dict[str, dict[str, FloatArray]] = {}
    for spec in (SFACE, DLIB):
        engine = engine_of(Settings(models=ModelSettings(dir=models_folder)), spec)
        for folder in sorted(two_people.iterdir()):
            image = cv2.imread(str(folder / "front.png"))
            dimmed = [(image * light).astype(np.uint8) for light in (1.0, 0.8, 0.6)]
            rows = [engine.embed(each, engine.detect(each).take(np.array([0])))[0] for each in dimmed]
            found.setdefault(spec.name, {})[folder.name] = np.stack(rows)
    return found


def lists(people: Vectors) -> dict[str, list[list[float]]]:
    return {name: rows.tolist() for name, rows in people.items()}


def stored(tmp_path: Path) -> tuple[str | None, dict[str, int]]:
    """The network of the store, and name -> number of vectors."""
    with Store(tmp_path / "store.sqlite3") as store:
        counts = store.people.vector_counts()
        return store.people.network(), {each.name: counts[each.person_id] for each in store.people.all()}


def person(tmp_path: Path, name: str) -> Person:
    with Store(tmp_path / "store.sqlite3") as store:
        found = store.people.by_name(name)
    assert found is not None
    return found


def test_encodings_of_face_recognition_are_taken_as_those_of_dlib(
    run: Run, vectors: Mapping[str, Vectors], two_people: Path, tmp_path: Path
) -> None:
    file = tmp_path / "encodings.json"
    people = vectors["dlib_resnet"]
    names = [name for name, rows in people.items() for _ in rows]
    rows = [row for each in people.values() for row in each.tolist()]
    file.write_text(json.dumps({"names": names, "encodings": rows}))
    run("import", file).refused("holds vectors", "--network", code=2)
    run("import", file, "--network", "facenet").refused("no network is called 'facenet'")
    tried = run("import", file, "--network", "dlib", "--dry-run")
    assert (tried.code, tried.out.splitlines()[0]) == (0, "would enrol Ada from 3 vectors")
    assert not (tmp_path / "store.sqlite3").exists()
    assert run("import", file, "--network", "dlib_resnet", "--by", "Ann").code == 0
    assert stored(tmp_path) == ("dlib_resnet", {"Ada": 3, "Grace": 3})
    assert person(tmp_path, "Ada").consent_by == "Ann"
    again = run("import", file, "--network", "dlib")
    assert again.out.splitlines()[0] == "Ada is up to date"
    assert stored(tmp_path) == ("dlib_resnet", {"Ada": 3, "Grace": 3})
    assert [row["action"] for row in run("audit", "--json").data] == ["people.enrol", "people.enrol"]
    done = run("enroll", two_people / "Ada" / "front.png", "--name", "Ada", "--update", "--json")
    assert done.data[0]["pictures"] == 0, "the vector of the picture is the one that was imported"


def test_encodings_that_dlib_itself_made_name_the_people(run: Run, two_people: Path, tmp_path: Path) -> None:
    dlib = pytest.importorskip("dlib", reason="needs dlib-bin")
    package = importlib.util.find_spec("face_recognition_models")
    assert package is not None
    weights = Path(package.submodule_search_locations[0]) / "models"
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(weights / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(weights / "dlib_face_recognition_resnet_model_v1.dat"))
    people = {}
    for folder in two_people.iterdir():
        image = np.ascontiguousarray(cv2.imread(str(folder / "front.png"))[:, :, ::-1])
        box = max(detector(image, 1), key=lambda each: each.area())
        people[folder.name] = list(network.compute_face_descriptor(image, landmarks(image, box)))
    file = tmp_path / "encodings.json"
    file.write_text(json.dumps(people))
    assert run("import", file, "--network", "dlib").code == 0
    for name in people:
        (drawing,) = run("annotate", two_people / name / "front.png", "--out", "drawn", "--json").data
        assert [face["name"] for face in drawing["faces"]] == [name]


def test_vectors_of_another_network_are_refused(
    run: Run, vectors: Mapping[str, Vectors], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "known.json"
    file.write_text(json.dumps({"model": "dlib", "embeddings": lists(vectors["dlib_resnet"])}))
    run("import", file, "--network", "sface").refused("by the file its vectors are of dlib")
    monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "sface")
    run("import", file, "--network", "dlib").refused("recognition.embedder is sface")
    monkeypatch.delenv("FOOTFALL_RECOGNITION__EMBEDDER")
    assert run("enroll", pictures / "ada.png", "--name", "Ada").code == 0
    run("import", file, "--network", "dlib").refused("the people in the store are recognised by sface", "pictures")
    assert stored(tmp_path) == ("sface", {"Ada": 1})


def test_vectors_of_a_model_pack_are_taken_under_it_alone(
    run: Run, pack: Pack, vectors: Mapping[str, Vectors], tmp_path: Path
) -> None:
    file = tmp_path / "embeddings.json"
    people = {"Ada": [[3.0, 0, 0, 0], [3.0, 0.1, 0, 0]], "Grace": [0, 5.0, 0, 0], "Short": [1.0, 2.0, 3.0]}
    file.write_text(json.dumps({"pack": "ours", "people": people}))
    run("import", file, "--network", "sface").refused("by the file its vectors are of ours, not of sface")
    done = run("import", file, "--network", "ours")
    done.refused("1 of 3 people were not enrolled")
    assert "it has 3 numbers, vectors of ours have 4" in done.err
    assert stored(tmp_path) == (pack.network, {"Ada": 2, "Grace": 1})
    file.write_text(json.dumps(lists(vectors["sface"])))
    run("import", file, "--network", "sface").refused(f"the people in the store are recognised by {pack.network}")


def _csv(file: Path, people: Vectors) -> None:
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened, delimiter=";")
        rows.writerow(["name", *(f"v{number}" for number in range(128))])
        rows.writerows([name, *row] for name, each in people.items() for row in each)


def _npz(file: Path, people: Vectors) -> None:
    names = [name for name, rows in people.items() for _ in rows]
    np.savez_compressed(file, np.concatenate(list(people.values())), np.array(names))


def test_a_large_file_is_checked_by_the_limits_of_a_large_gallery(run: Run, tmp_path: Path) -> None:
    turned = np.eye(128)[:, :102].T
    near = 0.4746 * turned[0] + 0.8802 * turned[101]  # at a distance of 1.025 from the first
    people = {f"Person {number}": row.tolist() for number, row in enumerate([*turned[:101], near])}
    file = tmp_path / "many.json"
    file.write_text(json.dumps(people))
    assert run("import", file, "--network", "sface").code == 0
    assert len(stored(tmp_path)[1]) == 102
    file.write_text(json.dumps({name: people[name] for name in ("Person 0", "Person 101")}))
    (tmp_path / "store.sqlite3").unlink()
    run("import", file, "--network", "sface").refused("1 of 2 people were not enrolled")


SHAPES = {
    "members.json": lambda file, people: file.write_text(
        json.dumps([{"id": number, "name": name, "faceEncoding": row.tolist()}
                    for number, (name, rows) in enumerate(people.items()) for row in rows])
    ),
    "export.json": lambda file, people: file.write_text(
        json.dumps({"students": {f"s{n}": {"name": name, "embeddings": rows.tolist(), "course": "Yoga"}
                                 for n, (name, rows) in enumerate(people.items())}})
    ),
    "labeled.json": lambda file, people: file.write_text(
        json.dumps([{"label": name, "descriptors": rows.tolist()} for name, rows in people.items()]), "utf-16"
    ),
    "deepface.json": lambda file, people: file.write_text(
        json.dumps([{"identity": f"db\\{name}\\{n}.jpg", "embedding": row.tolist()}
                    for name, rows in people.items() for n, row in enumerate(rows)])
    ),
    "columns.csv": _csv,
    "faces.npz": _npz,
    "by-name.npz": lambda file, people: np.savez(file, **people),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_people_are_found_by_the_structure(name: str, run: Run, vectors: Mapping[str, Vectors], tmp_path: Path) -> None:
    file = tmp_path / name
    SHAPES[name](file, {name: 10 * rows for name, rows in vectors["sface"].items()})
    done = run("import", file, "--network", "sface", "--json")
    assert (done.code, done.err) == (0, "")
    assert [(row["name"], row["pictures"], row["refused"]) for row in done.data["people"]] == [
        ("Ada", 3, []), ("Grace", 3, []),
    ]  # fmt: skip
    with Store(tmp_path / "store.sqlite3") as store:
        found, owners = store.people.vectors(PersonKind.ENROLLED)
        ada = found[[store.people.get(owner).name == "Ada" for owner in owners]]
    assert np.abs(ada - vectors["sface"]["Ada"]).max() < 1e-5, "scaled to unit length"
    assert person(tmp_path, "Ada").groups == (("Yoga",) if name == "export.json" else ())


def test_a_folder_of_arrays_named_after_people(run: Run, vectors: Mapping[str, Vectors], tmp_path: Path) -> None:
    folder = tmp_path / "embeddings"
    folder.mkdir()
    for name, rows in vectors["sface"].items():
        np.save(folder / f"{name}.npy", rows[0])
    (folder / "notes.json").write_text('{"by": "Ann"}')
    assert run("import", folder, "--network", "sface").code == 0
    assert stored(tmp_path) == ("sface", {"Ada": 1, "Grace": 1})
    beside = tmp_path / "beside"
    beside.mkdir()
    np.save(beside / "embeddings.npy", vectors["sface"]["Ada"])
    run("import", beside / "embeddings.npy", "--network", "sface").refused("vectors without names")
    np.save(beside / "names.npy", np.array(["Ada", "Ada", "Ada"]))
    assert run("import", beside, "--network", "sface").out.startswith("added 2 vectors to Ada\n")


def test_bad_vectors_are_listed_and_good_ones_taken(run: Run, vectors: Mapping[str, Vectors], tmp_path: Path) -> None:
    ada, grace = vectors["sface"]["Ada"].tolist(), vectors["sface"]["Grace"].tolist()
    file = tmp_path / "embeddings.json"
    people = {
        "Ada": [*ada, grace[0], ada[0], [0.0] * 128, [float("nan"), *ada[0][1:]], ada[0][:64], ["x", *ada[0][1:]]],
        "Twin": [ada[1]],
        "Like Ada": [(np.array(ada[2]) + 0.001 * np.arange(128) / 128).tolist()],
        "a/b": [grace[1]],
        "ZOË": [grace[1]],
        "zoë": [grace[2]],
        "Nobody": [],
    }
    file.write_text(json.dumps(people), encoding="utf-8")
    done = run("import", file, "--network", "sface", "--json")
    done.refused("6 of 7 people were not enrolled")
    rows = {row["name"]: row for row in done.data["people"]}
    reasons = dict(rows["Ada"]["refused"])
    assert {path: reason.partition(" (")[0] for path, reason in reasons.items()} == {
        "embeddings.json #2": "the same vector is given for 2 people",
        "embeddings.json #4": "does not match the other vectors of Ada",
        "embeddings.json #5": "the same vector as #1",
        "embeddings.json #6": "all of its numbers are 0",
        "embeddings.json #7": "some of its numbers are missing or not finite",
        "embeddings.json #8": "it has 64 numbers, vectors of sface have 128",
        "embeddings.json #9": "it holds something else than numbers",
    }
    problems = {name: row["problem"] for name, row in rows.items() if row["problem"]}
    assert problems["Twin"] == "no usable vector of Twin"
    assert problems["Like Ada"].startswith("matches Ada, who is already enrolled")
    assert problems["Like Ada"].endswith('use the name "Ada" in the source for the same person, --force for another')
    assert "contains a slash" in problems["'a/b'"]
    assert problems["zoë"] == "2 people here are named zoë"
    assert problems["Nobody"] == "no vector in the file"
    assert stored(tmp_path) == ("sface", {"Ada": 2})


def test_vectors_of_dlib_have_their_own_length(run: Run, vectors: Mapping[str, Vectors], tmp_path: Path) -> None:
    rows = vectors["dlib_resnet"]["Ada"]
    file = tmp_path / "scaled.json"
    file.write_text(json.dumps({"Ada": [(rows[0] / np.linalg.norm(rows[0])).tolist(), (9 * rows[1]).tolist()]}))
    done = run("import", file, "--network", "dlib")
    done.refused("1 of 1 people were not enrolled")
    assert "it was scaled to length 1" in done.err
    assert "its length is 1" in done.err


@pytest.mark.parametrize("name", ["encodings.pickle", "dataset_faces.dat", "renamed.json"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_is_refused_with_lines_that_export_it(
    name: str, protocol: int, run: Run, vectors: Mapping[str, Vectors], tmp_path: Path
) -> None:
    trap = tmp_path / "ran"
    file = tmp_path / name
    people = vectors["dlib_resnet"]
    data = {"encodings": [row for rows in people.values() for row in rows], "names": ["Ada"] * 3 + ["Grace"] * 3}
    file.write_bytes(pickle.dumps(Trap(trap), protocol))
    run("import", file, "--network", "dlib").refused("is a pickle", "which could run any program")
    assert not trap.exists()
    file.write_bytes(pickle.dumps(data, protocol))
    script = run("import", file, "--network", "dlib", "--json").data["script"]
    assert len(script) == 5
    assert run("import", file).err.splitlines()[:5] == script, "before anything else is asked for"
    if name == "encodings.pickle":
        subprocess.run([sys.executable, "-c", "\n".join(script)], cwd=tmp_path, check=True)
        assert run("import", tmp_path / "encodings.json", "--network", "dlib").code == 0
        assert stored(tmp_path) == ("dlib_resnet", {"Ada": 3, "Grace": 3})


class Trap:
    """A pickle of it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_arrays_of_objects_are_pickles_too(run: Run, vectors: Mapping[str, Vectors], tmp_path: Path) -> None:
    file = tmp_path / "faces.npz"
    rows = vectors["sface"]
    ragged = np.empty(2, object)
    ragged[:] = [rows["Ada"], rows["Grace"][:1]]
    np.savez(file, names=np.array(["Ada", "Grace"]), embeddings=ragged)
    done = run("import", file, "--network", "sface", "--json")
    done.refused("holds a pickle of numpy")
    subprocess.run([sys.executable, "-c", "\n".join(done.data["script"])], cwd=tmp_path, check=True)
    assert run("import", tmp_path / "faces.json", "--network", "sface").code == 0
    assert stored(tmp_path) == ("sface", {"Ada": 3, "Grace": 1})
    only = tmp_path / "only"
    only.mkdir()
    (only / "known.pkl").write_bytes(pickle.dumps({}))
    run("import", only).refused("known.pkl is a pickle")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "no people found", id="empty"),
        pytest.param(b'{"Ada": [0.1', "not valid JSON", id="truncated"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        pytest.param(b'{"Ada": [1, 2], "Ada": [3, 4]}', "'Ada' is there twice", id="twice"),
        pytest.param(b'{"name": "\xe4"}', "not in UTF-8", id="latin-1"),
        pytest.param(b"[[0.1, 0.2], [0.3, 0.4]]", "vectors without names", id="nameless"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "a number is too long", id="long-number"),
        pytest.param(b"\x89PNG\r\n\0\0", "not a file of vectors", id="binary"),
        pytest.param(b"name,age\nAda,36\n", "row 1 has no name or no vector", id="table"),
        pytest.param(b"PK\x03\x04 not really", "damaged", id="broken-zip"),
        pytest.param(b"\x93NUMPY\x01\x00\x76\x00{'descr'", "not an array of numpy", id="broken-array"),
        pytest.param(
            b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -2), }"
            + b" " * 11 + b"\n" + bytes(16),
            "not an array of numpy (shape (-2, -2)", id="impossible-sides",
        ),
        pytest.param(
            b"\x93NUMPY\x01\x00\x4b\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 128), }    \n",
            "truncated", id="huge-array",
        ),
    ],
)  # fmt: skip
def test_files_that_hold_nobody_are_refused(content: bytes, words: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)
    run("import", file, "--network", "sface").refused(words)
    assert not (tmp_path / "store.sqlite3").exists()


@pytest.fixture
def attendance(pictures: Path, tmp_path: Path) -> Path:
    """A project with DataBase.json and a folder People, whose folders and files are named by id."""
    folder = tmp_path / "attendance"
    (folder / "People" / "17").mkdir(parents=True)
    shutil.copy(pictures / "ada.png", folder / "People" / "17")
    shutil.copy(pictures / "ada-dark.png", folder / "People" / "17")
    shutil.copy(pictures / "bob.jpg", folder / "People" / "23_1.jpg")
    shutil.copy(pictures / "nobody.png", folder / "People" / "stranger.png")
    people = {
        "17": {"name": "Ada Lovelace", "role": "Staff", "class": "Maths", "email": "ada@example.org"},
        "23": {"name": "Bob", "expires": "2027-01-31"},
        "42": {"name": "Cy"},
    }
    (folder / "DataBase.json").write_text(json.dumps(people))
    (folder / "settings.json").write_text('{"camera": 0}')
    return folder


def test_names_and_profiles_come_from_the_database(run: Run, attendance: Path, tmp_path: Path) -> None:
    tried = run("import", attendance, "--dry-run")
    assert tried.out.splitlines()[:2] == [
        "would enrol Ada Lovelace from 2 pictures", "would enrol Bob from 1 picture",
    ]  # fmt: skip
    done = run("import", attendance, "--json")
    assert (done.code, done.data["kind"]) == (0, "database")
    assert (done.data["without_pictures"], done.data["unnamed"]) == (["Cy"], ["stranger"])
    assert done.data["not_taken"] == {"email": 1}
    ada, bob = person(tmp_path, "Ada Lovelace"), person(tmp_path, "Bob")
    assert (ada.role, ada.groups) == (Role.STAFF, ("Maths",))
    assert (bob.role, str(bob.valid_until)) == (Role.MEMBER, "2027-01-31")
    assert stored(tmp_path)[1] == {"Ada Lovelace": 2, "Bob": 1}
    again = run("import", attendance / "DataBase.json")
    assert again.out.splitlines() == [
        "Ada Lovelace is up to date",
        "Bob is up to date",
        "2 of 2 people are enrolled or up to date; 0 pictures rejected",
    ]  # fmt: skip
    assert "no picture of 1: Cy" in again.err
    run("import", attendance, "--network", "sface").refused("no file of vectors in it")
    run("import", attendance, "--network", "sface", "--as", "database").refused("--network with pictures", code=2)


def test_a_folder_of_people_is_enrolled_and_the_rest_is_listed(
    run: Run, people: Path, pictures: Path, tmp_path: Path
) -> None:
    shutil.copy(pictures / "nobody.png", people / "Cy.png")
    done = run("import", people)
    done.refused("1 of 3 people were not enrolled")
    assert "not enrolled: Cy: no usable picture of Cy" in done.err
    assert stored(tmp_path)[1] == {"Ada": 3, "Grace": 2}


def test_a_database_that_names_no_picture_is_refused(run: Run, attendance: Path) -> None:
    (attendance / "DataBase.json").write_text('{"1": "Ada", "2": "Bob"}')
    run("import", attendance / "DataBase.json").refused("has one of its 2 names or ids")
    run("import", attendance / "missing").refused("no such file or folder")
    run("import", attendance / "People" / "17" / "ada.png").refused("is a picture", "footfall enroll")
