"""What the page of enrolment says about a picture."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "appear": "Bring your face into the oval",
        "alone": "One face only, please",
        "closer": "Come a little closer",
        "light": "More light on the face, please",
        "glare": "Less light on the face, please",
        "still": "Hold still",
        "front": "Look at the camera",
        "left": "Turn a little to your left",
        "right": "Turn a little to your right",
        "move": "Smile, or move a little",
        "enough": "Done. That is enough",
    }
)
"""By `tracker.identity.shots.Hint`, in whose order they are."""
POSES: Mapping[str | None, str] = MappingProxyType(
    {"front": "from the front", "left": "turned left", "right": "turned right", None: "from the side"}
)
"""By `tracker.identity.shots.Pose`."""
_VERY_GOOD, _GOOD = 0.85, 0.6


def quality_words(quality: float) -> str:
    """The quality of a shot, 0..1, in words."""
    if quality >= _VERY_GOOD:
        return "very good"
    return "good" if quality >= _GOOD else "usable"
