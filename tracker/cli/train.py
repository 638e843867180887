"""`footfall train`: teach a recognition network with pictures of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import ModelError
from tracker.cli.command import command
from tracker.cli.dataset import require_one_margin
from tracker.cli.extras import require
from tracker.cli.options import NoStore, UsageError
from tracker.cli.output import Result, Table, note
from tracker.cli.terminal import progress_bar, with_progress
from tracker.cli.track import Stop, stopping

if TYPE_CHECKING:
    from rich.progress import Progress

    from models.training.state import State
    from tracker.training.request import Request
    from tracker.training.run import Material, Trained

_OF_THE_PACK = frozenset({"name", "licence", "test", "validation", "template", "margin", "weights"})
"""Options that are not about the network."""


def _choice(option: str, metavar: str, help_: str) -> Any:
    return typer.Option(option, metavar=metavar, help=help_)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingChoices:
    """What a network is and how it is taught; None for the defaults."""

    backbone: Annotated[
        str | None,
        _choice("--backbone", "NAME", "mobilenetv4-small (default), mobilenetv3-small or inception-resnet-v1."),
    ] = None
    loss: Annotated[str | None, _choice("--loss", "NAME", "arcface (default) or triplet (semi-hard).")] = None
    size: Annotated[
        int | None,
        typer.Option("--size", min=32, max=512, help="Side of the network's pictures, px. Default: 112, or 160."),
    ] = None
    dimension: Annotated[
        int | None, typer.Option("--dimension", min=8, max=2048, help="Numbers in a vector. Default: 128.")
    ] = None
    width: Annotated[
        float | None,
        typer.Option("--width", min=0.125, max=4, help="Factor of the network's width: 0.5 is faster, 2 more exact."),
    ] = None
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="At most so many. Default: 40.")] = None
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Least of an epoch; few pictures are seen several times. Default: 100."),
    ] = None
    batch: Annotated[int | None, typer.Option("--batch", min=4, help="Pictures a step. Default: 64.")] = None
    pictures_per_person: Annotated[
        int | None,
        typer.Option("--pictures-per-person", min=2, help="In a batch, with --loss triplet. Default: 4."),
    ] = None
    optimiser: Annotated[str | None, _choice("--optimiser", "NAME", "adamw (default) or sgd.")] = None
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="The highest. Default: 0.001, with sgd 0.1.")
    ] = None
    weight_decay: Annotated[float | None, typer.Option("--weight-decay", min=0, help="Default: 0.0005.")] = None
    warm_up: Annotated[
        float | None, typer.Option("--warm-up", min=0, help="Epochs in which the learning rate rises. Default: 2.")
    ] = None
    loss_margin: Annotated[
        float | None,
        typer.Option("--loss-margin", help="Default: 0.5 rad with arcface, 0.2 with triplet."),
    ] = None
    scale: Annotated[
        float | None, typer.Option("--scale", help="Of cosines, with arcface: 64 for thousands of people. Default: 32.")
    ] = None
    patience: Annotated[
        int | None, typer.Option("--patience", min=1, help="Stop after so many epochs without progress. Default: 8.")
    ] = None
    augment: Annotated[
        bool | None, typer.Option("--augment/--no-augment", help="Change pictures at random. Default: do.")
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Another number gives another run.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackChoices:
    """What is held out, how pictures were cropped, and the pack; None for the defaults."""

    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the pack. Default: that of the folder RUN.")
    ] = None
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="Licence of the weights, on the pack's card.")
    ] = None
    test: Annotated[
        float | None,
        typer.Option("--test", min=0.01, max=0.9, help="Share of the people who are held out to test. Default: 0.2."),
    ] = None
    validation: Annotated[
        float | None,
        typer.Option("--validation", min=0.01, max=0.9, help="Share of the others to choose by. Default: 0.1."),
    ] = None
    template: Annotated[
        str | None, _choice("--template", "NAME", "As given to 'dataset align': arcface or dlib. Default: by the box.")
    ] = None
    margin: Annotated[
        int | None,
        typer.Option("--margin", min=0, help="As given to 'dataset align', px; without --template. Default: a fifth."),
    ] = None
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="Begin with timm's mobilenetv4_conv_small (.safetensors, .pt)."),
    ] = None


@command(
    "footfall train faces/ --to runs/own",
    "footfall train faces/ --to runs/small --backbone mobilenetv3-small --loss triplet --size 96",
    "footfall train faces/ --to runs/own --resume",
)
def train(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder of aligned faces: a folder for each person, or train/ and test/ by 'footfall dataset split'.",
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="RUN", help="Folder of the run: checkpoints, logs, the pack.")],
    access: NoStore,
    choices: TrainingChoices,
    pack: PackChoices,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN, exactly.")] = False,
) -> Result:
    """Teach a recognition network with pictures of your own, and write it as a model pack.

    People, not pictures, are held out: some to choose the best epoch by, some to measure it at the end. After every
    epoch there is a checkpoint; Ctrl-C writes one too and ends with exit code 130, and a run that was killed goes on
    with --resume to the same network. RUN/logs is for TensorBoard. RUN/pack is what 'footfall models add' takes, in
    float32, float16 and int8.
    """
    require("training", "models", "tensorflow")
    from tracker.training import run

    threads = access.load().models.threads
    with run.occupied(to, folder):
        given = _given(choices, pack)
        request = _resumed(to, given) if resume else _new(to, given)
        material = run.read_material(
            folder, request, lambda each: with_progress(each, "Reading pictures", total=len(each))
        )
        for each in run.skipped_text(material):
            note(each)
        state = run.resume(to, material) if resume else run.begin(to, request, material)
        note(_beginning(state, material))
        learner = run.learner_of(state, material, request)
        with stopping() as stop, _watching(state, stop) as watcher:
            state = run.train(learner, to, state, material, watcher)
        if stop.is_set():
            note(f"{_stopped(state)}; go on with: footfall train {folder} --to {to} --resume")
            raise typer.Exit(130)
        note(f"measuring the network of epoch {state.best} in each precision, and writing the pack")
        with _finishing() as begin:
            trained = run.finish(learner, to, state, material, request, begin, threads=threads)
    return _result(trained, material, to)


def _given(choices: TrainingChoices, pack: PackChoices) -> dict[str, object]:
    values = {each.name: getattr(group, each.name) for group in (choices, pack) for each in fields(group)}
    return {name: value for name, value in values.items() if value is not None}


def _new(to: Path, given: Mapping[str, object]) -> Request:
    """The request of a new run. Raises UsageError and ModelError for options that cannot be."""
    from models.packs import require_name
    from models.training.start import require_weights

    request = _valid({"name": to.resolve().name.lower(), "licence": "not stated"} | dict(given))
    require_one_margin(request.template, request.margin)
    require_name(request.name)
    if request.weights:
        require_weights(Path(request.weights), request.training)
    return request


def _resumed(to: Path, given: Mapping[str, object]) -> Request:
    """The request of a run that exists. Raises UsageError where an option differs from it."""
    from tracker.training import request as requests

    saved = requests.read(to)
    before = saved.model_dump(mode="json", exclude={"training"}) | saved.training.model_dump(mode="json")
    for name, value in given.items():
        if (str(value) if isinstance(value, Path) else value) != before[name]:
            raise UsageError(
                f"--{name.replace('_', '-')}: this training was begun with {before[name]}",
                fix="leave the option out, or begin another run in another folder: --to",
            )
    return saved


def _valid(given: Mapping[str, object]) -> Request:
    from pydantic import ValidationError

    from tracker.training.request import Request

    values = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    of_the_pack = {name: value for name, value in values.items() if name in _OF_THE_PACK}
    training = {name: value for name, value in values.items() if name not in _OF_THE_PACK}
    try:
        return Request.model_validate({**of_the_pack, "training": training})
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][-1]) if first["loc"] else "training"
        name = f"--{place.replace('_', '-')}: " if place in given else ""
        problem = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{name}{problem}", fix="see: footfall train --help") from error


@contextmanager
def _watching(state: State, stop: Stop) -> Iterator[_Watcher]:
    with progress_bar() as bar:
        yield _Watcher(bar, state.options.epochs, stop)


@contextmanager
def _finishing() -> Iterator[Callable[[str, float], None]]:
    """A function that shows what begins, and the share of the rest that is done."""
    with progress_bar() as bar:
        task = bar.add_task("Measuring", total=1.0)
        yield lambda title, done: bar.update(task, description=title, completed=done, refresh=True)
        bar.update(task, completed=1.0)


class _Watcher:
    """Shows a run on the terminal, and stops it when asked to."""

    def __init__(self, bar: Progress, epochs: int, stop: Stop) -> None:
        self._bar, self._epochs, self._stop = bar, epochs, stop
        self._task = bar.add_task("Starting", total=None)

    def step(self, epoch: int, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, description=f"Epoch {epoch} of {self._epochs}", completed=done, total=total)

    def epoch(self, state: State) -> None:
        """Print the line of an epoch."""
        epoch = state.epochs[-1]
        score = epoch.score
        best = ", the best so far" if state.best == epoch.number else ""
        note(
            f"epoch {epoch.number} of {self._epochs}: loss {epoch.loss:.3f}, TAR {score.tar:.1%} at FAR {score.far:g}, "
            f"separation {score.separation:.2f}, {epoch.seconds:.0f} s{best}"
        )

    def wants_stop(self) -> bool:
        """Whether a signal came."""
        return self._stop.is_set()


def _stopped(state: State) -> str:
    if state.finished:
        return "training is over, but its network is not measured"
    return f"training stopped in epoch {state.position.epoch + 1} of {state.options.epochs}"


def _beginning(state: State, material: Material) -> str:
    if state.finished:
        return f"training is over after epoch {len(state.epochs)}"
    where = "random weights" if not state.checkpoint else f"epoch {state.position.epoch + 1}"
    parts = (("to teach", material.learning), ("to validate", material.validation), ("to test", material.test))
    counts = ", ".join(f"{len(crops.people):,} people ({len(crops.paths):,} pictures) {what}" for what, crops in parts)
    return f"{counts}; from {where}"


def _result(trained: Trained, material: Material, to: Path) -> Result:
    rates = [f"{rate.far:g}" for rate in trained.measured[0].rates]
    rows = [
        [
            each.precision.value,
            *("too few pairs" if rate.tar is None else f"{rate.tar:.1%}" for rate in each.rates),
            f"{each.size_bytes / 1e6:.2f}",
            f"{each.ms_median:.2f}",
            f"{each.ms_p95:.2f}",
        ]
        for each in trained.measured
    ]
    titles = ["precision", *(f"TAR at FAR {far}" for far in rates), "MB", "ms a face", "p95"]
    found, best = trained.verification, trained.state.best_epoch
    if best is None:
        raise ModelError(f"{to}: no epoch is over", fix="go on with --resume")
    pairs = f"{len(found.same):,} pairs of one person and {len(found.different):,} of two"
    return Result(
        document={
            "pack": str(trained.pack.folder),
            "name": trained.pack.name,
            "epochs": [each.model_dump(mode="json") for each in trained.state.epochs],
            "best_epoch": best.number,
            "people": {
                "learning": len(material.learning.people),
                "validation": len(material.validation.people),
                "test": len(material.test.people),
            },
            "pairs": {"same": len(found.same), "different": len(found.different)},
            "precisions": trained.measured,
            "limits": [each.model_dump() for each in trained.pack.card.embedding.limits]
            if trained.pack.card.embedding
            else [],
        },
        parts=[
            f"best network: epoch {best.number} of {len(trained.state.epochs)}",
            f"measured on {pairs}, people it has never seen:",
            Table.of(titles, rows),
            f"wrote {trained.pack.folder}",
        ],
        notes=[
            f"use it: footfall models add {trained.pack.folder}, then set recognition.embedder and enrol everybody anew"
        ],
    )
