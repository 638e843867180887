"""Settings shared by the machines of a site: they override defaults, and local settings override them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from config.messages import reason
from config.recognition import MatchSettings, QualitySettings
from config.settings import PresenceSettings, SiteSettings

SECTIONS: Mapping[str, type[BaseModel]] = {
    "site": SiteSettings,
    "presence": PresenceSettings,
    "match": MatchSettings,
    "quality": QualitySettings,
}
"""Sections that can be shared; storage, network and credentials are local to each machine."""
_LOCAL_ONLY = {"site.id": "is set on each machine", "site.kind": "is set on each machine"}


@dataclass(frozen=True, slots=True)
class Shared:
    """Valid settings by section and field, and by `section.field` the reason why others are rejected."""

    sections: dict[str, dict[str, object]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def accepted(given: object) -> Shared:
    """The valid settings of a document, and the rejected ones with the reason."""
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
    """Add the valid fields of one section."""
    for key in [key for key in fields if f"{name}.{key}" in _LOCAL_ONLY]:
        found.refused[f"{name}.{key}"] = _LOCAL_ONLY[f"{name}.{key}"]
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
