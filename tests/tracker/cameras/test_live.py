"""Live cameras: the newest frame, disconnects, reconnects."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from config.errors import CameraError
from tests.tracker.cameras.conftest import HandClock
from tracker.cameras.capture import Capture, CaptureError, open_live
from tracker.cameras.frames import Frame
from tracker.cameras.sources import LiveSource, NoFrameYet

URL = "rtsp://cam/stream"
IMAGE = np.zeros((4, 4, 3), np.uint8)
BAD = "cannot be decoded"


class Wire:
    """A camera at the far end: each item is a picture, BAD for one that cannot be decoded, None for the end."""

    def __init__(self) -> None:
        self.items: queue.Queue[np.ndarray | str | None] = queue.Queue()
        self.over = False
        self.closed = 0
        self.taken = threading.Semaphore(0)

    def read(self) -> np.ndarray | None:
        self.taken.release()
        image = None if self.over else self.items.get()
        self.over = image is None
        return None if isinstance(image, str) else image

    def close(self) -> None:
        self.closed += 1

    def wait_until_idle(self, reads: int) -> None:
        """Return when the reader has come back for more `reads` times."""
        for _ in range(reads):
            assert self.taken.acquire(timeout=5)


class Opener:
    """Returns the items of the script, one per opening, then blocks; None cannot be opened."""

    def __init__(self, *script: Wire | None) -> None:
        self.script = list(script)
        self.exhausted = threading.Event()
        self.over = threading.Event()

    def __call__(self, source: str | int) -> Wire:
        if not self.script:
            self.exhausted.set()
            self.over.wait(10)
            return unopened(source)
        return self.script.pop(0) or unopened(source)


def unopened(_source: str | int) -> Wire:
    raise CaptureError("cannot be opened", fix="plug it in")


@pytest.fixture
def live(clock: object) -> Iterator[Callable[..., LiveSource]]:
    """live(wire or None, ...): an open source whose openings give these."""
    made: list[tuple[LiveSource, Opener, tuple[Wire | None, ...]]] = []

    def make(*script: Wire | None, source: str | int = URL) -> LiveSource:
        opener = Opener(*script)
        camera = LiveSource(source, clock=clock, opener=opener)
        camera.opener = opener
        made.append((camera, opener, script))
        camera.open()
        return camera

    yield make
    for camera, opener, script in made:
        opener.over.set()
        for wire in script:
            if wire is not None:
                wire.items.put(None)
        camera.close()


def test_only_the_newest_frame_is_kept_and_the_others_are_counted(live: Callable[..., LiveSource]) -> None:
    wire = Wire()
    camera = live(wire)
    for grey in range(5):
        wire.items.put(np.full((4, 4, 3), grey, np.uint8))
    wire.wait_until_idle(6)
    frame = camera.read(wait_s=5)
    assert frame is not None
    assert (frame.index, int(frame.image[0, 0, 0])) == (4, 4)
    assert (camera.state.frames, camera.state.dropped) == (5, 4)
    with pytest.raises(NoFrameYet):
        camera.read(wait_s=0)


def test_frames_of_a_live_camera_can_be_rotated() -> None:
    wire = Wire()
    wire.items.put(np.zeros((4, 8, 3), np.uint8))
    camera = LiveSource(URL, rotate=90, opener=Opener(wire))
    camera.open()
    frame = camera.read(wait_s=5)
    wire.items.put(None)
    camera.close()
    assert frame is not None
    assert frame.image.shape == (8, 4, 3)


def test_frames_are_dated_when_they_arrive(live: Callable[..., LiveSource], clock: object) -> None:
    wire = Wire()
    camera = live(wire)
    wire.wait_until_idle(1)
    clock.seconds = 42.0
    wire.items.put(IMAGE)
    frame = camera.read(wait_s=5)
    assert frame is not None
    assert frame.at == clock.now()
    assert camera.state.last_frame_at == frame.at


def test_pauses_double_to_thirty_seconds_and_reset_after_a_frame(
    live: Callable[..., LiveSource], clock: object
) -> None:
    wire = Wire()
    wire.items.put(IMAGE)
    wire.items.put(None)
    camera = live(*[None] * 9, wire, None, None)
    assert camera.opener.exhausted.wait(5)
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 0.5, 1, 2]
    assert wire.closed == 1


def test_a_lost_camera_is_reconnected(live: Callable[..., LiveSource]) -> None:
    first, second = Wire(), Wire()
    camera = live(first, None, second)
    first.items.put(IMAGE)
    assert camera.read(wait_s=5) is not None
    first.items.put(None)
    second.wait_until_idle(1)
    assert first.closed == 1
    assert "trying again" in camera.state.problems[0]
    second.items.put(IMAGE)
    frame = camera.read(wait_s=5)
    assert frame is not None
    assert frame.index == 1
    assert camera.state.problems == ()


def test_error_inside_the_decoder_is_a_loss_like_any_other(live: Callable[..., LiveSource]) -> None:
    class Bursting(Wire):
        def read(self) -> np.ndarray | None:
            raise CaptureError("gives no more frames (decoder burst)", fix="mend it")

    good = Wire()
    good.items.put(IMAGE)
    bad = Bursting()
    assert live(bad, good).read(wait_s=5) is not None
    assert bad.closed == 1


def test_pictures_that_cannot_be_decoded_are_skipped_until_there_are_ten_in_a_row(
    live: Callable[..., LiveSource], clock: HandClock
) -> None:
    wire = Wire()
    camera = live(wire)
    for _ in range(2):
        for item in [*[BAD] * 9, IMAGE]:
            wire.items.put(item)
        assert camera.read(wait_s=5) is not None
    assert (wire.closed, clock.waits) == (0, [])
    for _ in range(10):
        wire.items.put(BAD)
    assert camera.opener.exhausted.wait(5)
    assert (wire.closed, clock.waits) == (1, [0.5])


def test_a_read_timeout_closes_the_connection(live: Callable[..., LiveSource], clock: HandClock) -> None:
    class Hanging(Wire):
        def read(self) -> np.ndarray | None:
            clock.seconds += 10
            return None

    hanging = Hanging()
    camera = live(hanging)
    assert camera.opener.exhausted.wait(5)
    assert (hanging.closed, clock.seconds) == (1, 10.5)


def test_ten_seconds_without_a_frame_count_as_lost(live: Callable[..., LiveSource], clock: object) -> None:
    wire = Wire()
    camera = live(wire)
    wire.items.put(IMAGE)
    camera.read(wait_s=5)
    clock.seconds += 10.0
    assert not camera.state.lost
    clock.seconds += 0.1
    assert camera.state.lost
    wire.items.put(IMAGE)
    camera.read(wait_s=5)
    assert not camera.state.lost


def test_a_hanging_reader_does_not_block_close_or_other_cameras(live: Callable[..., LiveSource]) -> None:
    hanging, good = Wire(), Wire()
    stuck, other = live(hanging), live(good)
    hanging.wait_until_idle(1)
    good.items.put(IMAGE)
    assert other.read(wait_s=5) is not None
    closing = threading.Thread(target=stuck.close)
    closing.start()
    assert stuck.read() is None
    hanging.items.put(IMAGE)  # arrives after closing: nobody gets it, and the reader lets go of the camera
    closing.join(5)
    assert not closing.is_alive()
    assert stuck.state.frames == 0
    assert hanging.closed == 1


def test_close_wakes_a_waiting_reader_and_is_idempotent(live: Callable[..., LiveSource]) -> None:
    wire = Wire()
    camera = live(wire)
    got: list[Frame | None] = []
    waiting = threading.Thread(target=lambda: got.append(camera.read()))
    waiting.start()
    wire.items.put(None)
    camera.close()
    camera.close()
    waiting.join(5)
    assert got == [None]


def test_closing_during_a_pause_is_prompt() -> None:
    camera = LiveSource(URL, opener=unopened)
    camera.open()
    while not camera.state.problems:
        pass
    before = {thread.name for thread in threading.enumerate()}
    camera.close()
    assert f"camera {URL}" in before
    assert f"camera {URL}" not in {thread.name for thread in threading.enumerate()}


def test_a_missing_device_fails_at_once_and_an_address_is_retried(live: Callable[..., LiveSource]) -> None:
    with pytest.raises(CameraError, match="device 3") as caught:
        live(None, source=3)
    assert caught.value.retryable
    with pytest.raises(NoFrameYet):
        live(None, source=URL).read(wait_s=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_reader_is_not_waited_for() -> None:
    def explode(source: str | int) -> None:
        raise RuntimeError("a bug")

    camera = LiveSource(URL, opener=explode)
    camera.open()
    with pytest.raises(CameraError, match="nobody reads"):
        camera.read(wait_s=5)
    camera.close()


def test_camera_can_be_opened_again_after_closing(live: Callable[..., LiveSource]) -> None:
    first, second = Wire(), Wire()
    camera = live(first, second)
    first.items.put(IMAGE)
    camera.read(wait_s=5)
    first.items.put(None)
    camera.close()
    camera.open()
    second.items.put(IMAGE)
    assert camera.read(wait_s=5) is not None


def test_neither_name_nor_state_nor_errors_hold_a_password(live: Callable[..., LiveSource]) -> None:
    camera = live(None, source="rtsp://admin:s3cret@cam/live")
    assert camera.opener.exhausted.wait(5)
    with pytest.raises(NoFrameYet) as caught:
        camera.read(wait_s=0)
    texts = f"{camera.name} {camera.state} {caught.value} {[thread.name for thread in threading.enumerate()]}"
    assert "cannot be opened" in texts
    assert "s3cret" not in texts


class Film(BaseHTTPRequestHandler):
    """An MJPEG camera over HTTP that hangs up after 20 pictures, of which one cannot be decoded."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for grey in range(20):
            jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 5 * grey, np.uint8))[1].tobytes()
            jpeg = b"no picture" if grey == 8 else jpeg
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, *args: object) -> None:
        """Say nothing on stderr."""


