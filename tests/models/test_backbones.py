"""The networks that are trained: MobileNetV4 against the table of its paper, and what all have in common."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.options import Backbone, TrainingOptions

keras = pytest.importorskip("keras", reason="needs the models extra")
mobilenetv4 = pytest.importorskip("models.networks.mobilenetv4", reason="needs the models extra")
backbones = pytest.importorskip("models.networks.backbones", reason="needs the models extra")

# MNv4-Conv-S in Qin et al. (2024): input of each row, block, first and second depthwise kernel, expanded width, output
# width, stride. A fused block of 3x3 is a convolution of 3x3 and one of 1x1.
PAPER = (
    (224, "conv", 3, 0, 0, 32, 2),
    (112, "fused", 3, 0, 32, 32, 2),
    (56, "fused", 3, 0, 96, 64, 2),
    (28, "ExtraDW", 5, 5, 192, 96, 2),
    (14, "IB", 0, 3, 192, 96, 1),
    (14, "IB", 0, 3, 192, 96, 1),
    (14, "IB", 0, 3, 192, 96, 1),
    (14, "IB", 0, 3, 192, 96, 1),
    (14, "ConvNext", 3, 0, 384, 96, 1),
    (14, "ExtraDW", 3, 3, 576, 128, 2),
    (7, "ExtraDW", 5, 5, 512, 128, 1),
    (7, "IB", 0, 5, 512, 128, 1),
    (7, "IB", 0, 5, 384, 128, 1),
    (7, "IB", 0, 3, 512, 128, 1),
    (7, "IB", 0, 3, 512, 128, 1),
    (7, "conv", 1, 0, 0, 960, 1),
    (1, "conv", 1, 0, 0, 1280, 1),
)


def counted() -> tuple[int, int]:
    """Parameters and multiply-adds of the paper's table, with 1000 classes; a batch normalisation has 2 a channel."""
    parameters, multiplied, channels = 0, 0, 3

    def convolution(side: int, kernel: int, inputs: int, outputs: int) -> None:
        nonlocal parameters, multiplied
        parameters += kernel * kernel * inputs * outputs + 2 * outputs
        multiplied += side * side * kernel * kernel * inputs * outputs

    for size, kind, first, second, expanded, outputs, stride in PAPER:
        small = size // stride
        if kind == "conv":
            convolution(small, first, channels, outputs)
        elif kind == "fused":
            convolution(small, first, channels, expanded)
            convolution(small, 1, expanded, outputs)
        else:
            if first:
                convolution(size if second else small, first, 1, channels)
            convolution(size if second else small, 1, channels, expanded)
            if second:
                convolution(small, second, 1, expanded)
            convolution(small, 1, expanded, outputs)
        channels = outputs
    return parameters + channels * 1000 + 1000, multiplied + channels * 1000


def multiplied(layer) -> int:
    """Multiply-adds of a layer of Keras."""
    if isinstance(layer, keras.layers.BatchNormalization) or not layer.weights:
        return 0
    return int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:3] if layer.output.ndim == 4 else 1))


@pytest.fixture(scope="module")
def classifier():
    return mobilenetv4.classifier()


def test_parameters_and_multiply_adds_are_those_of_the_paper(classifier) -> None:
    parameters = sum(int(np.prod(each.shape)) for each in classifier.trainable_weights)
    operations = sum(map(multiplied, classifier.layers))
    assert (parameters, operations) == counted()
    assert round(parameters / 1e6, 2) == 3.77
    assert round(operations / 1e9, 2) == 0.19


