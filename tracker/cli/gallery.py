"""`footfall people import`, and `people export --gallery`: everybody who is enrolled, taken to another machine."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import FootfallError, PeopleError, StoreError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.options import ActingModels, Reading
from tracker.cli.output import Result
from tracker.cli.passphrase import PassphraseOption, known_passphrase, new_passphrase
from tracker.cli.store import reading, writing
from tracker.identity.networks import accept_network, checks_of
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from tracker.actions.gallery import ImportedGallery
    from tracker.moving.gallery_file import GalleryFile

MOST_BYTES = 1_000_000_000


def export_gallery(file: Path, passphrase_file: Path | None, access: Reading) -> Result:
    """Write the gallery into an encrypted file. Raises PeopleError, StoreError."""
    _require_cryptography()
    from tracker.moving.gallery_file import GalleryFile, encode_gallery
    from tracker.moving.sealed import seal
    from tracker.store.people_copy import copies

    with reading(access) as (_, store):
        gallery = GalleryFile(network=store.model, exported_at=datetime.now(UTC), people=tuple(copies(store)))
    if not gallery.people:
        raise PeopleError("nobody is enrolled", fix="run 'footfall enroll PICTURES --name NAME' first")
    passphrase = new_passphrase(passphrase_file)
    _write(file, seal(encode_gallery(gallery), passphrase))
    faces = sum(len(each.faces[0]) for each in gallery.people)
    document = {"file": file, "network": gallery.network, "people": len(gallery.people), "faces": faces}
    people = count_text(len(gallery.people), "person", "people")
    return Result(
        document=document,
        parts=[
            f"wrote {file}: {people}, {count_text(faces, 'face vector')} of {gallery.network}, encrypted",
            "whoever has the file and the passphrase has the faces: send them by two ways, and delete the file after",
        ],
    )


@command(
    "footfall people import gym.footfall", "footfall people import gym.footfall --passphrase-file passphrase.txt --json"
)
def import_gallery(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of 'footfall people export --gallery'.")],
    access: ActingModels,
    passphrase_file: PassphraseOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Add people who look like somebody else who is enrolled here.")
    ] = False,
) -> Result:
    """Import people whom another machine enrolled.

    People are known by their id: who is new is added as there, with consent, groups and validity; of who is here, face
    vectors that are missing are added, and the profile stays. Who was forgotten here stays forgotten. Somebody else of
    the same name or face is a conflict, which is listed and changes nothing. Visits are not part of the file. Importing
    the same file again changes nothing.
    """
    _require_cryptography()
    from tracker.actions.gallery import import_gallery
    from tracker.moving.networks import space_of

    actor = actor_of(access)
    gallery = _read(file, passphrase_file)
    embedder = space_of(gallery.network, access.load().models.dir).embedder
    for faces in (each for copy in gallery.people for each in (copy.faces[0], copy.negatives[0])):
        if len(faces) and faces.shape[1] != embedder.dimension:
            problem = f"{file}: its vectors are not of {gallery.network}, which have {embedder.dimension} numbers"
            raise PeopleError(problem, fix="export the gallery again")
    with writing(access, create=True) as (settings, store):
        accept_network(settings, store, embedder)
        checks = checks_of(settings, store, force=force, embedder=embedder, people=len(gallery.people))
        done = import_gallery(store, actor, gallery.people, checks)
    return _result(gallery, done)


def _read(file: Path, passphrase_file: Path | None) -> GalleryFile:
    from tracker.moving.gallery_file import decode_gallery
    from tracker.moving.sealed import unseal

    if file.exists() and not file.is_file():  # a device has no end
        raise PeopleError(f"{file}: not a file", fix="give a file of 'footfall people export --gallery'")
    try:
        if file.stat().st_size > MOST_BYTES:
            raise PeopleError(f"{file}: larger than any gallery", fix="give a file of 'people export --gallery'")
        sealed = file.read_bytes()
    except OSError as error:
        raise PeopleError(f"{file}: cannot be read ({error.strerror})", fix="give a readable file") from error
    content = unseal(sealed, lambda: known_passphrase(passphrase_file), name=str(file))
    return decode_gallery(content, name=str(file))


def _write(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read, completely or not at all. Raises StoreError."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written ({error.strerror})", fix="give another file") from error


def _result(gallery: GalleryFile, done: list[ImportedGallery]) -> Result:
    from tracker.actions.gallery import Outcome

    counts = Counter(each.outcome for each in done)
    faces = sum(each.faces for each in done)
    words = {
        Outcome.ADDED: "added",
        Outcome.UPDATED: "brought up to date",
        Outcome.UNCHANGED: "unchanged",
        Outcome.FORGOTTEN: "forgotten here, and not added",
        Outcome.CONFLICT: "in conflict",
    }
    outcomes = ", ".join(f"{counts[each]} {words[each]}" for each in Outcome if counts[each])
    people, added = count_text(len(done), "person", "people"), count_text(faces, "face vector")
    return Result(
        document={"network": gallery.network, "exported_at": gallery.exported_at, "people": done},
        parts=[f"{people} in the file: {outcomes}; {added} added"],
        notes=[f"conflict: {each.name}: {each.problem}" for each in done if each.problem is not None]
        + [f"note: {each.name} has another profile here, which stays" for each in done if each.own_profile],
        failure=_failure(counts[Outcome.CONFLICT], len(done)),
    )


def _failure(conflicts: int, count: int) -> FootfallError | None:
    if not conflicts:
        return None
    fix = "see the reasons above; --force adds people who look alike, whom 'footfall people merge' can then make one"
    return PeopleError(f"{conflicts} of {count} people were not imported", fix=fix)


def _require_cryptography() -> None:
    require("an encrypted gallery", "edge", "cryptography")
