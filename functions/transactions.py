"""One application and one client a process, and transactions that are tried again when somebody else was quicker."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import firebase_admin
from google.api_core import exceptions as google_errors
from google.cloud import firestore

LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")

_TRIES_AT_ONCE = 5
_ROUNDS = 4
_PAUSE_S = 0.1


class ContentionError(Exception):
    """Others changed the same documents again and again; the event is to be delivered once more."""


@lru_cache(maxsize=4)
def client_of(project: str, database: str) -> firestore.Client:
    """The client of a database; made once, because each has connections of its own."""
    return firestore.Client(project=project, database=database)


def app() -> firebase_admin.App:
    """The application whose users' tokens are accepted; callable functions need that it is there."""
    try:
        return firebase_admin.get_app()
    except ValueError:
        return firebase_admin.initialize_app()


def project() -> str:
    """The project that the functions run in."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ["GCLOUD_PROJECT"]


def in_transaction(client: firestore.Client, work: Callable[[firestore.Transaction], _Result]) -> _Result:
    """Do `work` in one transaction, all of it or nothing, and again from its reads on when others came in between.

    Work must read before it writes, and do nothing but through the transaction. Raises ContentionError after 20 tries,
    and what Google's client raises where the database cannot be reached.
    """
    run = firestore.transactional(work)
    for number in range(_ROUNDS):
        try:
            result: _Result = run(client.transaction(max_attempts=_TRIES_AT_ONCE))
            return result
        except google_errors.Aborted as error:  # while it read
            cause: BaseException = error
        except ValueError as error:  # so the client says that its tries are used up
            if not isinstance(error.__cause__, google_errors.Aborted):
                raise
            cause = error.__cause__
        LOG.warning("round %d: others changed the same documents: %s", number + 1, cause)
        time.sleep(random.uniform(0.5, 1.5) * _PAUSE_S * 2**number)  # noqa: S311 - spreads load, keeps no secret
    raise ContentionError("others changed the same documents again and again")
