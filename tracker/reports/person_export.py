"""What is kept about a person, to hand out: as JSON and as a page that anybody can read, both in one zip file."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from config.text import fold
from tracker.presence.events import EventKind
from tracker.presence.person_data import PersonData
from tracker.reports.json_values import plain
from tracker.reports.sheets import Column, Kind, Row
from tracker.reports.text import cell_text, escaped_html, escaped_json

_STYLE = """
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: #17211d; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 0.6rem; } p { margin: 0.3rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #dde3e0; padding: 0.35rem 0.8rem 0.35rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; } td { overflow-wrap: anywhere; }
"""
_VISITS = (
    Column("site_id", "Site"),
    Column("started_at", "From", Kind.MOMENT),
    Column("ended_at", "To", Kind.MOMENT),
    Column("dwell_s", "Inside", Kind.LENGTH),
    Column("enter_camera_id", "Entered by"),
    Column("exit_camera_id", "Left by"),
)
_EVENTS = (
    Column("at", "Time", Kind.MOMENT),
    Column("kind", "What"),
    Column("site_id", "Site"),
    Column("camera_id", "Camera"),
    Column("inferred", "Not seen", Kind.FLAG),
    Column("voided", "Did not happen", Kind.FLAG),
)
_MATCHES = (
    Column("at", "Time", Kind.MOMENT),
    Column("site_id", "Site"),
    Column("camera_id", "Camera"),
    Column("authorised", "Authorised", Kind.FLAG),
    Column("distance", "Distance"),
    Column("reason", "Why"),
)
_STAYS = (
    Column("zone", "Zone"),
    Column("site_id", "Site"),
    Column("camera_id", "Camera"),
    Column("started_at", "From", Kind.MOMENT),
    Column("seen_at", "To", Kind.MOMENT),
)
_CORRECTIONS = (
    Column("at", "Time", Kind.MOMENT),
    Column("action", "What"),
    Column("by", "By"),
    Column("reason", "Reason"),
)
_CHANGES = (
    Column("at", "Time", Kind.MOMENT),
    Column("by", "By"),
    Column("action", "What"),
    Column("reason", "Reason"),
)
_PRESENCES = (
    Column("site_id", "Site"),
    Column("camera_id", "Camera"),
    Column("entered_at", "Since", Kind.MOMENT),
    Column("seen_at", "Last seen", Kind.MOMENT),
)
_WITHOUT_PICTURES = (
    "No pictures are kept. Face vectors are lists of numbers by which a camera recognises a face; this page counts them"
    " and does not contain them."
)


def json_text(data: PersonData, now: datetime) -> str:
    """Everything as JSON with stable keys; times are UTC. now: when it was made."""
    document = {"made_at": now, "counts": data.counts(), **_fields(data)}
    return escaped_json(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def html_text(data: PersonData, now: datetime, zone: ZoneInfo) -> str:
    """The same as one page of HTML, without scripts and links; times are on the clock of `zone`."""
    name = escaped_html(data.person.name)
    parts = [
        f"<h1>What is kept about {name}</h1>",
        f"<p>As of {escaped_html(cell_text(now, Kind.MOMENT, zone))}, {escaped_html(zone.key)}.</p>",
        _section("Profile", _facts(_profile(data, zone))),
        _section("How much", _facts({key: f"{count:,}" for key, count in data.counts().items()})),
        f"<p>{_WITHOUT_PICTURES}</p>",
        *(_section(title, _table(columns, rows, zone)) for title, columns, rows in _tables(data) if rows),
    ]
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>What is kept about {name}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def archive(data: PersonData, now: datetime, zone: ZoneInfo) -> bytes:
    """A zip file with both."""
    name = file_name(data)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{name}.html", html_text(data, now, zone))
        files.writestr(f"{name}.json", json_text(data, now))
    return out.getvalue()


def file_name(data: PersonData) -> str:
    """A file name, without an ending, for what is kept about a person: their name in plain letters."""
    words = re.findall("[a-z0-9]+", fold(data.person.name))
    return "-".join(words)[:80] or re.sub("[^A-Za-z0-9-]", "-", data.person.person_id)[:80]


def _fields(data: PersonData) -> dict[str, Any]:
    return {name: getattr(data, name) for name in data.__dataclass_fields__}


def _profile(data: PersonData, zone: ZoneInfo) -> dict[str, str]:
    person = data.person
    found: Sequence[tuple[str, object, Kind]] = (
        ("Name", person.name, Kind.TEXT),
        ("Ids", data.ids, Kind.TEXTS),
        ("Kind", person.kind, Kind.TEXT),
        ("Role", person.role, Kind.TEXT),
        ("Access", "yes" if person.access else "no", Kind.TEXT),
        ("Groups", person.groups, Kind.TEXTS),
        ("Valid from", person.valid_from, Kind.DAY),
        ("Valid until", person.valid_until, Kind.DAY),
        ("Known since", person.created_at, Kind.MOMENT),
        ("Consent given", person.consented_at, Kind.MOMENT),
        ("Version of the consent", person.consent_version, Kind.TEXT),
        ("Consent recorded by", person.consent_by, Kind.TEXT),
        ("Pictures that vectors came from", data.pictures, Kind.TEXTS),
        ("Distance limit of their own", data.limit, Kind.TEXT),
    )
    texts = {title: cell_text(value, kind, zone) for title, value, kind in found}
    return {title: text for title, text in texts.items() if text}


def _tables(data: PersonData) -> Iterable[tuple[str, Sequence[Column], Sequence[Row]]]:
    events = [{**_row(each), "voided": False} for each in data.events]
    events += [{**_row(each), "voided": True} for each in data.voided]
    events.sort(key=lambda row: (row["at"], row["kind"] is EventKind.EXIT))
    yield "In sight now", _PRESENCES, [_row(each) for each in data.presences]
    yield "Visits", _VISITS, [_row(each) for each in data.sessions]
    yield "Enters and exits", _EVENTS, events
    yield "Corrections", _CORRECTIONS, [_row(each) for each in data.corrections]
    yield "Changes by users", _CHANGES, [_row(each) for each in data.changes]
    yield "Stays in zones", _STAYS, [_row(each) for each in data.zone_stays]
    yield "Matches", _MATCHES, [_row(each) for each in data.matches]


def _row(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>\n{body}"


def _facts(facts: dict[str, str]) -> str:
    rows = (
        f'<tr><th scope="row">{escaped_html(name)}</th><td>{escaped_html(text)}</td></tr>'
        for name, text in facts.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _table(columns: Sequence[Column], rows: Sequence[Row], zone: ZoneInfo) -> str:
    head = "".join(f'<th scope="col">{column.title}</th>' for column in columns)
    lines = (
        "".join(f"<td>{escaped_html(cell_text(row[each.key], each.kind, zone))}</td>" for each in columns)
        for row in rows
    )
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
