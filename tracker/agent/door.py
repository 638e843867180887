"""What a door's camera remembers between frames: which side of the line each track is on, and what it told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from config.settings import CameraSettings
from tracker.identity.recognition import FaceName
from tracker.presence.events import Event, EventKind
from tracker.presence.line import Crossing, Inside, Line, LineState, TrackPoint
from tracker.presence.passages import go_through
from tracker.vision.engine import AnalysedFaces

SETTLE_AFTER = timedelta(seconds=5)


class Doorway:
    """A line that people go over, and where their tracks stand.

    `standings` is all that it remembers over a restart; what tracks that go on have told, it forgets.
    """

    def __init__(self, line: Line, *, hold: int, site_id: str, camera_id: str, settle_after: timedelta) -> None:
        self._line = line
        self._hold = hold
        self._site_id = site_id
        self._camera_id = camera_id
        self._settle_after = settle_after
        self._standings: dict[str, LineState] = {}
        self._told: dict[str, list[Event]] = {}

    @property
    def line_states(self) -> Sequence[LineState]:
        return list(self._standings.values())

    def resume(self, line_states: Iterable[LineState], at: datetime) -> None:
        """Go on from what an earlier run knew at `at`; what it knew later is of a recording now played once more."""
        self._standings = {each.track_id: each for each in line_states if each.seen_at <= at}

    def watch(self, points: Iterable[TrackPoint], at: datetime, *, ended: bool = False) -> tuple[Event, ...]:
        """Who went over the line, now that tracks are where they are. ended: no more frames belong to these tracks."""
        self._standings, events = go_through(
            self._standings,
            points,
            line=self._line,
            at=at,
            site_id=self._site_id,
            camera_id=self._camera_id,
            hold=self._hold,
            settle_after=self._settle_after,
            ended=ended,
        )
        for event in events:
            self._told.setdefault(event.track_id, []).append(event)
        self._told = {track_id: told for track_id, told in self._told.items() if track_id in self._standings}
        return events

    def take_back(
        self, track_id: str, person_id: str, into_id: str | None
    ) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """What a track told of a person was of somebody else, None for nobody known yet.

        Returns the events that did not happen, and those that happened instead; where nobody is known yet, they wait
        for the name.
        """
        stood = self._standings.get(track_id)
        wrong = [event for event in self._told.pop(track_id, []) if event.person_id == person_id]
        if stood is None:
            return (), ()
        right = [replace(event, person_id=into_id or person_id, event_id="") for event in wrong]
        waiting = () if into_id is not None else tuple(_crossing(event) for event in wrong)
        self._standings[track_id] = replace(stood, person_id=into_id, waiting=(*stood.waiting, *waiting))
        if into_id is None:
            return tuple(wrong), ()
        self._told[track_id] = right
        return tuple(wrong), tuple(right)


def doorway_of(camera: CameraSettings, *, site_id: str, max_gap_s: float) -> Doorway | None:
    """The line of a door, None for a camera without one. max_gap_s: how long a track may go unseen."""
    if camera.line is None or camera.inside is None:
        return None
    line = Line(start=camera.line[0], end=camera.line[1], inside=Inside(camera.inside))
    settle_after = max(SETTLE_AFTER, timedelta(seconds=2 * max_gap_s))
    return Doorway(line, hold=camera.hold_frames, site_id=site_id, camera_id=camera.id, settle_after=settle_after)


def _crossing(event: Event) -> Crossing:
    """What an event of a door says, whoever it was."""
    return Crossing(
        track_id=event.track_id,
        inward=event.kind is EventKind.ENTER,
        at=event.at,
        x_frac=event.x_frac or 0.0,
        y_frac=event.y_frac or 0.0,
    )


def points_of(seen: AnalysedFaces, faces: Sequence[FaceName], size_wh: tuple[int, int]) -> list[TrackPoint]:
    """Where each face of a frame is, one to a track."""
    boxes = seen.faces.boxes
    places = np.clip((boxes[:, :2] + boxes[:, 2:]) / 2 / np.array(size_wh, np.float32), 0, 1)
    return [
        TrackPoint(track_id=face.track_id, person_id=face.person_id, x_frac=float(x_frac), y_frac=float(y_frac))
        for face, (x_frac, y_frac) in zip(faces, places, strict=True)
    ]
