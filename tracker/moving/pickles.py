"""Pickles are refused: reading one runs whatever it says. They are exported to JSON where they are trusted."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path

from config.errors import PeopleError

_PROTOCOL_0_OR_1 = re.compile(rb"\(+[dltVSUXIJKMLFGNc\]})]|c[\w.]+\r?\n\w+\r?\n|[\]})]", re.ASCII)
"""How pickles of objects and containers begin, which name no version."""
_COMPRESSED = re.compile(rb"\x1f\x8b|BZh[1-9]1AY&SY|\xfd7zXZ\x00|\x04\x22\x4d\x18|x[\x01\x5e\x9c\xda]")
"""gzip, bzip2, xz, lz4, zlib: what joblib writes, too."""


class Pickled(StrEnum):
    """What made a file that holds a pickle.

    NAMES, ROWS: an array of names, or of vectors with names beside it, that NumPy saved as objects.
    """

    PICKLE = "pickle"
    JOBLIB = "joblib"
    NUMPY = "numpy"
    NAMES = "names"
    ROWS = "rows"
    TORCH = "torch"


_HOLDS = {
    Pickled.PICKLE: "is a pickle",
    Pickled.JOBLIB: "is compressed, as joblib compresses pickles",
    Pickled.NAMES: "holds a pickle of numpy",
    Pickled.ROWS: "holds a pickle of numpy",
}
_PLAIN = {Pickled.NAMES: "array.astype(str)", Pickled.ROWS: "numpy.array(array.tolist())"}
"""What NumPy saves without a pickle."""


class PickledError(PeopleError):
    """A file is or holds a pickle. script: lines of Python that write what is in it without one."""

    def __init__(self, path: Path, kind: Pickled) -> None:
        plain = kind in _PLAIN
        self.script = _plain_script(path, kind) if plain else export_script(path, kind)
        then = "run the command again" if plain else f"import {path.with_suffix('.json')}"
        super().__init__(
            f"{path} {_HOLDS.get(kind, f'holds a pickle of {kind}')}, which could run any program when it is read",
            fix=f"where you trust the file, run the lines above, then {then}",
        )


def pickled(head: bytes, tail: bytes) -> Pickled | None:
    """Whether a file that begins and ends so is a pickle, whatever it is called. head: at least 64 bytes, if it has."""
    if head[:1] == b"\x80" and len(head) > 1 and head[1] < 16:
        return Pickled.PICKLE
    if _COMPRESSED.match(head):
        return Pickled.JOBLIB
    return Pickled.PICKLE if tail.endswith(b".") and _PROTOCOL_0_OR_1.match(head) else None


def export_script(path: Path, kind: Pickled) -> tuple[str, ...]:
    """Five lines of Python that write what a file with a pickle holds as JSON beside it."""
    source, target = json.dumps(str(path)), json.dumps(str(path.with_suffix(".json")))
    reads = {
        Pickled.PICKLE: ("import json, pickle", f'with open({source}, "rb") as source:', "pickle.load(source)"),
        Pickled.JOBLIB: ("import json, joblib", f'with open({source}, "rb") as source:', "joblib.load(source)"),
        Pickled.TORCH: ("import json, torch", f'with open({source}, "rb") as source:', "torch.load(source)"),
        Pickled.NUMPY: (
            "import json, numpy",
            f"for source in [numpy.load({source}, allow_pickle=True)]:",
            'source.tolist() if hasattr(source, "tolist") else {key: source[key].tolist() for key in source}',
        ),
    }
    imports, opens, loads = reads[kind]
    return (
        imports,
        opens,
        f"    data = {loads}",
        f'with open({target}, "w") as target:',
        "    json.dump(data, target, default=lambda value: value.tolist())",
    )


def _plain_script(path: Path, kind: Pickled) -> tuple[str, ...]:
    """Lines of Python that write an array of objects again, as one of texts or numbers."""
    file = json.dumps(str(path))
    return (
        "import numpy",
        f"array = numpy.load({file}, allow_pickle=True)",
        f"numpy.save({file}, {_PLAIN[kind]})",
    )
