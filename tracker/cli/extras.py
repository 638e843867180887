"""What only some commands need: packages, which an extra of footfall installs."""

from __future__ import annotations

from importlib.util import find_spec

from config.errors import SettingsError

_NAMES = {
    "argon2": "argon2-cffi",
    "firebase_admin": "firebase-admin",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
"""Name of the package, where it is not that of the module."""


def require(feature: str, extra: str, *modules: str) -> None:
    """Raises SettingsError, with the command that installs the extra, where a module is missing."""
    missing = [_NAMES.get(name, name) for name in modules if not find_spec(name)]
    if missing:
        raise SettingsError(f"{feature} needs {' and '.join(missing)}", fix=f"pip install 'footfall[{extra}]'")


def require_firestore() -> None:
    """Raises SettingsError where the client of Firestore is missing."""
    require("Firestore", "cloud", "firebase_admin")
