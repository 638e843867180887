"""Settings that the machines of a site share: over the defaults, under all that a machine says itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from config.faults import reason
from config.settings import MatchSettings, PresenceSettings, QualitySettings, SiteSettings

SECTIONS: Mapping[str, type[BaseModel]] = {
    "site": SiteSettings,
    "presence": PresenceSettings,
    "match": MatchSettings,
    "quality": QualitySettings,
}
"""What may be shared. Where a machine keeps its data, what it listens on and how it signs in is its own."""
_OWN = {"site.id": "names the site on each machine itself"}


@dataclass(frozen=True, slots=True)
class Shared:
    """Settings by section and field, and by `section.field` why others are refused."""

    sections: dict[str, dict[str, object]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def accepted(given: object) -> Shared:
    """What of a document of settings can be used here; the rest is left out, each with the reason."""
    found = Shared()
    if not isinstance(given, Mapping):
        found.refused["settings"] = "expected sections with fields"
        return found
    for name, fields in given.items():
        section = SECTIONS.get(name)
        if section is None:
            found.refused[str(name)] = f"is not shared; {', '.join(SECTIONS)} are"
        elif not isinstance(fields, Mapping):
            found.refused[name] = "expected fields"
        else:
            _accept(name, section, {str(key): value for key, value in fields.items()}, found)
    return found


def _accept(name: str, section: type[BaseModel], fields: dict[str, object], found: Shared) -> None:
    """Add the fields of one section that are valid, alone and together."""
    for key in [key for key in fields if f"{name}.{key}" in _OWN]:
        found.refused[f"{name}.{key}"] = _OWN[f"{name}.{key}"]
        del fields[key]
    while fields:
        try:
            section(**fields)
        except ValidationError as error:
            wrong = {str(fault["loc"][0]) if fault["loc"] else "": reason(fault) for fault in error.errors()}
            for key in [key for key in wrong if key in fields] or list(fields):
                found.refused[f"{name}.{key}"] = wrong.get(key) or next(iter(wrong.values()))
                del fields[key]
        else:
            found.sections[name] = fields
            return
