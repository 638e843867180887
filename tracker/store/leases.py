"""One agent a camera, one sender a store: a lock file that the kernel frees when its process dies, however it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.errors import StoreBusyError, StoreError
from tracker.presence.events import content_id


@contextmanager
def lease(store: Path, camera_id: str) -> Iterator[None]:
    """Hold one camera of one store while inside.

    Raises StoreBusyError naming the process that holds it, StoreError when the lock file cannot be written.
    """
    with hold(
        store,
        f"camera-{content_id(camera_id)[:16]}",  # any id gives a valid file name
        busy=f"camera {camera_id} is tracked into {store} already",
        fix="stop that one first, or give this camera another id with --camera-id",
    ):
        yield


@contextmanager
def hold(store: Path, name: str, *, busy: str, fix: str) -> Iterator[None]:
    """Hold a lock of that name beside the store while inside.

    Raises StoreBusyError with the words of `busy`, the process that holds it and `fix`, and StoreError when the lock
    file cannot be written.
    """
    from filelock import FileLock, Timeout  # here: it imports asyncio, and few commands hold a lock

    place = store.resolve()
    stem = place.with_name(f"{place.name}.{name}")
    lock = FileLock(f"{stem}.lock", timeout=0, thread_local=False)
    holder = Path(f"{stem}.pid")  # apart from the lock: Windows lets nobody read a locked file
    try:
        lock.acquire()
    except Timeout as error:
        raise StoreBusyError(f"{busy}, by {holder_of(holder)}", fix=fix) from error
    except OSError as error:
        raise StoreError(
            f"{stem}.lock cannot be written ({error.strerror or error})",
            fix="give this user the right to write in the folder of the store",
        ) from error
    try:
        with suppress(OSError):  # only for the message above; the lock itself is held
            holder.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def holder_of(holder: Path) -> str:
    """The process that a `.pid` file names, in words."""
    try:
        pid = int(holder.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return "another process"
    return "this process itself" if pid == os.getpid() else f"process {pid}"
