"""How far uploading and downloading of a store are, without asking Firestore. Imports nothing of Google's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.errors import CloudError, StoreBusyError
from config.findings import Finding, Outcome
from config.settings import Settings
from tracker.cloud.documents import deriver_of
from tracker.presence.events import CameraRef
from tracker.store.cursors import Rejected
from tracker.store.inbox import Unreadable
from tracker.store.outbox import Backlog
from tracker.store.store import Store

_SENT_AT = "sent at"
_TROUBLE = "trouble"
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why nothing can be uploaded, and since when."""

    since: datetime
    problem: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far uploading and downloading are. backlog: rows by stream. sender: the process that uploads, None for none.

    synced_at: when everything of the site was here last. unreadable: downloaded documents that cannot be decoded.
    warnings: what else is wrong at the site. parked, heard_at, refused: as 0.1 called rejected, synced_at, unreadable.
    """

    store: str
    file: str
    sender: str | None
    sent_at: datetime | None
    backlog: dict[str, int]
    oldest_at: datetime | None
    trouble: Trouble | None
    rejected: list[Rejected]
    synced_at: datetime | None
    unreadable: list[Unreadable]
    warnings: list[str]
    parked: list[Rejected]
    heard_at: datetime | None
    refused: list[Unreadable]


def status_of(settings: Settings, store: Store) -> Status:
    """How far uploading and downloading of a store are."""
    waiting = backlog_of(settings, store)
    rejected, synced_at = store.outbox.rejected(), store.inbox.synced_at(settings.site.id)
    unreadable = [each for each, _ in store.inbox.unreadable()]
    state = store.outbox.state("upload ")
    sent_at = state.get(_SENT_AT)
    return Status(
        store=settings.store.url,
        file=str(settings.store.path),
        sender=_sender(store),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        backlog=dict(waiting.counts),
        oldest_at=waiting.oldest_at,
        trouble=_trouble(state.get(_TROUBLE)),
        rejected=rejected,
        synced_at=synced_at,
        unreadable=unreadable,
        warnings=[each.warning for each in store.cameras.shared(settings.site.id, datetime.now(UTC))],
        parked=rejected,
        heard_at=synced_at,
        refused=unreadable,
    )


def check_uploading(settings: Settings) -> Finding:
    """Whether what is recorded is uploaded, as far as this machine knows; `footfall cloud check` asks the server.

    Raises CloudError where nothing can be uploaded.
    """
    key = device_scope(settings)
    others = [each.id for each in settings.camera if key is not None and each.id != key.camera_id]
    if key is not None and (others or key.site_id != settings.site.id):
        detail = f"the key is for camera {key.camera_id} of {key.site_id}; nothing else is uploaded"
        fix = "register a key for each camera, on a machine of its own, or use a service account (docs/firebase.md)"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail=detail, fix=fix)
    if not settings.store.path.exists():
        return Finding(check="firestore", detail=f"{settings.store.url}: nothing recorded yet")
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
        fix = "'footfall status' shows why, 'footfall status --retry' uploads them again"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail=detail, fix=fix)
    late = found.oldest_at is not None and datetime.now(UTC) - found.oldest_at > _LONGEST_WAIT
    if late and found.sender is None:
        fix = "run 'footfall sync'; 'footfall track' uploads by itself while it runs"
        return Finding(check="firestore", outcome=Outcome.WARNING, detail=f"{detail}; nothing uploads", fix=fix)
    return Finding(check="firestore", detail=detail)


def backlog_of(settings: Settings, store: Store) -> Backlog:
    """What is pending of a store with these settings."""
    scope = device_scope(settings)
    deriver = deriver_of(store.inbox.site_document(settings.site.id) or {})
    sessions = scope is None and deriver == store.outbox.machine_id()
    return store.outbox.backlog(sessions=sessions, people=scope is None, scope=scope)


def device_scope(settings: Settings) -> CameraRef | None:
    """The one camera of which a device key may upload; None with other credentials, or none that can be read."""
    path = settings.cloud.credentials
    try:
        content = {} if path is None else json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("type") != "footfall_device":
        return None
    return CameraRef(str(content.get("site_id", "")), str(content.get("camera_id", "")))


def _sender(store: Store) -> str | None:
    try:
        with store.outbox.lease():
            return None
    except StoreBusyError as error:
        return error.problem.rpartition("by ")[2]


def _trouble(note: str | None) -> Trouble | None:
    if note is None:
        return None
    known = json.loads(note)
    return Trouble(since=datetime.fromisoformat(known["since"]), problem=known["problem"], fix=known["fix"])
