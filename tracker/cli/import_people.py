"""`footfall import`: people as other programs keep them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import ModelError, PeopleError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.enroll import PatternOption, asked_pattern
from tracker.cli.enrolling import Enrolled, Enrolling, failure_of, known_people, lines_of, notes_of
from tracker.cli.options import ActingModels, UsageError
from tracker.cli.output import Result, note
from tracker.cli.store import reading, writing
from tracker.cli.terminal import with_progress
from tracker.identity.networks import accept_network, checks_of, load_engine
from tracker.moving.source_kind import SourceKind
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.actions.actor import Actor
    from tracker.moving.databases import PictureFolder
    from tracker.moving.json_files import ImportedFile
    from tracker.moving.networks import VectorSpace
    from tracker.moving.records import ImportedPerson
    from tracker.moving.sources import Source
    from tracker.store.store import Store

_IF_SAME = 'use the name "{name}" in the source'
_AT_ONCE = 100
"""People saved in one transaction, where they take no time to plan."""
_MOST_NAMES = 10
"""More names than these are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPeople:
    """The result of an import.

    database: the file with the names of pictures. network: that made the vectors. without_pictures: whom the database
    names besides; unnamed: folders and files that it does not name. not_taken: fields without a counterpart, and of how
    many people.
    """

    kind: SourceKind
    dry_run: bool
    people: list[Enrolled]
    database: str | None = None
    network: str | None = None
    without_pictures: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    not_taken: Mapping[str, int]


@command(
    "footfall import attendance/ --dry-run",
    "footfall import attendance/DataBase.json",
    "footfall import encodings.json --network dlib_resnet",
    "footfall import members.csv --network sface --as vectors",
)
def import_people(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of pictures, a folder or file with names beside pictures, or a JSON, CSV, .npz or .npy file"
            " of vectors, or a folder of them.",
        ),
    ],
    access: ActingModels,
    kind: Annotated[
        SourceKind | None, typer.Option("--as", help="What the source holds. Default: found by its structure.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="NAME", help="The network that made the vectors: sface, dlib_resnet, or a model pack."
        ),
    ] = None,
    pattern: PatternOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be enrolled, and save nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Accept faces that look like somebody else, and people who look alike.")
    ] = False,
) -> Result:
    """Import people from what other programs keep.

    Only import people who agreed to be recognised; by running this you confirm that they did. Pictures are enrolled as
    by 'footfall enroll', with the names, groups, roles and validity of a JSON file beside them. Vectors are taken only
    under the network that made them; those of the package face_recognition and of face-api.js are of dlib. Pickles are
    not read: the error has the lines that export one. A person is saved completely or not at all; what was rejected is
    listed, and importing the same again changes nothing.
    """
    from tracker.moving.networks import vector_space
    from tracker.moving.pickles import PickledError
    from tracker.moving.sources import source_at

    actor = actor_of(access)
    if network is not None:
        kind = kind or SourceKind.VECTORS
    try:
        found = source_at(source, kind, lambda folder: pattern or asked_pattern(folder))
    except PickledError as error:
        return Result(
            document={"refused": str(source), "script": list(error.script)}, notes=error.script, failure=error
        )
    if found.kind is SourceKind.VECTORS and network is None:
        raise UsageError(
            f"{source} holds vectors, which mean nothing without the network that made them",
            fix="name it: --network dlib_resnet for those of face_recognition; or import the pictures",
        )
    if found.kind is not SourceKind.VECTORS and network is not None:
        raise UsageError("--network with pictures", fix="leave it out: pictures go through the network of the store")
    space = None if network is None else vector_space(network, access.load().models.dir)
    with _store(access, dry_run=dry_run) as (settings, store):
        run = _Import(settings, store, actor, dry_run=dry_run, force=force)
        done = run.vectors(found.vectors, source.name, space) if found.vectors and space else run.pictures(found)
    return _result(done)


