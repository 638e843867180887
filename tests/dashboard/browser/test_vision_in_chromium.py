"""Vision in a worker of a real browser, under the content security policy that it needs."""

from __future__ import annotations

import base64
import functools
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from config.recognition import DetectSettings, QualitySettings
from tests.node import CAMERA, PACKAGES, node
from tests.tracker.vision.scenes import astronaut
from tracker.vision.detector import Detector

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
POLICY = "default-src 'self'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' data:"
"""blob: is for threads, whose script TensorFlow.js has in itself."""
FOUR_CORES = "Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => 4 })"
"""TensorFlow.js uses half of the cores: a machine with two would have one thread."""
WORKER = f"""
{FOUR_CORES.replace("Navigator", "WorkerNavigator")};
import {{ getThreadsCount }} from "@tensorflow/tfjs-backend-wasm";
import {{ FaceEngine }} from {json.dumps(str(CAMERA / "src/vision/engine.js"))};

onmessage = async ({{ data: {{ picture, settings }} }}) => {{
  try {{
    const baseUrl = new URL("/", location.href).href;
    const engine = await FaceEngine.load({{ baseUrl, embedder: "dlib_resnet", settings }});
    const faces = await engine.examine(picture, await engine.detect(picture), [true]);
    postMessage({{ box: faces[0].box, vector: faces[0].vector.length, threads: getThreadsCount() }});
    engine.dispose();
  }} catch (error) {{
    postMessage({{ error: error.stack }});
  }}
}};
"""
ANALYSE = """async ([encoded, settings]) => {
  const image = new Image();
  image.src = encoded;
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, image.width, image.height);
  const worker = new Worker("worker.js");
  const answer = new Promise((resolve) => {
    worker.onmessage = (message) => resolve(message.data);
    worker.onerror = (event) => resolve({ error: event.message });
  });
  worker.postMessage({ picture: { data, width, height }, settings });
  return answer;
}"""


@pytest.fixture(scope="module")
def folder(browser_networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty page, the worker, and what it loads."""
    place = tmp_path_factory.mktemp("site")
    node()
    (place / "index.html").write_text("<!doctype html><title>camera</title>")
    (place / "networks").symlink_to(browser_networks)
    (place / "wasm").symlink_to(PACKAGES / "@tensorflow/tfjs-backend-wasm/dist")
    command = [str(PACKAGES / ".bin/esbuild"), "--bundle", "--minify", f"--outfile={place / 'worker.js'}"]
    external = [f"--external:{name}" for name in ("fs", "os", "path", "perf_hooks", "util", "worker_threads")]
    subprocess.run([*command, *external, "--log-level=warning"], input=WORKER, text=True, cwd=CAMERA, check=True)
    return place


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "not-isolated"])
def test_a_worker_finds_and_embeds_a_face(isolated: bool, folder: Path, detector: Detector, browser: Browser) -> None:
    with _serving(folder, isolated=isolated) as address:
        page = browser.new_page()
        page.goto(address)
        assert page.evaluate("crossOriginIsolated") is isolated
        found = _analyse(page)
        page.close()
    assert "error" not in found, found
    assert found["vector"] == 128
    assert found["box"] == pytest.approx(detector.detect(astronaut()).boxes[0].tolist(), abs=0.1)
    assert found["threads"] == (2 if isolated else 1)


def test_a_missing_network_is_an_error(folder: Path, browser: Browser, tmp_path: Path) -> None:
    for each in folder.iterdir():
        if each.name != "networks":
            (tmp_path / each.name).symlink_to(each)
    with _serving(tmp_path, isolated=False) as address:
        page = browser.new_page()
        page.goto(address)
        found = _analyse(page)
        page.close()
    assert re.search(r"networks/\w+/model\.json", found["error"])  # they are loaded side by side


def _analyse(page: Page) -> Any:
    _, png = cv2.imencode(".png", astronaut())
    encoded = f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"
    settings = {
        "detect": DetectSettings().model_dump(mode="json"),
        "quality": QualitySettings().model_dump(mode="json"),
    }
    return page.evaluate(ANALYSE, [encoded, settings])


@contextmanager
def _serving(folder: Path, *, isolated: bool) -> Iterator[str]:
    """The address of a server of a folder's files. isolated: with the headers by which a page may use threads."""

    class Files(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", POLICY)
            if isolated:
                self.send_header("Cross-Origin-Opener-Policy", "same-origin")
                self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
            """Nothing."""

    handler: Callable[..., SimpleHTTPRequestHandler] = functools.partial(Files, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
