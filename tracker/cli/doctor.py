"""`footfall doctor`: checks what a camera machine needs, with a fix for each fault."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from config.errors import CloudError, FootfallError, SettingsError, StoreError
from tracker.cli.command import command
from tracker.cli.options import CameraOption, Models
from tracker.cli.output import Result

if TYPE_CHECKING:
    from config.settings import Settings

_ROOM_ENOUGH_GB = 1.0
_LONGEST_CLOCK_LEAD = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_FRAME_WAIT_S = 10.0
_PACKAGES = {"ai_edge_litert": "edge", "cv2": "edge", "dash": "dashboard", "filelock": "edge", "scipy": "edge"}


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check. detail: what was found. fix: what to do, empty when all is well."""

    check: str
    outcome: Outcome
    detail: str
    fix: str = ""


@command("footfall doctor --camera 0")
def doctor(
    access: Models,
    camera: CameraOption = None,
    full: Annotated[bool, typer.Option("--full", help="Check every index of the store too; takes longer.")] = False,
) -> Result:
    """Check this machine: packages, models, store, disk, clock, cameras.

    Prints a fix for each fault; exits with 1 if a check failed. The store's file is checked for damage. Without
    --camera the cameras of the settings file are tried.
    """
    settings = access.load()
    sources = camera or [each.source for each in settings.camera]
    findings = list(examine(settings, sources, full=full))
    failed = ", ".join(finding.check for finding in findings if finding.outcome is Outcome.FAILED)
    return Result(
        document=findings,
        parts=[_line(finding) for finding in findings],
        failure=FootfallError(f"failed: {failed}", fix="apply the fix beside each, then run this again")
        if failed
        else None,
    )


def examine(settings: Settings, sources: list[str], *, full: bool = False) -> Iterator[Finding]:
    """One finding for each check, as it is done. full: check every index of the store."""
    from tracker.cameras.capture import redacted

    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", _python),
        ("packages", _packages),
        ("compiled", _compiled),
        ("models", lambda: _models(settings)),
        ("store", lambda: _store(settings.store.path, full=full)),
        ("disk", lambda: _disk(settings.store.path)),
        ("clock", lambda: _clock(settings)),
    ]
    if settings.store.firestore is not None:
        checks.append(("firestore", lambda: _firestore(settings)))
    checks += [(f"camera {redacted(source)}", partial(_camera, source)) for source in sources]
    for name, check in checks:
        try:
            yield check()
        except FootfallError as error:
            yield Finding(check=name, outcome=Outcome.FAILED, detail=error.problem, fix=error.fix)
    if not sources:
        fix = "give --camera 0 to try one"
        yield Finding(check="camera", outcome=Outcome.WARNING, detail="none is configured", fix=fix)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    fix = "" if fits else "make an environment with Python 3.11, 3.12 or 3.13"
    return Finding(check="python", outcome=Outcome.OK if fits else Outcome.FAILED, detail=found, fix=fix)


def _packages() -> Finding:
    missing = {name: extra for name, extra in _PACKAGES.items() if find_spec(name) is None}
    if not missing:
        return Finding(check="packages", outcome=Outcome.OK, detail="all there")
    extras = ",".join(sorted(set(missing.values())))
    outcome = Outcome.FAILED if "edge" in missing.values() else Outcome.WARNING
    detail = f"missing: {', '.join(sorted(missing))}"
    return Finding(check="packages", outcome=outcome, detail=detail, fix=f"pip install 'footfall[{extras}]'")


def _compiled() -> Finding:
    from tracker.vision.native import kernels

    if kernels.KERNELS is not None:
        return Finding(check="compiled", outcome=Outcome.OK, detail="detection at full speed")
    detail = f"detection takes half as long again: {kernels.UNAVAILABLE_REASON}"
    return Finding(check="compiled", outcome=Outcome.WARNING, detail=detail, fix=kernels.FIX)


def _models(settings: Settings) -> Finding:
    """Whole, and able to run: a black picture has no face in it."""
    import numpy as np

    from models import packs
    from tracker.vision.engine import FaceEngine

    packs.verify(settings.models.dir, settings.models.precision)
    engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
    began_s = time.perf_counter()
    engine.analyse(np.zeros((360, 640, 3), np.uint8))
    detail = f"{settings.models.dir}, {settings.models.precision}, first frame {time.perf_counter() - began_s:.2f} s"
    return Finding(check="models", outcome=Outcome.OK, detail=detail)


def _store(path: Path, *, full: bool) -> Finding:
    from tracker.store.faults import DAMAGE_FIX
    from tracker.store.store import Store

    if not path.exists():
        folder = _folder_of(path)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            what = "cannot be written" if folder.is_dir() else "is not a folder"
            raise StoreError(f"{folder} {what}", fix="change its rights, or name another place with --store")
        return Finding(check="store", outcome=Outcome.OK, detail=f"{path} will be made at first use")
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
    return Finding(check="store", outcome=Outcome.OK, detail=detail)


