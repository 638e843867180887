"""An agent at each annotated line of vtest.avi, as if a camera at a door had filmed it.

    python -m tests.tracker.vtest_doors STORE MODELS TRUTH LINE FRAME

runs the agent of a line until it kills itself before that frame.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.counting import VTEST, VTEST_FPS, AnnotatedLine, annotated
from config.settings import CameraRole, CameraSettings, Settings
from tests.tracker.fake_cameras import ScriptedCamera, at, seconds
from tracker.agent.assembly import assemble
from tracker.agent.count_score import Passing
from tracker.agent.loop import Agent
from tracker.cameras.frames import Frame
from tracker.cameras.video import Video
from tracker.identity.known import KnownPeople
from tracker.identity.networks import embedder_of
from tracker.presence.events import Event, EventKind
from tracker.store.store import Store


@dataclass
class ClipCamera(ScriptedCamera):
    """Plays vtest.avi at the rate at which it was taken. killed_at: before this frame the process kills itself."""

    killed_at: int = -1
    video: Video = field(default_factory=lambda: Video.open_file(VTEST))

    def read(self, _wait_s: float | None = None) -> Frame | None:
        if self.frames == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        picture = self.video.read()
        if picture is None:
            return None
        self.frames += 1
        return Frame(image=picture.image, at=at((self.frames - 1) / VTEST_FPS), index=self.frames - 1)

    def close(self) -> None:
        self.video.close()


def watch(path: Path, models: Path, line: AnnotatedLine, *, killed_at: int = -1) -> list[Event]:
    """The events in the store after its agent watched the whole clip, in which no face is 20 px wide."""
    settings, source = Settings(models={"dir": models}, detect={"min_face": 80}), ClipCamera((), killed_at=killed_at)
    on = line.on((768, 576))
    camera = CameraSettings(
        id=line.name, source="0", role=CameraRole.DOOR, line=(on.start, on.end), inside=on.inside.value
    )
    with Store(path) as store:
        known = KnownPeople(settings.match, embedder_of(settings, store))
        (agent,) = assemble(settings, [camera], [source], store, known)
        assert isinstance(agent, Agent)
        agent.run(threading.Event())
        return store.events.select()


def passings(events: list[Event]) -> list[Passing]:
    return [Passing(at_s=seconds(each.at), inward=each.kind is EventKind.ENTER) for each in events]


if __name__ == "__main__":
    store_path, models_path, truth, name, frame = sys.argv[1:]
    (doomed,) = [each for each in annotated(Path(truth)) if each.name == name]
    watch(Path(store_path), Path(models_path), doomed, killed_at=int(frame))
