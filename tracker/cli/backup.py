"""`footfall backup` and `footfall restore`: copies of a store, and how one is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import Options
from tracker.cli.output import Result, counted
from tracker.cli.terminal import progress_bar

if TYPE_CHECKING:
    from tracker.store.backup import Contents, Restored

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
    with _progress("Backing up") as progress:
        contents = back_up(settings.store.path, file, force=force, progress=progress)
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
    with _progress("Restoring") as progress:
        done = put_back(file, path, now=datetime.now(UTC), progress=progress)
    parts = [f"restored {path}: {_described(done.contents)}"]
    if done.forgotten is None:
        parts.append("the store of before cannot be read: forget again whom you had forgotten since the backup")
    elif done.forgotten:
        people = "1 person was" if done.forgotten == 1 else f"{done.forgotten} people were"
        parts.append(f"{people} forgotten again")
    if done.kept is not None:
        parts.append(f"the store of before is {done.kept}; delete it when you can")
    return Result(document={"store": str(path), **_row(done)}, parts=parts)


@contextmanager
def _progress(title: str) -> Iterator[Callable[[float], None]]:
    with progress_bar() as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _described(contents: Contents) -> str:
    newest = "" if contents.newest_at is None else f", the newest of {contents.newest_at:%Y-%m-%d %H:%M} UTC"
    people = "1 person" if contents.people == 1 else f"{contents.people} people"
    return f"{contents.bytes / 1e6:.1f} MB, {people}, {counted(contents.events, 'event')}{newest}"


def _row(done: Restored) -> dict[str, object]:
    return {
        "contents": done.contents,
        "kept": None if done.kept is None else str(done.kept),
        "forgotten_again": done.forgotten,
    }
