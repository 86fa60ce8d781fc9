"""How is a secret kept? AES-256-GCM, bound to the place it is stored in.

`place` (table, row, column in words) is authenticated with the text, so a ciphertext copied to
another row can't be opened there. Each text begins with its key's id: old keys read, the newest
writes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # NIST SP 800-38D 5.2.1.1: 96 bits
_KEY_ID_BYTES = 4


class Unreadable(ValueError):
    """No key we have opens this text in this place."""


def _key(secret: str) -> bytes:
    return hashlib.sha256(b"retailhub.secretbox:" + secret.encode()).digest()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"id:" + key).digest()[:_KEY_ID_BYTES]


def seal(text: str, *, place: str, keys: Sequence[str]) -> bytes:
    """`text` encrypted under the first of `keys`, readable only at `place`."""
    key = _key(keys[0])
    nonce = os.urandom(_NONCE_BYTES)
    return _key_id(key) + nonce + AESGCM(key).encrypt(nonce, text.encode(), place.encode())


def unseal(sealed: bytes, *, place: str, keys: Sequence[str]) -> str:
    """The clear text. Raises `Unreadable` for a foreign place, an unknown key or a changed byte."""
    key_id, nonce = sealed[:_KEY_ID_BYTES], sealed[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES]
    for key in map(_key, keys):
        if _key_id(key) != key_id:
            continue
        try:
            body = sealed[_KEY_ID_BYTES + _NONCE_BYTES :]
            return AESGCM(key).decrypt(nonce, body, place.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: what is left is too short to be one
            break
    raise Unreadable(f"The secret at {place} can't be opened with the keys we have.")


def fingerprint(text: str) -> str:
    """Twelve characters that tell two secrets apart without telling either."""
    return hashlib.sha256(b"retailhub.fingerprint:" + text.encode()).hexdigest()[:12]
