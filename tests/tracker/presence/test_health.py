from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tracker.presence.health import CameraHealth, CameraState

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def health(**changes: object) -> CameraHealth:
    fields = {"site_id": "s", "camera_id": "a", "source": "0", "state": "live", "started_at": AT, "updated_at": AT}
    return CameraHealth(**{**fields, **changes})


def test_times_are_kept_in_utc_and_the_state_is_one_of_four() -> None:
    berlin = timezone(timedelta(hours=1))
    kept = health(state="lost", started_at=AT.astimezone(berlin), last_frame_at=AT.astimezone(berlin))
    assert kept.state is CameraState.LOST
    assert kept.started_at.utcoffset() == kept.last_frame_at.utcoffset() == timedelta(0)
    assert kept.last_frame_at == AT


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"camera_id": " "}, "camera_id", id="blank-camera"),
        pytest.param({"site_id": ""}, "site_id", id="empty-site"),
        pytest.param({"frames": -1}, "frames", id="negative-frames"),
        pytest.param({"dropped": -1}, "dropped", id="negative-dropped"),
        pytest.param({"fps": float("nan")}, "fps", id="fps-not-a-number"),
        pytest.param({"updated_at": AT.replace(tzinfo=None)}, "zone", id="naive-time"),
        pytest.param({"last_frame_at": AT.replace(tzinfo=None)}, "zone", id="naive-frame-time"),
        pytest.param({"state": "asleep"}, "asleep", id="unknown-state"),
    ],
)
def test_bad_values_are_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        health(**changes)
