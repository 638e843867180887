"""People as other programs keep them: a name, perhaps a profile, perhaps face vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from config.errors import PeopleError
from tracker.identity.names import clean_group
from tracker.presence.people import MOST_GROUPS, Role

STAFF = frozenset({"staff", "employee"})
MEMBER = frozenset({"member", "customer", "client", "user"})
_NAMES = (
    "name", "fullname", "displayname", "label", "person", "personname", "username", "membername", "studentname",
    "employeename",
)  # fmt: skip
_IDS = ("id", "personid", "userid", "memberid", "studentid", "employeeid", "uid", "rollnumber", "roll", "number")
_FILES = (
    "image", "images", "imagepath", "picture", "pictures", "photo", "photos", "photopath", "path", "file", "filename",
    "folder",
)  # fmt: skip
_GROUPS = ("group", "groups", "class", "course", "team", "department")
_ROLES = ("role", "type", "kind")
_FROM = ("validfrom", "startdate", "memberfrom")
_UNTIL = ("validuntil", "expirydate", "expires", "enddate", "memberuntil")
VECTORS = (
    "vector", "vectors", "encoding", "encodings", "embedding", "embeddings", "faceencoding", "faceencodings",
    "faceembedding", "faceembeddings", "descriptor", "descriptors", "facedescriptor", "facedescriptors", "feature",
    "features",
)  # fmt: skip
_LONGEST_KEY = 200
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedPerson:
    """Somebody in a file of another program.

    keys: what folders and files of their pictures may be called: the name, an id, the stem of a picture. own_id: of the
    other program, empty without one. changes: by field of a person what the file says. vectors: as the file has them,
    not checked. ignored: fields that have no counterpart here.
    """

    name: str
    keys: tuple[str, ...] = ()
    own_id: str = ""
    changes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    vectors: tuple[object, ...] = ()
    ignored: tuple[str, ...] = ()


def field_key(name: str) -> str:
    """What spellings of a field have in common: `faceEncoding`, `face_encoding` and `Face encoding`."""
    return "".join(filter(str.isalnum, name[:_LONGEST_KEY])).casefold()


def is_person(fields: Mapping[str, object]) -> bool:
    """Whether the fields of an object are those of one person: it has a name, or an id and vectors."""
    keys = {field_key(key) for key, value in fields.items() if isinstance(value, str | int)}
    has_vectors = any(field_key(key) in VECTORS for key in fields)
    return bool(keys & {*_NAMES, "firstname", "identity"}) or (has_vectors and bool(keys & set(_IDS)))


def person_of(fields: Mapping[str, object], vectors: tuple[object, ...], *, called: str = "") -> ImportedPerson | None:
    """The person that an object describes; None without a name. called: what the file calls the object, if anything."""
    values = {field_key(key): value for key, value in fields.items()}
    own_id = _first(values, _IDS)
    name = _first(values, _NAMES) or _composed(values) or called or own_id
    if not name:
        return None
    changes, used = _profile(values)
    files = [part for key in _FILES for part in _files_of(values.get(key))]
    known = {*_NAMES, *_IDS, *_FILES, *VECTORS, *used, "firstname", "lastname", "identity"}
    return ImportedPerson(
        name=name,
        keys=tuple(dict.fromkeys(each for each in (called, own_id, name, *files) if each)),
        own_id=own_id or called,
        changes=changes,
        vectors=vectors,
        ignored=tuple(sorted(str(key)[:40] for key in fields if field_key(key) not in known)),
    )


def _first(values: Mapping[str, object], keys: tuple[str, ...]) -> str:
    """The first of these fields that holds a text or a whole number, as text; empty without one."""
    found = (values.get(key) for key in keys)
    texts = (str(each).strip() for each in found if isinstance(each, str | int) and not isinstance(each, bool))
    return next(filter(None, texts), "")


def _composed(values: Mapping[str, object]) -> str:
    return " ".join(filter(None, (_first(values, ("firstname",)), _first(values, ("lastname", "surname")))))


def _files_of(value: object) -> list[str]:
    """Names under which the pictures that a field names may be found: stems, and the folder of each."""
    texts = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
    found = []
    for text in texts[:_MOST_FILES]:
        *folders, last = text.replace("\\", "/").rstrip("/").split("/")
        found += [last.rpartition(".")[0] or last, *folders[-1:]]
    return found


def _profile(values: Mapping[str, object]) -> tuple[dict[str, Any], set[str]]:
    """What the fields say about role, groups and validity, and the fields that say it."""
    changes: dict[str, Any] = {}
    used: set[str] = set()
    for key in _ROLES:
        word = field_key(str(values.get(key, "")))
        if word in STAFF | MEMBER:
            changes["role"] = Role.STAFF if word in STAFF else Role.MEMBER
            used.add(key)
    groups = {key: found for key in _GROUPS if (found := _groups(values.get(key)))}
    if groups:
        changes["groups"] = tuple(dict.fromkeys(each for found in groups.values() for each in found))[:MOST_GROUPS]
        used |= groups.keys()
    for name, keys in (("valid_from", _FROM), ("valid_until", _UNTIL)):
        for key in keys:
            day = _day(values.get(key))
            if day is not None:
                changes[name] = day
                used.add(key)
    if changes.get("valid_from", date.min) > changes.get("valid_until", date.max):
        del changes["valid_from"], changes["valid_until"]
        used -= {*_FROM, *_UNTIL}
    return changes, used


def _groups(value: object) -> list[str]:
    found = []
    for each in value if isinstance(value, list) else [value]:
        try:
            found.append(clean_group(each) if isinstance(each, str) else "")
        except PeopleError:  # not the name of a group; the field counts as ignored
            return []
    return list(filter(None, found))


def _day(value: object) -> date | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None
