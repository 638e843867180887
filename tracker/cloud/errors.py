"""The errors of Google's libraries as ours: a problem, its fix, and whether a retry may succeed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors

from config.errors import CloudError, CloudUnreachableError
from tracker.cloud.auth.sign_in import REFUSED

RETRIED = "nothing is lost; it is retried"
DENIED = "check cloud.credentials and the rules that are deployed (docs/firebase.md)"

_RETRYABLE = (
    google_errors.ResourceExhausted,
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.Aborted,
    google_errors.InternalServerError,
    google_errors.Cancelled,
    google_errors.Unknown,
    google_errors.RetryError,
    google_errors.GatewayTimeout,
    google_errors.TooManyRequests,
)
_KEY_IS_REFUSED = (REFUSED, "invalid_grant", "invalid_client", "unauthorized_client")
"""In the text where gRPC reports `unavailable` and means that it got no token."""
CLOSED = "Cannot invoke RPC"
"""In the text of the ValueError by which gRPC reports a closed channel."""
_MISSING = {
    "requires an index": "deploy the indexes: `firebase deploy --only firestore:indexes`",
    "has not been used in project": "create the database in the Firebase console: Build, Firestore Database",
    "does not exist for project": "create the database in the console, or correct store.url",
}
"""What Firestore reports of an incomplete project -> the fix."""
_REGISTER = "register this machine again with `footfall cloud register-device`"
_REASONS = {
    "USER_DISABLED": ("were revoked", _REGISTER),
    "TOKEN_EXPIRED": ("were revoked", _REGISTER),
    "USER_NOT_FOUND": ("are of a machine that was removed", _REGISTER),
    "INVALID_REFRESH_TOKEN": ("are damaged", _REGISTER),
    "API key": ("name no project", "register the machine again with the Web API key that the Firebase console shows"),
    "PROJECT_NUMBER_MISMATCH": ("mix two projects", _REGISTER),
    "CUSTOM_TOKEN": ("cannot sign in a machine", "give a service account of this project with --credentials"),
    "CREDENTIAL_MISMATCH": ("are of another project", "give a service account of this project with --credentials"),
}
"""Google's reason for refusing a device key -> its meaning, and the fix."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of Google's libraries into ours: CloudUnreachableError where a retry may succeed."""
    try:
        yield
    except _RETRYABLE as error:
        raise _unreachable(error) from error
    except (google_errors.PermissionDenied, google_errors.Forbidden) as error:
        raise CloudError(f"Firestore denies access ({text_of(error)})", fix=_fix_in(error) or DENIED) from error
    except (google_errors.Unauthenticated, google_errors.Unauthorized) as error:
        raise CloudError(
            f"Firestore does not accept the credentials ({text_of(error)})",
            fix="renew the file that cloud.credentials names",
        ) from error
    except auth_errors.DefaultCredentialsError as error:
        raise CloudError(
            "this machine has no credentials for Google Cloud",
            fix="set cloud.credentials to the file of a service account or device key (docs/firebase.md)",
        ) from error
    except auth_errors.RefreshError as error:
        raise _refused_key(error) from error
    except auth_errors.TransportError as error:
        raise CloudUnreachableError(f"Google's sign-in cannot be reached ({text_of(error)})", fix=RETRIED) from error
    except google_errors.GoogleAPICallError as error:
        raise CloudError(f"Firestore: {text_of(error)}", fix=_fix_in(error) or "see docs/firebase.md") from error
    except ValueError as error:
        if CLOSED not in str(error):
            raise
        raise CloudUnreachableError("the connection was closed", fix=RETRIED) from error


def text_of(error: Exception) -> str:
    """The status and the message of an error, in a line of at most 200 characters."""
    code = getattr(getattr(error, "grpc_status_code", None), "name", "")
    message = getattr(error, "message", "") or str(error)
    text = " ".join((f"{code}: {message}" if code else str(message)).split())
    return text if len(text) <= 200 else f"{text[:197]}..."


def _unreachable(error: Exception) -> CloudError:
    if any(each in str(error) for each in _KEY_IS_REFUSED):
        return _refused_key(error)
    return CloudUnreachableError(f"Firestore does not answer as it should ({text_of(error)})", fix=RETRIED)


def _fix_in(error: Exception) -> str:
    """The fix for an incomplete project."""
    return next((fix for text, fix in _MISSING.items() if text in str(error)), "")


def _refused_key(error: Exception) -> CloudError:
    text = str(error)
    if "iat and exp" in text or "short-lived token" in text:
        return CloudError(
            f"Google refuses the credentials because of the time here ({text_of(error)})",
            fix="set the clock of this machine",
        )
    reason = next((each for each in _REASONS if each in text), "")
    problem, fix = _REASONS.get(reason, ("are not accepted any more", "renew the file that cloud.credentials names"))
    return CloudError(f"the credentials {problem} ({reason or text_of(error)})", fix=fix)
