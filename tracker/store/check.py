"""Checks of a store's file, the disk that it is on, and the clock that its events are dated by."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from config.errors import StoreError
from config.findings import Finding, Outcome
from tracker.store.faults import DAMAGE_FIX
from tracker.store.store import Store

_ENOUGH_GB = 1.0
_LONGEST_CLOCK_LEAD = timedelta(minutes=1)


def check_store(path: Path, *, full: bool) -> Finding:
    """Whether the file is whole, or can be made. full: check every index too. Raises StoreError where it is not."""
    if not path.exists():
        folder = _folder_of(path)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            problem = "cannot be written" if folder.is_dir() else "is not a folder"
            raise StoreError(f"{folder} {problem}", fix="change its rights, or name another place with --store")
        return Finding(check="store", detail=f"{path} will be made at first use")
    with Store(path) as store:
        damage = store.damage(full=full)
        if damage is not None:
            raise StoreError(f"{path}: the file is damaged ({damage})", fix=DAMAGE_FIX)
        detail = f"{path}, {len(store.people.all())} people, {len(store.cameras.health())} cameras"
        scrub_due = store.scrub_due()
    if scrub_due:
        detail += "; a forgotten person is erased, but not overwritten on the disk yet"
        fix = "follow the fix of the warning above, then run this again"
        return Finding(check="store", outcome=Outcome.WARNING, detail=detail, fix=fix)
    return Finding(check="store", detail=detail)


def check_disk(path: Path) -> Finding:
    """Whether the disk of the store has room."""
    folder = _folder_of(path)
    free_gb = shutil.disk_usage(folder).free / 1e9
    detail = f"{free_gb:.1f} GB free in {folder}"
    if free_gb >= _ENOUGH_GB:
        return Finding(check="disk", detail=detail)
    fix = f"free some: less than {_ENOUGH_GB:g} GB fills up quickly"
    return Finding(check="disk", outcome=Outcome.FAILED, detail=detail, fix=fix)


def check_clock(path: Path, zone: ZoneInfo) -> Finding:
    """Whether the clock is plausible, and not behind what is in the store."""
    now = datetime.now(UTC)
    detail = f"{now:%Y-%m-%d %H:%M:%S} UTC, {now.astimezone(zone):%H:%M} in {zone.key}"
    fix = "set the clock and let the system keep it (NTP)"
    if now.year < 2024:
        return Finding(check="clock", outcome=Outcome.FAILED, detail=detail, fix=fix)
    newest = _newest_event_at(path)
    if newest is not None and newest - now > _LONGEST_CLOCK_LEAD:
        detail += f"; but an event of {newest:%Y-%m-%d %H:%M:%S} is stored"
        return Finding(check="clock", outcome=Outcome.WARNING, detail=detail, fix=fix)
    return Finding(check="clock", detail=detail)


def _newest_event_at(path: Path) -> datetime | None:
    """Time of the newest event, UTC; None without one, and where the store cannot be read."""
    if not path.exists():
        return None
    try:
        with Store(path) as store:
            events = store.events.select(limit=1, newest_first=True)
    except StoreError:
        return None  # `check_store` reports it
    return events[0].at if events else None


def _folder_of(path: Path) -> Path:
    """The nearest thing above that exists."""
    return next(parent for parent in path.absolute().parents if parent.exists())
