"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from config.errors import ModelError
from config.settings import ModelSettings, Precision
from models import browser, cascades, model_folder
from models.build import build_in_subprocess
from models.catalog import AUDIENCE, CATALOG, STANDARD
from tracker.cameras.capture import hush

hush()  # before any test writes a video: FFmpeg asks once how talkative to be

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background jobs; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("patient", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("patient")

pytest_plugins = ("tests.firestore.fixtures",)


@pytest.fixture(scope="session")
def models_folder(standard_models: Path) -> Path:
    """A folder of the standard networks, both precisions."""
    return standard_models


@pytest.fixture(scope="session")
def every_model(standard_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all networks, those of the audience among them: built once for all workers."""
    folder = _shared(tmp_path_factory) / "every-model"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            copy = folder.with_suffix(".part")
            shutil.copytree(standard_models, copy)
            build_in_subprocess(copy, precisions=tuple(Precision), names=AUDIENCE)
            copy.rename(folder)
    return folder


@pytest.fixture(scope="session")
def standard_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the standard networks and nothing else, both precisions: made once for all workers."""
    folder = _shared(tmp_path_factory) / "models"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            part = folder.with_suffix(".part")
            try:
                _copy_standard(ModelSettings().dir, part)
            except ModelError:  # the user has none, or not the whole of it
                build_in_subprocess(part, precisions=tuple(Precision))
            part.rename(folder)
    return folder


def _copy_standard(own: Path, to: Path) -> None:
    """The standard networks of the user's own folder, whatever else it holds. Raises ModelError when one is missing."""
    manifest = model_folder.read(own)
    files = {
        CATALOG[name].file_name(precision): model_folder.load(own, CATALOG[name], precision)
        for name in STANDARD
        for precision in Precision
    }
    networks = tuple(entry for entry in manifest.networks if entry.file in files)
    to.mkdir()
    licences = {model_folder.LICENCES: model_folder.read_licences(own)}
    model_folder.write(to, files | licences, manifest.model_copy(update={"networks": networks}))


@pytest.fixture(scope="session")
def browser_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the browser camera's networks: the user's own where it is whole, else one built once."""
    try:
        return browser.browser_networks(ModelSettings().dir)
    except ModelError:
        folder = _shared(tmp_path_factory) / "browser-models"
        with FileLock(folder.with_suffix(".lock")):
            browser.build(folder)
        return browser.browser_networks(folder)


@pytest.fixture(scope="session")
def haar_cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenCV's cascade for frontal faces: the user's own where it is there, else one downloaded once."""
    try:
        return cascades.frontal_face(ModelSettings().dir)
    except ModelError:
        folder = _shared(tmp_path_factory) / "cascade"
        with FileLock(folder.with_suffix(".lock")):
            cascades.build(folder)
        return cascades.frontal_face(folder)


def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder of all workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="Fail when a test was skipped (CI has all it needs).")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line(f"\n--no-skips: {len(reporter.stats['skipped'])} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
