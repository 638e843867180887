"""Google's Node client with the test server."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import NODE_FOLDER, lacks_node


def test_the_node_client_passes_its_contract(full_firestore: Firestore) -> None:
    reason = lacks_node()
    if reason:
        pytest.skip(reason)
    if full_firestore.kind == "ours":
        full_firestore.control.indexes(None)
    ran = subprocess.run(
        [shutil.which("node") or "node", "contract.cjs"],
        cwd=NODE_FOLDER, env=full_firestore.env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "writes": {"n": 5, "tags": ["x", "y"], "refused": [6, 5]},
        "queries": {
            "last": ["d5", "d4"],
            "page": ["d4", "d5"],
            "either": ["d0", "d1", "d2", "d4", "d6", "d8"],
            "sums": {"n": 10, "sum": 45, "mean": None},
            "group": 10,
            "listed": 10,
            "collections": ["some", "things"],
        },
        "transactions": {"n": 10, "seen": 1},
        "listening": [[], ["added a 0"], ["added b 0"], ["removed a -1"]],
        "left": 0,
    }
