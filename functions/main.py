"""What Cloud Functions run: which function answers to what. Everything else is in the modules beside this one."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

from firebase_functions import firestore_fn, https_fn, options, scheduler_fn
from flask import Request, Response

from functions import callables, changes, reporting, upkeep
from functions.delivery import delivered, hand_over
from functions.transactions import app, client_of, project

_DEPLOYED = Path(__file__).with_name("deployment.json")
_PLACE: dict[str, str] = json.loads(_DEPLOYED.read_text(encoding="utf-8")) if _DEPLOYED.exists() else {}
DATABASE = _PLACE.get("database", "(default)")

app()
options.set_global_options(
    region=_PLACE.get("region", "us-central1"), max_instances=20, memory=options.MemoryOption.MB_512
)


@delivered
@firestore_fn.on_document_created(document="sites/{site}/events/{event}", database=DATABASE)
def on_event_created(event: firestore_fn.Event[Any]) -> None:
    hand_over(event, changes.event_created)


@delivered
@firestore_fn.on_document_created(document="sites/{site}/corrections/{correction}", database=DATABASE)
def on_correction_created(event: firestore_fn.Event[Any]) -> None:
    hand_over(event, changes.correction_created)


@delivered
@firestore_fn.on_document_written(document="sites/{site}/people/{person}", database=DATABASE)
def on_person_written(event: firestore_fn.Event[Any]) -> None:
    hand_over(event, changes.person_written, changed=True)


@delivered
@firestore_fn.on_document_written(document="sites/{site}", database=DATABASE, timeout_sec=540)
def on_site_written(event: firestore_fn.Event[Any]) -> None:
    hand_over(event, changes.site_written, changed=True)


@scheduler_fn.on_schedule(schedule="every 1 hours", timeout_sec=540)
def every_hour(event: scheduler_fn.ScheduledEvent) -> None:
    upkeep.tidy_all(client_of(project(), DATABASE), now=event.schedule_time.astimezone(UTC))


@https_fn.on_request(timeout_sec=120, cors=options.CorsOptions(cors_origins="*", cors_methods=["get"]))
def report(request: Request) -> Response:
    return reporting.answer(request, client_of(project(), DATABASE))


@https_fn.on_call()
def enroll(request: https_fn.CallableRequest[Any]) -> Any:
    return callables.enroll(request, client_of(project(), DATABASE))


@https_fn.on_call(timeout_sec=540)
def forget(request: https_fn.CallableRequest[Any]) -> Any:
    return callables.forget(request, client_of(project(), DATABASE))
