"""Prints what agents find while they run: events, corrections and reasons, and progress on stderr."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tracker.agent.hints import UnnamedHints
from tracker.agent.loop import Agent, Step
from tracker.agent.summary import Summary
from tracker.cameras.frames import FrameSource
from tracker.cameras.live import LiveSource
from tracker.cameras.recording import RecordingSource
from tracker.cli.output import json_line, local_time, note
from tracker.cli.terminal import console, errors
from tracker.identity.known import KnownPeople
from tracker.presence.events import Match, is_unidentified
from tracker.reports.text import printable

_PERSON_ID = re.compile(r"\b[pv]-[0-9a-f]{10,}\b")


class EventOutput(StrEnum):
    """Where and how events are printed while an agent runs."""

    TEXT = "text"
    """A line of text each, on stdout."""
    JSON = "json"
    """A JSON object a line, on stdout: events, and corrections of earlier events."""
    STDERR = "stderr"
    """A line of text each, on stderr: stdout is for something else."""


class StepPrinter:
    """Prints events, and progress on stderr. Called from the threads of all agents."""

    def __init__(
        self,
        agents: Sequence[Agent],
        sources: Sequence[FrameSource],
        known: KnownPeople,
        *,
        zone: ZoneInfo,
        output: EventOutput,
        explain: bool,
    ) -> None:
        self._zone = zone
        self._output = output
        self._explain = explain
        self._known = known
        self._lock = threading.Lock()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[seen]}", markup=False),
            TimeElapsedColumn(),
            console=errors,
            disable=not errors.is_terminal,
            redirect_stdout=False,  # events belong on stdout
        )
        self._summaries = {
            agent.camera_id: Summary()
            for agent, source in zip(agents, sources, strict=True)
            if not isinstance(source, LiveSource)
        }
        self._hints = {agent.camera_id: UnnamedHints() for agent in agents}
        self._sources = {agent.camera_id: source for agent, source in zip(agents, sources, strict=True)}
        self._bars: dict[str, TaskID] = {
            camera_id: self._progress.add_task(camera_id, total=None, seen="") for camera_id in self._sources
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def print_summaries(self) -> None:
        """What was found in recordings that are over, a line each on stderr."""
        for camera_id, summary in self._summaries.items():
            line = summary.line()
            if line is not None:
                hint = " (use --explain for details)" if ": " in line and not self._explain else ""
                note(f"{camera_id}: {_with_names(line, self._known)}{hint}")

    def print_step(self, agent: Agent, step: Step) -> None:
        """Print the events of a frame."""
        if agent.camera_id in self._summaries:
            self._summaries[agent.camera_id].add(step)
        if step.frame is not None:
            self._advance(agent.camera_id, step)
        hint = self._hints[agent.camera_id].next(step)
        with self._lock:
            if hint is not None:
                self._print(f"hint: {agent.camera_id}: {_with_names(hint, self._known)}", to_stderr=True)
            if self._explain:
                self._print_matches(step.matches)
            if self._output is EventOutput.JSON:
                for record in (*step.corrections, *step.events):
                    self._print(json_line(record), to_stderr=False)
            else:
                self._print_events(step)

    def _advance(self, camera_id: str, step: Step) -> None:
        source = self._sources[camera_id]
        total = source.expected_frames if isinstance(source, RecordingSource) else None  # known once it is open
        seen = f"{len(step.faces)} faces, {len(step.present)} in"
        self._progress.update(self._bars[camera_id], advance=1, total=total, seen=seen)

    def _print_matches(self, matches: Sequence[Match]) -> None:
        for match in matches:
            reason = _with_names(match.reason, self._known)
            line = self._line(match.at, match.camera_id, "track", f"{match.track_id}: {reason}")
            self._print(line, to_stderr=self._output is not EventOutput.TEXT)

    def _print_events(self, step: Step) -> None:
        lines = [
            self._line(each.at, each.camera_id, "void", f"{each.kind} of {self._name(each.person_id)} did not happen")
            for each in step.retracted
        ]
        lines += [self._line(each.at, each.camera_id, each.kind, self._name(each.person_id)) for each in step.events]
        for line in lines:
            self._print(line, to_stderr=self._output is EventOutput.STDERR)

    def _name(self, person_id: str) -> str:
        if is_unidentified(person_id):
            return "an unidentified person"
        person = self._known.person(person_id)
        return person.name if person else person_id

    def _line(self, at: datetime, camera_id: str, what: str, text: str) -> str:
        return f"{local_time(at, self._zone)}  {camera_id}  {what:<5}  {text}"

    def _print(self, line: str, *, to_stderr: bool) -> None:
        """On stdout or stderr; where both are the terminal, above the bars, which know of stderr only."""
        if to_stderr or (console.is_terminal and errors.is_terminal):
            note(line)
        else:
            sys.stdout.write(f"{printable(line)}\n")
            sys.stdout.flush()


def _with_names(reason: str, known: KnownPeople) -> str:
    """The reason with people's names instead of their ids."""

    def named(found: re.Match[str]) -> str:
        person = known.person(found.group())
        return person.name if person else found.group()

    return _PERSON_ID.sub(named, reason)
