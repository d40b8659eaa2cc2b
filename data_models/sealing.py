"""Contact data sealed at rest: AES-256-GCM (NIST SP 800-38D) under keys that the environment holds and the database does not.

A sealed text reads `sealed1:KEY:BASE64`; the Base64 holds 12 random bytes of nonce, then what AES-GCM gives. Where it belongs (table,
column and row) is sealed with it as associated data: a telephone number moved to another row does not open there. An empty text is kept
empty. Without a key, texts are kept as they are; one that looks like a sealed text gets `plain:` before it, so that nothing that somebody
typed is ever taken for sealed.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from data_models.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "TWOHOUR_CONTACT_KEYS"
SEALED = "sealed1:"
PLAIN = "plain:"
KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,32}")


@dataclass(frozen=True)
class Keyring:
    """Keys by their ids: the first one seals, all of them open. An empty one seals nothing."""

    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> str:
        """The id of the key that seals; "" when there is none."""
        return next(iter(self.keys), "")

    def seal(self, text: str, of: str) -> str:
        """How a text is kept; `of` says where, as in `place_of`."""
        if not self.keys:
            return PLAIN + text if text.startswith((SEALED, PLAIN)) else text
        if not text:
            return ""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = _cipher(self.keys[self.first]).encrypt(nonce, text.encode(), of.encode())
        return f"{SEALED}{self.first}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, kept: str, of: str) -> str:
        """The text that is kept so.

        Raises
        ------
        Unavailable
            The key is not there, is another one than that which sealed, or the text was changed or belongs to another row.
        """
        if not kept.startswith(SEALED):
            return kept.removeprefix(PLAIN)
        key, _, body = kept.removeprefix(SEALED).partition(":")
        if key not in self.keys:
            raise Unavailable(f"{of} is sealed with key {key}, which {VARIABLE} does not hold: add {key}:… to it, where that key is kept")
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(body, validate=True)
            return _cipher(self.keys[key]).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], of.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unavailable(
                f"{of} does not open with key {key} of {VARIABLE}: the key is another one than that which sealed it, or the row was "
                f"changed from outside; put the right key under {key}, or bring the row in again from its source"
            ) from error


def place_of(table: str, column: str, identity: str) -> str:
    """Where a text belongs, as it is sealed with it and named in messages: `contact.phone of P-001`."""
    return f"{table}.{column} of {identity}"


def key_of(kept: str) -> str | None:
    """The id of the key that sealed a text; None when it is not sealed."""
    return kept.removeprefix(SEALED).partition(":")[0] if kept.startswith(SEALED) else None


def parse_keys(text: str) -> Keyring:
    """The keys of `ID:BASE64`, parted by commas or spaces, the one that seals first. Raises `BadInput`, which shows no key."""
    keys: dict[str, bytes] = {}
    for number, part in enumerate(re.split(r"[,\s]+", text.strip()), 1):
        if not part:
            continue
        name, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not _KEY_ID.fullmatch(name) or len(key) != KEY_BYTES:
            raise BadInput(
                f"{VARIABLE}: key {number} (not shown) is not ID:BASE64 with an id of letters, digits and dashes and {KEY_BYTES} bytes of "
                "key; `twohour keys new` makes one"
            )
        if name in keys:
            raise BadInput(f"{VARIABLE}: key {name} stands there twice; give each key an id of its own")
        keys[name] = key
    return Keyring(keys)


def new_key(today: date) -> str:
    """A new key as `ID:BASE64`; the id tells the day, and is unlike that of another key of that day."""
    return f"{today:%Y%m%d}-{secrets.token_hex(2)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _cipher(key: bytes) -> AESGCM:
    # Loaded here: whoever has no key needs no cipher.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
