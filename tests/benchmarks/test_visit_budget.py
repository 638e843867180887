"""The budget of a visit: at most 8 writes; 3,500 bytes up with a token as long as Google's, 1,500 without."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import live_visits
from tests.firestore.fixtures import Firestore


def test_a_visit_keeps_within_its_documents_and_bytes(
    firestore_server: Firestore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PROJECT", firestore_server.project), ("_MANY", 10), ("_HOURS", 1)):
        monkeypatch.setattr(live_visits, name, value)
    found, writes, up = live_visits.live(tmp_path, firestore_server.host)
    judged = {each.case: each for each in found if each.target is not None}
    assert len(judged) == 3
    assert [each.case for each in judged.values() if not each.met] == []
    assert 0 < writes <= 8
    assert 2 * live_visits.TOKEN_LETTERS < up.visit <= 3_500  # the token is counted in both requests
    assert 0 < judged["bytes up a visit, as it happens, without a token"].value <= 1_500
    assert up.visit > up.heartbeat > live_visits.TOKEN_LETTERS
