"""The browser camera's vision in a real Chromium without a GPU, beside face-api.js and its successor.

Each library has a page of its own, because versions of TensorFlow.js in one page share their state; the pages are timed
in turn. A peer's detection includes its 68 landmarks, the browser camera's five: by them both align faces. The peers'
network for recognition is dlib's, half the work of SFace.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.frames import Image, heads, room
from benchmarks.measure import ROOT, Row, Timing, run, summary
from config.recognition import DetectSettings, QualitySettings
from config.settings import ModelSettings
from models import browser as camera_networks

SIZE_WH = (640, 480)
COUNTS = (0, 1, 3)
ROUNDS = 5
"""In which the pages are timed in turn."""
EACH = {"ours": 8, "peer": 1, "strong": 3}
"""Calls of a page in a round; one more before them is not counted."""
DETECTORS = ("tiny", "ssd")
CAMERA = ROOT / "dashboard" / "browser"
PEERS = ROOT / "benchmarks" / "node"
FACE_API, SUCCESSOR = "face-api.js 0.22.2", "@vladmandic/face-api 1.7.15"
_SCRIPTS = {
    FACE_API: ("modules/face-api.js/dist/face-api.min.js", "peer.js"),
    SUCCESSOR: ("modules/@vladmandic/face-api/dist/face-api.js", "peer.js"),
}
_BACKENDS = {FACE_API: "webgl", SUCCESSOR: "wasm"}
"""The faster one of each: face-api.js has WebGL, here in software, and plain JavaScript."""
_NODE_ONLY = ("fs", "os", "path", "perf_hooks", "util", "worker_threads")
_SLOW_MS = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The measured pages. ours: by embedder. peers: by library and detector."""

    ours: Mapping[str, Page]
    peers: Mapping[tuple[str, str], Page]


def rows() -> Iterator[Row]:
    """Detection with landmarks by number of faces, embedding of a chip, both of one face."""
    folder = ModelSettings().dir
    camera_networks.build(folder)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        served = Path(place)
        _write_files(served, camera_networks.browser_networks(folder))
        pages = stack.enter_context(_open_pages(served))
        for detector, faces in (*(("tiny", count) for count in COUNTS), ("ssd", 1)):
            case = f"browser: detect {SIZE_WH[0]}x{SIZE_WH[1]}, {faces} faces"
            yield _row(pages, case, "detect", f"{faces}.png", ours="dlib_resnet", detector=detector)
        for embedder in pages.ours:
            picture = f"{embedder}.png"
            yield _row(pages, f"browser: embed 1 face, {embedder}", "embed", picture, ours=embedder)
            yield _row(pages, f"browser: detect and embed 1 face, {embedder}", "analyse", "1.png", ours=embedder)


def _row(pages: Pages, case: str, job: str, picture: str, *, ours: str, detector: str = "tiny") -> Row:
    """A job of the browser camera beside the same one of the peers."""
    each = {"ours": pages.ours[ours]}
    each |= {"peer": pages.peers[FACE_API, detector], "strong": pages.peers[SUCCESSOR, detector]}
    walls: dict[str, list[float]] = {side: [] for side in each}
    results: dict[str, Any] = {}
    for _ in range(ROUNDS):
        for side, page in each.items():
            found = page.evaluate(f"measure({json.dumps(job)}, {json.dumps('/' + picture)}, {EACH[side] + 1})")
            walls[side] += found["walls"][1:]
            results[side] = found["result"]
    timings: dict[str, Timing] = {side: summary(times) for side, times in walls.items()}
    rivals = ("peer", "strong") if ours == "dlib_resnet" else ("peer",)
    best = min(timings[side].median_ms for side in rivals)
    counts = "" if job == "embed" else f"faces: {results['ours']}, {results['peer']}, {results['strong']}"
    return Row(
        case=case,
        ours_ms=timings["ours"].median_ms,
        ours_p95_ms=timings["ours"].p95_ms,
        peer=FACE_API if job == "embed" else f"{FACE_API}, {detector}",
        peer_ms=timings["peer"].median_ms,
        peer_p95_ms=timings["peer"].p95_ms,
        strong_peer=f"{SUCCESSOR} on WebAssembly",
        strong_peer_ms=timings["strong"].median_ms,
        target="faster than both" if len(rivals) == 2 else "faster than face-api.js",
        met=timings["ours"].median_ms < best,
        note=counts or None,
    )


