"""Passwords: hashed by Argon2id (RFC 9106) and never kept; what is too easy is refused."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from data_models.errors import BadInput

LEAST_LENGTH = 12
MOST_LENGTH = 200
"""Longer ones would only cost time."""

_PLAIN_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"

# The library's defaults: RFC 9106, low-memory variant, about 50 ms and 64 MiB.
_HASHER = PasswordHasher()


def hash_password(password: str, login: str) -> str:
    """The hash of a new password. Raises `BadInput` when it is too short, too long or contains the login."""
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise BadInput(f"the password has {len(password)} characters; give {LEAST_LENGTH} to {MOST_LENGTH}")
    if login.casefold() in password.casefold():
        raise BadInput("the password contains the login; choose another")
    if len(set(password)) < LEAST_LENGTH // 3:
        raise BadInput("the password repeats too few characters; choose another")
    return _HASHER.hash(password)


def new_password(login: str) -> str:
    """A password that nobody chose, of 16 letters and digits that are not mistaken for each other: 79 bits."""
    while True:
        made = "".join(secrets.choice(_PLAIN_LETTERS) for _ in range(16))
        if login.casefold() not in made and len(set(made)) >= LEAST_LENGTH // 3:
            return made


def is_password(hashed: str, password: str) -> bool:
    """Whether this is the password of a hash; an empty hash, of whom nobody knows, takes as long and is never right."""
    try:
        return _HASHER.verify(hashed or _unknown(), password) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Whether a hash was made with weaker parameters than those of today."""
    return _HASHER.check_needs_rehash(hashed)


@cache
def _unknown() -> str:
    return _HASHER.hash("nobody has this password")
