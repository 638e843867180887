"""Zip files of weights."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.weight_files.size_limit import require_size
from models.zip_errors import ZIP_ERRORS

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file whose members may be read.

    Raises ValueError, also inside the block, where it is damaged or packed in another way than numpy and PyTorch pack;
    ModelError where it unpacks to more than any network that embeds faces.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            require_size(path.name, sum(member.file_size for member in archive.infolist()))
            if any(member.compress_type not in _METHODS for member in archive.infolist()):
                raise ValueError("an unknown compression")
            yield archive
    except ZIP_ERRORS as error:
        raise ValueError(str(error)) from error
