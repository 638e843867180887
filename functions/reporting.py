"""`report` over HTTPS: who asks, what is asked for, and the answer as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from firebase_admin import auth
from firebase_admin.exceptions import FirebaseError
from flask import Request, Response
from google.api_core import exceptions as google_errors
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from tracker.reports.plain import today_report, visits_report
from tracker.reports.subject import Subject

from config.errors import ReportError
from functions import tables
from functions.sites import Site, site_of
from functions.subjects import Wish, subject_of
from functions.transactions import ContentionError, app
from tracker.cloud.access import access_to
from tracker.cloud.layout import site_path
from tracker.presence.calendar import day_range
from tracker.reports.json_values import plain
from tracker.reports.periods import Period, lies_too_early, start_of_default
from tracker.reports.sheets import Report

LOG = logging.getLogger(__name__)
_Parameters: TypeAlias = Mapping[str, str]
_BEARER = "Bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How one kind of report is made. default: the range without `from`; None is the local day up to its end."""

    make: Callable[[Subject, Period], Report]
    default: Period = Period.DAY
    today: bool = False
    by: bool = False
    whole_days: bool = True
    stamps: bool = False


_FORMS: Mapping[str, _Form] = {
    "today": _Form(make=lambda subject, _: today_report(subject), today=True, whole_days=False),
    "visits": _Form(make=lambda subject, _: visits_report(subject), whole_days=False),
    "usage": _Form(make=tables.usage_report, by=True),
    "dwell": _Form(make=lambda subject, _: tables.dwell_report(subject), whole_days=False),
    "occupancy": _Form(make=lambda subject, _: tables.occupancy_report(subject), default=Period.HOUR),
    "people": _Form(make=lambda subject, _: tables.people_report(subject)),
    "attendance": _Form(make=lambda subject, _: tables.attendance_report(subject), stamps=True),
}


class _RefusedError(Exception):
    """The request cannot be answered; status: of HTTP."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


def answer(request: Request, client: firestore.Client) -> Response:
    """The report as `footfall report KIND --json` prints it, or `{"error": …}` with a status that says whose fault.

    Parameters: site, kind, and as on the command line from, to, by, staff. Needs the ID token of an operator or admin
    of the site.
    """
    try:
        if request.method != "GET":
            raise _RefusedError(405, "expected GET")
        report = _report(request.args, request.headers.get("Authorization", ""), client, datetime.now(UTC))
        return _json(200, dict(report.document()))
    except _RefusedError as error:
        return _json(error.status, {"error": str(error)})
    except ReportError as error:
        return _json(400, {"error": str(error)})
    except (google_errors.GoogleAPICallError, ContentionError) as error:
        LOG.error("a report was not made: %s", error)
        return _json(503, {"error": "the store does not answer now - ask again"})


def _report(said: _Parameters, authorization: str, client: firestore.Client, now: datetime) -> Report:
    site_id = said.get("site", "")
    _admit(authorization, site_id)
    form = _FORMS.get(said.get("kind", ""))
    if form is None:
        raise _RefusedError(400, f"kind: expected one of {', '.join(_FORMS)}")
    known = {"site", "kind", "staff"} | ({"by"} if form.by else set()) | (set() if form.today else {"from", "to"})
    strange = sorted(said.keys() - known)
    if strange:
        raise _RefusedError(400, f"{strange[0][:50]}: unknown; this kind takes {', '.join(sorted(known))}")
    site = _site(client, site_id)
    period = _choice(Period, "by", said.get("by", form.default.value))
    since, until = _range(said, site.zone, now, None if form.today else period)
    wish = Wish(
        since=since,
        until=until,
        now=now,
        whole_days=form.whole_days,
        stamps=form.stamps,
        staff=_choice({"true": True, "false": False, "": True}, "staff", said.get("staff", "false")),
    )
    return form.make(subject_of(client, site, wish), period)


def _admit(authorization: str, site_id: str) -> None:
    """Raises _RefusedError unless the token is of somebody who may read the site."""
    if not authorization.startswith(_BEARER):
        raise _RefusedError(401, "expected the header Authorization: Bearer and the ID token of a signed-in user")
    try:
        claims = auth.verify_id_token(authorization.removeprefix(_BEARER), app())
    except (auth.CertificateFetchError, GoogleAuthError) as error:
        LOG.error("a token cannot be checked: %s", error)
        raise _RefusedError(503, "the token cannot be checked now - ask again") from error
    except (ValueError, FirebaseError) as error:
        raise _RefusedError(401, f"the ID token is not accepted: {error}") from error
    if access_to(claims, site_id) is None:
        raise _RefusedError(403, "site: only its operators and admins may read it")


def _site(client: firestore.Client, site_id: str) -> Site:
    found = client.document(site_path(site_id)).get()
    return site_of(site_id, found.to_dict() if found.exists else None)


def _range(said: _Parameters, zone: ZoneInfo, now: datetime, default: Period | None) -> tuple[datetime, datetime]:
    """The range as the command line understands it: the local day for None."""
    if default is None:
        return day_range(now.astimezone(zone).date(), zone)
    until = _moment(said.get("to"), zone, "to", end_of_day=True) or now
    start = _moment(said.get("from"), zone, "from")
    if start is not None and start >= now:
        raise _RefusedError(400, "from: lies in the future")
    if start is not None and start >= until:
        raise _RefusedError(400, "from: does not lie before to")
    end = min(until, now)
    return start or start_of_default(default, end, zone), end


def _moment(text: str | None, zone: ZoneInfo, name: str, *, end_of_day: bool = False) -> datetime | None:
    """A day or moment on the site's clock -> UTC."""
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1 if end_of_day else 0)
            at = datetime.combine(day, time(), zone).astimezone(UTC)
        else:
            moment = datetime.fromisoformat(text)
            at = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _RefusedError(400, f"{name}: {text[:40]!r} is no date; write 2026-01-31 or 2026-01-31T08:00") from error
    if lies_too_early(at, zone):
        raise _RefusedError(400, f"{name}: {text[:40]} lies before 1970; give a later day")
    return at


def _choice(known: Any, name: str, text: str) -> Any:
    """What a text stands for, of an enum or a mapping."""
    by_text = dict(known) if isinstance(known, Mapping) else {each.value: each for each in known}
    if text not in by_text:
        raise _RefusedError(400, f"{name}: expected {' or '.join(filter(None, by_text))}, got {text[:40]!r}")
    return by_text[text]


def _json(status: int, content: Mapping[str, Any]) -> Response:
    text = json.dumps(plain(content), ensure_ascii=False, allow_nan=False)
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(text, status=status, headers=headers, content_type="application/json; charset=utf-8")
