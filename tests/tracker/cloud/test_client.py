"""Connections to Firestore."""

from __future__ import annotations

import grpc._common

from tracker.cloud.client import WAKE_S


def test_a_thread_that_waits_for_messages_is_seldom_woken() -> None:
    """Holds the version of grpc to the name that the client sets."""
    waited: list[float] = []

    def wait(timeout: float) -> bool:
        waited.append(timeout)
        return True

    grpc._common.wait(wait, lambda: len(waited) == 3)
    assert waited == [WAKE_S] * 3
