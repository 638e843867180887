"""`footfall backup` and `footfall restore`: copies of a store, and how one is put back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import Options
from tracker.cli.output import Result
from tracker.cli.terminal import progress
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from tracker.store.backup import Contents

BackupArgument = Annotated[Path, typer.Argument(metavar="FILE", help="File of the backup.")]


@command("footfall backup /mnt/usb/footfall-monday.sqlite3", "footfall backup latest.sqlite3 --force")
def backup(
    file: BackupArgument,
    access: Options,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> Result:
    """Back up the store into a file while agents and dashboards run.

    The copy is of one moment and is verified before it gets its name. It holds everything that the store holds, face
    vectors included: keep it as safe as the store. Do not copy the file of a store that is in use by other means.
    """
    from tracker.store.backup import back_up

    settings = access.load()
    with progress("Backing up", total=1.0) as show:
        contents = back_up(settings.store.path, file, force=force, progress=show)
    parts = [f"backed up to {file}: {_described(contents)}"]
    if contents.vectors:
        parts.append("it holds face vectors: keep it as safe as the store")
    return Result(document={"file": str(file), "contents": contents}, parts=parts)


@command("footfall restore /mnt/usb/footfall-monday.sqlite3")
def restore(file: BackupArgument, access: Options) -> Result:
    """Restore the store from a backup. Stop agents and dashboards first.

    The backup is verified before anything changes. The previous store is kept beside the new one; delete it when you
    no longer need it. People who were forgotten since the backup are forgotten again.
    """
    from tracker.store.backup import restore as put_back

    path = access.load().store.path
    with progress("Restoring", total=1.0) as show:
        done = put_back(file, path, now=datetime.now(UTC), progress=show)
    parts = [f"restored {path}: {_described(done.contents)}"]
    if done.forgotten is None:
        parts.append("the store of before cannot be read: forget again whom you had forgotten since the backup")
    elif done.forgotten:
        parts.append(f"{count_text(done.forgotten, 'person was', 'people were')} forgotten again")
    if done.kept is not None:
        parts.append(f"the store of before is {done.kept}; delete it when you can")
    document = {
        "store": str(path),
        "contents": done.contents,
        "kept": None if done.kept is None else str(done.kept),
        "forgotten_again": done.forgotten,
    }
    return Result(document=document, parts=parts)


def _described(contents: Contents) -> str:
    newest = "" if contents.newest_at is None else f", the newest of {contents.newest_at:%Y-%m-%d %H:%M} UTC"
    people = count_text(contents.people, "person", "people")
    return f"{contents.bytes / 1e6:.1f} MB, {people}, {count_text(contents.events, 'event')}{newest}"
