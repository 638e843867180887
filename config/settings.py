"""All settings of Footfall in one frozen object, read once at the start.

Order of precedence: command-line flags, environment variables (`FOOTFALL_SITE__ID=gym`), the TOML file, the shared
settings of the site, the defaults below.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
import tzlocal
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo

from config.audience import AudienceSettings, SiteKind
from config.errors import SettingsError
from config.field_types import Id, Point, Region, SiteName, Source, TimeOfDay, ZoneName
from config.layers import merge, read_toml
from config.messages import advice, given, nearest, reason
from config.recognition import DetectSettings, MatchSettings, QualitySettings, RecognitionSettings
from config.serving import DashboardSettings
from config.storage import CloudSettings, StoreSettings

ENV_PREFIX = "FOOTFALL_"
SETTINGS_VARIABLE = "FOOTFALL_SETTINGS"
_OTHER_VARIABLES = frozenset({SETTINGS_VARIABLE, "FOOTFALL_TESTDATA", "FOOTFALL_VTEST", "FOOTFALL_BENCH_DLIB"})


CONSENT_TEXT = (
    "I agree that the cameras here recognise my face, to know when I am in. My pictures are deleted as soon as they "
    "are looked at; numbers computed from them are kept. I can withdraw this at any time, and everything kept about my "
    "face is deleted then."
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SiteSettings(_Section):
    id: Id = Field("main", description="Id of the site in every record: letters, digits, . _ -")
    name: SiteName = Field("My site", description="Display name of the site.")
    time_zone: str = Field(
        "local", description="IANA time zone of reports and pages, or `local` for that of the machine."
    )
    kind: SiteKind | None = Field(None, description="Kind of the site; `audience.expression` depends on it.")
    capacity: int | None = Field(
        None, ge=1, description="Maximum number of people; with it, occupancy is also shown in percent."
    )

    consent_text: str = Field(
        CONSENT_TEXT,
        min_length=1,
        max_length=4000,
        description="What people agree to when they are enrolled in the browser. Its version, a digest of the text, is"
        " kept with the consent.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value != "local":
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Berlin") from error
        return value

    @property
    def consent_version(self) -> str:
        """The version of the text of consent: another one for every text."""
        return hashlib.sha256(self.consent_text.encode()).hexdigest()[:12]

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        name = tzlocal.get_localzone_name() if self.time_zone == "local" else self.time_zone
        return ZoneInfo(name or "UTC")


class Precision(StrEnum):
    FLOAT32 = "float32"
    FLOAT16 = "float16"


class ModelSettings(_Section):
    dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("footfall", False)) / "models",
        description="Folder of the converted networks.",
    )
    precision: Precision = Field(Precision.FLOAT16, description="Precision of the weights: `float16` or `float32`.")
    threads: int = Field(2, ge=1, le=64, description="Processor threads per network.")


class TrackSettings(_Section):
    max_gap_s: float = Field(1.5, ge=0, le=60, description="Seconds without a detection after which a track ends.")
    min_iou: float = Field(0.3, gt=0, lt=1, description="Minimum overlap (IoU) of a face with a track.")


class PresenceSettings(_Section):
    exit_after_s: float = Field(
        30.0, gt=0, le=86400, description="Seconds without a sighting after which a person has left."
    )
    merge_gap_s: float = Field(
        300.0, ge=0, le=86400, description="Absences up to this many seconds are part of a visit."
    )
    min_visit_s: float = Field(0.0, ge=0, le=86400, description="Shorter visits are kept and marked as bounces.")
    max_visit_s: float = Field(
        57600.0, gt=0, le=604800, description="Seconds without evidence after which a visit is closed."
    )
    max_unseen_s: float = Field(
        7200.0,
        gt=0,
        le=604800,
        description="With door and room cameras: seconds without a sighting after which a person counts as absent.",
    )
    skew_s: float = Field(2.0, ge=0, le=60, description="Maximum difference of camera clocks, seconds.")
    closes_at: TimeOfDay | None = Field(
        None, description="Closing time, such as `23:30`: visits without an exit end then."
    )
    opens_at: TimeOfDay | None = Field(
        None, description="Opening time, such as `06:00`: coverage is not expected from closing to opening."
    )

    @model_validator(mode="after")
    def _opening_hours(self) -> Self:
        if self.opens_at is not None and (self.closes_at is None or self.closes_at == self.opens_at):
            raise ValueError("opens_at needs closes_at, with a different time")
        return self


class CameraRole(StrEnum):
    ROOM = "room"
    ENTRANCE = "entrance"
    EXIT = "exit"
    DOOR = "door"


class Counting(StrEnum):
    BODIES = "bodies"
    FACES = "faces"


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    ABOVE = "above"
    BELOW = "below"


class CameraSettings(_Section):
    id: Id = Field(description="Id of the camera in every record.")
    source: Source = Field(
        min_length=1, description="Device number (with or without quotes), video file, folder, or rtsp/http address."
    )
    rotate: int = Field(
        0,
        ge=0,
        le=270,
        multiple_of=90,
        description="Degrees clockwise by which its frames are rotated first: 0, 90, 180 or 270, for a camera that is"
        " mounted askew.",
    )
    region: Region | None = Field(None, description="Overrides `detect.region` for this camera.")
    role: CameraRole = Field(
        CameraRole.ROOM,
        description="Meaning of a sighting: `room` (present), `entrance` (entered), `exit` (left), `door` (entered or "
        "left, by the direction of crossing the line).",
    )
    line: tuple[Point, Point] | None = Field(
        None,
        description="For doors: the counting line, two points in fractions of the frame, x and y from the top left.",
    )
    inside: Side | None = Field(
        None, description="For doors: the side of the line that is inside, as seen in the image."
    )
    hold_frames: int = Field(
        3,
        ge=1,
        le=100,
        description="For doors: frames of a face on a side of the line that confirm it; of a body, one.",
    )
    count: Counting = Field(
        Counting.BODIES,
        description="For doors and rooms: who is counted, `bodies` (everybody, recognised or not; the line is crossed "
        "by feet) or `faces` (people who are recognised, and visitors; the line is crossed by faces).",
    )
    zones: dict[ZoneName, tuple[Point, ...]] = Field(
        {},
        description="For rooms: named polygons in the frame, at least three corners each, for the time spent in them.",
    )

    @property
    def counts_bodies(self) -> bool:
        """Whether everybody counts. At an entrance and an exit faces do: the direction follows from them."""
        return self.count is Counting.BODIES and self.role in (CameraRole.DOOR, CameraRole.ROOM)

    @model_validator(mode="after")
    def _line_is_valid(self) -> Self:
        if self.role is not CameraRole.DOOR:
            if self.line is not None or self.inside is not None:
                raise ValueError(f"line and inside are for doors, but the role of this camera is {self.role}")
            return self
        if self.line is None or self.inside is None:
            raise ValueError('a door needs line, such as [[0.2, 0.6], [0.8, 0.6]], and inside, such as "below"')
        (x1, y1), (x2, y2) = self.line
        length = math.dist((x1, y1), (x2, y2))
        if length < 0.05:
            raise ValueError("the ends of line must be at least 0.05 of the frame apart")
        upright = self.inside in (Side.LEFT, Side.RIGHT)
        if abs(y2 - y1 if upright else x2 - x1) < 0.26 * length:
            sides = "above or below" if upright else "left or right"
            raise ValueError(f"inside must be {sides} for this line, not {self.inside}")
        return self

    @model_validator(mode="after")
    def _zones_are_valid(self) -> Self:
        if self.zones and self.role is not CameraRole.ROOM:
            raise ValueError(f"zones are for rooms, but the role of this camera is {self.role}")
        for name, corners in self.zones.items():
            if len(corners) < 3:
                raise ValueError(f"zone {name} needs at least three corners, got {len(corners)}")
            sides = zip(corners, (*corners[1:], corners[0]), strict=True)
            if abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in sides)) < 0.0003:
                raise ValueError(f"zone {name} has almost no area")
        return self


class Settings(_Section):
    """All settings. Functions take the sections that they need, not the whole object."""

    site: SiteSettings = Field(default_factory=SiteSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    cloud: CloudSettings = Field(default_factory=CloudSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    detect: DetectSettings = Field(default_factory=DetectSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    recognition: RecognitionSettings = Field(default_factory=RecognitionSettings)
    match: MatchSettings = Field(default_factory=MatchSettings)
    track: TrackSettings = Field(default_factory=TrackSettings)
    presence: PresenceSettings = Field(default_factory=PresenceSettings)
    audience: AudienceSettings = Field(default_factory=AudienceSettings)
    camera: tuple[CameraSettings, ...] = Field((), description="Cameras, one `[[camera]]` table each.")
    dashboard: DashboardSettings = Field(default_factory=DashboardSettings)

    @field_validator("audience")
    @classmethod
    def _audience_is_allowed(cls, audience: AudienceSettings, info: ValidationInfo) -> AudienceSettings:
        if "site" in info.data:
            audience.require_allowed(info.data["site"].kind)
        return audience

    @field_validator("camera")
    @classmethod
    def _camera_ids_differ(cls, cameras: tuple[CameraSettings, ...]) -> tuple[CameraSettings, ...]:
        ids = [camera.id for camera in cameras]
        twice = sorted({camera_id for camera_id in ids if ids.count(camera_id) > 1})
        if twice:
            raise ValueError(f"camera ids must be unique, but {', '.join(twice)} occurs more than once")
        return cameras


def load_settings(
    path: Path | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
    *,
    shared: Mapping[str, Mapping[str, object]] | None = None,
) -> Settings:
    """Read the settings: flags over environment variables over file over shared settings over defaults.

    path: the TOML file; default: the one in FOOTFALL_SETTINGS, else `footfall.toml` in the working folder if it exists.
    overrides, shared: section -> field -> value; None values in overrides are ignored.
    Raises SettingsError with the key, the reason and the nearest valid name.
    """
    source = _settings_file(path)
    data: dict[str, Any] = {section: dict(fields) for section, fields in (shared or {}).items()}
    merge(data, read_toml(source) if source else {})
    _reject_unknown_variables(os.environ)
    merge(data, _read_environment(os.environ))
    flags = {
        section: {key: value for key, value in fields.items() if value is not None}
        for section, fields in (overrides or {}).items()
    }
    merge(data, flags)
    try:
        return Settings(**data)
    except ValidationError as error:
        raise _explained(error, source, flags) from error


def _settings_file(path: Path | None) -> Path | None:
    named = path or (Path(os.environ[SETTINGS_VARIABLE]) if os.environ.get(SETTINGS_VARIABLE) else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"no settings file {named}", fix="give the path of a TOML file to --settings")
        return named
    here = Path("footfall.toml")
    return here if here.is_file() else None


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings in environment variables, parsed one by one to name an invalid one. Raises SettingsError."""
    data: dict[str, Any] = {}
    known = variable_names()
    found = {name: text for name, text in environment.items() if name.upper() in known}
    if not found:
        return data
    from pydantic_settings import EnvSettingsSource
    from pydantic_settings import SettingsError as EnvParseError

    for name, text in found.items():
        source = EnvSettingsSource(Settings, env_prefix=ENV_PREFIX, env_nested_delimiter="__")  # type: ignore[arg-type]
        source.env_vars = {name.lower(): text}
        try:
            merge(data, source())
        except EnvParseError as error:
            fix = "close every bracket and quote; docs/settings.md shows lists"
            raise SettingsError(f"{name}: the value is not JSON", fix=fix) from error  # the value may be secret
    return data


