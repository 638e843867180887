"""The exceptions that Footfall raises."""

from __future__ import annotations

from typing import ClassVar

from config.addresses import without_secrets


class FootfallError(Exception):
    """An error that the user can fix: the problem, and the fix; addresses in them are redacted.

    retryable: whether the same operation may succeed later; callers decide by it, never by the message.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, problem: str, *, fix: str) -> None:
        self.problem, self.fix = without_secrets(problem), without_secrets(fix)
        super().__init__(f"{self.problem} - {self.fix}")


class SettingsError(FootfallError):
    """A settings file, environment variable or flag is invalid."""


class ModelError(FootfallError):
    """A weight file or a converted network is missing, damaged or of the wrong kind."""


class PictureError(FootfallError):
    """A picture cannot be read, or is not suitable."""


class CameraError(FootfallError):
    """A frame source cannot be opened or failed; a live source may succeed on retry."""

    retryable = True


class RecordingError(FootfallError):
    """A recording is missing, unreadable or damaged; a retry does not help."""


class PeopleError(FootfallError):
    """A person cannot be enrolled, found, renamed or removed as requested."""


class UserError(FootfallError):
    """A user, a link to the display or a device cannot be added, found or changed as requested."""


class NotAllowedError(FootfallError):
    """The role of who asks does not include what they ask for; pages answer as if it were not there."""


class StoreError(FootfallError):
    """The store cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process holds the store or the camera."""

    retryable = True


class CloudError(FootfallError):
    """Firestore rejected a request; a retry does not help."""


class CloudUnreachableError(CloudError):
    """Firestore cannot be reached; nothing is lost, and a retry may succeed."""

    retryable = True


class RecordError(FootfallError):
    """A document, line or row is not a valid event, match, person or session."""


class ReportError(FootfallError):
    """A report cannot be computed or written as requested."""
