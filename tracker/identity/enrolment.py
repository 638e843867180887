"""Enrolment: which pictures of which people are good enough to know them by.

Nothing is stored here. The result is a plan; whoever stores it saves a person with all vectors in one transaction, or
not at all.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from config.errors import PeopleError, PictureError
from config.settings import QualitySettings
from tracker.identity.checks import Company, doubles, strays
from tracker.identity.gallery import DIMENSION
from tracker.identity.names import clean_name, shown
from tracker.identity.pictures import PICTURE_SUFFIXES, read_picture
from tracker.presence.people import name_key
from tracker.vision.align import align
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import assess, rejection

ENROL_QUALITY = QualitySettings(min_width=40, max_yaw=1.0)
"""What a picture must show. A turned face may be enrolled; it only never votes."""
_SEARCHED_SIDE_PX = 1280
"""Larger pictures are searched shrunken to this; the face itself is cut from the whole picture."""
_BYSTANDER = 0.25
"""A face narrower than this part of the widest is somebody in the background and does not count."""
_CERTAIN = 0.95
"""Beside a face of this score, one of a lower score is a trick of the light: large pictures are full of them."""
_UNREAD_SUFFIXES = frozenset({".avif", ".heic", ".heif"})
"""Pictures that we cannot read; they are taken along so that the report names them."""


class Reader(Protocol):
    """What enrolment asks of a face engine (`tracker.vision.engine.FaceEngine` is one)."""

    def detect(self, image: Image) -> Faces:
        """The faces of a BGR picture."""

    def embed(self, image: Image, faces: Faces) -> FloatArray:
        """(N, D) vectors of the given faces of that picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody to enrol: a name as it was given and the files that should show one face each."""

    name: str
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accepted:
    """A picture to know the person by. vector: (D,) float32. quality: 0..1. width_px: of the face in the picture."""

    path: Path
    vector: FloatArray
    quality: float
    width_px: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A picture left out, and why, in words."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What enrolling one person comes to.

    problem: why the person must not be saved, None when all is well. visitors: ids of strangers who look like the
    person, nearest first: the person was here before.
    """

    name: str
    accepted: tuple[Accepted, ...] = ()
    refused: tuple[Refused, ...] = ()
    problem: str | None = None
    visitors: tuple[str, ...] = ()

    @property
    def vectors(self) -> FloatArray:
        """(N, D), one row for each accepted picture."""
        if not self.accepted:
            return np.empty((0, DIMENSION), np.float32)
        return np.stack([picture.vector for picture in self.accepted])

    @property
    def sources(self) -> tuple[str, ...]:
        """File names (no folders) of the accepted pictures, one for each vector."""
        return tuple(picture.path.name for picture in self.accepted)


def new_person_id() -> str:
    """An id that says nothing about the person."""
    return f"p-{secrets.token_hex(6)}"


