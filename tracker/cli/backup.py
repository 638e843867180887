"""`footfall backup` and `footfall restore`: copies of a store, and how one is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.door import JsonOption, SettingsOption, StoreOption, settings_for
from tracker.cli.lines import progress_bar
from tracker.cli.output import console, print_json
from tracker.store.backup import Contents, Restored, back_up
from tracker.store.backup import restore as put_back

BackupArgument = Annotated[Path, typer.Argument(metavar="FILE", help="File of the backup.")]


def backup(
    file: BackupArgument,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the store into a file while agents and dashboards run.

    The copy is of one moment and is verified before it gets its name. It holds everything that the store holds, face
    vectors included: keep it as safe as the store. Do not copy the file of a store that is in use by other means.
    """
    chosen = settings_for(settings, store=store)
    with _progress("Backing up") as progress:
        contents = back_up(chosen.store.path, file, force=force, progress=progress)
    if as_json:
        print_json({"file": str(file), "contents": contents})
        return
    console.print(f"backed up to {file}: {_described(contents)}", markup=False, soft_wrap=True)
    if contents.vectors:
        console.print("it holds face vectors: keep it as safe as the store", markup=False)


def restore(
    file: BackupArgument,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of the store. Stop agents and dashboards first.

    The backup is verified before anything changes. The store of before is kept beside the new one; delete it when you
    no longer need it. People who were forgotten since the backup are forgotten again.
    """
    chosen = settings_for(settings, store=store)
    with _progress("Restoring") as progress:
        done = put_back(file, chosen.store.path, now=datetime.now(UTC), progress=progress)
    if as_json:
        print_json({"store": str(chosen.store.path), **_row(done)})
        return
    console.print(f"restored {chosen.store.path}: {_described(done.contents)}", markup=False, soft_wrap=True)
    if done.forgotten is None:
        note = "the store of before cannot be read: forget again whom you had forgotten since the backup"
        console.print(note, markup=False, soft_wrap=True)
    elif done.forgotten:
        people = "1 person was" if done.forgotten == 1 else f"{done.forgotten} people were"
        console.print(f"{people} forgotten again", markup=False)
    if done.kept is not None:
        console.print(f"the store of before is {done.kept}; delete it when you can", markup=False, soft_wrap=True)


@contextmanager
def _progress(title: str) -> Iterator[Callable[[float], None]]:
    with progress_bar() as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _described(contents: Contents) -> str:
    newest = "" if contents.newest_at is None else f", the newest of {contents.newest_at:%Y-%m-%d %H:%M} UTC"
    return f"{contents.bytes / 1e6:.1f} MB, {contents.people} people, {contents.events} events{newest}"


def _row(done: Restored) -> dict[str, object]:
    return {
        "contents": done.contents,
        "kept": None if done.kept is None else str(done.kept),
        "forgotten_again": done.forgotten,
    }
