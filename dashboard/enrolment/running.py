"""Enrolments that are running: their shots, in memory only, of whoever began them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from config.errors import PeopleError
from dashboard.enrolment.recognition import BusyError
from dashboard.enrolment.tidying import Tidying

if TYPE_CHECKING:
    from tracker.identity.shots import Shot

LASTS_S = 900.0
"""So long after it began an enrolment is dropped with its shots."""
_MOST_OF_ONE, _MOST = 3, 12
"""Enrolments of one user, and of all, at once."""


class GoneError(PeopleError):
    """There is no such enrolment of this user: it was saved, cancelled or took too long."""


class Enrolment:
    """One enrolment. Thread-safe. owner: who began it. person_id: who gets the pictures, "" for somebody new.

    A shot has the number under which it was taken, from 1 on; numbers are not used again.
    """

    def __init__(self, *, owner: str, person_id: str, began_s: float) -> None:
        self.enrolment_id = secrets.token_urlsafe(24)
        self.owner = owner
        self.person_id = person_id
        self.began_s = began_s
        self._lock = threading.Lock()
        self._shots: dict[int, Shot] = {}
        self._count = 0
        self._network = ""

    def taken(self, network: str) -> tuple[Shot, ...]:
        """The shots so far, made with that network. Raises PeopleError where they are of another one."""
        with self._lock:
            if self._shots and self._network != network:
                raise PeopleError("people are recognised with another network now", fix="take the pictures again")
            return tuple(self._shots.values())

    def shots(self) -> dict[int, Shot]:
        """The shots so far, by number."""
        with self._lock:
            return dict(self._shots)

    def add(self, shot: Shot, network: str) -> int:
        """Keep a shot that was made with a network. Returns its number."""
        with self._lock:
            self._network = network
            self._count += 1
            self._shots[self._count] = shot
            return self._count

    def remove(self, numbers: set[int]) -> None:
        """Drop shots; those that are not there are ignored."""
        with self._lock:
            for number in numbers:
                self._shots.pop(number, None)


class Enrolments:
    """The enrolments that are running. Thread-safe. monotonic: seconds that only grow."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._running: dict[str, Enrolment] = {}
        self._tidying = Tidying(self.tidy)

    def begin(self, owner: str, *, person_id: str = "") -> Enrolment:
        """A new enrolment; the oldest of a user who has too many ends. Raises BusyError where there are too many."""
        self.tidy()
        with self._lock:
            own = [key for key, each in self._running.items() if each.owner == owner]
            for key in own[: len(own) + 1 - _MOST_OF_ONE]:
                del self._running[key]
            if len(self._running) >= _MOST:
                raise BusyError("too many people are being enrolled at once", fix="try again in some minutes")
            enrolment = Enrolment(owner=owner, person_id=person_id, began_s=self._monotonic())
            self._running[enrolment.enrolment_id] = enrolment
        self._tidying.begin()
        return enrolment

    def get(self, enrolment_id: str, owner: str) -> Enrolment:
        """The enrolment of this id and user. Raises GoneError."""
        self.tidy()
        with self._lock:
            found = self._running.get(enrolment_id)
        if found is None or found.owner != owner:
            raise GoneError("this enrolment has ended, and its pictures are deleted", fix="begin again")
        return found

    def end(self, enrolment_id: str, owner: str) -> None:
        """Drop an enrolment of this user; one that is not there is ignored."""
        with self._lock:
            found = self._running.get(enrolment_id)
            if found is not None and found.owner == owner:
                del self._running[enrolment_id]

    def tidy(self) -> bool:
        """Drop what has taken too long. Returns whether anything is left."""
        with self._lock:
            before = self._monotonic() - LASTS_S
            self._running = {key: each for key, each in self._running.items() if each.began_s > before}
            return bool(self._running)
