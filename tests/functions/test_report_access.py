"""Only operators and admins of a site get its reports over HTTPS."""

from __future__ import annotations

import json
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.firestore.fixtures import Firestore
from tests.functions.framework import Function
from tests.functions.gym import SITE, Gym
from tests.functions.tokens import bearer


def test_operators_and_admins_of_the_site_are_answered(gym: Gym, firestore_server: Firestore, tmp_path: Path) -> None:
    project = firestore_server.project
    env = {**firestore_server.env, "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9"}
    asking = {"site": SITE, "kind": "today"}
    with Function("report", env, tmp_path / "report.log", kind="http") as function:
        statuses = {
            who: requests.get(function.url, params=asking, headers=headers, timeout=60).status_code
            for who, headers in {
                "operator": bearer(project, sites={SITE: "operator"}),
                "admin": bearer(project, sites={SITE: "admin"}),
                "admin elsewhere": bearer(project, sites={"pool": "admin"}),
                "made-up role": bearer(project, sites={SITE: "owner"}),
                "camera machine": bearer(project, role="device", site=SITE, camera="door-1"),
                "signed in": bearer(project),
                "other project": bearer("another-project", sites={SITE: "admin"}),
                "rubbish": {"Authorization": "Bearer no.token.here"},
                "password": {"Authorization": "Basic YTpi"},
                "nobody": {},
            }.items()
        }
        assert requests.post(function.url, params=asking, timeout=60).status_code == 405
        preflight = {
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        }
        preflight_answer = requests.options(function.url, headers=preflight, timeout=60)
        whole = requests.get(function.url, params=asking, headers=bearer(project, sites={SITE: "operator"}), timeout=60)
    assert statuses == {
        "operator": 200, "admin": 200, "admin elsewhere": 403, "made-up role": 403, "camera machine": 403,
        "signed in": 403, "other project": 401, "rubbish": 401, "password": 401, "nobody": 401,
    }  # fmt: skip
    assert whole.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (preflight_answer.status_code, preflight_answer.headers["Access-Control-Allow-Headers"]) == (
        200,
        "authorization",
    )
    assert whole.headers["Cache-Control"] == "private, no-store"
    assert whole.json()["occupancy"] == 0


def test_an_unsigned_token_is_refused_outside_the_emulator(
    gym: Gym, firestore_server: Firestore, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "client_email": "f@p.iam", "private_key": pem, "token_uri": "http://[::1]:9/"}
    file = tmp_path / "account.json"
    file.write_text(json.dumps({**account, "project_id": firestore_server.project}), encoding="utf-8")
    env = {**firestore_server.env, "GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    env.pop("FIREBASE_AUTH_EMULATOR_HOST", None)
    headers = bearer(firestore_server.project, sites={SITE: "admin"})
    with Function("report", env, tmp_path / "report.log", kind="http") as function:
        answer = requests.get(function.url, params={"site": SITE, "kind": "today"}, headers=headers, timeout=60)
    assert (answer.status_code, "not accepted" in answer.json()["error"]) == (401, True)
