"""Functions as they run in the cloud: `functions-framework` processes, and CloudEvents as Firestore's triggers send."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import requests
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import Document
from google.events.cloud.firestore import Document as EventDocument
from google.events.cloud.firestore import DocumentEventData

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60
TYPE = "google.cloud.firestore.document.v1."


@dataclass
class Function:
    """One function of functions/main.py in a process of its own. log: where its output goes."""

    target: str
    env: Mapping[str, str]
    log: Path
    kind: str = "cloudevent"
    source: Path = ROOT / "functions" / "main.py"
    python: str = sys.executable
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def start(self) -> Self:
        """Returns when it listens."""
        self.port = self.port or _free_port()
        command = [self.python, "-m", "functions_framework", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--target", self.target, "--source", str(self.source), "--signature-type", self.kind]
        env = {name: value for name, value in self.env.items() if not name.startswith("PYTHON")}
        env["PYTHONUNBUFFERED"] = "TRUE"  # as in the images of Google's buildpack
        if self.source.is_relative_to(ROOT):
            env["PYTHONPATH"] = str(ROOT)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=env,
                stdout=log,
                stderr=log,
                cwd=self.source.parent,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.target} did not start:\n{self.output[-3000:]}")
        return self

    def kill(self) -> None:
        """Kill it and its workers."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None
            deadline = time.monotonic() + START_TIMEOUT_S
            while _listens(self.port):  # a worker that is still dying would take what is meant for the next process
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.target} does not end")

    def post(self, headers: Mapping[str, str], body: bytes, timeout_s: float = 60) -> requests.Response:
        return requests.post(self.url, data=body, headers=dict(headers), timeout=timeout_s)


def cloud_event(
    project: str,
    document: str,
    *,
    after: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    kind: str = "created",
) -> tuple[dict[str, str], bytes]:
    """Headers and body of the event that Firestore's trigger sends for a document (its path) that was written."""
    now = datetime.now(UTC)
    database = f"projects/{project}/databases/(default)"
    data = DocumentEventData()
    if after is not None:
        data.value = _document(f"{database}/documents/{document}", after, now)
    if before is not None:
        data.old_value = _document(f"{database}/documents/{document}", before, now)
    headers = {
        "Content-Type": "application/protobuf",
        "ce-specversion": "1.0",
        "ce-id": uuid.uuid4().hex,
        "ce-type": f"{TYPE}{kind}",
        "ce-source": f"//firestore.googleapis.com/{database}",
        "ce-subject": f"documents/{document}",
        "ce-time": now.isoformat().replace("+00:00", "Z"),
        "ce-dataschema": "https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/"
        "firestore/v1/data.proto",
        "ce-location": "us-central1",
        "ce-project": project,
        "ce-database": "(default)",
        "ce-namespace": "(default)",
        "ce-document": document,
    }
    return headers, DocumentEventData.serialize(data)


def _document(name: str, fields: Mapping[str, Any], at: datetime) -> EventDocument:
    """The same bytes as in Firestore's own protocol."""
    document = Document(name=name, fields=_helpers.encode_dict(dict(fields)), create_time=at, update_time=at)
    found: EventDocument = EventDocument.deserialize(Document.serialize(document))
    return found


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True
