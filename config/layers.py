"""Reading and merging of settings sources."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import SettingsError


def read_toml(path: Path) -> dict[str, Any]:
    """The contents of a settings file. Raises SettingsError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})", fix="give a readable UTF-8 TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}", fix="fix the syntax; see config/footfall.example.toml") from error


def merge(base: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Merge nested tables in place; values of `over` take precedence."""
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = dict(value) if isinstance(value, Mapping) else value
