"""Plots as files: a page that needs no network, or a picture drawn by a browser that is on this machine."""

from __future__ import annotations

import html
import logging
from importlib.util import find_spec
from pathlib import Path

import plotly.graph_objects as go

from config.errors import ReportError
from tracker.reports.files import replacing

_SCALE = 2
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ margin: 0; background: #fff }} body > div {{ margin: 0 auto; max-width: 1600px }}</style>
</head>
<body>
{figure}
</body>
</html>
"""


def write_plot(figure: go.Figure, path: Path, *, title: str) -> None:
    """Write a figure as .html or .png; replaces the file.

    Raises ReportError when it cannot be written, or when a picture is wanted and nothing here can draw it.
    """
    wants_picture = path.suffix.lower() == ".png"
    content = _png(figure, path) if wants_picture else _page(figure, title).encode("utf-8", "replace")
    with replacing(path) as file:
        file.write_bytes(content)


def _page(figure: go.Figure, title: str) -> str:
    """One file with everything in it: it opens without a network, and follows the width of the window."""
    wide = go.Figure(figure).update_layout(width=None, autosize=True)
    config = {"responsive": True, "displaylogo": False}
    drawn = wide.to_html(full_html=False, include_plotlyjs=True, include_mathjax=False, config=config)
    return _PAGE.format(title=html.escape(title), figure=drawn)


def _png(figure: go.Figure, path: Path) -> bytes:
    """The figure drawn by Chrome or Chromium without a window; nothing is fetched from the network."""
    page = path.with_suffix(".html").name
    if not find_spec("kaleido"):
        raise ReportError("pictures need kaleido", fix=f"pip install 'footfall[reports]', or give --plot {page}")
    import kaleido
    from kaleido.errors import KaleidoError

    logging.getLogger("choreographer").setLevel(logging.CRITICAL)
    logging.getLogger("kaleido").setLevel(logging.CRITICAL)
    size = {"width": figure.layout.width, "height": figure.layout.height}
    try:
        drawn = kaleido.calc_fig_sync(
            figure.to_dict(), opts={"format": "png", "scale": _SCALE, **size}, kopts={"mathjax": False}
        )
    except (RuntimeError, KaleidoError, OSError, TimeoutError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ReportError(
            f"no browser on this machine drew the picture ({reason[0][:80]})",
            fix=f"give --plot {page}, which needs none, or install Chrome or Chromium (BROWSER_PATH says where it is)",
        ) from error
    return bytes(drawn)
