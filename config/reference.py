"""The settings reference and the example file, written from `Settings` itself: `python -m config.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.faults import EXAMPLES, toml
from config.kinds import Region
from config.settings import CameraSettings, Settings

DOCUMENT = Path("docs/settings.md")
EXAMPLE = Path("config/footfall.example.toml")
_COMPUTED = {
    "store.url": "sqlite:/// in the user's data folder",
    "models.dir": "models in the user's cache folder",
}
_SECTIONS = {
    "site": "The place that is watched.",
    "store": "Where records are kept.",
    "cloud": "The shared store in Firestore, where `store.url` is `firestore://PROJECT`.",
    "models": "The neural networks.",
    "detect": "Finding faces. Thresholds are scores, 0 to 1.",
    "quality": "Which faces are good enough to say who somebody is.",
    "match": "Deciding who, and who not. Distances are Euclidean between face vectors.",
    "track": "Following faces from frame to frame.",
    "presence": "When somebody has come and gone.",
    "camera": "One `[[camera]]` table for each camera.",
    "dashboard": "The web pages.",
}


def sections() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Each section's name, one sentence on it, and its class."""
    for name, field in Settings.model_fields.items():
        kind = CameraSettings if name == "camera" else field.annotation
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            raise TypeError(f"section {name}: expected a pydantic model, got {kind!r}")
        yield name, _SECTIONS[name], kind


def document() -> str:
    """docs/settings.md: every setting with its type, range, default and meaning."""
    lines = [_PREAMBLE]
    for name, sentence, kind in sections():
        lines += [f"\n## `{name}`\n", sentence, "\n| setting | default | allowed | meaning |", "|---|---|---|---|"]
        for key, field in kind.model_fields.items():
            default = _COMPUTED.get(f"{name}.{key}") or _default_text(field)
            lines.append(f"| `{name}.{key}` | {default} | {_allowed(field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def example() -> str:
    """config/footfall.example.toml: every setting with its default, commented out."""
    lines = ["# Settings of Footfall. Take away the # before what you want to change; docs/settings.md explains each."]
    for name, sentence, kind in sections():
        lines += ["", f"# {sentence.replace('`', '')}", f"# [[{name}]]" if name == "camera" else f"[{name}]"]
        for key, field in kind.model_fields.items():
            lines.append(f"# {key} = {_example_value(f'{name}.{key}', field)}")
    return "\n".join(lines) + "\n"


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{toml(field.default)}`"


def _example_value(name: str, field: FieldInfo) -> str:
    return toml(EXAMPLES.get(name, field.default))


def _allowed(field: FieldInfo) -> str:
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return " or ".join(f"`{member}`" for member in kind)
    kind = field.annotation
    if get_origin(kind) is dict:
        return "a list of points for each name"
    if get_origin(kind) is tuple or Region in getattr(kind, "__args__", ()):
        return "four numbers 0..1"
    if any(get_origin(each) is tuple for each in getattr(kind, "__args__", ())):
        return "two points"
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = [
        f"{sign} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, sign in signs.items()
        if hasattr(rule, name)
    ]
    kinds = {bool: "`true` or `false`", int: "whole number", float: "number", Path: "path"}
    word = next((text for base, text in kinds.items() if base is kind or base in getattr(kind, "__args__", ())), "text")
    return f"{word} {', '.join(limits)}".strip()


_PREAMBLE = """# Settings

Footfall reads its settings once, at the start. What stands further left wins:

**command-line flags** · **environment** · **settings file** · **the site** · **defaults**

* The settings file is TOML. It is the one given by `--settings FILE`, else the one that the environment variable
  `FOOTFALL_SETTINGS` names, else `footfall.toml` in the working folder. `config/footfall.example.toml` lists every
  setting with its default.
* Environment variables are called `FOOTFALL_`, the section, two underscores, the setting:
  `FOOTFALL_PRESENCE__EXIT_AFTER_S=45`. Cameras may be given as JSON in `FOOTFALL_CAMERA`.
* A name that does not exist is refused, with the nearest one that does.
* Over a [shared store](firebase.md), what the site's document in Firestore says comes before the defaults: the map
  `settings` with the sections `site`, `presence`, `match` and `quality`, then its name, time zone, capacity and rules.
  It is kept on each machine for when there is no network. Rules of visits hold at once, the rest at the next start;
  what is not valid is left out, and `footfall status` says why. What a machine itself sets of its site
  [goes up](firebase.md#several-cameras-and-sites) into that document.

This page is written by `python -m config.reference`; a test keeps it true."""


def main() -> None:
    """Write both files into the checkout that is the working folder."""
    for path, text in ((DOCUMENT, document()), (EXAMPLE, example())):
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
