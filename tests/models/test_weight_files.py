"""Readers of weight files of other programs: nothing in a file is run, and a damaged one is named."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import ModelError
from models.weight_files import array_folder, frozen_graph, hdf5, pickle_values, size_limit, state_dict
from models.weight_files.pickle_values import Call, Global
from tests.models import facenet_files as files

Arrays = dict[str, NDArray[np.float32]]
KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
BIAS = np.float32([0.5, -1.5])
SMALL = {"conv": {"kernel": KERNEL, "bias": BIAS}}


def _write_state_dict(path: Path, *, old: bool = False) -> None:
    torch = pytest.importorskip("torch", reason=files.WITHOUT_PARITY)
    kernel = torch.from_numpy(KERNEL.transpose(2, 1, 0).copy()).permute(2, 1, 0)  # strides of another order
    state = OrderedDict(kernel=kernel, bias=torch.from_numpy(np.float32([9, 0.5, -1.5]))[1:], steps=torch.tensor(3))
    torch.save(state, path, _use_new_zipfile_serialization=not old)


def _write_graph(path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the models extra")
    files.write_graph(path, {"conv/kernel": KERNEL, "conv/bias": BIAS})


WRITERS: list[Any] = [
    pytest.param(hdf5.read, lambda path: files.write_keras(path, SMALL, model=False), id="hdf5"),
    pytest.param(frozen_graph.read, _write_graph, id="graph"),
    pytest.param(state_dict.read, _write_state_dict, id="state-dict"),
    pytest.param(state_dict.read, lambda path: _write_state_dict(path, old=True), id="old-state-dict"),
]
Read = Callable[[Path], Arrays]
Write = Callable[[Path], None]


@pytest.mark.parametrize(("read", "write"), WRITERS)
def test_arrays_are_read(read: Read, write: Write, tmp_path: Path) -> None:
    write(tmp_path / "weights")
    arrays = {name.rpartition("/")[2].removesuffix(":0"): values for name, values in read(tmp_path / "weights").items()}
    assert np.array_equal(arrays.pop("kernel"), KERNEL)
    assert np.array_equal(arrays.pop("bias"), BIAS)
    assert arrays == {}


@pytest.mark.parametrize(("read", "write"), WRITERS)
@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_truncated_file_is_rejected(part: float, read: Read, write: Write, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ModelError, match=r"weights: .*truncated") as caught:
        read(path)
    assert caught.value.fix


@pytest.mark.parametrize(("read", "write"), WRITERS)
def test_file_larger_than_any_network_is_rejected(
    read: Read, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "weights")
    monkeypatch.setattr(size_limit, "MAX_BYTES", KERNEL.nbytes)
    with pytest.raises(ModelError, match="more than weights of a network"):
        read(tmp_path / "weights")


class _Malicious:
    """Creates a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