def test_every_row_has_the_shape_of_the_paper(classifier) -> None:
    names = ["bn1.act", "blocks.0.1.bn1.act", "blocks.1.1.bn1.act"]
    names += [f"blocks.2.{index}.pw_proj.bn" for index in range(6)]
    names += [f"blocks.3.{index}.pw_proj.bn" for index in range(6)]
    names += ["blocks.4.0.bn1.act", "act_head"]
    shapes = [tuple(classifier.get_layer(name).output.shape[1:]) for name in names]
    assert shapes == [(size // stride, size // stride, width) for size, *_, width, stride in PAPER]
    for name, (_, kind, first, second, expanded, _, _) in list(zip(names, PAPER, strict=True))[3:15]:
        block = name.removesuffix(".pw_proj.bn")
        layers = {each.name for each in classifier.layers}
        assert (f"{block}.dw_start.conv" in layers, f"{block}.dw_mid.conv" in layers) == (bool(first), bool(second))
        assert classifier.get_layer(f"{block}.pw_exp.conv").output.shape[-1] == expanded, kind


def state_dict(model) -> dict[str, np.ndarray]:
    """Random weights for a network, by the names and in the layout of timm."""
    random = np.random.default_rng(3)
    found = {}
    for layer in model.layers:
        shapes = [each.shape for each in layer.weights]
        if isinstance(layer, keras.layers.BatchNormalization):
            for part in ("weight", "bias", "running_mean", "running_var"):
                found[f"{layer.name}.{part}"] = random.uniform(0.5, 1.5, shapes[0]).astype(np.float32)
        elif isinstance(layer, keras.layers.Dense):
            found[f"{layer.name}.weight"] = random.normal(0, 0.05, shapes[0][::-1]).astype(np.float32)
            found[f"{layer.name}.bias"] = random.normal(0, 0.05, shapes[1]).astype(np.float32)
        elif shapes:
            rows, columns, inputs, outputs = shapes[0]
            if isinstance(layer, keras.layers.DepthwiseConv2D):
                inputs, outputs = outputs, inputs
            found[f"{layer.name}.weight"] = random.normal(0, 0.1, (outputs, inputs, rows, columns)).astype(np.float32)
    return found


def convolved(x: np.ndarray, weight: np.ndarray, stride: int, *, groups: int = 1) -> np.ndarray:
    """As PyTorch does it: (C, H, W), padded by half the kernel on all sides; groups 1, or one for each channel."""
    kernel = weight.shape[-1]
    half = kernel // 2
    padded = np.pad(x, ((0, 0), (half, half), (half, half)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    if groups > 1:
        return np.einsum("chwij,cij->chw", windows, weight[:, 0])
    return np.einsum("chwij,ocij->ohw", windows, weight)


def reference(image: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
    """The features (960, h, w) of an image (3, H, W), by the paper's table, with timm's names and PyTorch's layout."""

    def normalised(x: np.ndarray, name: str) -> np.ndarray:
        weight, bias, mean, variance = (
            state[f"{name}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    def layer(x: np.ndarray, conv: str, norm: str, stride: int = 1, *, groups: bool = False) -> np.ndarray:
        return normalised(convolved(x, state[f"{conv}.weight"], stride, groups=len(x) if groups else 1), norm)

    x = np.maximum(layer(image, "conv_stem", "bn1", 2), 0)
    for stage in (0, 1):
        for index, stride in enumerate((2, 1)):
            name = f"blocks.{stage}.{index}"
            x = np.maximum(layer(x, f"{name}.conv", f"{name}.bn1", stride), 0)
    rows = [row for row in PAPER if row[1] in ("ExtraDW", "IB", "ConvNext")]
    for number, (_, _, first, second, _, width, stride) in enumerate(rows):
        name, before = f"blocks.{2 + number // 6}.{number % 6}", x
        if first:
            x = layer(x, f"{name}.dw_start.conv", f"{name}.dw_start.bn", 1 if second else stride, groups=True)
        x = np.maximum(layer(x, f"{name}.pw_exp.conv", f"{name}.pw_exp.bn"), 0)
        if second:
            x = np.maximum(layer(x, f"{name}.dw_mid.conv", f"{name}.dw_mid.bn", stride, groups=True), 0)
        x = layer(x, f"{name}.pw_proj.conv", f"{name}.pw_proj.bn")
        if stride == 1 and len(before) == width:
            x = x + before
    return np.maximum(layer(x, "blocks.4.0.conv", "blocks.4.0.bn1"), 0)


def test_a_state_dict_of_timm_gives_the_features_of_pytorch() -> None:
    options = TrainingOptions(size=64, dimension=16)
    model = backbones.embedder(options)
    state = state_dict(mobilenetv4.classifier(10))
    mobilenetv4.load(model, state)
    pixels = np.random.default_rng(5).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    want = reference(((pixels / 255 - mean) / deviation).transpose(2, 0, 1), state).transpose(1, 2, 0)
    features = keras.Model(model.input, model.get_layer("blocks.4.0.bn1.act").output)
    got = np.asarray(features(pixels[None], training=False))[0]
    assert got.shape == want.shape == (2, 2, 960)
    assert abs(want).max() > 0.01
    assert abs(got - want).max() < 1e-4 * abs(want).max()


def test_a_classifier_takes_every_array_of_timm(classifier) -> None:
    state = state_dict(classifier)
    assert len(state) == sum(
        4 if isinstance(each, keras.layers.BatchNormalization) else len(each.weights) for each in classifier.layers
    )
    mobilenetv4.load(classifier, state)
    assert (classifier.get_layer("classifier").get_weights()[0] == state["classifier.weight"].T).all()
    del state["blocks.3.2.dw_mid.bn.bias"]
    with pytest.raises(KeyError, match=r"dw_mid\.bn\.bias"):
        mobilenetv4.load(classifier, state)


@pytest.mark.parametrize("backbone", [Backbone.MOBILENETV4_SMALL, Backbone.MOBILENETV3_SMALL], ids=str)
def test_embedders_have_the_size_and_dimension_that_are_asked_for(backbone: Backbone) -> None:
    options = TrainingOptions(backbone=backbone, size=48, dimension=24, width=0.5)
    model = backbones.embedder(options)
    assert (model.input_shape, model.output_shape) == ((None, 48, 48, 3), (None, 24))
    assert model.count_params() < 0.5 * backbones.embedder(options.model_copy(update={"width": 1.0})).count_params()
    images = np.random.default_rng(0).uniform(0, 255, (3, 48, 48, 3)).astype(np.float32)
    forward = np.asarray(model(images, training=False))
    largest = abs(forward).max()
    assert abs(forward - np.asarray(model(images[::-1], training=False))[::-1]).max() < 1e-3 * largest
    assert abs(forward[0] - forward[1]).max() > 1e-2 * largest


def test_inception_resnet_embeds_pixels_without_scaling_vectors() -> None:
    model = backbones.embedder(TrainingOptions(backbone=Backbone.INCEPTION_RESNET_V1, size=75, dimension=24))
    assert (model.input_shape, model.output_shape) == ((None, 75, 75, 3), (None, 24))
    features = model.get_layer("features")
    images = np.random.default_rng(0).uniform(0, 255, (2, 75, 75, 3)).astype(np.float32)
    got = np.asarray(model(images, training=False))
    assert got == pytest.approx(np.asarray(features((images - 127.5) / 128, training=False)), rel=1e-3)
    assert not np.allclose(np.linalg.norm(got, axis=1), 1, atol=0.1)
    assert {each.momentum for each in features.layers if isinstance(each, keras.layers.BatchNormalization)} == {0.9}


def test_batch_normalisation_follows_short_runs() -> None:
    model = backbones.embedder(TrainingOptions(backbone=Backbone.MOBILENETV3_SMALL, size=32))
    momenta = {each.momentum for each in model.layers if isinstance(each, keras.layers.BatchNormalization)}
    assert momenta == {0.9}
