"""The log of events in the store: added to, and folded into what the tables say of tickets, technicians and kits.

Whoever adds events waits for whoever does so at the moment, so that each fold sees all that was told before it. Everything happens
in the caller's transaction: events and what they mean, or neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.event_state import Noted, TicketState, ticket_state
from data_models.events import Begun, Event, subjects
from data_models.store.accepting import Company, known_before, told_before
from data_models.store.folding import everything_told, fold, touched_by
from data_models.store.log import OWN, known_keys, one_at_a_time, told_of, write_rows
from data_models.store.webhooks import tell_changed, tickets_before

Verdict = Literal["counts", "flagged", "waits", "merged", "refused"]


@dataclass(frozen=True)
class Answer:
    """What became of an event: its number in the log (None: not kept), the verdict, and a note where there is something to say.

    `merged`: it was told before, by the same key; `refused`: not kept, for the reason in the note.
    """

    key: str
    number: int | None
    verdict: Verdict
    note: str = ""


def add_events(session: Session, events: Sequence[Event], arrived_at: datetime) -> list[Answer]:
    """Add events to the log and bring the tables up to date; an answer for each, in their order.

    What is held at once is these events and the past of one subject; see `flows.events.BATCH` for how many are given at a time.

    Parameters
    ----------
    arrived_at
        Now. What happens more than five minutes later is refused.
    """
    if not events:
        return []
    one_at_a_time(session)
    known = known_keys(session, [event.key for event in events])
    answers: dict[int, Answer] = {}
    kept: dict[int, Event] = {}
    company = Company(session, events)
    seen: dict[str, Event] = {}
    for position, event in enumerate(events):
        before = known.get(event.key) or seen.get(event.key)
        reason = told_before(before, event) if before is not None else company.refuses(event, arrived_at)
        if before is not None and not reason:
            answers[position] = Answer(event.key, None, "merged", "told before")
        elif reason:
            answers[position] = Answer(event.key, None, "refused", reason)
        else:
            seen[event.key] = event
            kept[position] = company.completed(event)
    tickets = {subjects(event)["ticket"] for event in kept.values()} - {""}
    was = tickets_before(session, tickets)
    rows = write_rows(session, known_before(session, kept.values(), arrived_at), arrived_at)
    fresh = write_rows(session, list(kept.values()), arrived_at)
    notes = fold(session, touched_by(rows | fresh))
    tell_changed(session, was, tickets, f"event {max(fresh, default=0)}", arrived_at)
    for (position, event), number in zip(kept.items(), fresh, strict=True):
        found = notes.get(number, Noted())
        answers[position] = Answer(event.key, number, found.verdict, found.note)
    return [answers[position] for position in range(len(events))]


def tell_begun(session: Session, tickets: Iterable[str], plan: int, at: datetime) -> None:
    """Log that visits of a plan have begun, as the plan tells and nobody else did."""
    told = [
        Begun(kind="ticket_begun", at=at, key=f"plan {plan} begun {ticket}", by=OWN, ticket=ticket, plan=plan) for ticket in sorted(tickets)
    ]
    add_events(session, told, at)


def moment_of(session: Session, key: str) -> datetime | None:
    """When the event of a key happened; None when none was told."""
    return session.scalar(select(tables.Event.at).where(tables.Event.key == key))


def last_told(session: Session, until: datetime) -> datetime | None:
    """When the last thing happened, until a moment, that somebody told; None for nothing. What the store tells itself is left out."""
    query = select(func.max(tables.Event.at)).where(tables.Event.at <= until, tables.Event.by != OWN)
    return session.scalar(query)


def ticket_states(session: Session, tickets: Sequence[str]) -> dict[str, TicketState]:
    """Tickets as their events say; without those of which nothing was told."""
    return {ticket: ticket_state(items)[0] for ticket, items in told_of(session, tables.Event.ticket_id, tickets, {})}


def rebuild(session: Session) -> None:
    """Make everything that is derived from the log anew."""
    one_at_a_time(session)
    session.execute(delete(tables.EventNote))
    session.execute(delete(tables.Absence))
    fold(session, everything_told(session))


def derived(session: Session) -> dict[str, str]:
    """Everything that is derived from the log, by name, to be compared."""
    told: dict[str, str] = {}
    for model in (tables.EventNote, tables.Absence, tables.Position, tables.StationKit, tables.TicketClock):
        for row in session.scalars(select(model)):
            columns = {column.name: getattr(row, column.key) for column in model.__table__.columns}
            keys = [str(columns[column.name]) for column in model.__table__.primary_key]
            told[f"{model.__tablename__} {' '.join(keys)}"] = str(columns)
    for ticket in session.scalars(select(tables.Ticket)):
        columns = {column.name: getattr(ticket, column.key) for column in tables.Ticket.__table__.columns}
        told[f"ticket {ticket.id}"] = str(columns)
    return told
