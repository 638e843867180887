"""The entry point of Cloud Functions: each function, its trigger, and the handler that it calls."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

from firebase_functions import firestore_fn, https_fn, logger, options, scheduler_fn
from flask import Request, Response

from functions import callables, handlers, reporting, schedule
from functions.database import app, client_of, project
from functions.triggers import handle, retried

_FILE = Path(__file__).with_name("deployment.json")
_DEPLOYMENT: dict[str, str] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}
DATABASE = _DEPLOYMENT.get("database", "(default)")

app()
options.set_global_options(
    region=_DEPLOYMENT.get("region", "us-central1"), max_instances=20, memory=options.MemoryOption.MB_512
)


@retried
@firestore_fn.on_document_created(document="sites/{site}/events/{event}", database=DATABASE)
def on_event_created(event: firestore_fn.Event[Any]) -> None:
    handle(event, handlers.event_created)


@retried
@firestore_fn.on_document_created(document="sites/{site}/corrections/{correction}", database=DATABASE)
def on_correction_created(event: firestore_fn.Event[Any]) -> None:
    handle(event, handlers.correction_created)


@retried
@firestore_fn.on_document_written(document="sites/{site}/people/{person}", database=DATABASE)
def on_person_written(event: firestore_fn.Event[Any]) -> None:
    handle(event, handlers.person_written, changed=True)


@retried
@firestore_fn.on_document_written(document="sites/{site}", database=DATABASE, timeout_sec=540)
def on_site_written(event: firestore_fn.Event[Any]) -> None:
    handle(event, handlers.site_written, changed=True)


@scheduler_fn.on_schedule(schedule="every 1 hours", timeout_sec=540)
def every_hour(event: scheduler_fn.ScheduledEvent) -> None:
    done = schedule.run_all(client_of(project(), DATABASE), now=event.schedule_time.astimezone(UTC))
    logger.info("hourly job", **asdict(done))


@https_fn.on_request(
    timeout_sec=120,
    memory=options.MemoryOption.GB_1,
    cors=options.CorsOptions(cors_origins="*", cors_methods=["get"]),
)
def report(request: Request) -> Response:
    return reporting.answer(request, client_of(project(), DATABASE))


@https_fn.on_call()
def enroll(request: https_fn.CallableRequest[Any]) -> Any:
    return callables.enroll(request, client_of(project(), DATABASE))


@https_fn.on_call(timeout_sec=540)
def forget(request: https_fn.CallableRequest[Any]) -> Any:
    return callables.forget(request, client_of(project(), DATABASE))