def test_a_real_stream_continues_after_an_undecodable_picture() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Film)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    openings: list[str | int] = []

    def once(source: str | int) -> Capture:
        openings.append(source)
        return open_live(source) if len(openings) == 1 else unopened(source)

    camera = LiveSource(f"http://127.0.0.1:{server.server_port}/film", opener=once)
    camera.open()
    try:
        greys = set[int]()
        while max(greys, default=0) < 15:  # in the first connection: later ones give nothing
            frame = camera.read(wait_s=30)
            assert frame is not None
            greys.add(round(float(frame.image.mean()) / 5))
    finally:
        camera.close()
        server.shutdown()
        server.server_close()
        serving.join(5)


def test_a_lost_real_stream_is_reconnected(clock: object, capfd: pytest.CaptureFixture[str]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Film)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    camera = LiveSource(f"http://user:s3cret@127.0.0.1:{server.server_port}/film", clock=clock)
    camera.open()
    try:
        indices = []
        while len(indices) < 3 or indices[-1] < 45:  # more than two connections have to give
            frame = camera.read(wait_s=30)
            assert frame is not None
            assert frame.image.shape == (48, 64, 3)
            indices.append(frame.index)
        assert indices == sorted(set(indices))
        assert len([pause for pause in clock.waits if pause == 0.5]) >= 2
    finally:
        camera.close()
        server.shutdown()
        server.server_close()
        serving.join(5)
    assert "s3cret" not in capfd.readouterr().err
