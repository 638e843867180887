"""Reading the weights of ONNX files."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import ModelError
from models.onnx import read_onnx


def field(number: int, value: bytes | int) -> bytes:
    """A protobuf field: an integer below 128, or bytes."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    length = len(value)
    size = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([number << 3 | 2]) + size + value


def tensor(name: str, values: np.ndarray, *, raw: bool, packed: bool, kind: int = 1) -> bytes:
    dims = field(1, bytes(values.shape)) if packed else b"".join(field(1, side) for side in values.shape)
    return dims + field(2, kind) + field(9 if raw else 4, values.tobytes()) + field(8, name.encode())


def model(*tensors: bytes) -> bytes:
    graph = b"".join(field(5, each) for each in tensors)
    return field(1, 7) + field(2, b"producer") + field(7, graph)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_weights_have_their_names_and_shapes(raw: bool, packed: bool) -> None:
    values = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    whole = np.arange(3, dtype="<i8")
    read = read_onnx(
        model(tensor("w", values, raw=raw, packed=packed), tensor("n", whole, raw=True, packed=packed, kind=7))
    )
    assert list(read) == ["w"]
    assert np.array_equal(read["w"], values)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x3a", id="cut-after-a-key"),
        pytest.param(model(tensor("w", np.zeros(4, "<f4"), raw=True, packed=True))[:-3], id="cut"),
        pytest.param(b"not a model at all", id="text"),
        pytest.param(field(7, 5), id="number-for-a-graph"),
        pytest.param(
            model(field(1, 9) + field(2, 1) + field(9, bytes(8)) + field(8, b"w")), id="fewer-numbers-than-the-shape"
        ),
    ],
)
def test_other_files_are_rejected(content: bytes) -> None:
    with pytest.raises(ModelError, match="not an ONNX model"):
        read_onnx(content)
