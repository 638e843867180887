"""Logs of a run of training, for TensorBoard, which need not be installed to write them. Imports TensorFlow."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import tensorflow as tf

from models.training.checkpoints import LOGS
from models.training.state import Epoch

# What `tf.summary.scalar` would write; that one needs the package tensorboard.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
)


class Logs:
    """The event files of a run: a curve each for the loss, the learning rate and the scores."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / LOGS

    def __enter__(self) -> Self:
        self._writer = tf.summary.create_file_writer(str(self._folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def write(self, epoch: Epoch) -> None:
        """Add an epoch; it is in the file when this returns."""
        values = {
            "loss": epoch.loss,
            "learning rate": epoch.learning_rate,
            "held-out people/true-accept rate": epoch.score.tar,
            "held-out people/separation": epoch.score.separation,
            "seconds": epoch.seconds,
        }
        with self._writer.as_default():
            for name, value in values.items():
                tf.summary.write(name, tf.constant(value, tf.float32), step=epoch.number, metadata=_SCALAR)
        self._writer.flush()