def _firestore(settings: Settings) -> Finding:
    """Whether what is recorded gets there, as far as this machine knows; `footfall cloud check` asks the server."""
    from tracker.cli.sync import status_of
    from tracker.cloud.pending import device_scope
    from tracker.store.store import Store

    if find_spec("firebase_admin") is None:
        raise SettingsError("the packages for it are missing", fix="pip install 'footfall[cloud]'")
    key = device_scope(settings)
    others = [each.id for each in settings.camera if key is not None and each.id != key.camera_id]
    if key is not None and (others or key.site_id != settings.site.id):
        told = f"the key is for camera {key.camera_id} of {key.site_id}; nothing else is sent"
        fix = "register a key for each camera, on a machine of its own, or use a service account (docs/firebase.md)"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail=told, fix=fix)
    if not settings.store.path.exists():
        return Finding(check="firestore", outcome=Outcome.OK, detail=f"{settings.store.url}: nothing recorded yet")
    with Store(settings.store.path) as store:
        found = status_of(settings, store)
    waiting = sum(found.backlog.values())
    detail = f"{settings.store.url}, {waiting} records to upload, {len(found.rejected)} rejected"
    if found.trouble is not None:
        raise CloudError(f"{detail}; {found.trouble.problem}", fix=found.trouble.fix)
    if found.warnings:
        fix = "give the camera of each machine its own id in [[camera]]"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail="; ".join(found.warnings), fix=fix)
    if found.rejected:
        fix = "'footfall status' says why, 'footfall status --retry' has them sent again"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail=detail, fix=fix)
    late = found.oldest_at is not None and datetime.now(UTC) - found.oldest_at > _LONGEST_WAIT
    if late and found.sender is None:
        fix = "run 'footfall sync'; 'footfall track' sends by itself while it runs"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail=f"{detail}; nobody sends", fix=fix)
    return Finding(check="firestore", outcome=Outcome.OK, detail=detail)


def _folder_of(path: Path) -> Path:
    """The nearest thing above that exists."""
    return next(parent for parent in path.absolute().parents if parent.exists())


def _disk(path: Path) -> Finding:
    folder = _folder_of(path)
    free_gb = shutil.disk_usage(folder).free / 1e9
    enough = free_gb >= _ROOM_ENOUGH_GB
    fix = "" if enough else f"free some: less than {_ROOM_ENOUGH_GB:g} GB fills up quickly"
    outcome = Outcome.OK if enough else Outcome.FAILED
    return Finding(check="disk", outcome=outcome, detail=f"{free_gb:.1f} GB free in {folder}", fix=fix)


def _clock(settings: Settings) -> Finding:
    """Plausible, and not behind what is stored already."""
    now = datetime.now(UTC)
    detail = f"{now:%Y-%m-%d %H:%M:%S} UTC, {now.astimezone(settings.site.zone):%H:%M} in {settings.site.zone.key}"
    fix = "set the clock and let the system keep it (NTP)"
    newest = _newest_event(settings.store.path)
    if now.year < 2024:
        return Finding(check="clock", outcome=Outcome.FAILED, detail=detail, fix=fix)
    if newest is not None and newest - now > _LONGEST_CLOCK_LEAD:
        detail += f"; but an event of {newest:%Y-%m-%d %H:%M:%S} is stored"
        return Finding(check="clock", outcome=Outcome.WARNING, detail=detail, fix=fix)
    return Finding(check="clock", outcome=Outcome.OK, detail=detail)


def _newest_event(path: Path) -> datetime | None:
    from tracker.store.store import Store

    if not path.exists():
        return None
    try:
        with Store(path) as store:
            events = store.events.select(limit=1, newest_first=True)
    except StoreError:
        return None  # the store's own check tells of it
    return events[0].at if events else None


def _camera(source: str) -> Finding:
    """Gives a frame."""
    from tracker.cameras.capture import redacted
    from tracker.cameras.frames import NoFrameYet
    from tracker.cameras.sources import is_live, open_source

    name = f"camera {redacted(source)}"
    opened = open_source(source, realtime=False)
    try:
        frame = opened.read(_FRAME_WAIT_S)
    except NoFrameYet:
        frame = None
    finally:
        problems = opened.state.problems
        opened.close()
    if frame is None:
        detail = problems[-1] if problems else f"no frame within {_FRAME_WAIT_S:g} s"
        return Finding(check=name, outcome=Outcome.FAILED, detail=detail, fix="check address, cable and power")
    height, width = frame.image.shape[:2]
    kind = "live" if is_live(source) else "recording"
    return Finding(check=name, outcome=Outcome.OK, detail=f"{kind}, {width}x{height}")


def _line(finding: Finding) -> Text:
    colour = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "bold red"}[finding.outcome]
    line = Text.assemble((f"{finding.outcome:<8}", colour), f"{finding.check:<10}  {finding.detail}")
    if finding.fix:
        line.append(f"\n{'':<20}fix: {finding.fix}")
    return line
