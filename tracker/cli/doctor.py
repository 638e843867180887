"""`footfall doctor`: checks what a camera machine needs, with a fix for each fault."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import FootfallError, ModelError, StoreError
from config.findings import Finding, Outcome
from tracker.cli.command import command
from tracker.cli.extras import require_firestore
from tracker.cli.findings import result_of
from tracker.cli.options import CameraOption, Models
from tracker.cli.output import Result
from tracker.identity.networks import embedder_of

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.identity.gallery import Gallery
    from tracker.vision.embedders import EmbedderSpec

_PACKAGES = {
    "ai_edge_litert": "edge",
    "av": "edge",
    "cv2": "edge",
    "dash": "dashboard",
    "filelock": "edge",
    "scipy": "edge",
}


@command("footfall doctor --camera 0")
def doctor(
    access: Models,
    camera: CameraOption = None,
    full: Annotated[bool, typer.Option("--full", help="Check every index of the store too; takes longer.")] = False,
) -> Result:
    """Check this machine: packages, models, store, disk, clock, cameras.

    Prints a fix for each fault; exits with 1 if a check failed. The store's file is checked for damage. Without
    --camera the cameras of the settings file are tried.
    """
    settings = access.load()
    sources = camera or [each.source for each in settings.camera]
    return result_of(list(examine(settings, sources, full=full)))


def examine(settings: Settings, sources: list[str], *, full: bool = False) -> Iterator[Finding]:
    """One finding for each check, as it is done. full: check every index of the store."""
    from config.addresses import redacted
    from tracker.cameras.check import check_camera
    from tracker.store.check import check_clock, check_disk, check_store
    from tracker.vision.check import check_compiled

    path = settings.store.path
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", _python),
        ("packages", _packages),
        ("compiled", check_compiled),
        ("models", partial(_models, settings)),
        *([("audience", partial(_audience, settings))] if settings.audience.networks else []),
        ("recognition", partial(_recognition, settings)),
        *([("shadow period", partial(_shadow_period, settings))] if settings.recognition.shadow else []),
        ("store", partial(check_store, path, full=full)),
        ("disk", partial(check_disk, path)),
        ("clock", partial(check_clock, path, settings.site.zone)),
    ]
    if settings.store.firestore is not None:
        checks.append(("firestore", partial(_firestore, settings)))
    checks += [(f"camera {redacted(source)}", partial(check_camera, source)) for source in sources]
    for name, check in checks:
        try:
            yield check()
        except FootfallError as error:
            yield Finding(check=name, outcome=Outcome.FAILED, detail=error.problem, fix=error.fix)
    if not sources:
        fix = "give --camera 0 to try one"
        yield Finding(check="camera", outcome=Outcome.WARNING, detail="none is configured", fix=fix)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(check="python", detail=found)
    fix = "make an environment with Python 3.11, 3.12 or 3.13"
    return Finding(check="python", outcome=Outcome.FAILED, detail=found, fix=fix)


def _packages() -> Finding:
    missing = {name: extra for name, extra in _PACKAGES.items() if find_spec(name) is None}
    if not missing:
        return Finding(check="packages", detail="all there")
    extras = ",".join(sorted(set(missing.values())))
    outcome = Outcome.FAILED if "edge" in missing.values() else Outcome.WARNING
    detail = f"missing: {', '.join(sorted(missing))}"
    return Finding(check="packages", outcome=outcome, detail=detail, fix=f"pip install 'footfall[{extras}]'")


def _models(settings: Settings) -> Finding:
    from models import model_folder
    from models.catalog import required
    from tracker.vision.check import check_networks

    embedder, *_ = _recognised(settings)
    folder, precision = settings.models.dir, settings.models.precision
    model_folder.verify(folder, precision, required(embedder.network))
    found = check_networks(settings, embedder)
    if any(camera.counts_bodies for camera in settings.camera):
        try:
            model_folder.verify(folder, precision, ["bodies"])
        except ModelError as error:
            detail = f"{found.detail}; only faces are counted: {error.problem}"
            return replace(found, outcome=Outcome.WARNING, detail=detail, fix=error.fix)
    return found


def _audience(settings: Settings) -> Finding:
    from models import model_folder

    networks = settings.audience.networks
    model_folder.verify(settings.models.dir, settings.models.precision, networks)
    return Finding(check="audience", detail=f"{' and '.join(networks)}, counted by the hour in groups")


def _recognition(settings: Settings) -> Finding:
    from tracker.identity.accuracy import check_accuracy
    from tracker.identity.check import check_recognition
    from tracker.identity.networks import engine_of

    embedder, enrolled, names = _recognised(settings)
    found = check_recognition(settings.match, embedder)
    if found.outcome is not Outcome.OK or embedder.pack is None:
        return found
    return check_accuracy(settings, enrolled, engine_of(settings, embedder, thorough=False), names=names) or found


def _shadow_period(settings: Settings) -> Finding:
    from models import model_folder
    from tracker.cli.store import open_store
    from tracker.identity.networks import shadow_of
    from tracker.identity.shadow import progress

    embedder = shadow_of(settings)
    if embedder is None:
        raise ValueError("expected recognition.shadow")
    if embedder.pack is None:
        model_folder.verify(settings.models.dir, settings.models.precision, [embedder.network])
    if settings.store.path.exists():
        with suppress(StoreError), open_store(settings, create=False) as store:  # `check_store` reports it
            ready, people = progress(store, embedder)
            detail = f"{ready:,} of {people:,} people can be recognised by {embedder.name}"
            return Finding(check="shadow period", detail=detail)
    return Finding(check="shadow period", detail=embedder.name)


def _recognised(settings: Settings) -> tuple[EmbedderSpec, Gallery, dict[str, str]]:
    """The network of the settings or of the store, who is enrolled, and names by id.

    Raises ModelError where the two networks differ.
    """
    from tracker.cli.people import names_in
    from tracker.cli.store import open_store
    from tracker.identity.gallery import Gallery
    from tracker.identity.known import enrolled_gallery

    if settings.store.path.exists():
        with suppress(StoreError), open_store(settings, create=False) as store:  # `check_store` reports it
            return embedder_of(settings, store), enrolled_gallery(store.people), names_in(store)
    return embedder_of(settings), Gallery.empty(), {}


def _firestore(settings: Settings) -> Finding:
    from tracker.cloud.status import check_uploading

    require_firestore()
    return check_uploading(settings)
