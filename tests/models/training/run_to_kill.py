"""Trains in the folder that is named; the test kills this process."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.models.training.conftest import OPTIONS, begun, training

folder = Path(sys.argv[1])
training(folder, OPTIONS, checkpoint_s=0.0).run(begun(folder, OPTIONS))
