"""`footfall train`, on drawn faces: a run that is stopped and resumed, whose pack tells people apart it never saw."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from config.settings import Precision
from models import packs
from models.cards import PackPrecision
from models.training.checkpoints import Checkpoints
from tests.tracker.cli.conftest import Run
from tests.tracker.training.rendered_faces import picture, write_people
from tracker.training.verification import verify
from tracker.vision.embed import Embedder
from tracker.vision.embedders import embedder_named

pytest.importorskip("tensorflow", reason="needs the models extra")

SIZE = 40
OPTIONS = (
    "--size", SIZE, "--width", 0.5, "--dimension", 32, "--epochs", 7, "--steps", 16, "--batch", 96, "--test", 0.3,
    "--warm-up", 1, "--learning-rate", 0.01, "--scale", 16, "--name", "drawn", "--licence", "CC0-1.0",
)  # fmt: skip


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Eight people with three pictures each."""
    return write_people(tmp_path / "few", range(8), 3, 32)


def stop_when(folder: Path, pattern: str, number: int = signal.SIGINT) -> None:
    """Send Ctrl-C, or another signal, to this process as soon as such a file is there."""

    def watch() -> None:
        deadline = time.monotonic() + 120
        while not list(folder.glob(pattern)) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(os.getpid(), number)

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.slow
def test_a_stopped_run_is_resumed_learns_and_becomes_a_pack(run: Run, tmp_path: Path) -> None:
    faces = write_people(tmp_path / "faces", range(60), 10, SIZE)
    stop_when(Path("runs/own"), "logs/*")
    stopped = run("train", faces, "--to", "runs/own", *OPTIONS)
    assert stopped.code == 130, stopped.err
    assert "training stopped in epoch 1 of 7; go on with: footfall train" in stopped.err
    run("train", faces, "--to", "runs/own", *OPTIONS).refused("is not empty", "--resume")
    run("train", faces, "--to", "runs/own", "--resume", "--scale", 64).refused("--scale", "begun with 16.0", code=2)
    state = Checkpoints(Path("runs/own")).read()
    assert (state.finished, len(state.epochs)) == (False, 0)

    done = run("train", faces, "--to", "runs/own", "--resume", "--json")
    assert done.code == 0, done.err
    lines = [line for line in done.err.splitlines() if line.startswith("epoch ")]
    assert len(lines) == len(done.data["epochs"]) <= 7
    assert f"measuring the network of epoch {done.data['best_epoch']} in each precision" in done.err
    assert "38 people (380 pictures) to teach, 4 people (40 pictures) to validate, 18 people" in done.err
    assert done.data["people"] == {"learning": 38, "validation": 4, "test": 18}
    assert_learned(done.data)
    assert_usable(run, Path("runs/own/pack"), done.data, tmp_path)

    (faces / "person-003" / "0.png").unlink()
    run("train", faces, "--to", "runs/own", "--resume").refused("the pictures are not those")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_no_error(number: int, run: Run, few: Path) -> None:
    stop_when(Path("own"), "step-*", number)
    small = ("--size", 32, "--width", 0.125, "--dimension", 8, "--steps", 1, "--batch", 8)
    done = run("train", few, "--to", "own", *small, "--epochs", 5000, "--patience", 5000)
    assert done.code == 130, done.err
    assert done.err.splitlines()[-1].endswith(f"of 5000; go on with: footfall train {few} --to own --resume")
    assert "error: " not in done.err


@pytest.mark.slow
def test_a_finished_run_names_what_is_left_to_do(run: Run, few: Path) -> None:
    small = ("--size", 32, "--width", 0.125, "--dimension", 8, "--steps", 1, "--batch", 8)
    assert run("train", few, "--to", "own", *small, "--epochs", 1).code == 0
    again = run("train", few, "--to", "own", "--resume")
    assert again.code == 0, again.err
    assert again.err.splitlines()[:2] == [
        "training is over after epoch 1",
        "measuring the network of epoch 1 in each precision, and writing the pack",
    ]


def assert_learned(data: object) -> None:
    """Of people who were held out, far more than chance is right in every precision."""
    assert data["epochs"][-1]["loss"] < 0.9 * max(each["loss"] for each in data["epochs"])
    assert [each["precision"] for each in data["precisions"]] == ["float32", "float16", "int8"]
    rates = [{rate["far"]: rate["tar"] for rate in each["rates"]} for each in data["precisions"]]
    for found in rates:
        assert found[0.1] > 0.5
        assert found[0.01] > 0.1
        assert found[0.0001] is None
    assert abs(rates[0][0.1] - rates[1][0.1]) < 0.02
    sizes = [each["size_bytes"] for each in data["precisions"]]
    assert sizes[0] > 1.5 * sizes[1] > 1.5 * sizes[2]
    assert all(0 < each["ms_median"] <= each["ms_p95"] < 1000 for each in data["precisions"])


