"""The certificate for https: one that is given, or one that this machine makes itself."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import platformdirs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from config.errors import SettingsError
from config.serving import DashboardSettings

VALID_FOR, RENEW_BEFORE = timedelta(days=397), timedelta(days=30)
"""Browsers accept a server's certificate for 398 days at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Files of a certificate and its key (PEM). fingerprint: SHA-256, as browsers show it."""

    cert: Path
    key: Path
    fingerprint: str
    self_signed: bool


def certificate_of(settings: DashboardSettings) -> Certificate:
    """The given certificate, else one that is made here. Raises SettingsError when it cannot be read or used."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        return _checked(settings.tls_cert.expanduser(), settings.tls_key.expanduser(), self_signed=False)
    folder = Path(platformdirs.user_data_dir("footfall", False)) / "tls"
    names = _names(settings)
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not _is_good(cert, names):
        _make(cert, key, names)
    return _checked(cert, key, self_signed=True)


def _checked(cert: Path, key: Path, *, self_signed: bool) -> Certificate:
    fix = "give --tls-cert a certificate and --tls-key its private key without a passphrase, both PEM"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
        parsed = x509.load_pem_x509_certificate(cert.read_bytes())
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise SettingsError(f"cannot serve https with {cert} and {key} ({error})", fix=fix) from error
    if parsed.not_valid_after_utc <= datetime.now(UTC):
        raise SettingsError(f"{cert} expired on {parsed.not_valid_after_utc:%Y-%m-%d}", fix="renew the certificate")
    digest = hashlib.sha256(parsed.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    fingerprint = ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))
    return Certificate(cert=cert, key=key, fingerprint=fingerprint, self_signed=self_signed)


def _names(settings: DashboardSettings) -> list[str]:
    """The names and addresses under which this machine may be reached, without those of its neighbours."""
    own = socket.gethostname()
    names = ["localhost", own, f"{own}.local", *settings.allowed_hosts, "127.0.0.1", "::1", settings.host]
    return [name for name in dict.fromkeys(names) if name not in {"0.0.0.0", "::"}]  # noqa: S104 - left out


def _is_good(cert: Path, names: Sequence[str]) -> bool:
    """Whether the certificate exists, holds all names and is valid for a while."""
    try:
        parsed = x509.load_pem_x509_certificate(cert.read_bytes())
        held = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return set(_alternatives(names)) <= set(held) and parsed.not_valid_after_utc > datetime.now(UTC) + RENEW_BEFORE


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name.encode("idna").decode()))
    return found


def _make(cert: Path, key: Path, names: Sequence[str]) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Footfall")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        key.parent.mkdir(parents=True, exist_ok=True)
        _write(key, secret)
        _write(cert, made.public_bytes(pem))
    except OSError as error:
        raise SettingsError(f"cannot keep a certificate in {key.parent} ({error})", fix="free or allow it") from error


def _write(path: Path, content: bytes) -> None:
    """Only its owner may read the file, also while it is written."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
