"""Passwords in addresses of cameras are never shown."""

from __future__ import annotations

import pytest

from config.addresses import is_login, redacted, without_secrets
from config.errors import CameraError

SECRET = "s3cret"
VENDORS = {
    "hikvision": ("rtsp://admin:s3cret@10.0.0.7:554/Streaming/Channels/101", "rtsp://***@10.0.0.7:554/Streaming/Channels/101"),
    "hikvision-picture": ("http://admin:s3cret@10.0.0.7/ISAPI/Streaming/channels/101/picture", "http://***@10.0.0.7/ISAPI/Streaming/channels/101/picture"),
    "dahua": ("rtsp://admin:s3cret@10.0.0.7:554/cam/realmonitor?channel=1&subtype=0", "rtsp://***@10.0.0.7:554/cam/realmonitor?***"),
    "reolink": ("rtsp://admin:s3cret@10.0.0.7:554/h264Preview_01_main", "rtsp://***@10.0.0.7:554/h264Preview_01_main"),
    "reolink-flv": ("http://10.0.0.7/flv?port=1935&app=bcs&stream=channel0_main.bcs&user=admin&password=s3cret", "http://10.0.0.7/flv?***"),
    "reolink-rtmp": ("rtmp://10.0.0.7/bcs/channel0_main.bcs?channel=0&stream=0&user=admin&password=s3cret", "rtmp://10.0.0.7/bcs/channel0_main.bcs?***"),
    "foscam": ("http://10.0.0.7:88/cgi-bin/CGIStream.cgi?cmd=GetMJStream&usr=admin&pwd=s3cret", "http://10.0.0.7:88/cgi-bin/CGIStream.cgi?***"),
    "foscam-rtsp": ("rtsp://admin:s3cret@10.0.0.7:88/videoMain", "rtsp://***@10.0.0.7:88/videoMain"),
    "xmeye": ("rtsp://10.0.0.7:554/user=admin&password=s3cret&channel=1&stream=0.sdp?real_stream", "rtsp://10.0.0.7:554/***?***"),
    "xmeye-underscores": ("rtsp://10.0.0.7:554/user=admin_password=s3cret_channel=1_stream=0.sdp", "rtsp://10.0.0.7:554/***"),
    "xmeye-escaped": ("rtsp://10.0.0.7/user%3Dadmin%26password%3Ds3cret", "rtsp://10.0.0.7/***"),
    "unifi": ("rtsps://10.0.0.7:7441/Ab3dEf6hIj9lMn2s3cret?enableSrtp", "rtsps://10.0.0.7:7441/***?***"),
    "path-with-slash": ("rtsp://10.0.0.7/live/password=pa/s3cret", "rtsp://10.0.0.7/live/***"),
    "path-of-words": ("rtsp://10.0.0.7/live/password/s3cret/1", "rtsp://10.0.0.7/live/***"),
    "parameter": ("rtsp://10.0.0.7/live;pwd=s3cret", "rtsp://10.0.0.7/live;***"),
    "fragment": ("http://10.0.0.7/live#token=s3cret", "http://10.0.0.7/live#***"),
    "odd-password": ("rtsp://admin:p@ss/w ?rd#s3cret@10.0.0.7/live", "rtsp://***@10.0.0.7/live"),
    "token-only": ("HTTP://s3cret@10.0.0.7/", "HTTP://***@10.0.0.7/"),
    "ipv6": ("rtsp://admin:s3cret@[fe80::1]:554/live", "rtsp://***@[fe80::1]:554/live"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "shown"), VENDORS.values(), ids=VENDORS)
def test_addresses_of_vendors_are_shown_without_secrets(source: str, shown: str) -> None:
    assert redacted(source) == shown
    assert redacted(shown) == shown
    assert without_secrets(shown) == shown


@pytest.mark.parametrize("source", [source for source, _ in VENDORS.values()], ids=VENDORS)
def test_messages_and_errors_hold_no_secret(source: str) -> None:
    message = f"camera front: {source}: cannot be opened; trying again"
    for text in (without_secrets(message), str(CameraError(message, fix=f"look at {source}"))):
        assert SECRET not in text
        assert text.startswith("camera front: ")


@pytest.mark.parametrize(
    "source",
    [
        "0", "/dev/video0", "films/a@b?.mp4", "C:\\films\\user=a\\b@c.mp4", "rtsp://cam:554/live", "rtsp://cam/h264/ch1/main/av_stream",
        "sqlite:////data/user=ada/key.sqlite3",
    ],
)  # fmt: skip
def test_what_holds_no_secret_stays_as_it_is(source: str) -> None:
    assert redacted(source) == source
    assert not is_login(source)


def test_a_link_to_the_console_stays_whole() -> None:
    text = "create the index at https://console.firebase.google.com/v1/r/project/x/indexes?create_composite=AbC1"
    assert without_secrets(text) == text


@pytest.mark.parametrize("source", ["admin:s3cret@cam/live", "rtsp:/admin:s3cret@cam", "rtsp:admin:s3cret@10.0.0.7"])
def test_an_address_without_a_scheme_is_recognised(source: str) -> None:
    assert is_login(source)
