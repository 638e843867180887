"""Enrolment: selects the pictures from which people are recognised.

Nothing is stored here: the result is a plan, from which the caller saves each person in one transaction.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from config.errors import PeopleError, PictureError
from config.recognition import QualitySettings
from tracker.identity.enrolment_checks import EnrolmentChecks, duplicates, lookalike, outliers
from tracker.identity.enrolment_faces import ENROL_QUALITY, FaceExtractor, single_face, vector_of
from tracker.identity.enrolment_requests import EnrolmentRequest
from tracker.identity.gallery import NO_VECTORS, Gallery
from tracker.identity.names import clean_name, shown
from tracker.identity.pictures import digest, read_picture
from tracker.presence.people import Consent, Person, name_key
from tracker.vision.faces import FloatArray
from tracker.vision.quality import rejection

_SAME_VECTOR = 1e-3
"""Vectors of one picture, computed twice, differ by less; those of two pictures by a hundred times more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AcceptedPicture:
    """A picture to recognise the person by. vector: (D,) float32."""

    path: Path
    vector: FloatArray


@dataclass(frozen=True, slots=True)
class RejectedPicture:
    """A picture that is not used, and the reason as text."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnrolmentPlan:
    """The outcome for one person.

    problem: why the person must not be saved, None without one. visitors: ids of matching visitors, nearest first.
    """

    name: str
    accepted: tuple[AcceptedPicture, ...] = ()
    rejected: tuple[RejectedPicture, ...] = ()
    problem: str | None = None
    visitors: tuple[str, ...] = ()

    @property
    def vectors(self) -> FloatArray:
        """(N, D), one row per accepted picture; (0, 0) without any."""
        if not self.accepted:
            return NO_VECTORS
        return np.stack([picture.vector for picture in self.accepted])

    @property
    def sources(self) -> tuple[str, ...]:
        """File names (without folders) of the accepted pictures, one per vector."""
        return tuple(picture.path.name for picture in self.accepted)

    def without_known(self, gallery: Gallery, person_id: str) -> Self:
        """The plan without pictures from which the person is recognised already: the same vector is in the gallery."""
        own = gallery.vectors[[owner == person_id for owner in gallery.person_ids]]
        if not len(own):
            return self
        new = [each for each in self.accepted if np.linalg.norm(own - each.vector, axis=1).min() > _SAME_VECTOR]
        return replace(self, accepted=tuple(new))

    def new_person(self, consent: Consent) -> Person:
        """The person of the plan, enrolled when they agreed, under a new id."""
        return Person(person_id=new_person_id(), name=self.name, created_at=consent.at).with_consent(consent)


def new_person_id() -> str:
    """A random person id."""
    return f"p-{secrets.token_hex(6)}"


def plan_enrolment(
    requests: Sequence[EnrolmentRequest],
    engine: FaceExtractor,
    *,
    existing: Iterable[str] = (),
    quality: QualitySettings = ENROL_QUALITY,
    checks: EnrolmentChecks | None = None,
    ids_by_name: Mapping[str, str] | None = None,
) -> Iterator[EnrolmentPlan]:
    """One plan per request, in order; pictures are read one at a time.

    existing: names in use. A name that occurs in two requests (case-insensitively) is rejected in both, and so is a
    picture given for two people; a duplicate picture of one person counts once. checks: the known people; pictures of
    somebody else are rejected, and so are people who match another person. ids_by_name: ids of people who are enrolled
    and get more pictures.
    """
    owners = _owners(requests)

    def read(path: Path) -> AcceptedPicture:
        return _read(path, engine, quality)

    def select(number: int, name: str) -> EnrolmentPlan:
        return _select(name, requests[number].pictures, owners, read)

    names = [request.name for request in requests]
    return plan_people(names, select, existing=existing, checks=checks, ids_by_name=ids_by_name)


def plan_people(
    names: Sequence[str],
    select: Callable[[int, str], EnrolmentPlan],
    *,
    existing: Iterable[str] = (),
    checks: EnrolmentChecks | None = None,
    ids_by_name: Mapping[str, str] | None = None,
) -> Iterator[EnrolmentPlan]:
    """Yield one plan per name, in order: what `select` finds for its number and cleaned name, if it passes the checks.

    The rest is as for `plan_enrolment`; `select` is not called for names that are rejected.
    """
    cleaned = [_checked(name) for name in names]
    taken = {name_key(name) for name in existing}
    times = Counter(name_key(name) for name, problem in cleaned if problem is None)
    for number, (name, fault) in enumerate(cleaned):
        problem = fault or _name_problem(name, taken, times)
        if problem is not None:
            yield EnrolmentPlan(name=name, problem=problem)
            continue
        plan = select(number, name)
        if checks is not None:
            own_id = (ids_by_name or {}).get(name, name)
            plan = _checked_plan(plan, checks, own_id)
            if plan.problem is None:
                gallery = checks.gallery.with_person(own_id, plan.vectors)
                checks = replace(checks, gallery=gallery, names={own_id: name, **checks.names})
        yield plan


def plan_person(
    name: str,
    pictures: Sequence[Path],
    engine: FaceExtractor,
    *,
    existing: Iterable[str] = (),
) -> EnrolmentPlan:
    """The plan for one person; see `plan_enrolment`. Raises PeopleError when the name is invalid."""
    request = EnrolmentRequest(name=clean_name(name), pictures=tuple(pictures))
    return next(plan_enrolment([request], engine, existing=existing))


def _read(path: Path, engine: FaceExtractor, needed: QualitySettings) -> AcceptedPicture:
    """The only face of a picture. Raises PictureError unless there is exactly one of sufficient quality."""
    image = read_picture(path)
    face = single_face(image, engine, name=str(path))
    reason = rejection(face.quality, 0, needed)
    if reason is not None:
        raise PictureError(f"{path}: the face is {reason}", fix="give a larger, sharper picture")
    return AcceptedPicture(path=path, vector=vector_of(image, engine, face.faces, name=str(path)))


def _select(
    name: str, pictures: tuple[Path, ...], owners: Counter[str], read: Callable[[Path], AcceptedPicture]
) -> EnrolmentPlan:
    accepted: list[AcceptedPicture] = []
    rejected: list[RejectedPicture] = []
    seen: dict[str, Path] = {}
    for path in pictures:
        content = digest(path)
        if content in seen:
            rejected.append(RejectedPicture(path, f"the same picture as {seen[content].name}"))
        elif owners[content] > 1:
            rejected.append(RejectedPicture(path, f"the same picture is given for {owners[content]} people"))
        else:
            try:
                accepted.append(read(path))
            except PictureError as error:
                rejected.append(RejectedPicture(path, error.problem.removeprefix(f"{path}: ")))
        if content:
            seen.setdefault(content, path)
    problem = None
    if not accepted:
        problem = f"no usable picture of {name}" if pictures else f"no picture of {name}"
    return EnrolmentPlan(name=name, accepted=tuple(accepted), rejected=tuple(rejected), problem=problem)


def _checked_plan(plan: EnrolmentPlan, checks: EnrolmentChecks, own_id: str) -> EnrolmentPlan:
    """The plan without outliers and duplicates, and with the matching visitors."""
    if plan.problem is None and not checks.force:
        plan = _without_outliers(plan, checks, own_id)
    if plan.problem is None and not checks.force:
        plan = _without_duplicates(plan, checks, own_id)
    if plan.problem is not None:
        return plan
    matches = duplicates(checks.visitors, plan.vectors, checks.settings).values()
    visitors = dict.fromkeys(match.person_id for match in sorted(matches, key=lambda match: match.distance))
    return replace(plan, visitors=tuple(visitors))


def _without_outliers(plan: EnrolmentPlan, checks: EnrolmentChecks, own_id: str) -> EnrolmentPlan:
    gallery, max_distance = checks.gallery, checks.settings.stranger_distance
    own = gallery.rows_of(gallery.people.index(own_id)) if own_id in gallery.people else slice(0)
    anchors = gallery.vectors[own]
    found = outliers(plan.vectors, anchors, max_distance=max_distance)
    if found is None:
        return replace(
            plan,
            accepted=(),
            problem=f"the {checks.noun}s of {plan.name} show different people (use --force to enrol anyway)",
        )
    others = "the enrolled" if len(anchors) else "the other"
    reasons = {
        row: f"does not match {others} {checks.noun}s of {plan.name} (distance {distance:.2f})"
        for row, distance in found.items()
    }
    return _reject(
        plan,
        reasons,
        f"no {checks.noun} matches {others} {checks.noun}s of {plan.name} (use --force if it is the same person)",
    )


def _without_duplicates(plan: EnrolmentPlan, checks: EnrolmentChecks, own_id: str) -> EnrolmentPlan:
    """Reject pictures of other people; a person half of whose pictures match one other person has a problem."""
    others = duplicates(checks.gallery.without(own_id), plan.vectors, checks.settings)
    if not others:
        return plan
    nearest = lookalike(others, count=len(plan.accepted))
    if nearest is not None:
        name = checks.name_of(nearest.person_id)
        match = f"matches {name}, who is already enrolled (distance {nearest.distance:.2f})"
        same = checks.if_same.format(name=name)
        return replace(plan, accepted=(), problem=f"{match}: {same} for the same person, --force for another")
    reasons = {
        row: f"matches {checks.name_of(one.person_id)}, who is already enrolled (distance {one.distance:.2f})"
        for row, one in others.items()
    }
    return _reject(plan, reasons, f"every {checks.noun} of {plan.name} matches somebody else")


def _reject(plan: EnrolmentPlan, reasons: Mapping[int, str], problem: str) -> EnrolmentPlan:
    """The plan with the accepted pictures of some rows rejected. problem: when none is left."""
    kept = tuple(picture for row, picture in enumerate(plan.accepted) if row not in reasons)
    rejected = tuple(RejectedPicture(plan.accepted[row].path, reason) for row, reason in sorted(reasons.items()))
    return replace(plan, accepted=kept, rejected=plan.rejected + rejected, problem=None if kept else problem)


def _checked(text: str) -> tuple[str, str | None]:
    """The cleaned name and None, or the quoted text and the problem with it."""
    try:
        return clean_name(text), None
    except PeopleError as error:
        return shown(text), error.problem


def _name_problem(name: str, taken: AbstractSet[str], times: Counter[str]) -> str | None:
    key = name_key(name)
    if key in taken:
        return f"a person named {name} already exists"
    return f"{times[key]} people here are named {name}" if times[key] > 1 else None


def _owners(requests: Sequence[EnrolmentRequest]) -> Counter[str]:
    """By file digest: the number of requests with that file."""
    owners: Counter[str] = Counter()
    for request in requests:
        owners.update({digest(path) for path in request.pictures} - {""})
    return owners
