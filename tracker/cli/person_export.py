"""`footfall people export`: everything that is kept about a person, to hand out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.errors import StoreError
from tracker.cli.command import command
from tracker.cli.options import Reading
from tracker.cli.output import Result
from tracker.cli.people import WhoArgument, find_person
from tracker.cli.store import reading


@command("footfall people export 'Ada Lovelace'", "footfall people export Ada --out ada.zip")
def export(
    who: WhoArgument,
    access: Reading,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The zip file to write; replaces it. Default: named after them."),
    ] = None,
) -> Result:
    """Write everything kept about a person into a zip file.

    Profile, consent, visits, events, matches, corrections and stays in zones, once as a page of HTML and once as JSON;
    and how many face vectors there are.
    """
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
