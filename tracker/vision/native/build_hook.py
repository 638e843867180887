"""Compiles kernels.c while Footfall is installed. Without a compiler, or where it fails, it installs all the same.

Hatchling runs this file by its path and knows nothing of the rest of Footfall; so it imports nothing of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "kernels.c"
LIBRARY = "libkernels.dll" if sys.platform == "win32" else "libkernels.so"
COMPILERS = ("cc", "gcc", "clang")
OPTIONS = (
    "-std=gnu11", "-O3", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-fno-strict-aliasing", "-Wno-psabi",
)  # fmt: skip
SIMPLER = ("-DONE_TARGET",)
"""Where the compiler cannot make several versions of a function."""
_PATIENCE_S = 300
_ASK = """
import ctypes, sys
source = ctypes.CDLL(sys.argv[1]).footfall_source
source.restype = ctypes.c_char_p
print(source().decode())
"""


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts the library into the wheel, which then is of this platform; beside its source when installed in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = HERE if version == "editable" else Path(self.directory) / "native"
        folder.mkdir(parents=True, exist_ok=True)
        library, said = compiled(folder)
        if library is None:
            self.app.display_warning(f"Footfall: detection is not compiled and takes longer ({said})")
            return
        if version != "editable":
            build_data["force_include"][str(library)] = f"tracker/vision/native/{LIBRARY}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compiled(folder: Path) -> tuple[Path | None, str]:
    """The library, made in `folder` and tried out; or None and what stands in the way. An old one is taken away."""
    library = folder / LIBRARY
    library.unlink(missing_ok=True)
    compiler = _compiler()
    if compiler is None:
        return None, f"none of {', '.join(COMPILERS)} is there"
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
    fresh = library.with_name(f"{os.getpid()}-{LIBRARY}")
    said = ""
    for further in ((), SIMPLER):
        command = [*compiler, *OPTIONS, *further, f'-DSOURCE="{digest}"', str(SOURCE), "-o", str(fresh)]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
            said = run.stderr.strip().splitlines()[0] if run.stderr.strip() else f"status {run.returncode}"
            if run.returncode == 0 and _works(fresh, digest):
                return fresh.replace(library), ""
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
        finally:
            fresh.unlink(missing_ok=True)
    return None, f"{' '.join(compiler)}: {said}"


def _compiler() -> list[str] | None:
    """The command that CC names, or the first that is there."""
    named = os.environ.get("CC", "").split()
    if named and shutil.which(named[0]):
        return named
    return next(([each] for each in COMPILERS if shutil.which(each)), None)


def _works(library: Path, digest: str) -> bool:
    """Whether this machine can load it; asked in a process of its own, which may die of it."""
    command = [sys.executable, "-c", _ASK, str(library)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    return run.returncode == 0 and run.stdout.strip() == digest
