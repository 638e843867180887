"""`report` over HTTPS: authentication, and the answer as JSON. pandas is imported by the first request, not before."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from firebase_admin import auth
from firebase_admin.exceptions import FirebaseError
from flask import Request, Response
from google.api_core import exceptions as google_errors
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore

from config.errors import ReportError
from functions.database import ContentionError, app
from tracker.cloud.auth.access import access_to

LOG = logging.getLogger(__name__)
MAX_ANSWER = 30_000_000
"""Bytes of an answer; Cloud Functions send 32 MB at most."""
_BEARER = "Bearer "


class _HttpError(Exception):
    """The request fails with this status of HTTP."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


def answer(request: Request, client: firestore.Client) -> Response:
    """The report as `footfall report KIND --json` prints it, or `{"error": ...}` with the status.

    Parameters: site, kind, and from, to, by, staff as on the command line. Requires the ID token of an operator or
    admin of the site.
    """
    try:
        if request.method != "GET":
            raise _HttpError(405, "expected GET")
        _authorise(request.headers.get("Authorization", ""), request.args.get("site", ""))
        return _response(200, _report(request.args, client))
    except _HttpError as error:
        return _failure(error.status, str(error))
    except ReportError as error:
        return _failure(400, str(error))
    except (google_errors.GoogleAPICallError, ContentionError) as error:
        LOG.error("report failed: %s", error)
        return _failure(503, "Firestore is not available; try again later")


def _report(parameters: Mapping[str, str], client: firestore.Client) -> str:
    """The report as JSON. Raises ReportError."""
    from functions.report_query import report_of
    from tracker.reports.json_values import plain

    document = dict(report_of(parameters, client, now=datetime.now(UTC)).document())
    text = json.dumps(plain(document), ensure_ascii=False, allow_nan=False)
    if len(text.encode()) > MAX_ANSWER:
        raise ReportError(f"the report has more than {MAX_ANSWER // 1_000_000} MB", fix="ask for a shorter range")
    return text


def _authorise(authorization: str, site_id: str) -> None:
    """Raises _HttpError unless the token is of somebody who may read the site."""
    if not authorization.startswith(_BEARER):
        raise _HttpError(401, "expected the header Authorization: Bearer and the ID token of a signed-in user")
    try:
        claims: dict[str, Any] = auth.verify_id_token(authorization.removeprefix(_BEARER), app())
    except (auth.CertificateFetchError, GoogleAuthError) as error:
        LOG.error("token not verified: %s", error)
        raise _HttpError(503, "the ID token cannot be verified now; try again later") from error
    except (ValueError, FirebaseError) as error:
        raise _HttpError(401, f"the ID token is not accepted: {error}") from error
    if access_to(claims, site_id) is None:
        raise _HttpError(403, "site: expected one that the user is an operator or admin of")


def _failure(status: int, problem: str) -> Response:
    return _response(status, json.dumps({"error": problem}, ensure_ascii=False))


def _response(status: int, text: str) -> Response:
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(text, status=status, headers=headers, content_type="application/json; charset=utf-8")
