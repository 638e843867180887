"""Storage settings: the local SQLite file, and Firestore."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, field_validator

SQLITE = "sqlite:///"
FIRESTORE = "firestore://"
_ADDRESS = re.compile(
    r"firestore://(?P<project>[a-z][a-z0-9-]{4,28}[a-z0-9])(?:/(?P<database>[a-z][a-z0-9-]{2,61}[a-z0-9]))?/?"
)
DEFAULT_DATABASE = "(default)"

log = logging.getLogger("footfall.config")


@dataclass(frozen=True, slots=True)
class FirestoreAddress:
    """A database of a Google Cloud project."""

    project: str
    database: str = DEFAULT_DATABASE

    @classmethod
    def parse(cls, url: str) -> FirestoreAddress:
        """The address in `firestore://PROJECT` or `firestore://PROJECT/DATABASE`. Raises ValueError."""
        match = _ADDRESS.fullmatch(url)
        if match is None:
            raise ValueError(
                f"{url!r} is not firestore://PROJECT or firestore://PROJECT/DATABASE, see the Google Cloud console"
            )
        return cls(match["project"], match["database"] or DEFAULT_DATABASE)

    @property
    def file_name(self) -> str:
        """Name of the SQLite file with the local replica."""
        database = "" if self.database == DEFAULT_DATABASE else f".{self.database}"
        return f"{self.project}{database}.sqlite3"


class StoreSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    url: str = Field(
        default_factory=lambda: f"sqlite:///{Path(platformdirs.user_data_dir('footfall', False)) / 'footfall.sqlite3'}",
        description="Store of people, events and visits: `sqlite:///PATH`, or `firestore://PROJECT` for a local"
        " replica that is synchronised with Firestore.",
    )
    file: Path | None = Field(
        None,
        description="SQLite file of the local replica, for firestore:// URLs. Default: in the user's data folder.",
    )
    evidence_days: int = Field(
        7,
        ge=0,
        le=365,
        description="Days to keep the face vectors of a match, for corrections; 0 keeps none.",
    )
    visitor_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days without a sighting after which a visitor's face vectors are deleted. A visitor who returns"
        " later counts as new.",
    )

    audit_days: int = Field(
        365,
        ge=1,
        le=3650,
        description="Days to keep the record of who changed what. Only what is kept can be undone.",
    )

    @field_validator("url")
    @classmethod
    def _has_known_scheme(cls, value: str) -> str:
        if value.startswith(FIRESTORE):
            FirestoreAddress.parse(value)
        elif not value.startswith(SQLITE) or value == SQLITE:
            raise ValueError("expected sqlite:///PATH or firestore://PROJECT")
        return value

    @property
    def path(self) -> Path:
        """The SQLite file."""
        address = self.firestore
        if address is None:
            return Path(self.url.removeprefix(SQLITE)).expanduser()
        folder = Path(platformdirs.user_data_dir("footfall", False))
        return folder / address.file_name if self.file is None else self.file.expanduser()

    @property
    def firestore(self) -> FirestoreAddress | None:
        """The Firestore database that the file replicates, if any."""
        return FirestoreAddress.parse(self.url) if self.url.startswith(FIRESTORE) else None


@cache
def _warn_of_visits() -> None:
    """Once, however often the settings are read."""
    log.warning("cloud.visits is ignored: the site's document in Firestore names who derives sessions; remove it")


class CloudSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    credentials: Path | None = Field(
        None,
        description="File of a service account or a device key. Default: the machine's application-default"
        " credentials.",
    )
    visits: str | None = Field(
        None,
        exclude=True,
        description="Ignored since 0.2: the site's document in Firestore names who derives sessions"
        " (`footfall cloud publish-settings --derived-by`).",
    )
    share_vectors: bool = Field(
        False,
        description="Upload the face vectors of enrolled people who consented, so that other machines recognise them."
        " Pictures, and vectors of other people, are never uploaded.",
    )
    heartbeat_s: float = Field(
        300.0, ge=10, le=86400, description="Seconds between heartbeats of a camera; each is one write."
    )

    @field_validator("visits")
    @classmethod
    def _visits_are_ignored(cls, value: str | None) -> None:
        if value is not None:
            _warn_of_visits()