@contextmanager
def _open_pages(folder: Path) -> Iterator[Pages]:
    """Pages that have loaded their networks, in one browser, of a server that isolates them from other origins."""
    settings = {"detect": DetectSettings(), "quality": QualitySettings()}
    plain = {name: each.model_dump(mode="json") for name, each in settings.items()}
    with _serving(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        context = browser.new_context()
        try:
            yield Pages(
                ours={
                    embedder: _page(context, f"{address}/footfall.html", {"embedder": embedder, "settings": plain})
                    for embedder in ("dlib_resnet", "sface")
                },
                peers={
                    (name, detector): _page(
                        context, f"{address}/{_page_name(name)}", {"backend": _BACKENDS[name], "detector": detector}
                    )
                    for name in _SCRIPTS
                    for detector in DETECTORS
                },
            )
        finally:
            browser.close()


def _page(context: BrowserContext, address: str, options: Mapping[str, Any]) -> Page:
    page = context.new_page()
    page.set_default_timeout(_SLOW_MS)
    page.goto(f"{address}#{quote(json.dumps(options))}")
    page.evaluate("ready")
    return page


def _write_files(folder: Path, networks: Path) -> None:
    """Everything that the pages load, and the pages."""
    for package in (CAMERA, PEERS):
        if not (package / "node_modules").is_dir():
            where = package.relative_to(ROOT)
            raise FileNotFoundError(f"packages are missing: npm ci --ignore-scripts --prefix {where}")
    links = {
        "networks": networks,
        "wasm": CAMERA / "node_modules/@tensorflow/tfjs-backend-wasm/dist",
        "modules": PEERS / "node_modules",
        "weights": PEERS / "node_modules/@vladmandic/face-api/model",
        "measure.js": PEERS / "measure.js",
        "peer.js": PEERS / "peer.js",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    esbuild = [str(CAMERA / "node_modules/.bin/esbuild"), str(PEERS / "footfall.js"), "--bundle", "--minify"]
    external = [f"--external:{name}" for name in _NODE_ONLY]
    output = f"--outfile={folder / 'footfall.js'}"
    subprocess.run([*esbuild, *external, output, "--log-level=warning"], check=True)
    for page, scripts in {"footfall.html": ("footfall.js",), **{_page_name(n): s for n, s in _SCRIPTS.items()}}.items():
        tags = "".join(f'<script src="{script}"></script>' for script in ("measure.js", *scripts))
        (folder / page).write_text(f"<!doctype html><title>benchmark</title>{tags}", encoding="utf-8")
    for faces in COUNTS:
        cv2.imwrite(str(folder / f"{faces}.png"), people_picture(faces))
    for embedder, side in (("dlib_resnet", 150), ("sface", 112)):
        cv2.imwrite(str(folder / f"{embedder}.png"), cv2.resize(heads()[0], (side, side)))


def _page_name(library: str) -> str:
    return "successor.html" if library == SUCCESSOR else "face_api.html"


def people_picture(count: int) -> Image:
    """A room with people who stand before the camera, their faces 70 to 100 px wide."""
    picture = room(SIZE_WH)
    for number, height in enumerate((200, 240, 220)[:count]):
        head = heads()[number % 2]
        width, left = height * head.shape[1] // head.shape[0], 30 + 210 * number
        resized = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA)
        picture[60 : 60 + height, left : left + width] = resized
    return np.ascontiguousarray(picture)


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The address of a server of a folder's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Files(SimpleHTTPRequestHandler):
    """Files with the headers by which a page may use threads."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
        """Nothing: requests are not results."""


if __name__ == "__main__":
    run(rows, "browser")
