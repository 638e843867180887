"""`footfall people export`: everything that is kept about a person, to hand out, or the gallery for another machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.errors import StoreError
from tracker.cli.command import command
from tracker.cli.gallery import export_gallery
from tracker.cli.options import Reading, UsageError
from tracker.cli.output import Result
from tracker.cli.passphrase import PassphraseOption
from tracker.cli.people import find_person
from tracker.cli.store import reading


@command(
    "footfall people export 'Ada Lovelace'",
    "footfall people export Ada --out ada.zip",
    "footfall people export --gallery gym.footfall",
)
def export(
    access: Reading,
    who: Annotated[str | None, typer.Argument(metavar="PERSON", help="Name or id; not with --gallery.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The zip file to write; replaces it. Default: named after them."),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            metavar="FILE",
            help="Write everybody who is enrolled into this encrypted file, for 'footfall people import'; replaces it.",
        ),
    ] = None,
    passphrase_file: PassphraseOption = None,
) -> Result:
    """Write everything kept about a person into a zip file, or the gallery into an encrypted one.

    Of a person: profile, consent, visits, events, matches, corrections and stays in zones, once as a page of HTML and
    once as JSON; and how many face vectors there are. With --gallery: of everybody who is enrolled name, profile,
    consent, face vectors, negatives and limits, and no visits; encrypted with a passphrase, which is asked for twice.
    """
    if gallery is not None:
        if who is not None or out is not None:
            raise UsageError("--gallery with a person or --out", fix="leave one out: --gallery FILE is of everybody")
        return export_gallery(gallery, passphrase_file, access)
    if who is None or passphrase_file is not None:
        fix = "'footfall people export NAME' for a person, '--gallery FILE' for everybody"
        raise UsageError("whom to export, or which file to encrypt, is missing", fix=fix)
    from tracker.reports.person_export import archive, file_name
    from tracker.store.person_data import kept_about

    with reading(access) as (settings, store):
        data = kept_about(store, find_person(store, who).person_id)
    path = out or Path(f"{file_name(data)}.zip")
    content = archive(data, datetime.now(UTC), settings.site.zone)
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})", fix="give another file with --out") from error
    counts = data.counts()
    kept = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "a name"
    return Result(document={"file": path, "counts": counts}, parts=[f"wrote {path}: {kept}"])
