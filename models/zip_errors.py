"""What reading a damaged zip file raises."""

from __future__ import annotations

import zipfile
import zlib

ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError,
)  # fmt: skip
"""Of `zipfile`, for archives that are damaged, encrypted or packed in an unknown way."""
