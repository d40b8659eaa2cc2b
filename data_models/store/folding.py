"""What the log means, written into the tables: tickets, where technicians are and when they are absent, broken kits, notes on events.

A subject is folded anew from all its events, one subject at a time, so that what is held at once is the past of one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session, selectinload

from data_models import tables
from data_models.event_state import (
    Absence,
    Noted,
    OnTheRoad,
    Place,
    TechnicianState,
    TicketState,
    Told,
    broken_kits,
    technician_state,
    ticket_state,
)
from data_models.events import Event, KitEvent, VisitEvent, subjects
from data_models.store.log import told_of, told_of_kits
from data_models.store.parts import parts
from data_models.tables.events import OF_A_STATION

_SUBJECTS_AT_ONCE = 1_000
"""Tickets or technicians whose rows are held and written together."""


@dataclass(frozen=True)
class Touched:
    """Tickets, technicians, and kits by station and name, that events are about; `fresh` are those events, by their number in the log."""

    tickets: frozenset[str]
    people: frozenset[str]
    kits: frozenset[tuple[str, str]]
    fresh: Mapping[int, Event] = field(default_factory=dict)


def touched_by(events: Mapping[int, Event]) -> Touched:
    """Whom events are about, by their number in the log."""
    about = [subjects(event) for event in events.values()]
    kits = frozenset((event.station, event.kit) for event in events.values() if isinstance(event, KitEvent))
    return Touched(frozenset(one["ticket"] for one in about) - {""}, frozenset(one["technician"] for one in about) - {""}, kits, events)


def everything_told(session: Session) -> Touched:
    """Whom any event of the log is about."""
    event = tables.Event
    tickets = session.scalars(select(event.ticket_id).where(event.ticket_id != "").distinct())
    people = session.scalars(select(event.technician_id).where(event.technician_id != "").distinct())
    kits = session.execute(select(event.station_id, event.details).where(text(OF_A_STATION)))
    return Touched(frozenset(tickets), frozenset(people), frozenset((station, told["kit"]) for station, told in kits))


def fold(session: Session, touched: Touched) -> dict[int, Noted]:
    """Bring the tables up to date with all events about these; what became of fresh events that do not simply count, by number."""
    notes: dict[int, Noted] = {}
    people = set(touched.people)
    for tickets in parts(sorted(touched.tickets), _SUBJECTS_AT_ONCE):
        _fold_tickets(session, tickets, touched.fresh, notes)
        people |= _visitors(session, tickets)
    for some in parts(sorted(people), _SUBJECTS_AT_ONCE):
        _fold_technicians(session, some, touched.fresh, notes)
    _fold_kits(session, set(touched.kits), touched.fresh, notes)
    session.flush()
    return notes


def _fold_tickets(session: Session, tickets: Sequence[str], fresh: Mapping[int, Event], notes: dict[int, Noted]) -> None:
    states: dict[str, TicketState] = {}
    odd: dict[int, Noted] = {}
    for ticket, items in told_of(session, tables.Event.ticket_id, tickets, fresh):
        states[ticket], found = ticket_state(items)
        odd |= _odd(found)
    query = select(tables.Ticket).where(tables.Ticket.id.in_(tickets)).options(selectinload(tables.Ticket.clocks))
    rows = {row.id: row for row in session.scalars(query)}
    planned = set(session.scalars(_planned_among(tickets)))
    for ticket, state in states.items():
        if state.state is None or state.opened_at is None:
            continue
        if ticket not in rows:
            rows[ticket] = tables.Ticket(id=ticket, opened_at=state.opened_at, clocks=[])
            session.add(rows[ticket])
        _write_ticket(rows[ticket], state, ticket in planned)
    _keep_notes(session, "ticket", _notes_on(session, "ticket", tables.Event.ticket_id, tickets), odd)
    _answer(odd, fresh, notes)
    session.flush()


def _planned_among(tickets: Sequence[str]) -> Any:
    return (
        select(tables.Visit.ticket_id)
        .join(tables.Route, tables.Route.id == tables.Visit.route_id)
        .join(tables.Plan, tables.Plan.id == tables.Route.plan_id)
        .where(tables.Plan.state == "published", tables.Visit.ticket_id.in_(tickets))
    )


def _write_ticket(row: tables.Ticket, state: TicketState, is_planned: bool) -> None:
    for name, value in state.facts.items():
        column = {"site": "site_id"}.get(name, name)
        setattr(row, column, list(value) if isinstance(value, tuple) else dict(value) if name == "skills" and value is not None else value)
    row.state = "planned" if state.state == "open" and is_planned else state.state or "open"
    row.closed_at = None if state.closed_at is None else max(state.closed_at, row.opened_at)
    _meet(row.clocks, state)


def meet_clocks(session: Session, clocks: Iterable[tables.TicketClock]) -> None:
    """Say of clocks that were not there when their ticket was folded when they were met, by what the log says until now."""
    of_ticket: dict[str, list[tables.TicketClock]] = {}
    for clock in clocks:
        of_ticket.setdefault(clock.ticket_id, []).append(clock)
    for ticket, items in told_of(session, tables.Event.ticket_id, sorted(of_ticket), {}):
        state, _ = ticket_state(items)
        if state.state is not None:
            _meet(of_ticket[ticket], state)


def _meet(clocks: Iterable[tables.TicketClock], state: TicketState) -> None:
    met = {
        "contact": state.contacted_at,
        "diagnosis": state.diagnosed_at,
        "on_site": state.on_site_at,
        "solution": state.solved_at,
        "closing": state.settled_at or state.closed_at,
    }
    for clock in clocks:
        clock.met_at = met[clock.clock]


def _visitors(session: Session, tickets: Sequence[str]) -> set[str]:
    """Technicians who told anything of these tickets: where they are may depend on what a ticket is."""
    query = select(tables.Event.technician_id).where(tables.Event.ticket_id.in_(tickets), tables.Event.technician_id != "").distinct()
    return set(session.scalars(query))


def _fold_technicians(session: Session, people: Sequence[str], fresh: Mapping[int, Event], notes: dict[int, Noted]) -> None:
    states: dict[str, TechnicianState] = {}
    odd: dict[int, Noted] = {}
    homes, sites = _homes(session, people), _places(session, people)
    for who, items in told_of(session, tables.Event.technician_id, people, fresh):
        placed = [
            Told(item.number, item.event, sites.get(item.event.ticket) if isinstance(item.event, VisitEvent) else homes[who])
            for item in items
        ]
        states[who], found = technician_state(placed)
        odd |= _odd(found)
    positions = {row.technician_id: row for row in _rows(session, tables.Position, people)}
    absences: dict[str, dict[datetime, tables.Absence]] = {}
    for row in _rows(session, tables.Absence, people):
        absences.setdefault(row.technician_id, {})[row.begins_at] = row
    for who, state in states.items():
        _write_position(session, who, positions.get(who), state.position)
        _write_absences(session, who, absences.get(who, {}), state.absences)
    _keep_notes(session, "technician", _notes_on(session, "technician", tables.Event.technician_id, people), odd)
    _answer(odd, fresh, notes)
    session.flush()


def _homes(session: Session, people: Sequence[str]) -> dict[str, Place]:
    query = select(tables.Technician.id, tables.Station.lat, tables.Station.lon)
    query = query.join(tables.Station, tables.Station.id == tables.Technician.station_id).where(tables.Technician.id.in_(people))
    return {who: Place(lat, lon) for who, lat, lon in session.execute(query)}


def _places(session: Session, people: Sequence[str]) -> dict[str, Place]:
    """Where the tickets are that these technicians told anything of, by ticket."""
    query = select(tables.Ticket.id, tables.Site.lat, tables.Site.lon).join(tables.Ticket.site)
    told = select(tables.Event.ticket_id).where(tables.Event.technician_id.in_(people))
    return {ticket: Place(lat, lon) for ticket, lat, lon in session.execute(query.where(tables.Ticket.id.in_(told)))}


def _rows(session: Session, model: Any, people: Sequence[str]) -> Iterable[Any]:
    return session.scalars(select(model).where(model.technician_id.in_(people)))


def _write_position(session: Session, who: str, row: tables.Position | None, position: OnTheRoad | None) -> None:
    if position is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = tables.Position(technician_id=who)
        session.add(row)
    row.lat, row.lon, row.free_at, row.kits = position.lat, position.lon, position.free_at, list(position.kits)


def _write_absences(session: Session, who: str, rows: dict[datetime, tables.Absence], absences: Sequence[Absence]) -> None:
    wanted = {absence.begin: absence for absence in absences}
    for begin in rows.keys() - wanted.keys():
        session.delete(rows[begin])
    for begin, absence in wanted.items():
        row = rows.get(begin)
        if row is None:
            session.add(tables.Absence(technician_id=who, begins_at=begin, ends_at=absence.end, kind=absence.kind))
        else:
            row.ends_at, row.kind = absence.end, absence.kind


def _fold_kits(session: Session, kits: set[tuple[str, str]], fresh: Mapping[int, Event], notes: dict[int, Noted]) -> None:
    odd: dict[int, Noted] = {}
    numbers: list[int] = []
    for (station, kit), items in sorted(told_of_kits(session, kits).items()):
        stock = session.get(tables.StationKit, (station, kit))
        if stock is not None:
            stock.broken, found = broken_kits(items, stock.owned)
            odd |= _odd(found)
            numbers += found
    kept: dict[int, tuple[str, str]] = {}
    for part in parts(numbers):
        kept |= _notes_on(session, "kit", tables.EventNote.event_id, part)
    _keep_notes(session, "kit", kept, odd)
    _answer(odd, fresh, notes)


def _odd(found: Mapping[int, Noted]) -> dict[int, Noted]:
    """Only what does not simply count: of a long past there is little of it."""
    return {number: noted for number, noted in found.items() if noted.verdict != "counts"}


def _answer(odd: Mapping[int, Noted], fresh: Mapping[int, Event], notes: dict[int, Noted]) -> None:
    for number, noted in odd.items():
        if number in fresh:
            notes.setdefault(number, noted)


def _notes_on(session: Session, about: str, column: Any, ids: Sequence[str] | Sequence[int]) -> dict[int, tuple[str, str]]:
    """Verdict and note that are kept on events with these in a column of the log or of the notes, by number of event."""
    note = tables.EventNote
    query = select(note.event_id, note.verdict, note.note).join(tables.Event, tables.Event.id == note.event_id)
    return {number: (verdict, said) for number, verdict, said in session.execute(query.where(note.about == about, column.in_(ids)))}


def _keep_notes(session: Session, about: str, kept: Mapping[int, tuple[str, str]], odd: Mapping[int, Noted]) -> None:
    """Write what became of events about a kind of thing, where it is not what is kept."""
    wanted = {number: (noted.verdict, noted.note[:300]) for number, noted in odd.items()}
    stale = sorted(number for number, note in kept.items() if wanted.get(number) != note)
    for part in parts(stale):
        gone = delete(tables.EventNote).where(tables.EventNote.about == about, tables.EventNote.event_id.in_(part))
        session.execute(gone.execution_options(synchronize_session=False))
    fresh = [
        {"event_id": number, "about": about, "verdict": verdict, "note": note}
        for number, (verdict, note) in wanted.items()
        if kept.get(number) != (verdict, note)
    ]
    if fresh:
        session.execute(insert(tables.EventNote.__table__), fresh)  # type: ignore[arg-type]
