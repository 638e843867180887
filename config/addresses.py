"""Network addresses of cameras, and what of them may be shown.

Cameras take passwords in every part of an address: before the host, in the query, and as part of the path.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"^\s*[A-Za-z][A-Za-z0-9+.-]*://")
_IN_TEXT = re.compile(r"\b(?!https://console\.)[A-Za-z][A-Za-z0-9+.-]*://(?:[^\n]*@)?[^\s'\"]*")
"""An address in a message, as far as the last @ of the line: a password may hold spaces and quotes. Links to the Google
Cloud console, which its errors hold, are none of a camera."""
_LOGIN = re.compile(r"(?:^|/)[^\s/\\:@]+:[^\s/\\@][^\s@]*@[\w.\[-]")
"""A user name and password before a host, as in an address without scheme."""
_SECRET_SEGMENT = re.compile(
    r"=|%3d|^(?:user|usr|username|login|pass|passwd|password|pwd|psw|token|key|auth)(?:[:_-]|$)", re.IGNORECASE
)
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9]{16,}")
"""A part of a path that stands for a password, as UniFi's."""


def is_address(source: str) -> bool:
    """Whether the text is a network address such as rtsp://…"""
    return _SCHEME.match(source) is not None


def is_login(source: str) -> bool:
    """Whether the text has a user name and a password, as an address with a scheme that is missing or misspelt."""
    return not is_address(source) and _LOGIN.search(source) is not None


def redacted(source: str) -> str:
    """An address without what may be secret; any other source as it is.

    What may be secret: all before the last `@`, the query and the fragment, the path from the first part that names a
    user or password or assigns a value (`user=admin&password=…`), and long random parts. A password may hold any
    character, so more than the password may go.
    """
    head = _SCHEME.match(source)
    if head is None or source[head.end() :].startswith("/"):  # sqlite:///PATH is a file
        return source
    _, at_sign, place = source[head.end() :].rpartition("@")
    place, mark = _cut(place)
    host, *path = place.split("/")
    return f"{head.group()}{'***@' if at_sign else ''}{'/'.join((host, *_public(path)))}{mark}"


def without_secrets(text: str) -> str:
    """A message in which every address is redacted."""
    return _IN_TEXT.sub(lambda found: redacted(found.group()), text)


def _cut(place: str) -> tuple[str, str]:
    """What is before the query, the fragment and parameters, and what shows that there were any."""
    found = re.search(r"[?#;]", place)
    return (place, "") if found is None else (place[: found.start()], f"{found.group()}***")


def _public(path: list[str]) -> list[str]:
    """The parts of a path up to the first that may hold a secret."""
    shown: list[str] = []
    for part in path:
        if _SECRET_SEGMENT.search(part):
            return [*shown, "***"]
        shown.append("***" if _RANDOM.fullmatch(part) else part)
    return shown
