"""What is to be imported: a folder of pictures, one with a database of names, or files of vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.errors import PeopleError
from tracker.identity.enrolment_requests import requests_in
from tracker.identity.pictures import PICTURE_SUFFIXES, pictures_in
from tracker.moving.databases import PictureFolder, database_in, named_pictures
from tracker.moving.json_files import ImportedFile
from tracker.moving.pickles import PickledError
from tracker.moving.source_kind import SourceKind
from tracker.moving.vectors import VECTOR_SUFFIXES, content_of, read_file, read_files

MOST_FILES = 10_000
_PICKLE_SUFFIXES = frozenset({".dat", ".pickle", ".pkl", ".joblib", ".pt", ".pth"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """What a source was found to be: pictures, with names of a database or without, or vectors."""

    kind: SourceKind
    pictures: PictureFolder | None = None
    vectors: ImportedFile | None = None


def source_at(path: Path, kind: SourceKind | None, pattern: Callable[[Path], str]) -> Source:
    """What is at a path, as `kind` says or by its structure. pattern: of the names of pictures in a folder.

    Raises PeopleError where nothing is found, and PickledError for pickles.
    """
    if path.is_dir():
        return _folder(path, kind or _kind_of(path), pattern)
    if not path.exists():
        raise PeopleError(f"{path}: no such file or folder", fix="give what the other program keeps")
    if path.suffix.lower() in PICTURE_SUFFIXES:
        raise PeopleError(f"{path} is a picture", fix=f"run 'footfall enroll {path} --name NAME'")
    file = read_file(path)
    has_vectors = any(person.vectors for person in file.people)
    if kind is SourceKind.PICTURES:
        raise PeopleError(f"{path} is a file", fix="give the folder of the pictures")
    if kind is SourceKind.DATABASE or (kind is None and not has_vectors):
        return Source(kind=SourceKind.DATABASE, pictures=named_pictures(path))
    return Source(kind=SourceKind.VECTORS, vectors=file)


def _folder(path: Path, kind: SourceKind, pattern: Callable[[Path], str]) -> Source:
    if kind is SourceKind.VECTORS:
        files = _files(path)
        if not files:
            raise PeopleError(
                f"{path}: no file of vectors in it", fix="give a folder of .json, .csv, .npz or .npy files"
            )
        return Source(kind=kind, vectors=read_files(files))
    if kind is SourceKind.DATABASE:
        database = database_in(path)
        if database is None:
            raise PeopleError(f"{path}: no JSON file in it names its pictures", fix="name the file, or leave --as out")
        return Source(kind=kind, pictures=named_pictures(database))
    return Source(kind=kind, pictures=PictureFolder(requests=requests_in(path, pattern(path))))


def _kind_of(path: Path) -> SourceKind:
    """What a folder holds. Raises PickledError where there are only pickles."""
    try:
        if database_in(path) is not None:
            return SourceKind.DATABASE
        folders = [each for each in path.iterdir() if each.is_dir()]
        if any(pictures_in(each) for each in [path, *folders]):
            return SourceKind.PICTURES
        if _files(path):
            return SourceKind.VECTORS
        for each in sorted(path.iterdir())[:MOST_FILES]:
            if each.is_file() and each.suffix.lower() in _PICKLE_SUFFIXES:
                content_of(each)
    except OSError as error:
        raise PeopleError(f"{path}: cannot be listed ({error.strerror})", fix="give a readable folder") from error
    return SourceKind.PICTURES


def _files(path: Path) -> list[Path]:
    """The files of vectors in a folder: those of a suffix that hold people with vectors; a names.npy is none."""
    found = []
    for each in sorted(each for each in path.iterdir() if each.suffix.lower() in VECTOR_SUFFIXES)[:MOST_FILES]:
        try:
            file = read_file(each)
        except PickledError:
            raise
        except PeopleError:  # some other file
            continue
        if any(person.vectors for person in file.people):
            found.append(each)
    return found