class _Import:
    """An import into a store."""

    def __init__(self, settings: Settings, store: Store, actor: Actor, *, dry_run: bool, force: bool) -> None:
        self._settings, self._store, self._actor = settings, store, actor
        self._dry_run, self._force = dry_run, force

    def pictures(self, source: Source) -> ImportedPeople:
        """Enrol people from pictures. Raises ModelError, PeopleError."""
        from tracker.identity.enrolment import plan_enrolment

        folder: PictureFolder = source.pictures  # type: ignore[assignment] # there is one where there are no vectors
        engine = load_engine(self._settings, self._store)
        found = checks_of(self._settings, self._store, force=self._force, people=len(folder.requests))
        checks = replace(found, if_same=_IF_SAME)
        known = known_people(self._store, (each.name for each in folder.requests))
        enrolling = Enrolling(
            self._store, self._actor, known=known, checks=checks, new_only=True, dry_run=self._dry_run
        )
        plans = plan_enrolment(
            folder.requests, engine, existing=enrolling.taken, checks=checks, ids_by_name=enrolling.ids_by_name
        )
        results = enrolling.save(
            with_progress(plans, "Importing", total=len(folder.requests)), _profiles(folder.people.values())
        )
        return ImportedPeople(
            kind=source.kind,
            dry_run=self._dry_run,
            people=results,
            database=None if folder.database is None else str(folder.database),
            without_pictures=folder.without_pictures,
            unnamed=folder.unnamed,
            not_taken=_not_taken(folder.people.values()),
        )

    def vectors(self, file: ImportedFile, name: str, space: VectorSpace) -> ImportedPeople:
        """Enrol people from vectors. name: of the file. Raises ModelError where the store has another network."""
        from tracker.moving.vectors import plan_vectors

        _require(space, file, self._settings.models.dir)
        accept_network(self._settings, self._store, space.embedder)
        found = checks_of(
            self._settings, self._store, force=self._force, embedder=space.embedder, people=len(file.people)
        )
        checks = replace(found, noun="vector", if_same=_IF_SAME)
        known = known_people(self._store, (each.name for each in file.people))
        enrolling = Enrolling(
            self._store, self._actor, known=known, checks=checks, new_only=True, dry_run=self._dry_run
        )
        plans = plan_vectors(
            file.people, space, name, existing=enrolling.taken, checks=checks, ids_by_name=enrolling.ids_by_name
        )
        results = enrolling.save(
            with_progress(plans, "Importing", total=len(file.people)), _profiles(file.people), at_once=_AT_ONCE
        )
        return ImportedPeople(
            kind=SourceKind.VECTORS,
            dry_run=self._dry_run,
            people=results,
            network=space.embedder.network,
            not_taken=_not_taken(file.people),
        )


def _require(space: VectorSpace, file: ImportedFile, models: Path) -> None:
    """Raises ModelError where a file names another network than that of its vectors."""
    from tracker.moving.networks import embedder_called

    name, stated = space.embedder.name, embedder_called(file.network, models)
    if stated is not None and stated.network != space.embedder.network:
        fix = "give the network that made the vectors to --network"
        raise ModelError(f"by the file its vectors are of {file.network}, not of {name}", fix=fix)
    if stated is None and file.network:
        note(f"note: by the file {file.network} made its vectors; make sure that this is {name}")


@contextmanager
def _store(access: ActingModels, *, dry_run: bool) -> Iterator[tuple[Settings, Store]]:
    """The store to write; to try only, one that is read, or an empty one where there is none yet."""
    if not dry_run:
        with writing(access, create=True) as opened:
            yield opened
        return
    settings = access.load()
    if settings.store.firestore is not None or settings.store.path.exists():
        with reading(access) as opened:
            yield opened
        return
    from tracker.store.store import Store

    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "empty.sqlite3") as store:
        yield settings, store


def _profiles(people: Iterable[ImportedPerson]) -> Any:
    """By the name of a new person what the source says about them."""
    from tracker.identity.names import clean_name

    changes = {}
    for each in people:
        with suppress(PeopleError):  # a name that is none is refused with the reason later
            changes[clean_name(each.name)] = each.changes
    return lambda name: changes.get(name, {})


def _not_taken(people: Iterable[ImportedPerson]) -> dict[str, int]:
    return dict(sorted(Counter(name for each in people for name in each.ignored).items()))


def _result(done: ImportedPeople) -> Result:
    noun = "vector" if done.kind is SourceKind.VECTORS else "picture"
    taken = sum(result.problem is None for result in done.people)
    rejected = sum(len(result.refused) for result in done.people)
    verb = "would be enrolled or are" if done.dry_run else "are enrolled or"
    summary = f"{taken} of {count_text(len(done.people), 'person', 'people')} {verb} up to date"
    notes = [line for result in done.people for line in notes_of(result)]
    if done.without_pictures:
        notes.append(f"no picture of {len(done.without_pictures)}: {_some(done.without_pictures)}")
    if done.unnamed:
        notes.append(f"not named in {done.database}: {_some(done.unnamed)}")
    if done.not_taken:
        notes.append(f"note: not taken over: {_some(tuple(done.not_taken))}")
    return Result(
        document=done,
        parts=[
            *lines_of(done.people, noun=noun, dry_run=done.dry_run),
            f"{summary}; {count_text(rejected, noun)} rejected",
        ],
        notes=notes,
        failure=failure_of(done.people),
    )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
