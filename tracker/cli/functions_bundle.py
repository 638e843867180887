"""What Firebase deploys as Cloud Functions: a folder with the entry point, the pins, and a wheel of this Footfall.

Works from an installed package and from a checkout that is installed in place. Nothing is built by other programs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from config.errors import CloudError

PACKAGE = "footfall"
ROOMS = ("config", "functions", "tracker")
"""The packages in the wheel; only what the functions import of them is ever read there."""
_OF_THIS_MACHINE = frozenset({".so", ".dll"})
"""Ends of the names of files that run on no other kind of machine."""
DEPLOYMENT = "deployment.json"
ENTRY = "main.py"
PINS = "pins.txt"
FIREBASE = "firebase.json"
DEFAULT_REGION = "us-central1"
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the wheel, so that the same files make the same wheel."""
_WHEEL = b"Wheel-Version: 1.0\nGenerator: footfall\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_PROJECT = {
    "functions": [
        {"source": ".", "codebase": PACKAGE, "runtime": "python311", "ignore": ["venv", "__pycache__", "*.log", ".*"]}
    ]
}
"""What Firebase's own command reads, so that it can be run in the folder."""
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]{1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A folder that is ready to be deployed. files: their names, and how many bytes each has."""

    folder: Path
    files: dict[str, int]


def bundle(out: Path, *, database: str = "(default)", region: str | None = None) -> Bundle:
    """Write the folder `out`, or update one written before. Other files in it, such as `venv`, are kept.

    database: whose documents trigger the functions. region: where they run; None keeps that of the folder.
    Raises CloudError where the folder holds something else, the region is invalid, or it cannot be written.
    """
    region = region or _region_before(out)
    if not _REGION.fullmatch(region):
        raise CloudError(f"{region!r} is no region", fix="give one as us-central1, as the Firebase console shows it")
    entry = _folder("functions") / ENTRY
    name, wheel_files = _wheel()
    try:
        _require_ours(out)
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob(f"{PACKAGE}-*.whl"):
            old.unlink()
        with zipfile.ZipFile(out / name, "w", zipfile.ZIP_DEFLATED) as wheel:
            for path, content in wheel_files:
                wheel.writestr(zipfile.ZipInfo(path, _FIRST_TIME), content, zipfile.ZIP_DEFLATED)
        pins = (_folder("functions") / PINS).read_text(encoding="utf-8")
        (out / "requirements.txt").write_text(f"{pins.rstrip()}\n./{name}\n", encoding="utf-8")
        (out / ENTRY).write_bytes(entry.read_bytes())
        deployment = {"database": database, "region": region}
        for file, record in ((DEPLOYMENT, deployment), (FIREBASE, _PROJECT)):
            (out / file).write_text(f"{json.dumps(record, indent=2)}\n", encoding="utf-8")
    except OSError as error:
        raise CloudError(f"{out}: cannot be written ({error})", fix="give a folder with --out that can be") from error
    names = (ENTRY, "requirements.txt", DEPLOYMENT, FIREBASE, name)
    return Bundle(folder=out, files={each: (out / each).stat().st_size for each in names})


def _region_before(out: Path) -> str:
    """The region of a folder that was written before."""
    try:
        region = json.loads((out / DEPLOYMENT).read_text(encoding="utf-8"))["region"]
    except (OSError, ValueError, KeyError, TypeError):
        return DEFAULT_REGION
    return str(region)


def _require_ours(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise CloudError(f"{out} is a file", fix="give a folder with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / DEPLOYMENT).exists():
        raise CloudError(f"{out} holds something else", fix="give an empty or a new folder with --out")


def _wheel() -> tuple[str, list[tuple[str, bytes]]]:
    """The name of the wheel, and the paths and contents of its files."""
    try:
        about = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise CloudError("Footfall is not installed here", fix="in a checkout: pip install -e .") from error
    files = [(path, content) for room in ROOMS for path, content in _files_of(room)]
    place = f"{PACKAGE}-{about.version}.dist-info"
    files.append((f"{place}/METADATA", _metadata(about)))
    files.append((f"{place}/WHEEL", _WHEEL))
    record = "".join(f"{path},{_digest(content)},{len(content)}\n" for path, content in files)
    files.append((f"{place}/RECORD", f"{record}{place}/RECORD,,\n".encode()))
    return f"{PACKAGE}-{about.version}-py3-none-any.whl", files


def _files_of(room: str) -> Iterator[tuple[str, bytes]]:
    folder = _folder(room)
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        hidden = "__pycache__" in within.parts or path.name.startswith(".")
        if path.is_file() and not hidden and path.suffix not in _OF_THIS_MACHINE:
            yield f"{room}/{within.as_posix()}", path.read_bytes()


def _metadata(about: metadata.Distribution) -> bytes:
    """The metadata of the wheel: the requirements of the base, without extras."""
    needs = [each for each in about.requires or () if not re.search(r"\bextra\s*==", each)]
    lines = [f"Name: {PACKAGE}", f"Version: {about.version}", *(f"Requires-Dist: {each}" for each in needs)]
    return "\n".join(["Metadata-Version: 2.1", *lines, ""]).encode()


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


def _folder(room: str) -> Path:
    found = find_spec(room)
    places = None if found is None else found.submodule_search_locations
    if not places:
        raise CloudError(f"the part {room!r} of Footfall is not installed", fix="reinstall Footfall")
    return Path(places[0])
