"""Allowed and rejected characters in ids, names and reasons."""

from __future__ import annotations

from dataclasses import fields

import pytest

from config.errors import RecordError
from tests.tracker.presence.test_documents import RECORDS
from tracker.presence.documents import decode, encode
from tracker.presence.health import CameraHealth
from tracker.presence.people import Person


@pytest.mark.parametrize("code", [0x00, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x85, 0x9B, 0x202A, 0x202E, 0x2066, 0x2069])
@pytest.mark.parametrize("title", RECORDS)
def test_control_characters_in_ids_names_and_reasons_are_refused(title: str, code: int) -> None:
    record = RECORDS[title]
    texts = [name for name, value in encode(record).items() if isinstance(value, str) and _is_free_text(title, name)]
    assert texts
    for name in texts:
        with pytest.raises(RecordError, match=f"{name}: expected a text without control characters .U.{code:04X}"):
            decode(type(record), {**encode(record), name: f"a{chr(code)}b"})


def _is_free_text(title: str, name: str) -> bool:
    annotation = {field.name: field.type for field in fields(RECORDS[title])}[name]
    return str(annotation) in ("str", "str | None") and name not in ("source", "problem")


def test_control_characters_in_messages_of_cameras_are_replaced() -> None:
    health = decode(
        CameraHealth, {**encode(RECORDS["camera health"]), "source": "rtsp://\x1b[2J", "problem": "lost\r\nagain"}
    )
    assert (health.source, health.problem) == ("rtsp://\ufffd[2J", "lost\ufffd\ufffdagain")


@pytest.mark.parametrize("name", ["Zoë", "李小龍", "عَبْد\u200eالله", "\U0001f469\u200d\U0001f680", "=1+1", "<b>"])
def test_letters_of_any_script_pass(name: str) -> None:
    assert decode(Person, {**encode(RECORDS["person"]), "name": name}).name == name
