"""Lists page by page: a cursor says where the last page ended, and means nothing to whoever carries it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query

from console.api.problems import BAD_INPUT, Problem

MOST = 500
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=MOST, description=f"How many at most; {MOST} is the most.")]
Cursor = Annotated[
    str,
    Query(
        max_length=600,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="`next` of the page before; nothing for the first page.",
    ),
]


def cursor_of(*place: Any) -> str:
    """A cursor for a place in an order: texts, numbers and moments."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps(plain, ensure_ascii=False).encode()).decode().rstrip("=")


def place_of(cursor: str, *kinds: type) -> tuple[Any, ...] | None:
    """The place of a cursor, its values of these kinds; None for the first page. Raises a problem for what is no cursor of this list."""
    if not cursor:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(told, list) or len(told) != len(kinds):
            raise ValueError("another list's")
        return tuple(_read(value, kind) for value, kind in zip(told, kinds, strict=True))
    except (ValueError, binascii.Error, RecursionError, OverflowError):
        raise Problem(BAD_INPUT, "cursor: is none of this list; take `next` of a page of it, or leave it out to begin again") from None


def page_of(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], bool]:
    """The rows of a page of which one more than `limit` was asked for, and whether another page follows."""
    return rows[:limit], len(rows) > limit


def _read(value: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None or moment.tzinfo is None:
            raise ValueError("no moment")
        return moment
    if type(value) is not kind or (isinstance(value, int) and abs(value) > 2**62):
        raise ValueError("another kind")
    return value
