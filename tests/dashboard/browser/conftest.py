"""The browser camera's modules, in Node and in Chromium."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config.recognition import QualitySettings
from config.settings import Precision
from tests.dashboard.browser.javascript import Ask, answering
from tracker.vision.detector import Detector

MIN_FACE = round(1.25 * QualitySettings().min_width)
"""A face is higher than wide; see dashboard/browser/src/vision/engine.js."""
BROWSER = Path(__file__).parents[3] / "dashboard" / "browser"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="session")
def detector(models_folder: Path) -> Detector:
    """The exact cascade, for faces that are large enough for recognition."""
    return Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2, min_face=MIN_FACE, exhaustive=True)


@pytest.fixture(scope="session")
def modules() -> Iterator[str]:
    """The address of dashboard/browser."""
    yield from _served(BROWSER)


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The modules in Node."""
    with answering("modules.mjs") as asking:
        yield asking


def _served(folder: Path) -> Iterator[str]:
    """The address of a folder while it is served."""
    mimetypes.add_type("text/javascript", ".js")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
