"""The enrolled people, sealed for one device: it keeps them as they came, and no proxy can read them."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from config.settings import Settings
from dashboard.devices.configuration import gallery_version
from tracker.identity.networks import browser_embedder_of
from tracker.presence.people import Person, PersonKind, is_authorised
from tracker.store.devices import DeviceKey
from tracker.store.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NONCE_BYTES, _KEY_BYTES = 12, 32
_INFO = b"footfall gallery"


def gallery(settings: Settings, store: Store, now: datetime) -> dict[str, Any]:
    """Everybody who is enrolled and agreed to be recognised, with their vectors, as JSON values.

    limit: the distance limit of a single person, None for that of all. negatives: faces that are not theirs.
    """
    version = gallery_version(settings, store, now)  # first: what changes while this reads is asked for again
    network, zone = browser_embedder_of(settings, store).network, settings.site.zone
    vectors = _by_person(*store.people.vectors(PersonKind.ENROLLED))
    negatives, limits = _by_person(*store.people.negatives()), store.people.limits()

    def entry(person: Person) -> dict[str, Any]:
        return {
            "person_id": person.person_id,
            "name": person.name,
            "authorised": is_authorised(person, now, zone),
            "vectors": vectors[person.person_id],
            "limit": limits.get(person.person_id),
            "negatives": negatives.get(person.person_id, []),
        }

    known = store.people.all(kind=PersonKind.ENROLLED)
    people = [entry(each) for each in known if each.consented_at is not None and each.person_id in vectors]
    return {"version": version, "embedder": network, "people": people}


def sealed(document: dict[str, Any], key: DeviceKey) -> bytes:
    """A nonce of 12 bytes, and the document in AES-256-GCM with the tag at the end, for whoever has the key.

    The additional data is the id of the device; the AES key comes from the text of its secret by HKDF-SHA256.
    """
    from cryptography.hazmat.primitives import hashes  # here, because no other page needs it
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_INFO).derive(key.secret.encode())
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = json.dumps(document, ensure_ascii=False).encode()
    return nonce + AESGCM(derived).encrypt(nonce, plain, key.device_id.encode())


def _by_person(vectors: NDArray[np.float32], owners: tuple[str, ...]) -> dict[str, list[str]]:
    """Vectors of each person, as base64 of little-endian float32."""
    found: dict[str, list[str]] = {}
    for vector, owner in zip(vectors.astype("<f4"), owners, strict=True):
        found.setdefault(owner, []).append(base64.b64encode(vector.tobytes()).decode())
    return found
