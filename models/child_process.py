"""Work that loads TensorFlow, in a child process, so that the caller never loads it.

The child writes one JSON object per line to stdout: `{"step", "fraction"}` as progress, `{"problem", "fix"}` on
failure. Its stderr is shown only if it ends without either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from config.errors import FootfallError, ModelError

Progress = Callable[[str, float], None]
"""Called with the current step and the fraction done, 0..1."""

_ROOT = Path(__file__).resolve().parents[1]
_TERMINATE_TIMEOUT_S = 5.0
_TENSORFLOW_ENV = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def run(module: str, arguments: Mapping[str, Any], *, title: str, fix: str, progress: Progress | None = None) -> None:
    """Run a module whose main program is `serve`; the child is terminated when this process is interrupted.

    arguments: JSON values. title: of the progress bar on stderr, which is shown without `progress`. fix: where the
    child crashes. Raises ModelError as the child does.
    """
    if progress is None:
        with _progress_bar(title) as shown:
            run(module, arguments, title=title, fix=fix, progress=shown)
        return
    with tempfile.TemporaryFile() as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(arguments)],
            cwd=_ROOT,  # so that a folder named `models` in the working directory is not imported instead
            env={**os.environ, **_TENSORFLOW_ENV},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        )
        try:
            failure = _follow(child, progress)
            code = child.wait()
        finally:
            _terminate(child)
        if failure is not None:
            raise failure
        if code != 0:
            raise ModelError(f"{title.lower()} failed with exit code {code}: {_last_line(stderr)}", fix=fix)


def serve(work: Callable[[dict[str, Any], Progress], None]) -> int:
    """The main program of a module that `run` runs: do the work for the arguments; returns the exit code."""
    try:
        work(json.loads(sys.argv[1]), lambda step, fraction: _send({"step": step, "fraction": fraction}))
    except FootfallError as error:
        _send({"problem": error.problem, "fix": error.fix})
        return 1
    return 0


@contextmanager
def _progress_bar(title: str) -> Iterator[Progress]:
    """A progress bar on stderr, updated by the function that it yields."""
    from rich.console import Console  # only needed where no caller shows the progress
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    step_column = TextColumn("{task.description}", markup=False)
    columns = (TextColumn(title), BarColumn(), TimeElapsedColumn(), step_column)
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, fraction: bar.update(task, description=step, completed=fraction)


def _follow(child: subprocess.Popen[str], progress: Progress) -> ModelError | None:
    """Pass on progress until the child closes stdout; returns its failure."""
    failure = None
    for line in child.stdout or ():
        try:
            message = json.loads(line)
        except ValueError:
            continue  # printed by a library
        if "problem" in message:
            failure = ModelError(message["problem"], fix=message["fix"])
        else:
            progress(message["step"], message["fraction"])
    return failure


def _terminate(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_TERMINATE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _last_line(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    lines = stderr.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no output on stderr"


def _send(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