def variable_names() -> list[str]:
    """The names of all environment variables for settings."""
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    return [
        f"{ENV_PREFIX}{section}__{field}".upper()
        for section, kind in sections.items()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for field in kind.model_fields
    ] + [f"{ENV_PREFIX}CAMERA"]


def _reject_unknown_variables(environment: Mapping[str, str]) -> None:
    valid = [*variable_names(), *_OTHER_VARIABLES]
    for name in environment:
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in valid:
            raise SettingsError(f"unknown environment variable {name}", fix=nearest(name.upper(), valid))


def _explained(error: ValidationError, source: Path | None, flags: Mapping[str, Mapping[str, object]]) -> SettingsError:
    """The first error as a message: setting, reason, value and fix."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"] if part != "[key]"]
    variable = (
        "__".join([ENV_PREFIX + location[0], *location[1:2]][: 1 if location[0] == "camera" else 2]).upper()
        if location
        else ""
    )
    if variable not in map(str.upper, os.environ) or (len(location) > 1 and location[1] in flags.get(location[0], {})):
        variable = ""
    origin = f" ({variable or source})" if variable or source else ""
    where = ".".join(location) or "settings"
    if first["type"] == "extra_forbidden":
        return SettingsError(f"unknown setting {where}{origin}", fix=nearest(where, _setting_names()))
    field = _field(location)
    if first["type"] == "missing" and location[-1].isdigit():
        where = ".".join(location[:-1])
    return SettingsError(f"{where}: {reason(first)}{given(first)}{origin}", fix=advice(first, field, variable or None))


def _field(location: Sequence[str]) -> FieldInfo | None:
    """The setting at a location such as ("camera", "0", "source"); None for a section."""
    section, names = location[0] if location else "", location[2:] if location[:1] == ["camera"] else location[1:]
    kind = CameraSettings if section == "camera" else Settings.model_fields[section].annotation if section else None
    if names and isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields.get(names[0])
    return None


def _setting_names() -> list[str]:
    names = []
    for section, field in Settings.model_fields.items():
        kind = CameraSettings if section == "camera" else field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += [section, *(f"{section}.{name}" for name in kind.model_fields)]
    return names
