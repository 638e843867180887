"""Where settings come from, laid over one another."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import SettingsError


def read_toml(path: Path) -> dict[str, Any]:
    """What a settings file says. Raises SettingsError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})", fix="give a readable UTF-8 TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}", fix="mend it; config/footfall.example.toml shows the form") from error


def merge(base: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Lay tables over others in place: a value that both have is that of `over`."""
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = dict(value) if isinstance(value, Mapping) else value
