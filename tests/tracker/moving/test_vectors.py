"""Files of vectors: whatever bytes are in them, people or a clear error come out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from config.errors import PeopleError
from tracker.moving.arrays import MOST_BYTES
from tracker.moving.pickles import PickledError
from tracker.moving.source_kind import SourceKind
from tracker.moving.sources import source_at
from tracker.moving.vectors import read_file

ROWS = np.arange(32, dtype=np.float32).reshape(2, 16)


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, ROWS)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, names=np.array(["Ada", "Bob"]), embeddings=ROWS)
    return file.getvalue()


WHOLE = {
    "ada.npy": array(),
    "known.npz": archive(),
    "known.csv": b"name,vector\nAda,1 2 3 4 5 6 7 8\n",
    "known.json": b'[{"name": "Ada", "encoding": [0.1, 0.2]}]',
}


@pytest.mark.parametrize("name", WHOLE)
@runs(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_people_or_an_error(name: str, data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    assert people_or_problem(path)


def people_or_problem(path: Path) -> list[str]:
    try:
        return [person.name for person in read_file(path).people]
    except PeopleError as error:
        return [error.problem]


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_files_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(WHOLE[name])
    assert people_or_problem(path)[0] in {"Ada", "ada"}


@pytest.mark.parametrize("name", ["Ines", "Dave", "Lena", "lt", "c", "x\u0178", "BZhang"])
def test_texts_that_end_like_a_pickle_are_none(name: str, tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    path.write_text(f"{name},1.,2.,3.,4.,5.,6.,7.,8.", encoding="utf-8")
    assert people_or_problem(path) == [name]


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress, zlib.compress])
def test_compressed_files_are_refused_as_joblib_writes_them(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "known.joblib"
    path.write_bytes(compress(pickle.dumps({"Ada": [0.1]})))
    with pytest.raises(PickledError, match="as joblib compresses pickles"):
        read_file(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [{"Ada": [0.1]}, [[0.1]], (["Ada"], [[0.1]]), {}, [], Path("x")], ids=repr)
def test_pickles_are_known_by_their_first_and_last_bytes(protocol: int, value: object, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(PickledError):
        read_file(path)


def test_names_beside_an_array_have_a_size_limit_too(tmp_path: Path) -> None:
    (tmp_path / "known.npy").write_bytes(array())
    with (tmp_path / "names.npy").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(PeopleError, match=r"names\.npy: more than 256 MB"):
        read_file(tmp_path / "known.npy")


def test_a_device_is_no_file() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("there is no /dev/zero here")
    with pytest.raises(PeopleError, match="not a file"):
        read_file(Path("/dev/zero"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_characters_that_there_are_not_are_refused(order: str, tmp_path: Path) -> None:
    names = np.array([[0x41, 0], [0x7FFFFFFF, 0]], f"{order}u4").view(f"{order}U2").ravel()
    np.savez(tmp_path / "known.npz", names=names, embeddings=ROWS)
    with pytest.raises(PeopleError, match=r"names\.npy: a text with a character that there is not"):
        read_file(tmp_path / "known.npz")


@pytest.mark.parametrize("folder", ["known", "two words"])
@pytest.mark.parametrize("vectors", ["embeddings.npy", "vectors.npy"])
@pytest.mark.parametrize("objects", ["names", "vectors", "both"])
def test_arrays_of_objects_are_read_after_the_lines_that_the_error_prints(
    folder: str, vectors: str, objects: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path(folder)
    place.mkdir()
    rows = np.empty(2, object)
    rows[:] = list(ROWS)
    np.save(place / vectors, ROWS if objects == "names" else rows)
    np.save(place / "names.npy", np.array(["Ada", "Bob"], str if objects == "vectors" else object))
    for _ in range(2 if objects == "both" else 1):
        with pytest.raises(PickledError, match="run the command again") as refused:
            source_at(place, SourceKind.VECTORS, str)
        subprocess.run([sys.executable, "-c", "\n".join(refused.value.script)], check=True)
    found = source_at(place, SourceKind.VECTORS, str).vectors
    assert [(each.name, len(each.vectors)) for each in found.people] == [("Ada", 1), ("Bob", 1)]


def test_the_lines_that_export_a_pickle_find_it_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("known") / "encodings.pickle"
    path.parent.mkdir()
    path.write_bytes(pickle.dumps({"Ada": [0.1, 0.2]}))
    with pytest.raises(PickledError) as refused:
        read_file(path)
    assert refused.value.fix.endswith(f"then import {path.with_suffix('.json')}")
    subprocess.run([sys.executable, "-c", "\n".join(refused.value.script)], check=True)
    assert people_or_problem(path.with_suffix(".json")) == ["Ada"]
