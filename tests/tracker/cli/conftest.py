"""The command line in this process, or in its own process where required."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from models import packs
from models.cards import PackPrecision
from models.catalog import CATALOG, Pixels
from models.embedding import Crop, Distance, Embedding, Limits
from models.model_folder import Source
from tests.dashboard import faces
from tests.tracker.vision.scenes import astronaut, grace_hopper
from tracker.cli import main
from tracker.vision.faces import Image

ROOT = Path(__file__).parents[3]
FPS = 5.0


@dataclass(frozen=True)
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> object:
        """What it printed as JSON."""
        return json.loads(self.out)

    def refused(self, *words: str, code: int = 1) -> str:
        """The one line on stderr with the problem and its fix."""
        assert (self.code, "Traceback" in self.err) == (code, False), self.err
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        problem, found, fix = lines[0].partition("; fix: ")
        assert found, lines[0]
        assert len(fix) > 5
        assert "internal error" not in problem
        assert [word for word in words if word not in lines[0]] == []
        return lines[0]


Run = Callable[..., Done]


@pytest.fixture
def environment(tmp_path: Path, models_folder: Path) -> Mapping[str, str]:
    """The environment of a new user, with the networks."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FOOTFALL_", "XDG_"))}
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "XDG_DATA_HOME": str(tmp_path / "home" / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "home" / "cache"),
        "FOOTFALL_MODELS__DIR": str(models_folder),
        "FOOTFALL_SITE__ID": "gym",
        "FOOTFALL_STORE__URL": f"sqlite:///{tmp_path / 'store.sqlite3'}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "120",
    }


@pytest.fixture
def run(
    environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """run("people", "list"): the entry point of the console script, called in this process, in an empty folder."""
    for key in [key for key in os.environ if key not in environment]:
        monkeypatch.delenv(key)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def call(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["footfall", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
        captured = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(code is not None), captured.out, captured.err)

    return call


@pytest.fixture
def start(environment: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """start("track", ...): the console script in a process of its own."""
    running: list[subprocess.Popen[str]] = []

    def begin(*words: object, **more: object) -> subprocess.Popen[str]:
        script = Path(sys.executable).with_name("footfall")
        options: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(
            [script, *map(str, words)], cwd=tmp_path, env=dict(environment), **{**options, **more}
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def command(start: Callable[..., subprocess.Popen[str]]) -> Run:
    """command("track", ...): the same, waited for."""

    def call(*words: object) -> Done:
        process = start(*words)
        out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    return call


@pytest.fixture
def pack(models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> packs.Pack:
    """The only network of another model folder: a pack whose vectors have four numbers, compared by their angle."""
    models = tmp_path / "models"
    monkeypatch.setenv("FOOTFALL_MODELS__DIR", str(models))
    limits = (Limits(people=None, max_distance=0.5, stranger_distance=0.6),)
    network = models_folder / CATALOG["rnet"].file_name(Precision.FLOAT32)
    return packs.create(
        models / packs.FOLDER / "ours",
        name="ours",
        purpose="a test",
        pixels=Pixels(channels="RGB"),
        embedding=Embedding(crop=Crop(side=24, margin=4), limits=limits, distance=Distance.COSINE),
        dimension=4,
        contents={PackPrecision.FLOAT32: network.read_bytes()},
        source=Source(package="", version="", file="weights.h5", sha256="a" * 64),
        licence="MIT",
    )


# -- pictures and clips


def head_of(portrait: Image, part: tuple[slice, slice], height: int) -> Image:
    head = portrait[part]
    return cv2.resize(head, (height * head.shape[1] // head.shape[0], height), interpolation=cv2.INTER_AREA)


ADA_HEAD = (slice(0, 260), slice(150, 310))
BOB_HEAD = (slice(20, 420), slice(130, 430))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ada.png, ada-dark.png, bob.jpg, both.png and nobody.png."""
    folder = tmp_path_factory.mktemp("pictures")
    ada, bob = head_of(astronaut(), ADA_HEAD, 300), head_of(grace_hopper(), BOB_HEAD, 300)
    room = np.full((340, 640, 3), 90, np.uint8)
    both = room.copy()
    both[20 : 20 + 300, 60 : 60 + ada.shape[1]] = ada
    both[20 : 20 + 300, 360 : 360 + bob.shape[1]] = bob
    for name, image in {
        "ada.png": ada, "ada-dark.png": np.clip(ada[8:] * 0.6 + 5, 0, 255).astype(np.uint8),
        "bob.jpg": bob, "both.png": both, "nobody.png": room,
    }.items():  # fmt: skip
        cv2.imwrite(str(folder / name), image)
    return folder


@pytest.fixture(scope="session")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset: folders Ada and Grace, with the portrait and the head turned to both sides, none alike."""
    folder = tmp_path_factory.mktemp("two") / "people"
    for name, key, portrait in (("Ada", "astronaut", astronaut()), ("Grace", "hopper", grace_hopper())):
        (folder / name).mkdir(parents=True)
        for file, image in {"front": portrait, "left": faces.head(key, -40), "right": faces.head(key, 40)}.items():
            cv2.imwrite(str(folder / name / f"{file}.png"), image)
    return folder


@pytest.fixture
def people(two_people: Path, tmp_path: Path) -> Path:
    """A copy of that dataset, to change."""
    return Path(shutil.copytree(two_people, tmp_path / "people"))


def write_clip(path: Path, stays: Sequence[tuple[Image, float, float]], length_s: float) -> Path:
    """A clip of heads in a room, each from one second to another; MJPEG, 5 frames a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (480, 270))
    for index in range(round(length_s * FPS)):
        frame = np.full((270, 480, 3), 90, np.uint8)
        for place, (head, since, until) in enumerate(stays):
            if since <= index / FPS < until:
                x = 30 + 220 * place + index
                frame[40 : 40 + head.shape[0], x : x + head.shape[1]] = head
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds: Ada is there from 0.4 s to 4 s, another person from 0.6 s to 6 s."""
    ada, bob = head_of(astronaut(), ADA_HEAD, 150), head_of(grace_hopper(), BOB_HEAD, 150)
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.avi", [(ada, 0.4, 4), (bob, 0.6, 6)], 9)
