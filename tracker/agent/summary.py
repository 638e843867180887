"""What was found in a recording, in one line: also where nobody came or went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tracker.agent.loop import Step


@dataclass(slots=True)
class _Followed:
    """One track. rejections: why its faces could not vote, by how often. reason: of the last decision about it."""

    rejections: Counter[str] = field(default_factory=Counter)
    good: int = 0
    decided: bool = False
    person_id: str | None = None
    reason: str = ""

    @property
    def why_nobody(self) -> str:
        if self.good or not self.rejections:
            return self.reason
        return self.rejections.most_common(1)[0][0]


class Summary:
    """The frames of one recording and the tracks in it that were worth a decision. Not for several threads."""

    def __init__(self) -> None:
        self._frames = 0
        self._tracks: dict[str, _Followed] = {}

    def add(self, step: Step) -> None:
        """Take in what the next frame, or the end, led to."""
        self._frames += step.frame is not None
        rejections = step.seen.rejections if step.seen is not None else ()
        for face, rejection in zip(step.faces, rejections, strict=False):
            followed = self._tracks.setdefault(face.track_id, _Followed())
            if rejection is None:
                followed.good += 1
            else:
                followed.rejections[rejection.partition(":")[0]] += 1
        for match in step.matches:
            followed = self._tracks.setdefault(match.track_id, _Followed())
            followed.decided, followed.person_id, followed.reason = True, match.person_id, match.reason

    def line(self) -> str | None:
        """How many frames and tracks, and why tracks have no name; None where there was no frame."""
        if not self._frames:
            return None
        text = f"{self._frames} frames" if self._frames > 1 else "1 frame"
        tracks = [each for each in self._tracks.values() if each.decided]
        if not tracks:
            return f"{text}, {'faces only for a moment' if self._tracks else 'no face found'}"
        text += f", {len(tracks)} tracks" if len(tracks) > 1 else ", 1 track"
        unnamed = [each for each in tracks if each.person_id is None]
        if not unnamed:
            return f"{text}, {'each' if len(tracks) > 1 else 'it'} has a name"
        why = "; ".join(dict.fromkeys(each.why_nobody for each in unnamed))
        if len(unnamed) == len(tracks):
            return f"{text}, nobody named: {why}"
        return f"{text}, {len(unnamed)} without a name: {why}"
