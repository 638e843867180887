"""Generates the settings reference and the example file from `Settings`: `python -m config.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.field_types import Region
from config.messages import EXAMPLES, toml
from config.settings import CameraSettings, Settings

DOCUMENT = Path("docs/settings.md")
EXAMPLE = Path("config/footfall.example.toml")
_COMPUTED = {
    "store.url": "sqlite:/// in the user's data folder",
    "models.dir": "models in the user's cache folder",
}
_SECTIONS = {
    "site": "The monitored site.",
    "store": "Storage of records.",
    "cloud": "Firestore, used if `store.url` is `firestore://PROJECT`.",
    "models": "The neural networks.",
    "detect": "Face detection. Thresholds are scores, 0 to 1.",
    "quality": "Quality that a face needs to be used for recognition.",
    "recognition": "Recognition.",
    "match": "The distances that decide, Euclidean, between face vectors. Unset, the first four depend on the network"
    " and the number of people; the defaults are those of `sface` for up to 100 people.",
    "track": "Tracking of faces from frame to frame.",
    "presence": "Rules for visits.",
    "audience": "What is counted of faces, by the hour and in groups of at least five people (docs/audience.md)."
    " Off unless set.",
    "camera": "One `[[camera]]` table per camera.",
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
        for key, field in _documented(kind):
            default = _COMPUTED.get(f"{name}.{key}") or _default_text(field)
            lines.append(f"| `{name}.{key}` | {default} | {_allowed(field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def example() -> str:
    """config/footfall.example.toml: every setting with its default, commented out."""
    lines = ["# Settings of Footfall. Uncomment what you want to change; see docs/settings.md."]
    for name, sentence, kind in sections():
        lines += ["", f"# {sentence.replace('`', '')}", f"# [[{name}]]" if name == "camera" else f"[{name}]"]
        for key, field in _documented(kind):
            lines.append(f"# {key} = {_example_value(f'{name}.{key}', field)}")
    return "\n".join(lines) + "\n"


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{toml(field.default)}`"


def _example_value(name: str, field: FieldInfo) -> str:
    return toml(EXAMPLES.get(name, field.default))


def _documented(kind: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """The fields of a section, without those that are accepted and ignored."""
    return [(key, field) for key, field in kind.model_fields.items() if not field.exclude]


def _allowed(field: FieldInfo) -> str:
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return " or ".join(f"`{member}`" for member in kind)
    kind = field.annotation
    if get_origin(kind) is dict:
        return "name = array of points"
    if Ellipsis in get_args(kind):
        return "array of names"
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
    kinds = {bool: "`true` or `false`", int: "integer", float: "number", Path: "path"}
    kind_name = next(
        (text for base, text in kinds.items() if base is kind or base in getattr(kind, "__args__", ())), "string"
    )
    return f"{kind_name} {', '.join(limits)}".strip()


_PREAMBLE = """# Settings

Footfall reads its settings once, at the start. Order of precedence, highest first:

**command-line flags** · **environment variables** · **settings file** · **shared settings of the site** · **defaults**

* The settings file is TOML. Its path is given by `--settings FILE`, else by the environment variable
  `FOOTFALL_SETTINGS`, else it is `footfall.toml` in the working folder. `config/footfall.example.toml` lists every
  setting with its default.
* Environment variables are named `FOOTFALL_SECTION__SETTING`, for example
  `FOOTFALL_PRESENCE__EXIT_AFTER_S=45`. Cameras can be given as JSON in `FOOTFALL_CAMERA`.
* Unknown names are rejected, with a suggestion of the nearest valid name.
* With [Firestore](firebase.md), the document of the site overrides the defaults: its map `settings` with the sections
  `site`, `presence`, `match` and `quality`, and its name, time zone, capacity and rules. Each machine keeps a copy for
  when it is offline. Rules of visits apply immediately, other settings at the next start. Invalid settings are
  ignored and reported by `footfall status`. `footfall cloud publish-settings` writes the site's settings of a machine
  [into that document](firebase.md#several-cameras-and-sites).

This page is generated by `python -m config.reference`."""


def main() -> None:
    """Write both files into the working folder, which must be a checkout."""
    for path, text in ((DOCUMENT, document()), (EXAMPLE, example())):
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
