"""Hatchling build hook that compiles kernels.c. Installation succeeds without a compiler, too.

Hatchling runs this file by its path before Footfall is installed, so it imports nothing of Footfall.
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
FLAGS = (
    "-std=gnu11", "-O3", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-fno-strict-aliasing", "-Wno-psabi",
)  # fmt: skip
FALLBACK_FLAGS = ("-DONE_TARGET",)
"""For compilers without `target_clones`."""
_TIMEOUT_S = 300
_LOAD_SCRIPT = """
import ctypes, sys
source = ctypes.CDLL(sys.argv[1]).footfall_source
source.restype = ctypes.c_char_p
print(source().decode())
"""


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the library to the wheel and tags it for this platform; an editable install gets it beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = HERE if version == "editable" else Path(self.directory) / "native"
        folder.mkdir(parents=True, exist_ok=True)
        library, problem = compile_library(folder)
        if library is None:
            self.app.display_warning(f"Footfall: face detection runs without native code and is slower ({problem})")
            return
        if version != "editable":
            build_data["force_include"][str(library)] = f"tracker/vision/native/{LIBRARY}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compile_library(folder: Path) -> tuple[Path | None, str]:
    """The library, compiled into `folder` and load-tested; or None and the reason. An old library is deleted."""
    library = folder / LIBRARY
    library.unlink(missing_ok=True)
    compiler = _compiler()
    if compiler is None:
        return None, f"no C compiler found ({', '.join(COMPILERS)})"
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
    temporary = library.with_name(f"{os.getpid()}-{LIBRARY}")
    problem = ""
    for flags in ((), FALLBACK_FLAGS):
        command = [*compiler, *FLAGS, *flags, f'-DSOURCE="{digest}"', str(SOURCE), "-o", str(temporary)]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
            problem = run.stderr.strip().splitlines()[0] if run.stderr.strip() else f"status {run.returncode}"
            if run.returncode == 0 and _loads(temporary, digest):
                return temporary.replace(library), ""
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        finally:
            temporary.unlink(missing_ok=True)
    return None, f"{' '.join(compiler)}: {problem}"


def _compiler() -> list[str] | None:
    """The command in the environment variable CC, or the first known compiler."""
    command = os.environ.get("CC", "").split()
    if command and shutil.which(command[0]):
        return command
    return next(([each] for each in COMPILERS if shutil.which(each)), None)


def _loads(library: Path, digest: str) -> bool:
    """Whether the library can be loaded; tested in a child process, in case it crashes."""
    command = [sys.executable, "-c", _LOAD_SCRIPT, str(library)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    return run.returncode == 0 and run.stdout.strip() == digest
