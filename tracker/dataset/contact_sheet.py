"""The contact sheet of a checked dataset: one page of HTML with every picture in small, and what is wrong with it."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator

import cv2

from config.errors import PictureError
from tracker.dataset.check import Check
from tracker.dataset.examination import ExaminedPicture
from tracker.identity.pictures import read_picture
from tracker.reports.text import count_text, escaped_html

_SIDE_PX = 144
_JPEG_QUALITY = 80
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #d5dcd8; --muted: #56635d; --bad: #a8321f; --box: #f2f5f3; }
@media (prefers-color-scheme: dark) { :root { --line: #3a4440; --muted: #a3b0aa; --bad: #ff9d8a; --box: #232a27; } }
body { margin: 0 auto; max-width: 80rem; padding: 1.5rem; font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0.6rem; overflow-wrap: anywhere; }
h2 small, p { font-weight: 400; color: var(--muted); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.8rem; }
figure { margin: 0; padding: 0.5rem; border: 1px solid var(--line); border-radius: 6px; font-size: 0.85rem; }
figure.bad { border-color: var(--bad); }
figure img, figure .none { display: block; width: 100%; height: 9rem; object-fit: contain; background: var(--box); }
figcaption { margin-top: 0.4rem; overflow-wrap: anywhere; } figcaption strong { color: var(--bad); }
"""


def contact_sheet(check: Check) -> Iterator[str]:
    """The page in parts, without scripts and addresses: the pictures are in it. Reads each picture again."""
    good, pictures = check.good, len(check.pictures)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    title = f"Contact sheet of {check.dataset.root.resolve().name}"
    yield (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{policy}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped_html(title)}</title><style>{_STYLE}</style></head><body>\n<h1>{_isolated(title)}</h1>\n"
        f"<p>{count_text(len(check.dataset.people), 'person', 'people')}, {count_text(pictures, 'picture')},"
        f" {good.total():,} good</p>\n"
    )
    for alike in check.alike:
        yield f"<p>{_isolated(alike.first)} and {_isolated(alike.second)} look like one person.</p>\n"
    by_person: dict[str, list[ExaminedPicture]] = defaultdict(list)
    for each in check.pictures:
        by_person[each.person].append(each)
    for person in check.dataset.people:
        own = by_person[person.name]
        counts = f"{count_text(len(own), 'picture')}, {good[person.name]:,} good"
        yield f'<section><h2>{_isolated(person.name)} <small>{counts}</small></h2>\n<div class="pictures">\n'
        for each in own:
            yield _figure(each)
        yield "</div></section>\n"
    yield "</body></html>\n"


def _figure(picture: ExaminedPicture) -> str:
    name = picture.path.name
    source = _thumbnail(picture)
    shown = f'<img src="{source}" alt="{escaped_html(name)}">' if source else '<div class="none"></div>'
    if picture.problem is None:
        return f"<figure>{shown}<figcaption>{_isolated(name)}</figcaption></figure>\n"
    problem = f"<strong>{_isolated(picture.reason)}</strong>"
    return f'<figure class="bad">{shown}<figcaption>{_isolated(name)}<br>{problem}</figcaption></figure>\n'


def _thumbnail(picture: ExaminedPicture) -> str:
    """A small JPEG as a data URI; empty where the picture cannot be read."""
    try:
        image = read_picture(picture.path)
    except PictureError:
        return ""  # its caption has the reason
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE_PX / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def _isolated(text: str) -> str:
    """A text whose direction does not change that of what is around it."""
    return f"<bdi>{escaped_html(text)}</bdi>"
