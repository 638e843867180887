"""The model pack of FaceNet, from weights in any of the forms that `models.facenet` reads."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ModelError
from config.settings import Precision
from config.text import without_control_characters
from models import child_process, model_folder, packs
from models.cards import PackPrecision
from models.catalog import Kind, NetworkSpec, Output, Pixels, Scaling
from models.child_process import Progress
from models.embedding import Crop, Embedding, Limits
from models.model_folder import Source
from models.packs import Pack

if TYPE_CHECKING:
    from models.facenet import FaceNetWeights

NAME = "facenet"
NO_LICENCE = "not stated"
CROP = Crop(side=160, margin=32, stretched=True)
"""Source: davidsandberg/facenet, "Validate on LFW" (--image_size 160 --margin 32)."""
_PIXELS = {
    Scaling.FIXED: Pixels(channels="RGB", offset=127.5, divisor=128),
    Scaling.PER_PICTURE: Pixels(channels="RGB", whitened=True),
}
_LIMITS_128 = (
    Limits(people=100, max_distance=0.9, stranger_distance=1.05),
    Limits(people=None, max_distance=0.85, stranger_distance=1.02),
)
"""Not measured here. Source: on LFW, validate_on_lfw.py of davidsandberg/facenet tells pairs apart best at 1.10 with
20170512-110547 (the root of 1.22); two pictures of a person are 0.7 apart on average. A gallery has more comparisons.
"""
_LIMITS = (
    Limits(people=100, max_distance=0.75, stranger_distance=0.95),
    Limits(people=None, max_distance=0.7, stranger_distance=0.9),
)
"""Not measured here. Source: deepface (config/threshold.py) verifies pairs at 1.04; in an example of facenet-pytorch
(examples/infer.ipynb) the nearest two of five people are 0.78 apart.
"""


def make_in_subprocess(
    file: Path,
    folder: Path,
    *,
    name: str = NAME,
    scaling: Scaling | None = None,
    licence: str = NO_LICENCE,
    precisions: Sequence[Precision] = (Precision.FLOAT16,),
) -> Pack:
    """Run `make` in a child process, which is terminated when this process is interrupted.

    A progress bar is shown on stderr. Raises ModelError as `make` does.
    """
    packs.require_name(name)
    if not model_folder.can_build():
        raise ModelError("converting FaceNet needs TensorFlow, which is not installed", fix=model_folder.INSTALL)
    arguments = {
        "file": str(file.absolute()),
        "folder": str(folder.absolute()),
        "name": name,
        "scaling": scaling,
        "licence": licence,
        "precisions": list(precisions),
    }
    fix = "run the command again; if it fails again, report this line"
    child_process.run("models.facenet_pack", arguments, title="Converting FaceNet", fix=fix)
    return packs.read(folder)


def make(
    file: Path,
    folder: Path,
    *,
    name: str,
    scaling: Scaling | None,
    licence: str,
    precisions: Sequence[Precision],
    progress: Progress,
) -> Pack:
    """Convert weights into the pack `folder`. Loads TensorFlow once the weights are read.

    scaling: None for that of the published weights of this form and dimension. Raises ModelError naming the first layer
    that does not fit, and where the file cannot be read or the folder cannot be written.
    """
    from models import facenet  # here: it imports numpy
    from models.build import TENSORFLOW_LOADED

    progress("reading weights", 0.0)
    weights = facenet.read(file)
    shown = without_control_characters(file.name.encode(errors="replace").decode())
    source = Source(package="", version="", file=shown, sha256=digest(file))
    spec = _spec(name, weights, scaling or weights.scaling, source, licence)
    progress("loading TensorFlow", 0.05)
    from models import convert as converters  # loads TensorFlow, so it comes after everything that fails early

    network = converters.facenet_network(weights)
    contents = {}
    for number, precision in enumerate(precisions):
        done = TENSORFLOW_LOADED + (1 - TENSORFLOW_LOADED) * number / len(precisions)
        progress(f"converting {name} to {precision.value}", done)
        contents[PackPrecision(precision.value)] = converters.to_tflite(network, spec, precision)
    progress("done", 1.0)
    return packs.create(
        folder,
        name=name,
        purpose=spec.purpose,
        pixels=_PIXELS[scaling or weights.scaling],
        embedding=_embedding(weights.dimension),
        dimension=weights.dimension,
        contents=contents,
        source=source,
        licence=licence,
    )


def _spec(name: str, weights: FaceNetWeights, scaling: Scaling, source: Source, licence: str) -> NetworkSpec:
    return NetworkSpec(
        name=name,
        stem=name,
        kind=Kind.EMBEDDER,
        purpose=f"embeds a face as a {weights.dimension}-D vector (FaceNet)",
        source_package=source.package,
        source_version=source.version,
        source_file=source.file,
        source_sha256=source.sha256,
        licence=licence,
        input_shape=(None, CROP.side, CROP.side, 3),
        pixels=_PIXELS[scaling],
        outputs=(Output("vector", ("N", weights.dimension), "embedding, of unit length"),),
        embedding=_embedding(weights.dimension),
    )


def _embedding(dimension: int) -> Embedding:
    return Embedding.model_validate({"crop": CROP, "limits": _LIMITS_128 if dimension == 128 else _LIMITS})


def digest(file: Path) -> str:
    """SHA-256 of a file, or of the names and contents in a folder. Raises ModelError where it cannot be read."""
    found = hashlib.sha256()
    try:
        for path in sorted(each for each in file.iterdir() if each.is_file()) if file.is_dir() else [file]:
            if file.is_dir():
                found.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})", fix="check the path and permissions") from error
    return found.hexdigest()


def convert(arguments: Mapping[str, Any], progress: Progress) -> None:
    """The child process of `make_in_subprocess`."""
    make(
        Path(arguments["file"]),
        Path(arguments["folder"]),
        name=arguments["name"],
        scaling=None if arguments["scaling"] is None else Scaling(arguments["scaling"]),
        licence=arguments["licence"],
        precisions=[Precision(each) for each in arguments["precisions"]],
        progress=progress,
    )


if __name__ == "__main__":
    sys.exit(child_process.serve(convert))
