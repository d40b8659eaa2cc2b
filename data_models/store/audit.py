"""The audit trail: who did what, each entry bound to the one before it by a hash, so that no entry can be changed or taken out unseen.

Entries are written in the transaction of what they tell. The database refuses to change or delete them; whoever gets around that breaks
the chain. What the chain alone cannot show is a tail cut off: keep the last hash elsewhere and give it to `verify_audit`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from data_models import tables

BEGINNING = "0" * 64
_AUDIT_LOCK = 2_072_012


@dataclass(frozen=True)
class AuditVerdict:
    """How far the trail is sound.

    Attributes
    ----------
    entries
        How many follow each other as they should.
    wrong
        The first entry that does not, and why; None when all do.
    last_hash
        Of the last sound entry.
    """

    entries: int
    last_hash: str
    wrong: str | None = None


def write_audit(session: Session, by: str, action: str, subject: str, at: datetime, details: Mapping[str, Any] | None = None) -> None:
    """Add an entry in the caller's transaction; `details` must be JSON and hold no secret."""
    if session.get_bind().dialect.name == "postgresql":
        # SQLite lets one transaction write at a time anyway.
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _AUDIT_LOCK})
    session.flush()
    last = session.execute(
        select(tables.AuditEntry.number, tables.AuditEntry.hash).order_by(tables.AuditEntry.number.desc()).limit(1)
    ).first()
    number, previous = (last.number + 1, last.hash) if last is not None else (1, BEGINNING)
    facts = json.dumps(dict(details or {}), ensure_ascii=False, sort_keys=True)
    entry = tables.AuditEntry(
        number=number, at=at.astimezone(UTC), by=by, action=action, subject=subject, details=facts, previous=previous, hash=""
    )
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are wanted: of one subject, action or person, at or after and before a moment; empty: all."""

    subject: str = ""
    action: str = ""
    by: str = ""
    since: datetime | None = None
    until: datetime | None = None


def list_audit(
    session: Session, limit: int = 100, subject: str = "", *, wanted: AuditFilter | None = None, below: int | None = None
) -> list[tables.AuditEntry]:
    """The last entries, the newest first; of those `wanted`, or of one subject; with `below`, those with lesser numbers only."""
    entry, wanted = tables.AuditEntry, wanted or AuditFilter(subject=subject)
    query = select(entry).order_by(entry.number.desc()).limit(limit)
    for column, value in ((entry.subject, wanted.subject), (entry.action, wanted.action), (entry.by, wanted.by)):
        query = query.where(column == value) if value else query
    if wanted.since is not None:
        query = query.where(entry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(entry.at < wanted.until)
    return list(session.scalars(query if below is None else query.where(entry.number < below)))


def audit_words(session: Session) -> tuple[list[str], list[str]]:
    """Every action and every person that the trail names."""
    entry = tables.AuditEntry
    actions = session.scalars(select(entry.action).distinct().order_by(entry.action))
    return list(actions), list(session.scalars(select(entry.by).distinct().order_by(entry.by)))


def verify_audit(session: Session, expected_hash: str = "") -> AuditVerdict:
    """Go through the whole trail. With `expected_hash`, a last hash noted earlier must still stand in it."""
    previous, number, seen = BEGINNING, 0, not expected_hash
    for entry in session.scalars(select(tables.AuditEntry).order_by(tables.AuditEntry.number).execution_options(yield_per=1000)):
        if entry.number != number + 1:
            return AuditVerdict(number, previous, f"entry {number + 1} is missing before entry {entry.number}")
        if entry.previous != previous:
            return AuditVerdict(number, previous, f"entry {entry.number} does not follow from entry {number}")
        if _hash(entry) != entry.hash:
            return AuditVerdict(number, previous, f"entry {entry.number} ({entry.action} by {entry.by}) is not what was written")
        number, previous, seen = entry.number, entry.hash, seen or entry.hash == expected_hash
    return AuditVerdict(
        number, previous, None if seen else f"the noted hash {expected_hash[:16]}… is not in the trail: entries after it were cut off"
    )


def _hash(entry: tables.AuditEntry) -> str:
    told = [entry.number, entry.at.isoformat(timespec="microseconds"), entry.by, entry.action, entry.subject, entry.details, entry.previous]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
