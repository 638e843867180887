"""The parts of a run of the demo around tracking: its settings, its store, who is enrolled, and the comparison."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import cv2

from config.errors import FootfallError, StoreError
from config.settings import CameraSettings, Settings
from models.runtime import has_network
from tracker.demo import clip as demo_clip
from tracker.demo.portraits import enrolment_picture
from tracker.demo.score import Scorecard, compare, unidentified_visits
from tracker.identity.enrolment import plan_person
from tracker.presence.events import is_unidentified
from tracker.presence.people import Consent
from tracker.store.site_settings import site_rules
from tracker.store.store import Store
from tracker.vision.embedders import chosen
from tracker.vision.engine import FaceEngine

CAMERA_ID = "lobby"


def settings_text(store_url: str) -> str:
    """The content of the demo's settings file, which the dashboard reads too."""
    lines = [
        "[site]",
        'id = "demo"',
        f"name = {json.dumps(demo_clip.DEMO_SITE_NAME)}",
        "capacity = 4",
        "[store]",
        f"url = {json.dumps(store_url)}",
        "[presence]",
        f"exit_after_s = {demo_clip.DEMO_EXIT_AFTER_S}",
        f"merge_gap_s = {demo_clip.DEMO_MERGE_GAP_S}",
    ]
    return "\n".join(lines) + "\n"


def prepare_store(path: Path, *, own: bool) -> None:
    """Delete the demo's own store; raise StoreError where another exists, or a demo still tracks into it."""
    if own:
        with Store(path).camera_lease(CAMERA_ID):
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
    elif path.exists():
        raise StoreError(f"{path} exists already", fix="name a new store, or leave --store out")


def enrol(settings: Settings) -> str:
    """Enrol one of the two people from a picture of its own, as `footfall enroll` does; the name."""
    name = demo_clip.ENROLLED.label
    with tempfile.TemporaryDirectory() as folder, Store(settings.store.path) as store:
        picture = Path(folder) / f"{name}.png"
        picture.write_bytes(cv2.imencode(".png", enrolment_picture())[1].tobytes())
        embedder = chosen(settings.recognition.embedder, stored=None, models=settings.models.dir)
        store.use_model(embedder.network)
        engine = FaceEngine.load(
            models=settings.models, detect=settings.detect, quality=settings.quality, embedder=embedder
        )
        plan = plan_person(name, [picture], engine)
        if plan.problem is not None:
            raise FootfallError(f"{plan.problem}: {plan.rejected}", fix="run 'footfall models verify'")
        store.people.add(plan.new_person(Consent(at=datetime.now(UTC))), plan.vectors, sources=plan.sources)
    return name


def camera(clip: Path) -> CameraSettings:
    """The camera that shows the clip."""
    return CameraSettings(id=CAMERA_ID, source=str(clip))


def measure(settings: Settings, *, started_at: datetime) -> Scorecard:
    """Compare the visits in the store with those that the clip shows. started_at: of the clip, UTC.

    Without the network for bodies only people whose face shows are visits, while it does.
    """
    now = datetime.now(UTC)
    with Store(settings.store.path).open(create=False) as store:
        found = store.sessions.select(site_id=settings.site.id, rules=site_rules(settings), now=now)
        measured = [each for each in found if not is_unidentified(each.person_id)]
        measured += unidentified_visits(store.events.select(site_id=settings.site.id), now=now)
        people = {person.person_id: person for person in store.people.all()}
    models = settings.models
    true_visits = demo_clip.truth(
        demo_clip.CLIP,
        exit_after_s=demo_clip.DEMO_EXIT_AFTER_S,
        merge_gap_s=demo_clip.DEMO_MERGE_GAP_S,
        bodies=has_network("bodies", folder=models.dir, precision=models.precision),
    )
    return compare(true_visits, measured, started_at=started_at, names=people)
