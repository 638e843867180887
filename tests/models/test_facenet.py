"""FaceNet: the Keras network against facenet-pytorch, with weights read from every form."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from config.errors import ModelError
from config.settings import ModelSettings, Precision, Settings
from models import facenet, facenet_pack, packs
from models.cards import PackPrecision
from models.catalog import Pixels, Scaling
from models.cli import app
from models.embedding import Crop
from models.facenet import Form
from models.runtime import open_pack
from tests.files import digest
from tests.models import facenet_files as files
from tests.models.conftest import waves
from tracker.identity.accuracy import require_accurate
from tracker.identity.gallery import Gallery
from tracker.identity.networks import engine_of
from tracker.vision.embedders import embedder_named

keras = pytest.importorskip("keras", reason="needs the models extra")
convert = pytest.importorskip("models.convert", reason="needs the models extra")
inception_resnet = pytest.importorskip("models.networks.inception_resnet", reason="needs the models extra")

Batch = NDArray[np.float32]
Layers = dict[str, dict[str, Batch]]
TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peer:
    """facenet-pytorch's network, its weights by their names in TensorFlow and in Keras, and its vectors."""

    network: Any
    arrays: files.Arrays
    layers: Layers
    vectors: Batch


@pytest.fixture(scope="module")
def batch() -> Batch:
    return (waves(2, 160, 160).astype(np.float32) - 127.5) / 128


def _peer(batch: Batch, dimension: int, *, scales: bool) -> Peer:
    network = files.torch_network(dimension, scales=scales)
    arrays = files.tensorflow_arrays(network, scales=scales)
    vectors = files.torch_vectors(network, batch)
    return Peer(network=network, arrays=arrays, layers=files.keras_layers(arrays), vectors=vectors)


@pytest.fixture(scope="module")
def peer_128(batch: Batch) -> Peer:
    """As published weights are: batch normalisation without scales."""
    return _peer(batch, 128, scales=False)


@pytest.fixture(scope="module")
def peer_512(batch: Batch) -> Peer:
    return _peer(batch, 512, scales=True)


@pytest.fixture(scope="module")
def network_128() -> Any:
    return inception_resnet.inception_resnet(128)


@pytest.fixture(scope="module")
def network_512() -> Any:
    return inception_resnet.inception_resnet(512)


def _write_state_dict(folder: Path, peer: Peer) -> Path:
    import torch

    torch.save(peer.network.state_dict(), folder / "facenet.pt")
    return folder / "facenet.pt"


def _write_old_checkpoint(folder: Path, peer: Peer) -> Path:
    """As PyTorch before 1.6 wrote it, trained on several GPUs, among the state of the training."""
    import torch

    state = {f"module.{name}": values for name, values in peer.network.state_dict().items()}
    checkpoint = {"epoch": 7, "best": 0.5, "state_dict": {**state, "module.logits.weight": torch.zeros(3, 512)}}
    torch.save(checkpoint, folder / "old.pt", _use_new_zipfile_serialization=False)
    return folder / "old.pt"


def _write_weights(folder: Path, peer: Peer) -> Path:
    files.write_keras(folder / "weights.h5", peer.layers, model=False)
    return folder / "weights.h5"


def _write_model(folder: Path, peer: Peer) -> Path:
    files.write_keras(folder / "model.h5", peer.layers, model=True)
    return folder / "model.h5"


def _write_named_npz(folder: Path, peer: Peer) -> Path:
    files.write_npz(folder / "npz", peer.layers, named=True)
    return folder / "npz"


def _write_numbered_npz(folder: Path, peer: Peer) -> Path:
    files.write_npz(folder / "npz", peer.layers, named=False)
    return folder / "npz"


def _write_npy(folder: Path, peer: Peer) -> Path:
    files.write_npy(folder / "npy", peer.layers)
    return folder / "npy"


def _write_graph(folder: Path, peer: Peer) -> Path:
    files.write_graph(folder / "facenet.pb", peer.arrays)
    return folder / "facenet.pb"