def _archive(index: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights/data.pkl", index)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("wrap", [_archive, lambda index: index, lambda index: state_dict.STREAM_MAGIC + index])
def test_code_in_a_pickle_is_not_run(wrap: Callable[[bytes], bytes], protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "weights.pt"
    path.write_bytes(wrap(pickle.dumps({"weight": _Malicious(marker)}, protocol)))
    with pytest.raises(ModelError) as caught:
        state_dict.read(path)
    assert not marker.exists()
    assert "torch.save(model.state_dict()" in caught.value.fix


def test_whole_model_is_rejected_by_its_class(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason=files.WITHOUT_PARITY)
    torch.save(torch.nn.Linear(2, 3), tmp_path / "model.pt")
    with pytest.raises(ModelError, match=r"model\.pt: .*refers to Python's torch\.nn\.modules\.linear\.Linear"):
        state_dict.read(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(pickle.dumps([1.0, 2.0]), "no dictionary", id="list"),
        pytest.param(pickle.dumps({"epoch": 3}), "no tensors", id="no-tensors"),
        pytest.param(b"", "no end|exhausted", id="empty"),
    ],
)
def test_archive_of_something_else_is_rejected(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(_archive(content))
    with pytest.raises(ModelError, match=problem):
        state_dict.read(tmp_path / "weights.pt")


def _rebuilt(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """The index of a state dict with a tensor over a storage of six numbers."""
    kinds = {"shape": shape, "strides": strides}
    numbers = {name: b"(" + b"".join(b"J" + each.to_bytes(4, "little", signed=True) for each in values) + b"t"
               for name, values in kinds.items()}  # fmt: skip
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"
    at = b"J" + offset.to_bytes(4, "little", signed=True)
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + at + numbers["shape"] + numbers["strides"] + b"\x89NtR"
    return b"\x80\x02}X\x06\x00\x00\x00weight" + tensor + b"s."


def _six_numbers(tmp_path: Path, index: bytes) -> Path:
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", index)
        archive.writestr("weights/data/0", np.arange(6, dtype="<f4").tobytes())
    return path


def test_tensor_is_a_view_of_its_storage(tmp_path: Path) -> None:
    arrays = state_dict.read(_six_numbers(tmp_path, _rebuilt(1, (2, 2), (1, 2))))
    assert arrays["weight"].tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        pytest.param(0, (7,), (1,), id="too-long"),
        pytest.param(5, (2,), (1,), id="beyond-the-end"),
        pytest.param(-1, (2,), (1,), id="negative-offset"),
        pytest.param(5, (2,), (-1,), id="negative-stride"),
        pytest.param(0, (2, 3), (3,), id="stride-missing"),
    ],
)
def test_tensor_outside_its_storage_is_rejected(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="weight: "):
        state_dict.read(_six_numbers(tmp_path, _rebuilt(offset, shape, strides)))


def test_tensor_that_repeats_few_numbers_may_not_be_huge(tmp_path: Path) -> None:
    path = _six_numbers(tmp_path, _rebuilt(0, (2**30, 2**30), (0, 0)))
    with pytest.raises(ModelError, match="more than weights of a network"):
        state_dict.read(path)


def test_a_shape_of_other_things_than_integers_is_rejected(tmp_path: Path) -> None:
    nested = _rebuilt(0, (2,), (1,)).replace(b"(J\x02\x00\x00\x00t", b"(K\x02K\x03\x86t")
    with pytest.raises(ModelError, match="not a state dict"):
        state_dict.read(_six_numbers(tmp_path, nested))


def test_a_storage_of_several_tensors_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = _rebuilt(0, (2,), (1,)).removeprefix(b"\x80\x02}").removesuffix(b"s.")
    path = _six_numbers(tmp_path, b"\x80\x02}(" + one + one.replace(b"weight", b"second") + b"u.")
    read: list[str] = []
    original = zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda self, name: read.append(name) or original(self, name))
    assert sorted(state_dict.read(path)) == ["second", "weight"]
    assert read == ["weights/data.pkl", "weights/data/0"]


def test_a_key_that_is_nested_without_end_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(_archive(b"\x80\x02})" + b"\x85" * 2_000_000 + b"K\x01s."))
    with pytest.raises(ModelError, match="neither a text nor an integer"):
        state_dict.read(tmp_path / "weights.pt")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_read_as_pickle_reads_them(protocol: int) -> None:
    shared = [1, 2.5, None]
    value = {"a": (1, 300, 70_000, -1, 2**40), "b": [shared, shared, True, False], "c": {}, "d": ((), ("x",) * 5)}
    assert pickle_values.read(io.BytesIO(pickle.dumps(value, protocol)), lambda call: call) == value


def test_calls_are_handed_over_instead_of_made() -> None:
    stream = io.BytesIO(pickle.dumps(OrderedDict(a=1), 2) + b"rest")
    assert pickle_values.read(stream, lambda call: {"made of": call}) == {
        "made of": Call(Global("collections OrderedDict"), ()),
        "a": 1,
    }
    assert stream.read() == b"rest"


@pytest.mark.parametrize("content", [b"\x80\x02.", b"\x80\x02(.", b"\x80\x02t.", b"\x80\x02K\x01K\x02s.", b"\x80\x02i"])
def test_pickle_that_does_not_make_sense_is_rejected(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        pickle_values.read(io.BytesIO(content), lambda call: call)


def test_length_that_a_damaged_pickle_claims_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    text_of_64_terabytes = b"\x8d" + (1 << 46).to_bytes(8, "little")
    path.write_bytes(state_dict.STREAM_MAGIC + b"\x80\x02" + text_of_64_terabytes + b".")
    with pytest.raises(ModelError, match="not a state dict, or truncated"):
        state_dict.read(path)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("{'descr': '<f4', 'shape': (2,", id="open-bracket"),
        pytest.param(f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {1 << 63})}}", id="large-side"),
        pytest.param("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "-" * 9000 + "1,)}", id="deep"),
    ],
)
def test_damaged_header_of_an_array_is_rejected(header: str, tmp_path: Path) -> None:
    text = header.encode()
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    (tmp_path / "Bottleneck_kernel.npy").write_bytes(content)
    with pytest.raises(ModelError, match=r"Bottleneck_kernel\.npy: not an array of numpy"):
        array_folder.read(tmp_path)


