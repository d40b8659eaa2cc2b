"""Ids in parts, since a database takes only so many values in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Id = TypeVar("_Id", str, int)

MOST_IN_A_STATEMENT = 10_000
"""SQLite takes 32,766 values in one statement, PostgreSQL 65,535."""


def parts(ids: Sequence[_Id], most: int = MOST_IN_A_STATEMENT) -> Iterator[Sequence[_Id]]:
    """The ids in their order, so many at a time."""
    for first in range(0, len(ids), most):
        yield ids[first : first + most]
