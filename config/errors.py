"""The one family of exceptions that Footfall raises."""

from __future__ import annotations

from typing import ClassVar


class FootfallError(Exception):
    """Something that a person can mend: what is wrong, and what to do about it.

    `retryable` says whether doing the same again later may succeed; callers decide by it, never by the text.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(f"{problem} - {fix}")
        self.problem = problem
        self.fix = fix


class SettingsError(FootfallError):
    """A settings file, environment variable or flag does not say what it must."""


class ModelError(FootfallError):
    """A weight file or a converted network is missing, damaged or of the wrong kind."""


class PictureError(FootfallError):
    """A picture cannot be read, or does not show what it must show."""


class CameraError(FootfallError):
    """A frame source cannot be opened or gave up; for a live source the next try may succeed."""

    retryable = True


class RecordingError(FootfallError):
    """A recording is missing, unreadable or damaged: trying again gives the same."""


class PeopleError(FootfallError):
    """A person cannot be enrolled, found, renamed or removed as asked."""


class StoreError(FootfallError):
    """The store cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Somebody else holds the store or the camera at this moment."""

    retryable = True


class CloudError(FootfallError):
    """The shared store refuses what was asked of it; asking again gives the same answer."""


class CloudUnreachableError(CloudError):
    """The shared store cannot be reached, or not now: nothing is lost, and trying again later may succeed."""

    retryable = True


class RecordError(FootfallError):
    """A document, line or row is not a valid event, match, person or session."""


class ReportError(FootfallError):
    """A report cannot be made or written as asked."""
