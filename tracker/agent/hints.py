"""Hints for the person who set up a camera: somebody is in sight for long, and gets no name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tracker.agent.loop import Step

HINT_AFTER = timedelta(seconds=20)
"""In sight for so long without a name is worth a hint."""
QUIET_FOR = timedelta(minutes=10)
"""After a hint a camera gives none for so long: the next one would say the same."""
_FORGET_AFTER = timedelta(seconds=10)
_FIXES = {
    "too small": "bring the camera closer, or raise its resolution",
    "too blurred": "focus the camera, or give it more light",
    "underexposed": "give the place more light, or turn the camera away from windows",
    "overexposed": "turn the camera away from the light",
    "too dark": "give the place more light",
    "too little contrast": "clean the lens, or give the place more light",
    "turned aside": "mount the camera where people look towards it",
    "looking down": "mount the camera lower, at the height of faces",
    "looking up": "mount the camera higher, at the height of faces",
}
"""By the reason for which faces are not usable, as far as the colon."""


@dataclass(slots=True)
class _Unnamed:
    """A track without a name so far. rejections: why its faces could not vote, as far as the colon, by how often."""

    since: datetime
    seen_at: datetime
    faces: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    reason: str = ""

    def text(self) -> str:
        length_s = (self.seen_at - self.since).total_seconds()
        common, times = self.rejections.most_common(1)[0] if self.rejections else ("", 0)
        why = common if 2 * times > self.faces else self.reason
        fix = _FIXES.get(why, "'footfall track --explain' has the details")
        return f"somebody is in sight for {length_s:.0f} s and has no name: {why} ({fix})"


class UnnamedHints:
    """The tracks of one camera that have no name. Not for several threads."""

    def __init__(self) -> None:
        self._unnamed: dict[str, _Unnamed] = {}
        self._hinted_at: datetime | None = None

    def next(self, step: Step) -> str | None:
        """Take in what a frame led to; a hint where one is due."""
        if step.frame is None or step.seen is None:
            self._unnamed.clear()
            return None
        at = step.frame.at
        for face, rejection in zip(step.faces, step.seen.rejections, strict=True):
            if face.person_id is not None:
                self._unnamed.pop(face.track_id, None)
                continue
            track = self._unnamed.setdefault(face.track_id, _Unnamed(since=at, seen_at=at))
            track.seen_at, track.faces, track.reason = at, track.faces + 1, face.reason
            if rejection is not None:
                track.rejections[rejection.partition(":")[0]] += 1
        kept = {key: each for key, each in self._unnamed.items() if at - each.seen_at <= _FORGET_AFTER}
        self._unnamed = kept
        due = [each for each in kept.values() if each.seen_at == at and at - each.since >= HINT_AFTER]
        if not due or (self._hinted_at is not None and at - self._hinted_at < QUIET_FOR):
            return None
        self._hinted_at = at
        return due[0].text()
