"""What waits for a review, kept for five minutes or until somebody answers."""

from __future__ import annotations

from dashboard.queries import Board
from tracker.review.rules import ReviewRules
from tracker.review.waiting import Waiting
from tracker.review.waiting import waiting as waiting_in

_KEPT_S = 300
"""What cameras saw in the last minutes can wait; whoever changes something sees the result at once."""


def waiting(board: Board) -> int:
    """How much waits for a review. Raises StoreError."""
    return len(items(board))


def items(board: Board) -> Waiting:
    """What waits for a review. Raises StoreError, and ModelError where the settings name another network."""
    store, now = board.store(), board.now()
    return board.kept(("review", version(board)), lambda: waiting_in(store, ReviewRules.of(board.settings, store), now))


def version(board: Board) -> str:
    """A text that changes when `items` may. Raises StoreError."""
    return f"{board.store().reviews.version()} {board.now().timestamp() // _KEPT_S:.0f}"
