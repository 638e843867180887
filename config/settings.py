"""All settings of Footfall in one frozen object, read once at the door.

Order of precedence: command-line flags, environment (`FOOTFALL_SITE__ID=gym`), the TOML file, what the machines of a
site share in the cloud, the defaults below.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
import tzlocal
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadError

from config.errors import SettingsError
from config.faults import advice, given, nearest, reason
from config.kinds import Id, Point, Region, SiteName, Source, TimeOfDay, ZoneName
from config.layers import merge, read_toml
from config.storage import CloudSettings, StoreSettings

ENV_PREFIX = "FOOTFALL_"
SETTINGS_VARIABLE = "FOOTFALL_SETTINGS"
_OTHER_VARIABLES = frozenset({SETTINGS_VARIABLE, "FOOTFALL_TESTDATA", "FOOTFALL_BENCH_DLIB"})


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SiteSettings(_Section):
    id: Id = Field("main", description="Name of the site in every record: letters, digits, . _ -")
    name: SiteName = Field("My site", description="Name of the site that people read.")
    time_zone: str = Field("local", description="IANA zone of reports and pages, or `local` for the machine's own.")
    capacity: int | None = Field(None, ge=1, description="People the site may hold; shows occupancy in percent.")

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
    precision: Precision = Field(Precision.FLOAT16, description="Number format of the weights: `float16` or `float32`.")
    threads: int = Field(2, ge=1, le=64, description="Processor threads that one network may use.")


class DetectSettings(_Section):
    min_face: int = Field(
        20,
        ge=12,
        le=2000,
        description="Smallest face to look for, px; twice the size, four times the speed.",
    )
    scale_factor: float = Field(0.709, gt=0.1, lt=0.99, description="Ratio of one pyramid level to the one before.")
    proposal_threshold: float = Field(0.6, ge=0, lt=1, description="Score that a P-Net proposal must pass.")
    refine_threshold: float = Field(0.7, ge=0, lt=1, description="Score that an R-Net candidate must pass.")
    output_threshold: float = Field(0.8, ge=0, lt=1, description="Score that an O-Net face must pass.")
    max_faces: int | None = Field(None, ge=1, description="Keep only this many faces of a frame, the best first.")
    region: Region = Field(
        (0.0, 0.0, 1.0, 1.0),
        description="Part of a camera's frame in which to look for faces, in fractions of the frame: left, top, right, "
        "bottom. Pictures of people are searched whole.",
    )


class MatchSettings(_Section):
    max_distance: float = Field(0.55, gt=0, lt=2, description="Farther than this (Euclidean) is not that person.")
    min_margin: float = Field(0.05, ge=0, lt=1, description="The runner-up must be this much farther away.")
    stranger_distance: float = Field(
        0.6, gt=0, lt=2, description="Farther than this from everybody is a stranger; in between nobody is named."
    )
    clear_by: float = Field(
        0.05, ge=0, lt=1, description="One sighting of a track must be this much nearer than max_distance for a name."
    )
    min_sightings: int = Field(2, ge=1, le=100, description="Good sightings before a track gets a name.")
    visitor_sightings: int = Field(4, ge=1, le=100, description="Good sightings before a stranger gets a visitor id.")

    @model_validator(mode="after")
    def _dead_zone(self) -> Self:
        if self.stranger_distance < self.max_distance:
            raise ValueError("stranger_distance must not be smaller than max_distance")
        return self


class QualitySettings(_Section):
    min_width: int = Field(32, ge=1, le=2000, description="A face narrower than this (px) does not vote for a name.")
    min_sharpness: float = Field(
        1.5, ge=0, description="A face blurred below this does not vote; a good camera's face of 60 px has about 4."
    )
    max_yaw: float = Field(
        0.6, gt=0, le=1, description="Turned aside (0 frontal, 1 profile) beyond this, a face does not vote."
    )
    max_pitch: float = Field(
        0.8, gt=0, le=1, description="Bent up or down (0 level, 1 from above or below) beyond this, it does not vote."
    )
    min_contrast: float = Field(
        0.02,
        ge=0,
        lt=0.5,
        description="Spread of grey (0..0.5) below which a face in the dark or in fog does not vote.",
    )
    max_clipped: float = Field(
        0.5, ge=0, le=1, description="A face of which more than this part is plain white or black does not vote."
    )


class TrackSettings(_Section):
    max_gap_s: float = Field(1.5, ge=0, le=60, description="Seconds unseen after which a track has ended.")
    min_iou: float = Field(0.3, gt=0, lt=1, description="Overlap (IoU) that makes a box the next box of a track.")


class PresenceSettings(_Section):
    exit_after_s: float = Field(30.0, gt=0, le=86400, description="Seconds unseen after which a person has left.")
    merge_gap_s: float = Field(300.0, ge=0, le=86400, description="Out and in within this many seconds is one visit.")
    min_visit_s: float = Field(0.0, ge=0, le=86400, description="Shorter visits are bounces: kept and marked.")
    max_visit_s: float = Field(57600.0, gt=0, le=604800, description="A visit without evidence for so long is closed.")
    max_unseen_s: float = Field(
        7200.0,
        gt=0,
        le=604800,
        description="Where doors and rooms are both watched: who is unseen for so long is gone, until seen again.",
    )
    skew_s: float = Field(2.0, ge=0, le=60, description="How far camera clocks may differ, seconds.")
    closes_at: TimeOfDay | None = Field(
        None,
        description="Time of day by which everybody has gone, as `23:30`: a visit without an exit does not outlast it.",
    )
    opens_at: TimeOfDay | None = Field(
        None,
        description="Time of day from which people come, as `06:00`: from closing to then cameras need not watch.",
    )

    @model_validator(mode="after")
    def _opening_hours(self) -> Self:
        if self.opens_at is not None and (self.closes_at is None or self.closes_at == self.opens_at):
            raise ValueError("opens_at needs closes_at beside it, another time of day")
        return self


class CameraRole(StrEnum):
    ROOM = "room"
    ENTRANCE = "entrance"
    EXIT = "exit"
    DOOR = "door"


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    ABOVE = "above"
    BELOW = "below"


class CameraSettings(_Section):
    id: Id = Field(description="Name of the camera in every record.")
    source: Source = Field(
        min_length=1,
        description="Device number (with or without quotes), video file, folder, or rtsp/http address.",
    )
    region: Region | None = Field(None, description="The same as `detect.region`, for this camera alone.")
    role: CameraRole = Field(
        CameraRole.ROOM,
        description="What being seen means: `room` (in sight is present), `entrance` (came in), `exit` (went out), "
        "`door` (the direction over the line decides).",
    )
    line: tuple[Point, Point] | None = Field(
        None, description="Of a door: the line to go over, two points in fractions of the frame, x and y from top left."
    )
    inside: Side | None = Field(None, description="Of a door: the side of the line, in the picture, where inside is.")
    hold_frames: int = Field(3, ge=1, le=100, description="Of a door: frames on a side of the line that make it sure.")
    zones: dict[ZoneName, tuple[Point, ...]] = Field(
        {},
        description="Of a room: named parts of the frame, three corners or more each, to tell how long who is there.",
    )

    @model_validator(mode="after")
    def _line_fits(self) -> Self:
        if self.role is not CameraRole.DOOR:
            if self.line is not None or self.inside is not None:
                raise ValueError(f"line and inside belong to a door, the role of this camera is {self.role}")
            return self
        if self.line is None or self.inside is None:
            raise ValueError('a door needs line, such as [[0.2, 0.6], [0.8, 0.6]], and inside, such as "below"')
        (x1, y1), (x2, y2) = self.line
        length = math.dist((x1, y1), (x2, y2))
        if length < 0.05:
            raise ValueError("the ends of line must lie apart by 0.05 of the frame or more")
        upright = self.inside in (Side.LEFT, Side.RIGHT)
        if abs(y2 - y1 if upright else x2 - x1) < 0.26 * length:
            sides = "above or below" if upright else "left or right"
            raise ValueError(f"inside must be {sides} for this line, which has no side {self.inside}")
        return self

    @model_validator(mode="after")
    def _zones_fit(self) -> Self:
        if self.zones and self.role is not CameraRole.ROOM:
            raise ValueError(f"zones belong to a room, the role of this camera is {self.role}")
        for name, corners in self.zones.items():
            if len(corners) < 3:
                raise ValueError(f"zone {name} needs three corners or more, it has {len(corners)}")
            sides = zip(corners, (*corners[1:], corners[0]), strict=True)
            if abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in sides)) < 0.0003:
                raise ValueError(f"zone {name} spans next to none of the frame")
        return self


class DashboardSettings(_Section):
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 opens it to the network.")
    port: int = Field(8050, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")


class Settings(BaseSettings):
    """Everything that can be set. Sections are handed to the parts that need them, never the whole."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter="__", allow_inf_nan=False
    )

    site: SiteSettings = Field(default_factory=SiteSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    cloud: CloudSettings = Field(default_factory=CloudSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    detect: DetectSettings = Field(default_factory=DetectSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    match: MatchSettings = Field(default_factory=MatchSettings)
    track: TrackSettings = Field(default_factory=TrackSettings)
    presence: PresenceSettings = Field(default_factory=PresenceSettings)
    camera: tuple[CameraSettings, ...] = Field((), description="Cameras, one `[[camera]]` table each.")
    dashboard: DashboardSettings = Field(default_factory=DashboardSettings)

    @field_validator("camera")
    @classmethod
    def _camera_ids_differ(cls, cameras: tuple[CameraSettings, ...]) -> tuple[CameraSettings, ...]:
        ids = [camera.id for camera in cameras]
        twice = sorted({camera_id for camera_id in ids if ids.count(camera_id) > 1})
        if twice:
            raise ValueError(f"camera ids must differ, {', '.join(twice)} stands twice")
        return cameras

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load_settings` merges the sources itself; building `Settings(...)` directly reads nothing from outside."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def load_settings(
    path: Path | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
    *,
    shared: Mapping[str, Mapping[str, object]] | None = None,
) -> Settings:
    """Read the settings once: flags over environment over file over what the site shares over defaults.

    path: the TOML file; without it the one that FOOTFALL_SETTINGS names, else `footfall.toml` in the working folder
    if there is one. overrides, shared: section -> field -> value; None values are left out of overrides.
    Raises SettingsError naming the key, the reason and the nearest valid name.
    """
    source = _settings_file(path)
    data: dict[str, Any] = {section: dict(fields) for section, fields in (shared or {}).items()}
    merge(data, read_toml(source) if source else {})
    _refuse_unknown_variables(os.environ)
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
    """What the variables say, one read after the other so that a bad one can be named. Raises SettingsError."""
    data: dict[str, Any] = {}
    for name, text in environment.items():
        if name.upper() not in variable_names():
            continue
        source = EnvSettingsSource(Settings)
        source.env_vars = {name.lower(): text}
        try:
            merge(data, source())
        except UnreadError as error:
            fix = "close every bracket and quote; docs/settings.md shows lists"
            raise SettingsError(f"{name}: the value is not JSON", fix=fix) from error  # a password may be in it
    return data


def variable_names() -> list[str]:
    """Every environment variable that sets something."""
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    return [
        f"{ENV_PREFIX}{section}__{field}".upper()
        for section, kind in sections.items()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for field in kind.model_fields
    ] + [f"{ENV_PREFIX}CAMERA"]


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    valid = [*variable_names(), *_OTHER_VARIABLES]
    for name in environment:
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in valid:
            raise SettingsError(f"unknown environment variable {name}", fix=nearest(name.upper(), valid))


def _explained(error: ValidationError, source: Path | None, flags: Mapping[str, Mapping[str, object]]) -> SettingsError:
    """The first fault in words: where it is, what it says, what it should say."""
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"] if part != "[key]"]
    variable = (
        "__".join([ENV_PREFIX + place[0], *place[1:2]][: 1 if place[0] == "camera" else 2]).upper() if place else ""
    )
    if variable not in map(str.upper, os.environ) or (len(place) > 1 and place[1] in flags.get(place[0], {})):
        variable = ""
    origin = f" ({variable or source})" if variable or source else ""
    where = ".".join(place) or "settings"
    if fault["type"] == "extra_forbidden":
        return SettingsError(f"unknown setting {where}{origin}", fix=nearest(where, _setting_names()))
    field = _field(place)
    if fault["type"] == "missing" and place[-1].isdigit():
        where = ".".join(place[:-1])
    return SettingsError(f"{where}: {reason(fault)}{given(fault)}{origin}", fix=advice(fault, field, variable or None))


def _field(place: Sequence[str]) -> FieldInfo | None:
    """The setting at a place such as ("camera", "0", "source"); None for a whole section."""
    section, names = place[0] if place else "", place[2:] if place[:1] == ["camera"] else place[1:]
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
