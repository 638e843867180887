"""What only some commands need: packages, which an extra of footfall installs, and the networks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from config.errors import SettingsError

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.vision.engine import FaceEngine

_NAMES = {"firebase_admin": "firebase-admin", "skimage": "scikit-image"}
"""Name of the package, where it is not that of the module."""


def require(feature: str, extra: str, *modules: str) -> None:
    """Raises SettingsError, with the command that installs the extra, where a module is missing."""
    missing = [_NAMES.get(name, name) for name in modules if not find_spec(name)]
    if missing:
        raise SettingsError(f"{feature} needs {' and '.join(missing)}", fix=f"pip install 'footfall[{extra}]'")


def require_firestore() -> None:
    """Raises SettingsError where the client of Firestore is missing."""
    require("Firestore", "cloud", "firebase_admin")


def load_engine(settings: Settings) -> FaceEngine:
    """The networks, which are built first where they are missing. Raises ModelError."""
    from models.runtime import ensure_built
    from tracker.vision.engine import FaceEngine

    ensure_built(settings.models.dir, settings.models.precision)
    return FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
