"""Rows of the log of events: written many at once, and read back subject by subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from data_models import tables
from data_models.event_state import Told
from data_models.events import Event, details, event_of, subjects
from data_models.store.parts import parts
from data_models.tables.events import OF_A_STATION

OWN = "twohour"
"""Who tells what the store tells itself."""

_LOCK = 0x2E0EE4

_AT_ONCE = 2_000
"""Rows that are taken from the database at a time: of a subject's whole past, no more than these wait to be read."""

_event = tables.Event
_LOG = (_event.id, _event.kind, _event.at, _event.key, _event.by, _event.ticket_id, _event.technician_id, _event.station_id, _event.details)
_SUBJECT_OF = {"ticket_id": "ticket", "technician_id": "technician"}


def one_at_a_time(session: Session) -> None:
    """Wait until nobody else adds events; whoever comes after waits until this transaction ends."""
    # SQLite has one writer in any case.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def event_in(row: Any) -> Event:
    """The event that a row of the log holds."""
    about = {"ticket": row.ticket_id, "technician": row.technician_id, "station": row.station_id}
    return event_of(row.kind, row.at, row.key, row.by, about, row.details)


def known_keys(session: Session, keys: Sequence[str]) -> dict[str, Event]:
    """Those of these keys that the log has, each with its event."""
    found: dict[str, Event] = {}
    for part in parts(sorted(set(keys))):
        found |= {row.key: event_in(row) for row in session.execute(select(*_LOG).where(_event.key.in_(part)))}
    return found


def write_rows(session: Session, events: Sequence[Event], arrived_at: datetime) -> dict[int, Event]:
    """Add events to the log in their order; the events by their number there. Their keys must be new."""
    if not events:
        return {}
    session.execute(insert(_event.__table__), [_row(event, arrived_at) for event in events])  # type: ignore[arg-type]
    by_key = {event.key: event for event in events}
    # Asked for by key: with many rows in one statement, SQLite does not say which number went to which.
    numbers: dict[str, int] = {}
    for part in parts(list(by_key)):
        numbers |= {key: number for number, key in session.execute(select(_event.id, _event.key).where(_event.key.in_(part)))}
    return {numbers[key]: event for key, event in by_key.items()}


def _row(event: Event, arrived_at: datetime) -> dict[str, Any]:
    about = subjects(event)
    return {
        "key": event.key,
        "kind": event.kind,
        "at": event.at,
        "arrived_at": arrived_at,
        "by": event.by,
        "ticket_id": about["ticket"],
        "technician_id": about["technician"],
        "station_id": about["station"],
        "details": details(event),
    }


def told_ids(session: Session, column: Any, wanted: set[str]) -> set[str]:
    """Those of these tickets, technicians or stations, as the column says, that the log has an event about."""
    found: set[str] = set()
    for part in parts(sorted(wanted)):
        found |= set(session.scalars(select(column).where(column.in_(part)).distinct()))
    return found


def told_of(session: Session, column: Any, ids: Sequence[str], fresh: Mapping[int, Event]) -> Iterator[tuple[str, list[Told]]]:
    """All events about each of these, one subject after the other, so that only one past is held at a time.

    `column` is that of tickets or of technicians. `fresh` are the last events of the log, by number: they are not read again.
    """
    kind = _SUBJECT_OF[column.key]
    waiting: dict[str, list[Told]] = {}
    for number, event in fresh.items():
        waiting.setdefault(subjects(event)[kind], []).append(Told(number, event))
    for part in parts(ids):
        query = select(*_LOG).where(column.in_(part)).order_by(column, _event.id)
        query = query.where(_event.id < min(fresh)) if fresh else query
        rows = session.execute(query.execution_options(yield_per=_AT_ONCE))
        for subject, items in groupby(rows, key=attrgetter(column.key)):
            yield subject, [*(Told(row.id, event_in(row)) for row in items), *waiting.pop(subject, ())]
        yield from ((subject, waiting.pop(subject)) for subject in part if subject in waiting)


def told_of_kits(session: Session, kits: set[tuple[str, str]]) -> dict[tuple[str, str], list[Told]]:
    """All events about these kits, by station and kit, from one look at the log."""
    found: dict[tuple[str, str], list[Told]] = {}
    for part in parts(sorted({station for station, _ in kits})):
        for row in session.execute(select(*_LOG).where(text(OF_A_STATION), _event.station_id.in_(part)).order_by(_event.id)):
            which = (row.station_id, row.details.get("kit"))
            if which in kits:
                found.setdefault(which, []).append(Told(row.id, event_in(row)))
    return found
