"""Files that only a passphrase opens: scrypt makes the key, AES-256-GCM encrypts and authenticates.

A file is a header (magic, version, cost of scrypt, salt, nonce), the encrypted content with its tag, and the SHA-256 of
all that. The header is authenticated, too. The hash tells a damaged file from a wrong passphrase.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import unicodedata
from collections.abc import Callable

from config.errors import PeopleError

MAGIC = b"\x89FOOTFALL-GALLERY\r\n"
VERSION = 1
COST = 17
"""Base 2 logarithm of scrypt's N: 128 MB of memory for r = 8, as OWASP's cheat sheet has it for p = 1."""
LEAST_COST, MOST_COST = 14, 18
"""Of files that are read: a made-up file must not take all of the memory."""
SHORTEST, LONGEST = 12, 1000
"""Characters of a passphrase."""
_HEADER = struct.Struct(f"<{len(MAGIC)}sBB16s12s")
_DIGEST_BYTES, _TAG_BYTES, _KEY_BYTES = 32, 16, 32
_BLOCK, _LANES = 8, 1


def checked_passphrase(passphrase: str) -> str:
    """The passphrase in one Unicode form. Raises PeopleError for one that is too easy to guess, or too long."""
    text = unicodedata.normalize("NFC", passphrase)
    if len(text) < SHORTEST or len(set(text)) < 4:
        raise PeopleError(
            f"the passphrase is easy to guess: at least {SHORTEST} characters are needed",
            fix="choose a longer one: five random words are good",
        )
    if len(text) > LONGEST:
        raise PeopleError(f"the passphrase has more than {LONGEST:,} characters", fix="choose a shorter one")
    return text


def seal(content: bytes, passphrase: str, *, cost: int = COST) -> bytes:
    """The content, encrypted. Raises PeopleError for a passphrase that is too short."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    header = _HEADER.pack(MAGIC, VERSION, cost, salt, nonce)
    key = _key(checked_passphrase(passphrase), salt, cost)
    body = header + AESGCM(key).encrypt(nonce, content, header)
    return body + hashlib.sha256(body).digest()


def is_sealed(head: bytes) -> bool:
    """Whether a file that begins so is sealed."""
    return head.startswith(MAGIC)


def unseal(sealed: bytes, passphrase: Callable[[], str], *, name: str) -> bytes:
    """The content of a sealed file. passphrase: asked for when the file is whole. name: of the file, for messages.

    Raises PeopleError where it is another file, of a newer version, damaged, or the passphrase is wrong.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce, cost = _checked(sealed, name)
    key = _key(unicodedata.normalize("NFC", passphrase()[: 2 * LONGEST]), salt, cost)
    header, body = sealed[: _HEADER.size], sealed[_HEADER.size : -_DIGEST_BYTES]
    try:
        return AESGCM(key).decrypt(nonce, body, header)
    except InvalidTag as error:
        raise PeopleError(
            f"{name}: the passphrase is wrong", fix="give the passphrase with which the file was written"
        ) from error


def _checked(sealed: bytes, name: str) -> tuple[bytes, bytes, int]:
    """Salt, nonce and cost of a whole file. Raises PeopleError."""
    if not is_sealed(sealed):
        raise PeopleError(
            f"{name}: not a file of 'footfall people export --gallery'",
            fix="give such a file, or use 'footfall import'",
        )
    whole = len(sealed) >= _HEADER.size + _TAG_BYTES + _DIGEST_BYTES
    version = sealed[len(MAGIC)] if len(sealed) > len(MAGIC) else 0
    if version > VERSION:
        raise PeopleError(f"{name}: written by a newer Footfall (version {version} of the file)", fix="update Footfall")
    if not whole or hashlib.sha256(sealed[:-_DIGEST_BYTES]).digest() != sealed[-_DIGEST_BYTES:]:
        raise PeopleError(f"{name}: damaged or incomplete", fix="copy it again from where it was written")
    _, version, cost, salt, nonce = _HEADER.unpack_from(sealed)
    if version != VERSION or not LEAST_COST <= cost <= MOST_COST:
        raise PeopleError(f"{name}: its header is not one that Footfall writes", fix="export the gallery again")
    return salt, nonce, cost


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    memory = 128 * _BLOCK * ((1 << cost) + _LANES + 2)
    return hashlib.scrypt(
        passphrase.encode(), salt=salt, n=1 << cost, r=_BLOCK, p=_LANES, maxmem=memory, dklen=_KEY_BYTES
    )