def test_folder_of_arrays_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "conv.npz", kernel=KERNEL, steps=np.int64(3))
    np.save(tmp_path / "conv_bias.npy", np.asfortranarray(np.float64([[1, 2], [3, 4]])))
    (tmp_path / "README.md").write_text("ours")
    arrays = array_folder.read(tmp_path)
    assert set(arrays) == {"conv/kernel", "conv_bias"}
    assert np.array_equal(arrays["conv/kernel"], KERNEL)
    assert arrays["conv_bias"].dtype == np.float32
    assert arrays["conv_bias"].tolist() == [[1, 2], [3, 4]]


def test_python_objects_in_a_folder_of_arrays_are_rejected(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / "conv.npz", kernel=np.array([_Malicious(marker)], object))
    with pytest.raises(ModelError, match=r"conv\.npz: holds Python objects"):
        array_folder.read(tmp_path / "npz")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["conv.npz", "conv.npy"])
@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_truncated_array_is_rejected(part: float, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    (np.savez if name.endswith("z") else np.save)(path, KERNEL)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ModelError, match=f"{name}: (not|truncated)"):
        array_folder.read(tmp_path)


def test_folder_that_unpacks_to_more_than_any_network_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "conv.npz", kernel=np.zeros(10_000, np.float32))
    monkeypatch.setattr(size_limit, "MAX_BYTES", 30_000)
    with pytest.raises(ModelError, match="more than weights of a network"):
        array_folder.read(tmp_path)


def test_dataset_in_another_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(KERNEL.tobytes())
    files.write_keras(tmp_path / "other.h5", SMALL, model=False)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("other.h5", "/conv/conv/kernel:0")
        file.create_dataset("inside", data=BIAS)
    assert set(hdf5.read(tmp_path / "weights.h5")) == {"/inside"}
    with h5py.File(tmp_path / "weights.h5", "a") as file:
        file.create_dataset("raw", (24,), "f4", external=[(str(tmp_path / "secret.bin"), 0, 96)])
    with pytest.raises(ModelError, match="/raw refers to another file"):
        hdf5.read(tmp_path / "weights.h5")


def test_repeated_value_of_a_graph_is_filled_up(tmp_path: Path) -> None:
    """TensorFlow stores constants of equal numbers by one of them."""
    tensorflow = pytest.importorskip("tensorflow", reason="needs the models extra")
    proto = tensorflow.make_tensor_proto(1.5, tensorflow.float32, [2, 3])
    assert not proto.tensor_content
    graph = tensorflow.compat.v1.GraphDef()
    node = graph.node.add(name="ones", op="Const")
    node.attr["value"].tensor.CopyFrom(proto)
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    assert frozen_graph.read(tmp_path / "graph.pb")["ones"].tolist() == [[1.5] * 3] * 2


def test_repeated_values_may_not_be_huge_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs the models extra")
    graph = tensorflow.compat.v1.GraphDef()
    for name in ("first", "second"):
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tensorflow.make_tensor_proto(1.5, tensorflow.float32, [1000]))
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    monkeypatch.setattr(size_limit, "MAX_BYTES", 6000)
    with pytest.raises(ModelError, match="more than weights of a network"):
        frozen_graph.read(tmp_path / "graph.pb")


def test_graph_whose_variables_are_elsewhere_is_rejected(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs the models extra")
    graph = tensorflow.compat.v1.GraphDef()
    graph.node.add(name="Bottleneck/weights", op="VariableV2")
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="a graph of 1 nodes without weights") as caught:
        frozen_graph.read(tmp_path / "graph.pb")
    assert "freeze_graph" in caught.value.fix