def assert_usable(run: Run, folder: Path, data: object, tmp_path: Path) -> None:
    """The pack can be added, and its vectors, as an agent makes them, tell new people apart."""
    pack = packs.read(folder)
    packs.verify(pack)
    assert (pack.name, pack.card.licence, pack.card.dimension) == ("drawn", "CC0-1.0", 32)
    assert set(pack.precisions) == set(PackPrecision)
    assert (pack.card.embedding.crop.side, pack.card.embedding.crop.margin) == (SIZE, SIZE // 5)
    assert [each.max_distance for each in pack.card.embedding.limits] == [
        each["max_distance"] for each in data["limits"]
    ]
    figures = {(each.precision, each.measure): each.value for each in pack.card.accuracy}
    assert figures[PackPrecision.INT8, "TAR at FAR 0.1"] == pytest.approx(
        data["precisions"][2]["rates"][0]["tar"], abs=1e-4
    )
    assert "180 pictures of 18 people held out" in pack.card.accuracy[0].dataset
    assert run("models", "add", folder, "--models", tmp_path / "models").code == 0
    spec = embedder_named("drawn", tmp_path / "models")
    embedder = Embedder(spec, folder=tmp_path / "models", precision=Precision.FLOAT16, threads=1)
    chips = np.stack([picture(person, number, SIZE)[:, :, ::-1] for person in range(500, 530) for number in range(6)])
    assert verify(embedder.embed(chips), np.repeat(np.arange(30), 6)).tar(0.1) > 0.5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--backbone", "resnet-9000"), ("--backbone", "mobilenetv4-small"), id="backbone"),
        pytest.param(("--loss", "softmax"), ("--loss", "arcface"), id="loss"),
        pytest.param(("--optimiser", "adam"), ("--optimiser", "adamw"), id="optimiser"),
        pytest.param(("--template", "dlibb"), ("--template", "arcface"), id="template"),
        pytest.param(
            ("--template", "arcface", "--margin", 20), ("--margin has no effect with --template",), id="margin"
        ),
        pytest.param(("--learning-rate", "0"), ("--learning-rate", "greater than 0"), id="learning-rate"),
        pytest.param(("--loss", "triplet", "--batch", 4), ("two people or more",), id="batch"),
        pytest.param(("--size", 16), (), id="size"),
        pytest.param(("--backbone", "inception-resnet-v1", "--size", 64), ("75 px or more",), id="size-of-backbone"),
        pytest.param(("--backbone", "inception-resnet-v1", "--width", 2), ("one width only",), id="width-of-backbone"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: tuple[object, ...], words: tuple[str, ...], run: Run, few: Path
) -> None:
    done = run("train", few, "--to", "run", *options)
    assert done.code == 2
    if words:
        done.refused(*words, code=2)
    assert not list(Path().glob("run/*.json"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--name", "Own Faces"), ("'Own Faces' cannot be the name",), id="name"),
        pytest.param(("--name", "sface"), ("a network that Footfall has",), id="name-taken"),
        pytest.param(("--weights", "no.safetensors"), ("no file that ends in .safetensors",), id="weights-missing"),
        pytest.param(("--weights", "x.safetensors", "--width", 0.5), ("width 1 only",), id="weights-of-another-width"),
    ],
)
def test_packs_and_weights_that_cannot_be_are_refused(
    options: tuple[object, ...], words: tuple[str, ...], run: Run, few: Path
) -> None:
    run("train", few, "--to", "run", *options).refused(*words)


def test_datasets_that_cannot_be_are_refused(run: Run, few: Path) -> None:
    run("train", "nothing", "--to", "run").refused("no such folder")
    for person in sorted(few.iterdir())[3:]:
        for path in person.iterdir():
            path.write_bytes(b"no picture")
    run("train", few, "--to", "run").refused("3 people with at least 2 pictures, too few")
    shutil.rmtree(few)
    few.mkdir()
    run("train", few, "--to", "run").refused("no pictures")
    assert not list(Path().glob("run/*.json"))


def test_folders_that_cannot_be_are_refused(run: Run, few: Path) -> None:
    Path("file").write_text("")
    run("train", few, "--to", "file").refused("cannot be written")
    run("train", few, "--to", "run", "--resume").refused("no training to resume")
    Path("used").mkdir()
    Path("used/other.txt").write_text("")
    run("train", few, "--to", "used").refused("used is not empty")
    assert [path.name for path in Path("used").iterdir() if not path.name.startswith(".")] == ["other.txt"]


@pytest.mark.parametrize("place", ["few/run", "few", "."])
def test_a_run_is_apart_from_its_dataset(place: str, run: Run, few: Path) -> None:
    before = sorted(Path().rglob("*"))
    run("train", few, "--to", few.parent / place).refused("not apart from the dataset", "--to")
    assert sorted(Path().rglob("*")) == before


def test_two_runs_do_not_share_a_folder(run: Run, few: Path) -> None:
    Path("run").mkdir()
    with FileLock("run/.lock"):
        run("train", few, "--to", "run").refused("another training runs there")
    assert [path.name for path in Path("run").iterdir()] == [".lock"]


def test_pictures_that_are_left_out_are_named(run: Run, few: Path) -> None:
    (few / "person-000" / "0.png").write_bytes(b"no picture")
    shutil.rmtree(few / "person-001")
    (few / "person-001").mkdir()
    Path("used").mkdir()
    Path("used/other.txt").write_text("")
    err = run("train", few, "--to", "used", "--size", 32).err
    assert "0.png: not a picture" in err
    assert "left out: 1 person with fewer than 2 pictures" in err


def test_weights_to_begin_with_must_fit(run: Run, few: Path) -> None:
    header = json.dumps({"other": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    Path("timm.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    run("train", few, "--to", "run", "--weights", "timm.safetensors").refused(
        "not the weights of timm's mobilenetv4_conv_small"
    )
