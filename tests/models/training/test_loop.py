"""A run of training: it learns, stops, goes on where it was, and leaves what it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from models.training.checkpoints import Checkpoints
from models.training.options import Loss, Optimiser, TrainingOptions
from models.training.state import Epoch, Score, State
from tests.models.training.conftest import OPTIONS, PEOPLE, Recorder, begun, steps, training

tf = pytest.importorskip("tensorflow", reason="needs the models extra")

ROOT = Path(__file__).parents[3]


def variables(run) -> dict[str, np.ndarray]:
    """Of a run in its last checkpoint: the network, the centres, and the optimiser."""
    found = {f"network{number}": each for number, each in enumerate(run.learner.network.get_weights())}
    with np.load(run.checkpoints.folder / run.checkpoints.read().checkpoint / "training.npz") as arrays:
        return found | dict(arrays)


def assert_same(first, second) -> None:
    """Every variable of two runs is the same, bit for bit."""
    one, other = variables(first), variables(second)
    assert one.keys() == other.keys()
    assert {"head0", "optimiser5", "network5"} <= one.keys()
    assert [name for name in one if one[name].tobytes() != other[name].tobytes()] == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """A run without an interruption, its state and its watcher."""
    folder, watcher = tmp_path_factory.mktemp("whole") / "run", Recorder()
    run = training(folder, OPTIONS, watcher)
    return run, run.run(begun(folder, OPTIONS)), watcher


def test_a_run_learns_and_reports_every_step(whole) -> None:
    run, state, watcher = whole
    assert state.finished
    assert [each.number for each in watcher.epochs] == [1, 2, 3, 4] == [each.number for each in state.epochs]
    assert state.epochs[-1].loss < 0.7 * state.epochs[0].loss
    assert watcher.steps == [(epoch, step, 3) for epoch in (1, 2, 3, 4) for step in (1, 2, 3)]
    assert run.checkpoints.read() == state


def test_the_learning_rate_rises_then_falls(whole) -> None:
    rates = [each.learning_rate for each in whole[1].epochs]
    assert rates[0] == pytest.approx(OPTIONS.learning_rate)
    assert rates[0] > rates[1] > rates[2] > rates[3] == pytest.approx(0, abs=1e-9)


def test_only_the_last_and_the_best_network_are_kept(whole) -> None:
    run, state, _ = whole
    names = sorted(path.name for path in run.checkpoints.folder.iterdir())
    assert names == sorted([state.best_weights, state.checkpoint, "state.json", "logs"])


def test_logs_hold_every_epoch(whole) -> None:
    from tensorflow.core.util import event_pb2

    run, state, _ = whole
    found: dict[str, list[tuple[int, float]]] = {}
    for path in (run.checkpoints.folder / "logs").iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
    assert found["loss"] == [(each.number, pytest.approx(each.loss)) for each in state.epochs]
    assert found["held-out people/separation"] == [
        (each.number, pytest.approx(each.score.separation)) for each in state.epochs
    ]
    assert {"learning rate", "held-out people/true-accept rate", "seconds"} <= set(found)


@pytest.mark.parametrize("stop_after", [3, 7], ids=lambda steps: f"after-{steps}-steps")
def test_a_stopped_run_goes_on_to_the_same_network(stop_after: int, whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    stopped = training(folder, OPTIONS, Recorder(stop_after)).run(begun(folder, OPTIONS))
    assert not stopped.finished
    resumed = training(folder, OPTIONS)
    state = resumed.run(Checkpoints(folder).read())
    assert [each.model_copy(update={"seconds": 0}) for each in state.epochs] == [
        each.model_copy(update={"seconds": 0}) for each in whole[1].epochs
    ]
    assert_same(resumed, whole[0])


def test_a_killed_run_goes_on_to_the_same_network(whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.models.training.run_to_kill", str(folder)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    try:
        deadline = time.monotonic() + 120
        while not list(folder.glob("step-00000-*")) and child.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    state = Checkpoints(folder).read()
    assert not state.finished
    resumed = training(folder, OPTIONS)
    resumed.run(state)
    assert_same(resumed, whole[0])


def test_another_seed_gives_another_network(tmp_path: Path) -> None:
    other = training(tmp_path / "run", OPTIONS.model_copy(update={"seed": 1, "epochs": 1}))
    first = training(tmp_path / "run", OPTIONS)
    pairs = zip(first.learner.network.get_weights(), other.learner.network.get_weights(), strict=True)
    assert any(abs(one - two).max() > 1e-3 for one, two in pairs)


@pytest.mark.parametrize(
    ("loss", "optimiser"), [(Loss.TRIPLET, Optimiser.ADAMW), (Loss.ARCFACE, Optimiser.SGD)], ids=str
)
def test_other_losses_and_optimisers_learn(loss: Loss, optimiser: Optimiser, tmp_path: Path) -> None:
    change = {"loss": loss, "optimiser": optimiser, "learning_rate": 0.02, "augment": False}
    options = OPTIONS.model_copy(update=change)
    state = training(tmp_path / "run", options).run(begun(tmp_path / "run", options))
    assert state.epochs[-1].loss < 0.8 * state.epochs[0].loss
    assert state.epochs[-1].score.separation > state.epochs[0].score.separation


def test_a_run_ends_when_the_network_gets_no_better_and_the_best_is_restored(tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"epochs": 20, "patience": 2})
    scores = iter([(0.5, 1.0), (0.7, 1.0), (0.7, 1.2), (0.7, 1.2), (0.6, 9.0)])
    after: list[list[np.ndarray]] = []

    def validate(learner) -> Score:
        after.append(learner.network.get_weights())
        return Score(*next(scores), far=0.1)

    run = training(tmp_path / "run", options, validate=validate)
    state = run.run(begun(tmp_path / "run", options))
    assert (state.finished, len(state.epochs), state.best) == (True, 5, 3)
    run.checkpoints.restore_best(run.learner, state)
    best = run.learner.network.get_weights()
    assert all((one == other).all() for one, other in zip(best, after[2], strict=True))
    assert any((one != other).any() for one, other in zip(best, after[4], strict=True))


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"learning_rate": 1e38, "optimiser": Optimiser.SGD, "warm_up": 0})
    with pytest.raises(ModelError, match="the loss is nan") as error:
        training(tmp_path / "run", options).run(begun(tmp_path / "run", options))
    assert "--learning-rate" in error.value.fix


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    begun(tmp_path / "run", OPTIONS)
    with pytest.raises(ModelError, match="is not empty") as error:
        begun(tmp_path / "run", OPTIONS)
    assert "--resume" in error.value.fix
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        begun(tmp_path / "file", OPTIONS)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = training(folder, OPTIONS, Recorder(stop_after=1))
    state = run.run(begun(folder, OPTIONS))
    (folder / "step-00000-0000002.part").write_text("in the way")
    later = state.model_copy(update={"position": state.position.model_copy(update={"step": 2})})
    with pytest.raises(ModelError, match="cannot be written") as error:
        run.checkpoints.save(run.learner, later)
    assert "--resume" in error.value.fix
    assert run.checkpoints.read() == state
    run.checkpoints.restore(run.learner, state)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = training(folder, OPTIONS, Recorder(stop_after=1))
    state = run.run(begun(folder, OPTIONS))
    arrays = folder / state.checkpoint / "training.npz"
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="the checkpoint is damaged"):
        run.checkpoints.restore(run.learner, state)
    (folder / "state.json").write_text("{}")
    with pytest.raises(ModelError, match="not the state of a training"):
        run.checkpoints.read()
    with pytest.raises(ModelError, match="no training to resume"):
        Checkpoints(tmp_path / "nothing").read()


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    state = begun(tmp_path / "run", OPTIONS)
    path = tmp_path / "run" / "state.json"
    path.write_text(state.model_copy(update={"format": 99}).model_dump_json())
    with pytest.raises(ModelError, match="another version of Footfall"):
        Checkpoints(tmp_path / "run").read()


def test_the_better_network_is_that_with_the_higher_rate_then_the_larger_separation() -> None:
    options = TrainingOptions(epochs=9, patience=3)
    state = State(options=options, fingerprint="", people=PEOPLE)
    best = []
    for number, (tar, gap) in enumerate([(0.5, 2), (0.5, 1), (0.6, 0.5), (0.6, 0.7), (0.1, 5)], 1):
        score = Score(tar=tar, separation=gap, far=0.1)
        state = state.after(Epoch(number=number, loss=1, learning_rate=1, score=score, seconds=1))
        best.append(state.best)
    assert best == [1, 1, 3, 4, 4]
    assert not state.finished


def test_steps_of_an_epoch() -> None:
    assert steps(OPTIONS) == 3
