"""What a command needs to send its store to Firestore. What Firestore needs is loaded only where it is used."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import SettingsError
from config.settings import Settings
from config.storage import FirestoreAddress, VisitsBy
from tracker.store.outbox import Backlog
from tracker.store.outbox_pages import Scope
from tracker.store.site_words import first_words_of, visits_said, words_of
from tracker.store.store import Store

if TYPE_CHECKING:
    from tracker.cloud.uplink import Uplink

_STOP_S = 15.0


@contextmanager
def sending(settings: Settings, store: Store) -> Iterator[None]:
    """Send what is recorded inside, in the background, where the store is kept in step with Firestore.

    Raises SettingsError when the packages for it are missing or the credentials are none; without network nothing is
    raised, and nothing of this ever waits for it.
    """
    if settings.store.firestore is None:
        yield
        return
    uplink, stop = uplink_of(settings, store, gentle=True), threading.Event()
    if settings.cloud.credentials is not None:
        _require_key(settings.cloud.credentials, settings.store.firestore)
    thread = threading.Thread(target=uplink.run, args=(stop,), name="uplink", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_S)
        if thread.is_alive():  # in the middle of a request that nobody answers
            uplink.close()
            thread.join(_STOP_S)


def uplink_of(
    settings: Settings,
    store: Store,
    *,
    gentle: bool = False,
    speaks: bool = True,
    tell: Callable[[int], None] = lambda _: None,
) -> Uplink:
    """The uplink of a store, as the settings say. Raises SettingsError as `sending` does.

    speaks: whether what the settings say of the site goes into its document; else only where there is none.
    """
    address = settings.store.firestore
    if address is None:
        raise SettingsError(
            f"{settings.store.url} is not kept in step with Firestore", fix="give --store firestore://PROJECT"
        )
    if find_spec("firebase_admin") is None:
        raise SettingsError("the packages for Firestore are missing", fix="pip install 'footfall[cloud]'")
    from tracker.cloud.connect import connect
    from tracker.cloud.line import Terms
    from tracker.cloud.uplink import Uplink

    store.outbox.begin()
    terms = Terms(
        site_id=settings.site.id,
        version=version("footfall"),
        visits=settings.cloud.visits is VisitsBy.EDGE if "visits" in settings.cloud.model_fields_set else None,
        vectors=settings.cloud.share_vectors,
        heartbeat_s=settings.cloud.heartbeat_s,
        site=words_of(settings) if speaks else first_words_of(settings),
    )
    return Uplink(store, lambda: connect(address, settings.cloud.credentials), terms, gentle=gentle, tell=tell)


def _require_key(path: Path, address: FirestoreAddress) -> None:
    """Say at once what is wrong with the file, not hours later in a log."""
    from tracker.cloud.connect import connect

    connect(address, path).close()


def backlog_of(settings: Settings, store: Store) -> Backlog:
    """What this machine has still to send."""
    scope = device_scope(settings)
    visits_by: VisitsBy | None = settings.cloud.visits
    if "visits" not in settings.cloud.model_fields_set:
        visits_by = visits_said(store.inbox.site_document(settings.site.id)) or visits_by
    visits = visits_by is VisitsBy.EDGE and scope is None
    return store.outbox.backlog(visits=visits, people=scope is None, scope=scope)


def device_scope(settings: Settings) -> Scope | None:
    """The one camera that a device key may send of; None with other credentials, or none that can be read."""
    path = settings.cloud.credentials
    try:
        content = {} if path is None else json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("type") != "footfall_device":
        return None
    return Scope(str(content.get("site_id", "")), str(content.get("camera_id", "")))
