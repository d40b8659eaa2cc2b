"""Answers kept by idempotency keys: a request that is sent again with its key gets the answer of the first time and does nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data_models import tables

UNDER_WAY = 0
"""The status of a key whose request is being worked on: seen by nobody else, since it is committed with the answer only."""


@dataclass(frozen=True)
class KeptAnswer:
    """What a request was answered, and the digest of that request."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: str


def claim_key(session: Session, caller: str, key: str, request: str, at: datetime) -> KeptAnswer | None:
    """Claim a key for the caller's transaction; gives the answer that it has already, None when it is ours now.

    Of two at once the second waits here until the first is committed or rolled back: on PostgreSQL by the unique key, on SQLite because
    one transaction writes at a time.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {"caller": caller, "key": key, "request": request, "at": at, "status": UNDER_WAY, "headers": {}, "body": ""}
    query = insert(tables.KeptAnswer).values(row).on_conflict_do_nothing(index_elements=["caller", "key"])
    if session.scalar(query.returning(tables.KeptAnswer.key)) is not None:
        return None
    kept = session.get_one(tables.KeptAnswer, (caller, key))
    return KeptAnswer(kept.request, kept.status, kept.headers, kept.body)


def keep_answer(session: Session, caller: str, key: str, status: int, headers: Mapping[str, str], body: str) -> None:
    """Keep what a claimed key is answered, in the transaction of what was done."""
    row = session.get_one(tables.KeptAnswer, (caller, key))
    row.status, row.headers, row.body = status, dict(headers), body
    session.flush()


def forget_answers(session: Session, before: datetime) -> int:
    """Forget the keys of before a moment; gives how many."""
    done = session.execute(delete(tables.KeptAnswer).where(tables.KeptAnswer.at < before))
    return cast("CursorResult[Any]", done).rowcount


def read_answer(session: Session, caller: str, key: str) -> KeptAnswer | None:
    """What a key was answered; None when it was not used."""
    kept = session.get(tables.KeptAnswer, (caller, key))
    return None if kept is None else KeptAnswer(kept.request, kept.status, kept.headers, kept.body)
