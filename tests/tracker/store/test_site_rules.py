"""The rules of visits from a site's settings."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from config.settings import CameraSettings, PresenceSettings
from tracker.presence.rules import Rules
from tracker.store.site_settings import rules_of


def camera(camera_id: str, role: str) -> CameraSettings:
    line = {"line": ((0.1, 0.5), (0.9, 0.5)), "inside": "below"} if role == "door" else {}
    return CameraSettings.model_validate({"id": camera_id, "source": "0", "role": role, **line})


def test_the_rules_of_a_site_name_its_ways_and_its_rooms() -> None:
    cameras = [camera("hall", "room"), camera("front", "door"), camera("in", "entrance"), camera("out", "exit")]
    rules = rules_of(PresenceSettings(), cameras=cameras)
    assert (rules.entrances, rules.exits, rules.rooms) == ({"front", "in"}, {"front", "out"}, {"hall"})
    assert rules.proves
    assert not rules_of(PresenceSettings(), cameras=cameras[:1]).proves


def test_the_rules_have_the_times_of_the_settings() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    settings = PresenceSettings(
        exit_after_s=1, merge_gap_s=2, min_visit_s=3, max_visit_s=4, max_unseen_s=5, skew_s=6, closes_at="23:30"
    )
    second = timedelta(seconds=1)
    assert rules_of(settings, zone=berlin) == Rules(
        exit_after=second,
        merge_gap=2 * second,
        min_visit=3 * second,
        max_visit=4 * second,
        max_unseen=5 * second,
        skew=6 * second,
        closes_at=time(23, 30),
        zone=berlin,
    )


def test_empty_settings_give_the_default_rules() -> None:
    assert rules_of(PresenceSettings()) == Rules()
