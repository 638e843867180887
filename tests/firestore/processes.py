"""Firestore servers as processes: started on a free port, killed, restarted on the same port."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
NODE_FOLDER = Path(__file__).parent / "node"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10


class ServerProcess:
    """Our test server in a process of its own (`python -m tests.firestore.server`).

    indexes: queries it does not serve are refused. data: a file that keeps what was committed, so that a server that
    was killed and started again has it. The port stays the same from the first start on.
    """

    def __init__(self, *, indexes: Path | None = None, data: Path | None = None) -> None:
        self.port = 0
        self._options = [] if indexes is None else ["--indexes", str(indexes)]
        self._options += [] if data is None else ["--data", str(data)]
        self._process: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        """What FIRESTORE_EMULATOR_HOST has to say."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> Self:
        """Returns when the server answers. Raises RuntimeError when it does not come up."""
        self._process, self.port = launched(
            [sys.executable, "-m", "tests.firestore.server", "--until-eof", "--port", str(self.port), *self._options]
        )
        return self

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            ended(self._process)
            self._process = None

    def stop(self) -> None:
        """End it in order; harmless when it is not running."""
        if self._process is not None:
            ended(self._process)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *reason: object) -> None:
        self.stop()


def launched(command: list[str], cwd: Path = ROOT) -> tuple[subprocess.Popen[str], int]:
    """The process, once it has printed its port, and the port."""
    # Servers are children of tests that may set FIRESTORE_EMULATOR_HOST for clients: it means nothing to them.
    env = {key: value for key, value in os.environ.items() if key != "FIRESTORE_EMULATOR_HOST"}
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    if process.stdout is None:
        raise RuntimeError("a server without standard output")
    ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
    line = process.stdout.readline().strip() if ready else ""
    if not line.isdigit():
        process.kill()
        ended(process)
        raise RuntimeError(f"no server came up: {' '.join(command)} printed {line!r}")
    return process, int(line)


def ended(process: subprocess.Popen[str]) -> None:
    """Close its standard input, which ends it, and wait; kill it when that does not help."""
    try:
        process.communicate(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def lacks_node() -> str:
    """Why the npm emulator and the Node client cannot run here; "" when they can."""
    if shutil.which("node") is None:
        return "Node.js is missing"
    if not (NODE_FOLDER / "node_modules").is_dir():
        return "Node packages are missing: npm ci --prefix tests/firestore/node"
    return ""


def launched_npm_emulator() -> tuple[subprocess.Popen[str], int]:
    """The npm emulator on a port that was free a moment ago."""
    for _ in range(5):
        try:
            return launched([shutil.which("node") or "node", "emulator.cjs", str(free_port())], cwd=NODE_FOLDER)
        except RuntimeError as error:
            failure = error
    raise failure


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
