"""Network streams: interlaced, undecodable, silent, refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tracker.bent_clips import ffmpeg, shows
from tracker.cameras.capture import CaptureError, open_live


class Serving(BaseHTTPRequestHandler):
    """Sends `content`, then hangs up."""

    content = b""
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """serve(content, handler): the address of a server that sends it."""
    servers = []

    def begin(content: bytes, kind: type[Serving] = Serving) -> str:
        handler = type("Handler", (kind,), {"content": content})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/live.ts"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_interlaced_live_stream_is_deinterlaced(base: Path, tmp_path: Path, serve: Callable[..., str]) -> None:
    path = tmp_path / "woven.ts"
    ffmpeg("-i", base, "-vf", "tinterlace=4", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-b:v", "4M", path)
    camera = open_live(serve(path.read_bytes()))
    seen = set[int]()
    for _ in range(55):
        image = camera.read()
        assert image is not None
        seen |= {person for person in (0, 1) if shows(image, person)}
    camera.close()
    assert seen == {0, 1}


def test_a_stream_that_cannot_be_decoded_is_reported(
    stream: Path, tmp_path: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cameras.video.UNDECODED_S", 0.0)
    ffmpeg("-i", stream, "-c", "copy", "-bsf:v", "filter_units=remove_types=7|8", tmp_path / "bare.ts")
    camera = open_live(serve((tmp_path / "bare.ts").read_bytes()))
    with pytest.raises(CaptureError, match=r"sends no picture that can be decoded \(h264\)"):
        camera.read()
    camera.close()


@pytest.mark.parametrize("sends", [0, 200_000], ids=["from-the-start", "in-the-middle"])
def test_a_server_that_goes_silent_is_given_up(
    stream: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, sends: int
) -> None:
    over = threading.Event()

    class Hanging(Serving):
        def do_GET(self) -> None:
            if self.content:
                super().do_GET()
            over.wait(20)

    monkeypatch.setattr("tracker.cameras.video.OPEN_TIMEOUT_S", 1.0)
    monkeypatch.setattr("tracker.cameras.video.READ_TIMEOUT_S", 0.3)
    address = serve(stream.read_bytes()[:sends], Hanging)
    began_s = time.monotonic()
    with pytest.raises(CaptureError, match="no answer in time"):
        read_all(address)
    assert time.monotonic() - began_s < 10
    over.set()


def test_the_answer_of_a_server_is_the_reason_and_no_password_is_in_it(serve: Callable[..., str]) -> None:
    class Refusing(Serving):
        def do_GET(self) -> None:
            self.send_error(401)

    address = serve(b"", Refusing).replace("://", "://admin:s3cret@")
    with pytest.raises(CaptureError, match="401") as caught:
        open_live(address)
    assert "s3cret" not in f"{caught.value}"


def read_all(address: str) -> None:
    camera = open_live(address)
    try:
        while True:
            camera.read()
    finally:
        camera.close()
