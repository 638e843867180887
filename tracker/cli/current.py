"""The store of a command that reads: where it is a copy of Firestore, what is new there is brought down first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from config.errors import CloudUnreachableError, SettingsError
from config.settings import Settings
from tracker.cli.door import Overrides, open_store, reread_for, settings_for
from tracker.cli.output import errors, local_time, span
from tracker.store.store import Store

OfflineFlag = Annotated[
    bool, typer.Option("--offline", help="Of a shared store, read what is on this machine and ask for nothing newer.")
]

_SOON_S = 1.0
"""Bringing down that takes longer than this shows how far it is."""
PATIENCE_S = 8.0


def open_current(
    path: Path | None, *, store: str | None, offline: bool, overrides: Overrides | None = None
) -> tuple[Settings, Store]:
    """The settings, with what the site shares, and their store, which must be there, brought up to date and open.

    offline: read what is here; how old that is goes to stderr. Raises SettingsError, StoreError, CloudError, and
    CloudUnreachableError that says how old what is here would be.
    """
    settings = settings_for(path, store=store, overrides=overrides)
    if settings.store.firestore is not None:
        if offline:
            _tell_age(settings)
        else:
            _bring_down(settings, path, store, overrides)
            settings = settings_for(path, store=store, overrides=overrides)
    return settings, open_store(settings, create=False)


def require_cloud() -> None:
    """Raises SettingsError where the packages that speak to Firestore are not installed."""
    if not find_spec("firebase_admin"):
        raise SettingsError("a shared store needs firebase-admin", fix="pip install 'footfall[cloud]'")


@contextmanager
def kept_current(path: Path | None, *, store: str | None, offline: bool) -> Iterator[None]:
    """Keep the copy of a shared store in step while inside; without network, from when it is back.

    Raises SettingsError, StoreError, CloudError when the cloud refuses us.
    """
    settings = settings_for(path, store=store)
    if settings.store.firestore is None or offline:
        if settings.store.firestore is not None:
            _tell_age(settings)
        yield
        return
    require_cloud()
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    reread = reread_for(path, store=store)
    with open_store(settings) as copy, Link(copy, settings, wanted=Scope.HISTORY, reread=reread) as link:
        try:
            with Gauge() as gauge:
                link.catch_up(gauge.show, patience_s=PATIENCE_S)
        except CloudUnreachableError as error:
            age = age_words(copy, settings) or "nothing is here yet"
            errors.print(f"{error.problem}; {age}. It is tried again.", markup=False, soft_wrap=True)
        link.follow()
        yield


def _bring_down(settings: Settings, path: Path | None, store: str | None, overrides: Overrides | None) -> None:
    require_cloud()
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    with open_store(settings) as copy, Gauge() as gauge:
        reread = reread_for(path, store=store, overrides=overrides)
        with Link(copy, settings, wanted=Scope.HISTORY, reread=reread) as link:
            try:
                link.catch_up(gauge.show, patience_s=PATIENCE_S)
            except CloudUnreachableError as error:
                age = age_words(copy, settings)
                fix = "check the network, or read what is here with --offline" if age else "check the network"
                raise CloudUnreachableError(f"{error.problem}; {age or 'nothing is here yet'}", fix=fix) from error


def age_words(store: Store, settings: Settings) -> str:
    """How old what is here is, in words; empty where nothing ever came down."""
    heard_at = store.inbox.heard_at(settings.site.id)
    if heard_at is None:
        return ""
    age_s = max(0.0, (datetime.now(UTC) - heard_at).total_seconds())
    return f"what is here is of {local_time(heard_at, settings.site.zone)}, {span(age_s)} ago"


def _tell_age(settings: Settings) -> None:
    with open_store(settings, create=False) as copy:
        age = age_words(copy, settings) or "nothing ever came down from Firestore to here"
    errors.print(f"offline: {age}", markup=False)


class Gauge:
    """A bar on stderr for bringing down that takes its time."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._begun_s = time.monotonic()
        self._shown = False

    def show(self, what: str, done: int, total: int) -> None:
        """Say how far a collection is."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(f"Bringing down {what.replace('_', ' ')}")
        self._bar.update(self._tasks[what], completed=done, total=total)
        if not self._shown and time.monotonic() - self._begun_s > _SOON_S:
            self._shown = True
            self._bar.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._bar.stop()
