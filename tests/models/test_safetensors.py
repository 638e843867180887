"""Reading .safetensors files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from models.weight_files import safetensors, size_limit


def file(path: Path, arrays: dict[str, tuple[str, tuple[int, ...], bytes]], **change: object) -> Path:
    """A file by the format's description. arrays: type, shape and bytes by name."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, (kind, shape, content) in arrays.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, start + len(content)]}
        start += len(content)
    text = json.dumps(header | change).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(each[2] for each in arrays.values()))
    return path


VALUES = np.array([[1.5, -2.25, 0.0], [3.0, 1024.0, -0.5]])


def test_arrays_of_every_float_type_are_read(tmp_path: Path) -> None:
    upper = (VALUES.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()  # exact: few digits
    arrays = {
        "half": ("F16", (2, 3), VALUES.astype("<f2").tobytes()),
        "single": ("F32", (3, 2), VALUES.astype("<f4").tobytes()),
        "double": ("F64", (6,), VALUES.astype("<f8").tobytes()),
        "brain": ("BF16", (2, 3), upper),
        "scalar": ("F32", (), np.float32(7).tobytes()),
        "num_batches_tracked": ("I64", (), np.int64(3).tobytes()),
    }
    found = safetensors.read(file(tmp_path / "a.safetensors", arrays))
    assert {name: each.shape for name, each in found.items()} == {
        "half": (2, 3), "single": (3, 2), "double": (6,), "brain": (2, 3), "scalar": (),
    }  # fmt: skip
    assert all(each.dtype == np.float32 for each in found.values())
    assert all((each.reshape(-1) == VALUES.reshape(-1)).all() for name, each in found.items() if name != "scalar")
    assert found["scalar"] == 7


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param({"dtype": "F32", "shape": [2], "data_offsets": [0, 12]}, "another size", id="size"),
        pytest.param({"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}, "cut off", id="beyond-the-end"),
        pytest.param({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}, "the header", id="negative"),
        pytest.param({"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}, "type F8_E4M3", id="type"),
        pytest.param({"dtype": "F32", "shape": [0, 1 << 63], "data_offsets": [0, 0]}, "bad: Max", id="large-side"),
        pytest.param([1, 2], "the header", id="no-entry"),
    ],
)
def test_entries_that_cannot_be_are_refused(entry: object, words: str, tmp_path: Path) -> None:
    path = file(tmp_path / "a.safetensors", {"real": ("F32", (2,), bytes(8))}, bad=entry)
    with pytest.raises(ModelError, match=words):
        safetensors.read(path)


def test_entries_of_the_same_bytes_may_not_be_huge_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = {f"{number}": {"dtype": "F16", "shape": [400], "data_offsets": [0, 800]} for number in range(9)}
    path = file(tmp_path / "a.safetensors", {"real": ("F16", (400,), bytes(800))}, **again)
    assert len(safetensors.read(path)) == 10
    monkeypatch.setattr(size_limit, "MAX_BYTES", 10_000)
    with pytest.raises(ModelError, match="more than weights of a network"):
        safetensors.read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05",
        (10**12).to_bytes(8, "little") + b"{}",
        (2_000_000).to_bytes(8, "little") + b" " * 2_000_000,
        (2).to_bytes(8, "little") + b"[]",
        b"PK" + bytes(99),
    ],
    ids=["empty", "short", "huge-header", "long-header", "list", "zip"],
)
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"not a \.safetensors file"):
        safetensors.read(path)
    with pytest.raises(ModelError, match="cannot be read"):
        safetensors.read(tmp_path / "nothing")