Write = Callable[[Path, Peer], Path]
FORMS_128 = [
    pytest.param(_write_model, Form.KERAS, Scaling.PER_PICTURE, id="keras-model"),
    pytest.param(_write_numbered_npz, Form.ARRAYS, Scaling.PER_PICTURE, id="numbered-npz"),
    pytest.param(_write_npy, Form.ARRAYS, Scaling.PER_PICTURE, id="npy"),
    pytest.param(_write_graph, Form.GRAPH, Scaling.PER_PICTURE, id="graph"),
    pytest.param(_write_state_dict, Form.STATE_DICT, Scaling.FIXED, id="state-dict"),
]
FORMS_512 = [
    pytest.param(_write_weights, Form.KERAS, id="keras-weights"),
    pytest.param(_write_named_npz, Form.ARRAYS, id="named-npz"),
    pytest.param(_write_numbered_npz, Form.ARRAYS, id="numbered-npz"),
    pytest.param(_write_graph, Form.GRAPH, id="graph"),
    pytest.param(_write_state_dict, Form.STATE_DICT, id="state-dict"),
    pytest.param(_write_old_checkpoint, Form.STATE_DICT, id="old-checkpoint"),
]


def _vectors(network: Any, weights: facenet.FaceNetWeights, batch: Batch) -> Batch:
    inception_resnet.load(network, weights.layers)
    return np.asarray(network(batch, training=False))


@pytest.mark.parametrize(("write", "form", "scaling"), FORMS_128)
def test_vectors_of_128_match_facenet_pytorch(
    write: Write, form: Form, scaling: Scaling, peer_128: Peer, network_128: Any, batch: Batch, tmp_path: Path
) -> None:
    weights = facenet.read(write(tmp_path, peer_128))
    assert (weights.form, weights.dimension, weights.scaling) == (form, 128, scaling)
    assert abs(_vectors(network_128, weights, batch) - peer_128.vectors).max() < TOLERANCE


@pytest.mark.parametrize(("write", "form"), FORMS_512)
def test_vectors_of_512_match_facenet_pytorch(
    write: Write, form: Form, peer_512: Peer, network_512: Any, batch: Batch, tmp_path: Path
) -> None:
    weights = facenet.read(write(tmp_path, peer_512))
    assert (weights.form, weights.dimension, weights.scaling) == (form, 512, Scaling.FIXED)
    assert abs(_vectors(network_512, weights, batch) - peer_512.vectors).max() < TOLERANCE