def pictures_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files given, and for a folder the pictures directly in it, sorted by name.

    Raises PeopleError when a folder cannot be listed.
    """
    found: list[Path] = []
    for path in paths:
        found += _pictures_in(path) if path.is_dir() else [path]
    return tuple(found)


def candidates_in(folder: Path) -> tuple[Candidate, ...]:
    """Everybody in a folder: each folder in it is a person, and each picture in it is a person named after the file.

    Raises PeopleError when there is no such folder or nobody in it.
    """
    if not folder.is_dir():
        raise PeopleError(f"{folder}: no such folder", fix="give a folder with a picture or a folder for each person")
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    people = [Candidate(name=path.name, pictures=tuple(_pictures_in(path))) for path in folders]
    people += [Candidate(name=path.stem, pictures=(path,)) for path in _pictures_in(folder)]
    if not people:
        raise PeopleError(f"{folder}: nobody in it", fix="put a picture or a folder of pictures for each person there")
    return tuple(people)


def plan_people(
    candidates: Sequence[Candidate],
    engine: Reader,
    *,
    existing: Iterable[str] = (),
    quality: QualitySettings = ENROL_QUALITY,
    company: Company | None = None,
    known_as: Mapping[str, str] | None = None,
) -> Iterator[Plan]:
    """One plan for each candidate, in order, as it is worked out; the pictures are read one at a time.

    existing: names that are taken. A name that two candidates share, whatever its case, is refused for both, and so
    is a picture that is given for two people; the same picture twice for one person counts once. company: who is known
    already; pictures that show somebody else are left out, and somebody who looks like another is refused. known_as:
    by name the ids of candidates who are in that company and get more pictures.
    """
    names = [_checked(candidate.name) for candidate in candidates]
    taken = {name_key(name) for name in existing}
    times = Counter(name_key(name) for name, problem in names if problem is None)
    owners = _owners(candidates)

    def read(path: Path) -> Accepted:
        return _read(path, engine, quality)

    for candidate, (name, fault) in zip(candidates, names, strict=True):
        problem = fault or _name_problem(name, taken, times)
        if problem is not None:
            yield Plan(name=name, problem=problem)
            continue
        plan = _plan(name, candidate.pictures, owners, read)
        if company is not None:
            own_id = (known_as or {}).get(name, name)
            plan = _compared(plan, company, own_id)
            if plan.problem is None:
                gallery = company.gallery.with_person(own_id, plan.vectors)
                company = replace(company, gallery=gallery, names={own_id: name, **company.names})
        yield plan


def plan_person(
    name: str,
    pictures: Sequence[Path],
    engine: Reader,
    *,
    existing: Iterable[str] = (),
    quality: QualitySettings = ENROL_QUALITY,
    company: Company | None = None,
) -> Plan:
    """The plan for one person; see `plan_people`. Raises PeopleError when the name cannot be a name."""
    candidate = Candidate(name=clean_name(name), pictures=tuple(pictures))
    return next(plan_people([candidate], engine, existing=existing, quality=quality, company=company))


def _read(path: Path, engine: Reader, needed: QualitySettings) -> Accepted:
    """The one face of a picture. Raises PictureError when there is not exactly one, or it is too poor."""
    image = read_picture(path)
    faces = people_in(image, engine)
    if len(faces) != 1:
        problem = f"{len(faces)} faces in it, one is needed" if len(faces) else "no face found in it"
        raise PictureError(f"{path}: {problem}", fix="give a picture of one person, the face well visible")
    quality = assess(faces, align(image, faces.landmarks))
    reason = rejection(quality, 0, needed)
    if reason is not None:
        raise PictureError(f"{path}: the face is {reason}", fix="give a larger, sharper picture")
    return Accepted(
        path=path,
        vector=engine.embed(image, faces)[0],
        quality=float(quality.score[0]),
        width_px=float(faces.widths[0]),
    )


def people_in(image: Image, engine: Reader) -> Faces:
    """The faces that a picture is a picture of, in its own px: not those far behind, not what merely looks like one."""
    faces = _search(image, engine)
    certain = faces.take(faces.scores >= _CERTAIN)
    counted = certain if len(certain) else faces
    return counted.take(counted.widths >= _BYSTANDER * max(counted.widths.tolist(), default=0.0))


def _search(image: Image, engine: Reader) -> Faces:
    height, width = image.shape[:2]
    shrink = _SEARCHED_SIDE_PX / max(width, height)
    if shrink >= 1:
        return engine.detect(image)
    size_wh = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    faces = engine.detect(small)
    back = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
    return Faces(faces.boxes * np.tile(back, 2), faces.scores, faces.landmarks * back)


def _plan(name: str, pictures: tuple[Path, ...], owners: Counter[str], read: Callable[[Path], Accepted]) -> Plan:
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    seen: dict[str, Path] = {}
    for path in pictures:
        digest = _digest(path)
        if digest in seen:
            refused.append(Refused(path, f"the same picture as {seen[digest].name}"))
        elif owners[digest] > 1:
            refused.append(Refused(path, f"the same picture is given for {owners[digest]} people"))
        else:
            try:
                accepted.append(read(path))
            except PictureError as error:
                refused.append(Refused(path, error.problem.removeprefix(f"{path}: ")))
        if digest:
            seen.setdefault(digest, path)
    problem = None
    if not accepted:
        problem = f"no picture of {name} can be used" if pictures else f"no picture of {name} is there"
    return Plan(name=name, accepted=tuple(accepted), refused=tuple(refused), problem=problem)


def _compared(plan: Plan, company: Company, own_id: str) -> Plan:
    """The plan without pictures of somebody else; with a problem when it is somebody else as a whole."""
    if plan.problem is None and not company.force:
        plan = _without_strays(plan, company, own_id)
    if plan.problem is None and not company.force:
        plan = _without_doubles(plan, company, own_id)
    if plan.problem is not None:
        return plan
    seen = doubles(company.visitors, plan.vectors, company.settings).values()
    alike = dict.fromkeys(one.person_id for one in sorted(seen, key=lambda one: one.distance))
    return replace(plan, visitors=tuple(alike))


def _without_strays(plan: Plan, company: Company, own_id: str) -> Plan:
    reach = company.settings.stranger_distance
    own = [row for row, owner in enumerate(company.gallery.person_ids) if owner == own_id]
    far = strays(plan.vectors, company.gallery.vectors[own], reach=reach)
    if far is None:
        return replace(plan, accepted=(), problem=f"the pictures of {plan.name} show different people (--force if not)")
    whom = "the enrolled" if own else "the other"
    reasons = {row: f"not like {whom} pictures of {plan.name}, {distance:.2f} apart" for row, distance in far.items()}
    return _less(plan, reasons, f"no picture is like {whom} pictures of {plan.name} (--force if it is the same person)")


def _without_doubles(plan: Plan, company: Company, own_id: str) -> Plan:
    """Leave out pictures of others; a person most of whose pictures show one other is that other."""
    others = doubles(company.gallery.without(own_id), plan.vectors, company.settings)
    if not others:
        return plan
    nearest = min(others.values(), key=lambda one: one.distance)
    name = company.name_of(nearest.person_id)
    if 2 * sum(one.person_id == nearest.person_id for one in others.values()) >= len(plan.accepted):
        told = f"looks like {name}, who is enrolled already ({nearest.distance:.2f} apart)"
        return replace(plan, accepted=(), problem=f'{told}: --name "{name}" --add if it is, --force if they are two')
    reasons = {
        row: f"shows {company.name_of(one.person_id)}, who is enrolled already ({one.distance:.2f} apart)"
        for row, one in others.items()
    }
    return _less(plan, reasons, f"every picture of {plan.name} shows somebody else")


def _less(plan: Plan, reasons: Mapping[int, str], emptied: str) -> Plan:
    """The plan without the accepted pictures of these rows. emptied: the problem when none is left."""
    kept = tuple(picture for row, picture in enumerate(plan.accepted) if row not in reasons)
    refused = tuple(Refused(plan.accepted[row].path, reason) for row, reason in sorted(reasons.items()))
    return replace(plan, accepted=kept, refused=plan.refused + refused, problem=None if kept else emptied)


def _checked(text: str) -> tuple[str, str | None]:
    """The clean name and None, or the text fit to be shown and what is wrong with it."""
    try:
        return clean_name(text), None
    except PeopleError as error:
        return shown(text), error.problem


def _name_problem(name: str, taken: AbstractSet[str], times: Counter[str]) -> str | None:
    key = name_key(name)
    if key in taken:
        return f"somebody is called {name} already"
    return f"{times[key]} people here are called {name}" if times[key] > 1 else None


def _owners(candidates: Sequence[Candidate]) -> Counter[str]:
    """By content of the file: how many candidates give it."""
    owners: Counter[str] = Counter()
    for candidate in candidates:
        owners.update({_digest(path) for path in candidate.pictures} - {""})
    return owners


def _digest(path: Path) -> str:
    """Hash of a file's content; empty where there is none to speak of, which reading it will explain."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _pictures_in(folder: Path) -> list[Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise PeopleError(f"{folder}: cannot be listed ({error.strerror})", fix="give a readable folder") from error
    return [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES | _UNREAD_SUFFIXES]
