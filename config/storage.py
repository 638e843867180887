"""Settings of where records are kept: one machine's SQLite file, and the shared store in Firestore."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, field_validator

SQLITE = "sqlite:///"
FIRESTORE = "firestore://"
_ADDRESS = re.compile(
    r"firestore://(?P<project>[a-z][a-z0-9-]{4,28}[a-z0-9])(?:/(?P<database>[a-z][a-z0-9-]{2,61}[a-z0-9]))?/?"
)
DEFAULT_DATABASE = "(default)"


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
                f"{url!r} is not firestore://PROJECT or firestore://PROJECT/DATABASE, as the console shows them"
            )
        return cls(match["project"], match["database"] or DEFAULT_DATABASE)

    @property
    def file_name(self) -> str:
        """The SQLite file in which a machine keeps its copy."""
        database = "" if self.database == DEFAULT_DATABASE else f".{self.database}"
        return f"{self.project}{database}.sqlite3"


class StoreSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    url: str = Field(
        default_factory=lambda: f"sqlite:///{Path(platformdirs.user_data_dir('footfall', False)) / 'footfall.sqlite3'}",
        description="Where people, events and visits are kept: `sqlite:///PATH`, or `firestore://PROJECT` for a copy on"
        " this machine that is kept in step with Firestore.",
    )
    file: Path | None = Field(
        None,
        description="SQLite file of the copy, where the URL is firestore://; by default in the user's data folder.",
    )
    evidence_days: int = Field(
        7,
        ge=0,
        le=365,
        description="Days to keep the vectors behind a match, so that it can be taken back; 0 keeps none.",
    )
    visitor_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days after which a visitor who was not seen again loses the vectors, and is not known on return.",
    )

    @field_validator("url")
    @classmethod
    def _url_leads_somewhere(cls, value: str) -> str:
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
        """The database that the file is kept in step with, if any."""
        return FirestoreAddress.parse(self.url) if self.url.startswith(FIRESTORE) else None


class VisitsBy(StrEnum):
    EDGE = "edge"
    FUNCTIONS = "functions"


class CloudSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    credentials: Path | None = Field(
        None,
        description="File of a service account, or a device key. Without it the application-default"
        " credentials of the machine.",
    )
    visits: VisitsBy = Field(
        VisitsBy.EDGE,
        description="Who writes visits and usage into Firestore: `edge` (this machine) or `functions` (the Cloud"
        " Functions; right where several machines watch one site, and for device keys). Where it is not set, what the"
        " site's document in Firestore says holds.",
    )
    share_vectors: bool = Field(
        False,
        description="Send the face vectors of enrolled people who consented, so that other machines of the site know"
        " them. Pictures and the vectors of anybody else are never sent.",
    )
    heartbeat_s: float = Field(
        300.0, ge=10, le=86400, description="Seconds between two signs of life of a camera; each is one write."
    )
