"""`footfall camera count`: people who cross a line in a recording, and how right the count is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.camera import chosen_camera
from tracker.cli.command import command
from tracker.cli.options import FpsOption, NoStoreModels, UsageError
from tracker.cli.output import Result, Table, duration
from tracker.cli.terminal import progress
from tracker.identity.networks import body_detector
from tracker.presence.line import Inside, Line
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.agent.count_score import CountScore, Passing
    from tracker.agent.counting import LineCounter
    from tracker.cameras.recording import RecordingSource

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Of recordings: only the time since then matters."""

LineOption = Annotated[
    str | None,
    typer.Option(
        "--line", metavar="X1,Y1,X2,Y2", help="The line: its ends in fractions of the frame, from the top left."
    ),
]
InsideOption = Annotated[
    Inside | None, typer.Option("--inside", help="The side of the line that is inside, as seen in the picture.")
]
CameraOption = Annotated[
    str | None, typer.Option("--camera", metavar="ID", help="Take line, inside and rotation of this door instead.")
]
TruthOption = Annotated[
    Path | None,
    typer.Option(
        "--truth",
        metavar="FILE",
        help="Who really crossed, to compare with: CSV with the columns at_s (seconds since the beginning) and"
        " direction (in or out), or JSON.",
    ),
]
LooksOption = Annotated[float, typer.Option("--looks", min=0.5, max=30, help="How many frames a second are looked at.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCrossing:
    """A crossing in a recording. at_s: seconds since its beginning. direction: in or out. track_id: whose it is."""

    at_s: float
    direction: str
    track_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionScore:
    """A direction of a count beside the truth; see `CountScore`."""

    direction: str
    right: int
    missed: int
    false: int
    missed_at_s: tuple[float, ...]
    false_at_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A counted recording. length_s: how long it is. looks: frames that were looked at. truth: None without a file."""

    clip: Path
    length_s: float
    looks: int
    entered: int
    exited: int
    crossings: tuple[CountedCrossing, ...]
    truth: tuple[DirectionScore, ...] | None


@command(
    "footfall camera count monday.mp4 --line 0.5,0.2,0.5,0.9 --inside right",
    "footfall camera count monday.mp4 --camera door --truth monday.csv",
)
def count(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A recording of the camera.")],
    access: NoStoreModels,
    line: LineOption = None,
    inside: InsideOption = None,
    camera: CameraOption = None,
    truth: TruthOption = None,
    looks: LooksOption = 3.5,
    fps: FpsOption = None,
) -> Result:
    """Count the people who cross a line in a recording, by their bodies.

    Nothing is stored. With --truth the count is compared with who really crossed: a crossing is right where a true one
    in the same direction is at most 2 seconds away.
    """
    from tracker.agent.counting import LineCounter
    from tracker.cameras.recording import RecordingSource
    from tracker.cli.count_truth import read_truth

    settings = access.load()
    drawn, rotate = _line_of(settings, camera, line, inside)
    passings = None if truth is None else read_truth(truth)
    source = RecordingSource(clip, start_at=_BEGINNING, fps=fps, rotate=rotate)
    source.open()  # what cannot be read is reported before anything is downloaded
    try:
        counter = LineCounter(body_detector(settings), drawn, camera or clip.stem, looks)
        crossings, length_s = _counted(source, counter)
    finally:
        source.close()
    entered = sum(each.direction == "in" for each in crossings)
    found = Count(
        clip=clip,
        length_s=length_s,
        looks=counter.looks,
        entered=entered,
        exited=len(crossings) - entered,
        crossings=crossings,
        truth=None if passings is None else _scores(crossings, passings),
    )
    return Result(document=found, parts=_parts(found), notes=[f"note: {problem}" for problem in source.state.problems])


def _line_of(settings: Settings, camera: str | None, line: str | None, inside: Inside | None) -> tuple[Line, int]:
    """The line of the options or of the camera, and the rotation of the frames, degrees. Raises UsageError."""
    from tracker.agent.roles.choice import line_of

    if camera is None:
        return _parsed(line, inside), 0
    if line is not None or inside is not None:
        raise UsageError("--camera beside --line or --inside", fix="give either a camera of the settings or a line")
    chosen = chosen_camera(settings, camera)
    found = line_of(chosen)
    if found is None:
        raise UsageError(f"{chosen.id} has no line: its role is {chosen.role}", fix="give --line and --inside")
    return found, chosen.rotate


def _parsed(line: str | None, inside: Inside | None) -> Line:
    if line is None or inside is None:
        raise UsageError("no line to count at", fix="give --line 0.5,0.2,0.5,0.9 --inside right, or --camera ID")
    try:
        x1, y1, x2, y2 = (float(part) for part in line.split(","))
    except ValueError as error:
        fix = "give four numbers from 0 to 1, such as --line 0.5,0.2,0.5,0.9"
        raise UsageError(f"--line {line[:40]!r}: not two points", fix=fix) from error
    try:
        return Line(start=(x1, y1), end=(x2, y2), inside=inside)
    except ValueError as error:
        raise UsageError(f"--line {line}: {error}", fix="give another line or another --inside") from error


def _counted(source: RecordingSource, counter: LineCounter) -> tuple[tuple[CountedCrossing, ...], float]:
    """The crossings of a recording, and its length in seconds."""
    found: list[CountedCrossing] = []
    at_s = 0.0
    with progress("Counting", total=source.expected_frames) as show:
        while (frame := source.read()) is not None:
            at_s = (frame.at - _BEGINNING).total_seconds()
            found += [
                CountedCrossing(
                    at_s=round((each.at - _BEGINNING).total_seconds(), 3),
                    direction="in" if each.inward else "out",
                    track_id=each.track_id,
                )
                for each in counter.observe(frame.image, frame.at)
            ]
            show(frame.index + 1)
    return tuple(sorted(found, key=lambda each: each.at_s)), round(at_s, 3)


def _scores(crossings: Sequence[CountedCrossing], truth: Sequence[Passing]) -> tuple[DirectionScore, ...]:
    from tracker.agent.count_score import Passing, scored

    counted = [Passing(at_s=each.at_s, inward=each.direction == "in") for each in crossings]
    return tuple(map(_direction, scored(counted, truth)))


def _direction(score: CountScore) -> DirectionScore:
    return DirectionScore(
        direction="in" if score.inward else "out",
        right=score.right,
        missed=len(score.missed_at_s),
        false=len(score.false_at_s),
        missed_at_s=score.missed_at_s,
        false_at_s=score.false_at_s,
    )


def _parts(found: Count) -> list[str | Table]:
    about = f"{duration(found.length_s)}, {count_text(found.looks, 'look')}"
    parts: list[str | Table] = [f"{found.clip.name}: {found.entered} in, {found.exited} out ({about})"]
    rows = [(_clock(each.at_s), each.direction) for each in found.crossings]
    parts.append(Table.of(("at", "direction"), rows, empty="Nobody crossed the line."))
    if found.truth is not None:
        titles = ("direction", "right", "missed", "false", "missed at", "false at")
        scores = [
            (each.direction, each.right, each.missed, each.false, _clocks(each.missed_at_s), _clocks(each.false_at_s))
            for each in found.truth
        ]
        parts.append(Table.of(titles, scores, title="Beside the truth"))
    return parts


def _clocks(times_s: Iterable[float]) -> str:
    return ", ".join(map(_clock, times_s))


def _clock(at_s: float) -> str:
    """Minutes, seconds and tenths, as a player shows them: 1:05.9."""
    tenths = round(at_s * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
