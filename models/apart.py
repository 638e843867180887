"""Building in a process of its own, so that the one that asks never loads TensorFlow.

The child writes one JSON object a line on stdout: `{"step", "fraction"}` while it works, `{"problem", "fix"}` when it
gives up. What TensorFlow says on stderr is kept aside and shown only if the child dies without a word.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from config.errors import FootfallError, ModelError
from config.settings import Precision

ADVICE = "pip install 'footfall[models]', or copy a folder made by 'footfall models export' and name it: --models DIR"
_ROOT = Path(__file__).resolve().parents[1]
_END_WAIT_S = 5.0
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def can_build() -> bool:
    """Whether the packages that building needs are installed."""
    return importlib.util.find_spec("tensorflow") is not None


def require_packages(reason: ModelError) -> None:
    """Raises ModelError with the way out when this installation cannot build. reason: why it would have to."""
    if not can_build():
        raise ModelError(f"{reason.problem}, and TensorFlow to build them is not installed", fix=ADVICE) from reason


def build_apart(
    folder: Path,
    *,
    precisions: Sequence[Precision],
    force: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> None:
    """`models.build.build` in a child process; ends it when this one is interrupted.

    Raises ModelError with the child's own words.
    """
    if progress is None:
        with bar() as drawn:
            build_apart(folder, precisions=precisions, force=force, progress=drawn)
        return
    order = json.dumps({"folder": str(folder.absolute()), "precisions": list(precisions), "force": force})
    with tempfile.TemporaryFile() as noise:
        child = subprocess.Popen(
            [sys.executable, "-m", "models.apart", order],
            cwd=_ROOT,  # a folder called `models` where the caller stands must not be taken for this one
            env={**os.environ, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=noise,
            encoding="utf-8",
        )
        try:
            failure = _follow(child, progress)
            code = child.wait()
        finally:
            _end(child)
        if failure is not None:
            raise failure
        if code != 0:
            raise ModelError(f"building the models ended with code {code}: {_last_line(noise)}", fix="try it again")


@contextmanager
def bar() -> Iterator[Callable[[str, float], None]]:
    """A progress bar on stderr, as a function that takes the step and the part done."""
    columns = (TextColumn("Building models"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=False) as drawn:
        task = drawn.add_task("starting", total=1.0)
        yield lambda step, fraction: drawn.update(task, description=step, completed=fraction)


def _follow(child: subprocess.Popen[str], progress: Callable[[str, float], None]) -> ModelError | None:
    failure = None
    for line in child.stdout or ():
        try:
            message = json.loads(line)
        except ValueError:
            continue  # something a library printed
        if "problem" in message:
            failure = ModelError(message["problem"], fix=message["fix"])
        else:
            progress(message["step"], message["fraction"])
    return failure


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _last_line(noise: IO[bytes]) -> str:
    noise.seek(0)
    lines = noise.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _child(order: str) -> int:
    from models.build import build  # the parent needs neither filelock nor anything behind it

    wanted = json.loads(order)
    try:
        build(
            Path(wanted["folder"]),
            precisions=[Precision(name) for name in wanted["precisions"]],
            force=wanted["force"],
            progress=lambda step, fraction: _say({"step": step, "fraction": fraction}),
        )
    except FootfallError as error:
        _say({"problem": error.problem, "fix": error.fix})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1]))
