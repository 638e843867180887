"""What a run of training starts with: TensorFlow, without what it logs, and weights that the user has."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ModelError
from models.training.options import Backbone, TrainingOptions
from models.weight_files import safetensors, state_dict
from models.weight_files.size_limit import FloatArray

if TYPE_CHECKING:
    from models.training.learner import Learner

_STDERR = 2
_READERS: Mapping[str, Callable[[Path], dict[str, FloatArray]]] = {
    ".safetensors": safetensors.read,
    ".pt": state_dict.read,
    ".pth": state_dict.read,
}
"""By suffix of the file."""


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Where TensorFlow is imported, first used, or converts: what it logs in this block is shown only for an error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with tempfile.TemporaryFile() as log:
        sys.stderr.flush()
        original = os.dup(_STDERR)
        os.dup2(log.fileno(), _STDERR)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(original, _STDERR)
            os.close(original)
            if failed:
                log.seek(0)
                sys.stderr.write(log.read().decode("utf-8", "replace"))


def require_weights(path: Path, options: TrainingOptions) -> None:
    """Raises ModelError for a file that a network with these options cannot begin with."""
    if options.backbone is not Backbone.MOBILENETV4_SMALL or options.width != 1:
        raise ModelError(
            f"{path.name}: weights to begin with fit {Backbone.MOBILENETV4_SMALL} in width 1 only",
            fix="leave out --weights, or --backbone and --width",
        )
    if path.suffix not in _READERS or not path.is_file():
        raise ModelError(
            f"{path}: no file that ends in {', '.join(_READERS)}",
            fix="give the weights of timm's mobilenetv4_conv_small",
        )


def load_weights(learner: Learner, path: Path) -> None:
    """Begin with the features that timm's `mobilenetv4_conv_small` has in a file. Raises ModelError."""
    from models.networks import mobilenetv4  # loads TensorFlow

    arrays = _READERS[path.suffix](path)
    try:
        mobilenetv4.load(learner.network, arrays)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{path}: not the weights of timm's mobilenetv4_conv_small ({error})",
            fix="save them with timm: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')",
        ) from error
