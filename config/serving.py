"""Settings of the dashboard."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$")]


class Tls(StrEnum):
    SELF_SIGNED = "self-signed"


class DashboardSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on; 0.0.0.0 for all network interfaces, which needs users.",
    )
    port: int = Field(8050, ge=0, le=65535, description="Port to listen on; 0 for any free port.")
    base_path: str = Field(
        "/",
        pattern=r"^/([A-Za-z0-9._~-]+/)*$",
        description="Path below which a reverse proxy serves the pages, as `/footfall/`; whether or not it removes it.",
    )
    allowed_hosts: tuple[HostName, ...] = Field(
        (),
        description="Names under which browsers reach the dashboard, besides IP addresses and the names of this"
        " machine; requests with another Host header are refused.",
    )
    keep_gallery: bool = Field(
        True,
        description="Browsers that are cameras keep the vectors of enrolled people, encrypted, so that they recognise"
        " people without network.",
    )
    tls: Tls | None = Field(
        None, description="Without `dashboard.tls_cert`: serve https with a certificate that this machine makes itself."
    )
    tls_cert: Path | None = Field(
        None, description="Certificate for https (PEM, with the chain); needs `dashboard.tls_key`."
    )
    tls_key: Path | None = Field(None, description="Private key of `dashboard.tls_cert` (PEM).")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key must be given together")
        return self
