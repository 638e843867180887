"""Files of vectors that other programs made: read by what is in them, and planned as an enrolment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from config.errors import PeopleError
from tracker.identity.enrolment import AcceptedPicture, EnrolmentPlan, RejectedPicture, plan_people
from tracker.identity.enrolment_checks import EnrolmentChecks
from tracker.moving.arrays import MOST_BYTES, read_npy, read_npz
from tracker.moving.csv_files import read_csv
from tracker.moving.json_files import ImportedFile, read_json
from tracker.moving.networks import VectorSpace
from tracker.moving.pickles import PickledError, pickled
from tracker.moving.records import ImportedPerson
from tracker.moving.sealed import is_sealed

VECTOR_SUFFIXES = frozenset({".csv", ".json", ".npy", ".npz", ".tsv"})
MOST_VECTORS = 1_000
"""Of one person."""
_HEAD_BYTES, _TAIL_BYTES = 4096, 16


def read_file(path: Path) -> ImportedFile:
    """The people of a file of vectors: .npz, .npy, JSON or CSV, by what is in it.

    Raises PeopleError where it cannot be read or holds nobody, and PickledError where it is a pickle.
    """
    content = _in_utf8(content_of(path))
    if is_sealed(content):
        raise PeopleError(f"{path} is a gallery of another machine", fix=f"run 'footfall people import {path}'")
    if content.startswith(b"PK\x03\x04"):
        return read_npz(path, content)
    if content.startswith(b"\x93NUMPY"):
        return read_npy(path, content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return read_json(content, name=str(path))
    if b"\0" in content[:_HEAD_BYTES]:
        raise PeopleError(f"{path}: not a file of vectors", fix="give a JSON, CSV, .npz or .npy file, or a folder")
    return read_csv(content, name=str(path))


def read_files(paths: Iterable[Path]) -> ImportedFile:
    """The people of several files, each of which may have some of the vectors of a person. Raises as `read_file`."""
    files = [read_file(path) for path in paths]
    networks = {file.network for file in files if file.network}
    if len(networks) > 1:
        raise PeopleError(f"the files name several networks: {', '.join(sorted(networks))}", fix="import them apart")
    by_name: dict[tuple[str, str], ImportedPerson] = {}
    for each in (person for file in files for person in file.people):
        key = (each.name, each.own_id)
        before = by_name.get(key)
        by_name[key] = each if before is None else replace(before, vectors=before.vectors + each.vectors)
    return ImportedFile(people=tuple(by_name.values()), network=next(iter(networks), ""))


def content_of(path: Path) -> bytes:
    """What is in a file. Raises PeopleError where it cannot be read or is too large, PickledError for a pickle."""
    if path.exists() and not path.is_file():  # a device has no end
        raise PeopleError(f"{path}: not a file", fix="give a file, or a folder of files")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(max(0, size - _TAIL_BYTES))
            kind = pickled(head, file.read(_TAIL_BYTES))
        if kind is not None:
            raise PickledError(path, kind)
        if size > MOST_BYTES:
            raise PeopleError(f"{path}: {size / 1e6:,.0f} MB, at most {MOST_BYTES // 10**6} are read", fix="divide it")
        return path.read_bytes()
    except OSError as error:
        raise PeopleError(f"{path}: cannot be read ({error.strerror})", fix="give a readable file") from error


def _in_utf8(content: bytes) -> bytes:
    """The same in UTF-8 where it is a text in UTF-16."""
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content
    try:
        return content.decode("utf-16").encode()
    except UnicodeError:
        return content


def plan_vectors(
    people: Sequence[ImportedPerson],
    space: VectorSpace,
    source: str,
    *,
    existing: Iterable[str],
    checks: EnrolmentChecks,
    ids_by_name: Mapping[str, str],
) -> Iterator[EnrolmentPlan]:
    """One plan for each person of a file, as `plan_enrolment` has it for pictures. source: name of the file."""
    times = Counter(key for person in people for key in set(_keys(person, space)))

    def select(number: int, name: str) -> EnrolmentPlan:
        return _select(name, people[number].vectors, space, source, times)

    names = [person.name for person in people]
    return plan_people(names, select, existing=existing, checks=checks, ids_by_name=ids_by_name)


def _select(
    name: str, vectors: Sequence[object], space: VectorSpace, source: str, times: Mapping[bytes, int]
) -> EnrolmentPlan:
    if not vectors or len(vectors) > MOST_VECTORS:
        problem = (
            f"{len(vectors):,} vectors, at most {MOST_VECTORS:,} are taken" if vectors else "no vector in the file"
        )
        return EnrolmentPlan(name=name, problem=problem)
    accepted: list[AcceptedPicture] = []
    rejected: list[RejectedPicture] = []
    seen: dict[bytes, str] = {}
    for number, value in enumerate(vectors, 1):
        path = Path(f"{source} #{number}")
        try:
            vector = space.vector(value)
        except ValueError as error:
            rejected.append(RejectedPicture(path, str(error)))
            continue
        key = vector.tobytes()
        if key in seen:
            rejected.append(RejectedPicture(path, f"the same vector as {seen[key]}"))
        elif times[key] > 1:
            rejected.append(RejectedPicture(path, f"the same vector is given for {times[key]} people"))
        else:
            accepted.append(AcceptedPicture(path=path, vector=vector))
        seen.setdefault(key, f"#{number}")
    return EnrolmentPlan(
        name=name,
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        problem=None if accepted else f"no usable vector of {name}",
    )


def _keys(person: ImportedPerson, space: VectorSpace) -> Iterator[bytes]:
    """What equal vectors have in common; nothing for those that are rejected."""
    for value in person.vectors[:MOST_VECTORS]:
        try:
            yield space.vector(value).tobytes()
        except ValueError:
            continue
