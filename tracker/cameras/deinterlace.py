"""Progressive pictures from interlaced ones, whose rows come from two instants."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.filter import Graph
from av.video.frame import VideoFrame


class Deinterlacer:
    """Passes frames on as they are until the first interlaced one comes, and from then on deinterlaced, one late.

    Rows are interpolated (FFmpeg's bwdif), one picture a frame, so that neither size nor rate change.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._layout: tuple[int, int, str] | None = None

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frames that are ready now. Raises av.FFmpegError."""
        if self._graph is None and not frame.interlaced_frame:
            yield frame
            return
        layout = (frame.width, frame.height, frame.format.name)
        if layout != self._layout:
            yield from self.flush()
            self._graph, self._layout = _graph(frame), layout
        if self._graph is not None:
            self._graph.vpush(frame)
            yield from _ready(self._graph)

    def flush(self) -> Iterator[VideoFrame]:
        """The last frames, when no more come."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from _ready(self._graph)
            self._graph = self._layout = None


def _graph(frame: VideoFrame) -> Graph:
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
        graph.add("bwdif", "mode=send_frame:deint=interlaced"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):  # it waits for the next frame, or there is none
            return
