"""The role of an entrance and of an exit: to be seen there is to come in, or to go out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tracker.agent.roles.role import Changes, RoleState, View
from tracker.agent.roles.room import Room
from tracker.presence.events import EventKind
from tracker.presence.transitions import passages


class Passage:
    """A room of which one kind of transition is reported. Somebody who passes again within `exit_after` counts once."""

    def __init__(self, room: Room, kind: EventKind) -> None:
        """kind: enter at an entrance, exit at an exit."""
        self._room = room
        self._kind = kind

    @property
    def state(self) -> RoleState:
        return self._room.state

    def resume(self, state: RoleState) -> None:
        self._room.resume(state)

    def observe(self, view: View) -> Changes:
        return self._reported(self._room.observe(view))

    def set_back(self, at: datetime) -> Changes:
        return self._reported(self._room.set_back(at))

    def move(self, gone_id: str, into_id: str | None) -> Changes:
        return self._reported(self._room.move(gone_id, into_id))

    def _reported(self, changes: Changes) -> Changes:
        return replace(
            changes,
            transitions=passages(changes.transitions, self._kind),
            retracted=passages(changes.retracted, self._kind),
        )