def test_the_vectors_compared_differ_and_are_of_unit_length(peer_128: Peer, peer_512: Peer) -> None:
    for vectors in (peer_128.vectors, peer_512.vectors):
        assert abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
        assert np.linalg.norm(vectors[0] - vectors[1]) > 1000 * TOLERANCE


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child process would do, done here, where TensorFlow is loaded."""

    def work(module: str, arguments: Mapping[str, Any], **others: object) -> None:
        assert module == "models.facenet_pack"
        facenet_pack.convert(arguments, lambda _step, _fraction: None)

    monkeypatch.setattr(facenet_pack.child_process, "run", work)


def test_added_pack_matches_facenet_pytorch_and_is_refused(
    peer_512: Peer, batch: Batch, in_process: None, models_folder: Path, tmp_path: Path
) -> None:
    """Its vectors are those of facenet-pytorch; with random weights, no agent starts with it."""
    models, file = tmp_path / "models", _write_state_dict(tmp_path, peer_512)
    options = ["--name", "face-512", "--licence", "CC0-1.0", "--precision", "float32", "--models", str(models)]
    done = CliRunner().invoke(app, ["add", "facenet", str(file), *options])
    assert done.exit_code == 0, done.output
    assert 'recognition.embedder = "face-512"' in done.stdout
    (pack,) = packs.installed(models)
    card = pack.card
    assert (card.dimension, card.licence, card.source.file) == (512, "CC0-1.0", "facenet.pt")
    assert card.source.sha256 == digest(file)[1]
    assert card.embedding is not None
    assert card.embedding.crop == Crop(side=160, margin=32, stretched=True)
    assert card.embedding.limits_for(10).max_distance == 0.75
    assert card.input.pixels == Pixels(channels="RGB", offset=127.5, divisor=128)
    assert pack.precisions == (PackPrecision.FLOAT32,)
    (vectors,) = open_pack(pack, precision=Precision.FLOAT32, threads=2).run(batch)
    assert abs(vectors - peer_512.vectors).max() < TOLERANCE
    settings, embedder = Settings(models=ModelSettings(dir=models_folder)), embedder_named("face-512", models)
    with pytest.raises(ModelError, match="face-512 does not tell people apart: the portraits of two people are 0"):
        require_accurate(embedder, settings, Gallery.empty(), engine=engine_of(settings, embedder, thorough=False))


@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        pytest.param([], Pixels(channels="RGB", whitened=True), id="of-the-form"),
        pytest.param(["--scaling", "per-picture"], Pixels(channels="RGB", whitened=True), id="the-same"),
        pytest.param(["--scaling", "fixed"], Pixels(channels="RGB", offset=127.5, divisor=128), id="another-scaling"),
    ],
)
def test_scaling_and_hash_are_in_the_card(
    options: list[str],
    pixels: Pixels,
    in_process: None,
    network_128: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny = keras.Sequential([keras.Input((160, 160, 3)), keras.layers.AveragePooling2D(160), keras.layers.Flatten()])
    tiny = keras.Sequential([tiny, keras.layers.Dense(128)])
    monkeypatch.setattr(convert, "facenet_network", lambda _weights: tiny)
    files.write_npz(tmp_path / "npz", {"Bottleneck": {"kernel": np.ones((1792, 128), np.float32)}}, named=True)
    models = tmp_path / "models"
    done = CliRunner().invoke(app, ["add", "facenet", str(tmp_path / "npz"), "--models", str(models), *options])
    assert done.exit_code == 0, done.output
    (pack,) = packs.installed(models)
    assert (pack.name, pack.card.dimension, pack.card.input.pixels) == ("facenet", 128, pixels)
    assert pack.card.embedding is not None
    assert pack.card.embedding.limits_for(10).max_distance == 0.9
    content = (tmp_path / "npz" / "Bottleneck.npz").read_bytes()
    own = hashlib.sha256(f"Bottleneck.npz\0{len(content)}\0".encode() + content).hexdigest()
    assert pack.card.source.sha256 == own
    monkeypatch.setattr(facenet_pack.child_process, "run", pytest.fail)  # a taken name is refused before anything else
    (tmp_path / "other.pt").write_bytes(b"other weights")
    again = CliRunner().invoke(app, ["add", "facenet", str(tmp_path / "other.pt"), "--models", str(models)])
    assert isinstance(again.exception, ModelError)
    assert "--name NAME" in again.exception.fix


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["facenet"], "name the FILE of the weights of facenet", id="no-file"),
        pytest.param(["sface", "x.onnx", "--scaling", "fixed"], "are for facenet", id="scaling-of-another"),
        pytest.param(["ours.zip", "--name", "theirs"], "are for facenet", id="name-of-a-pack"),
        pytest.param(["facenet", "x.pt", "--precision", "int8"], "int8 is what", id="int8"),
    ],
)
def test_wrong_use_is_explained(arguments: list[str], problem: str) -> None:
    done = CliRunner().invoke(app, ["add", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert problem in done.stderr


def test_file_that_is_not_read_adds_nothing(tmp_path: Path) -> None:
    """In the child process, as it is for users."""
    (tmp_path / "facenet.pt").write_bytes(b"PK\x03\x04 and no more")
    done = CliRunner().invoke(
        app, ["add", "facenet", str(tmp_path / "facenet.pt"), "--models", str(tmp_path / "models")]
    )
    assert isinstance(done.exception, ModelError)
    assert "facenet.pt: not a state dict, or truncated" in done.exception.problem
    assert not (tmp_path / "models").exists()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras itself
@pytest.mark.parametrize("name", ["now.weights.h5", "now.h5"])
def test_files_of_this_keras_are_read(name: str, network_128: Any, tmp_path: Path) -> None:
    network_128.set_weights([np.random.default_rng(3).random(each.shape) for each in network_128.weights])
    (network_128.save_weights if "weights" in name else network_128.save)(tmp_path / name)
    layers = facenet.read(tmp_path / name).layers
    for layer in network_128.layers:
        assert len(layers.get(layer.name, {})) == len(layer.weights)
        for variable in layer.weights:
            assert np.array_equal(layers[layer.name][variable.name], variable.value)


def test_size_is_the_published_one(network_128: Any, network_512: Any) -> None:
    """Published: 22,808,144 and 23,497,424 numbers in Keras' files, which have no scales of batch normalisation."""
    for network, size in ((network_128, 22_808_144), (network_512, 23_497_424)):
        scales = sum(int(np.prod(each.shape)) for each in network.weights if each.name == "gamma")
        assert network.count_params() - scales == size
        assert sum(bool(layer.weights) for layer in network.layers) == 245


def test_trains(network_128: Any, batch: Batch) -> None:
    """Every layer has a gradient, with dropout before the last one."""
    tensorflow = pytest.importorskip("tensorflow")
    network = inception_resnet.inception_resnet(16, size=80, dropout=0.4)
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_sum(network(batch[:, :80, :80], training=True)[:, 0])
    gradients = tape.gradient(loss, network.trainable_variables)
    assert all(each is not None for each in gradients)
