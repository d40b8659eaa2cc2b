"""The log of events in the store: added to, and folded into what the tables say of tickets, technicians and kits.

Whoever adds events waits for whoever does so at the moment, so that each fold sees all that was told before it. Everything happens
in the caller's transaction: events and what they mean, or neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session, selectinload

from data_models import tables
from data_models.event_state import Absence, Noted, OnTheRoad, Place, TicketState, Told, broken_kits, technician_state, ticket_state
from data_models.events import (
    OWN_KINDS,
    Arrived,
    Begun,
    Driving,
    Event,
    KitEvent,
    KnownKit,
    KnownTicket,
    Opened,
    VisitEvent,
    details,
    event_of,
    subjects,
)
from data_models.store.parts import parts
from data_models.store.webhooks import tell_changed, tickets_before

FUTURE = timedelta(minutes=5)
"""How far a clock may go ahead of ours; an event that happens later than that is refused."""

USUAL_SERVICE_MINUTES = 60.0
"""Of a visit that neither its ticket nor the published plan tells the length of."""

OWN = "twohour"
_LOCK = 0x2E0EE4

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

    Parameters
    ----------
    arrived_at
        Now. What happens more than five minutes later is refused.
    """
    one_at_a_time(session)
    known = _known_keys(session, [event.key for event in events])
    answers: dict[int, Answer] = {}
    rows: dict[int, tables.Event] = {}
    company = _Company(session, events)
    seen: dict[str, Event] = {}
    for position, event in enumerate(events):
        before = known.get(event.key) or seen.get(event.key)
        reason = _told_before(before, event) if before is not None else company.refuses(event, arrived_at)
        if before is not None and not reason:
            answers[position] = Answer(event.key, None, "merged", "told before")
        elif reason:
            answers[position] = Answer(event.key, None, "refused", reason)
        else:
            seen[event.key] = event
            rows[position] = _row(company.completed(event), arrived_at)
    tickets = {row.ticket_id for row in rows.values()} - {""}
    was = tickets_before(session, tickets)
    _tell_what_was_known(session, list(rows.values()), arrived_at)
    session.add_all(rows.values())
    session.flush()
    notes = fold(session, rows.values())
    tell_changed(session, was, tickets, f"event {max((row.id for row in rows.values()), default=0)}", arrived_at)
    for position, row in rows.items():
        found = notes.get(row.id, Noted())
        answers[position] = Answer(row.key, row.id, found.verdict, found.note)
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


def list_events(
    session: Session, *, ticket: str = "", technician: str = "", limit: int = 50, own: bool = False
) -> list[tuple[tables.Event, str]]:
    """The events that happened last, newest first, each with its note; those of one ticket or technician when one is named.

    With `own`, those of `OWN_KINDS` too: the store notes them for itself, so many at a time that they would bury what was told.
    """
    query = select(tables.Event).order_by(tables.Event.at.desc(), tables.Event.id.desc()).limit(limit)
    query = query.where(tables.Event.ticket_id == ticket) if ticket else query
    query = query.where(tables.Event.technician_id == technician) if technician else query
    query = query if own else query.where(tables.Event.kind.not_in(sorted(OWN_KINDS)))
    rows = list(session.scalars(query))
    notes: dict[int, str] = {}
    for note in session.scalars(select(tables.EventNote).where(tables.EventNote.event_id.in_([row.id for row in rows]))):
        notes[note.event_id] = "; ".join(filter(None, (notes.get(note.event_id), note.note)))
    return [(row, notes.get(row.id, "")) for row in rows]


def last_told(session: Session, until: datetime) -> datetime | None:
    """When the last thing happened, until a moment, that somebody told; None for nothing. What the store tells itself is left out."""
    query = select(func.max(tables.Event.at)).where(tables.Event.at <= until, tables.Event.by != OWN)
    return session.scalar(query)


def ticket_states(session: Session, tickets: Sequence[str]) -> dict[str, TicketState]:
    """Tickets as their events say; without those of which nothing was told."""
    told = _told(session, tables.Event.ticket_id, tickets)
    return {ticket: ticket_state(items)[0] for ticket, items in told.items()}


def rebuild(session: Session) -> None:
    """Make everything that is derived from the log anew."""
    one_at_a_time(session)
    session.execute(delete(tables.EventNote))
    session.execute(delete(tables.Absence))
    fold(session, session.scalars(select(tables.Event)).all())


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


def fold(session: Session, rows: Iterable[tables.Event]) -> dict[int, Noted]:
    """Bring the tables up to date with all events about whom these are about; notes by number of event."""
    rows = list(rows)
    notes: dict[int, Noted] = {}
    touched = sorted({row.ticket_id for row in rows} - {""})
    people = {row.technician_id for row in rows} - {""}
    if touched:
        _fold_tickets(session, touched, notes)
        people |= _visitors(session, touched)
    _fold_technicians(session, sorted(people), notes)
    for station, kit in sorted({(row.station_id, row.details["kit"]) for row in rows if row.station_id}):
        _fold_kits(session, station, kit, notes)
    session.flush()
    return notes


def one_at_a_time(session: Session) -> None:
    """Wait for whoever adds events at this moment: what is read after this is what the next event meets."""
    # SQLite has one writer in any case.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _known_keys(session: Session, keys: Sequence[str]) -> dict[str, Event]:
    found: dict[str, Event] = {}
    for part in parts(sorted(set(keys))):
        found |= {row.key: event_in(row) for row in session.scalars(select(tables.Event).where(tables.Event.key.in_(part)))}
    return found


def _told_before(before: Event, again: Event) -> str:
    """Why an event with a key that is taken is not the same event told again; empty when it is."""
    facts = (before.kind, before.at, subjects(before)) == (again.kind, again.at, subjects(again))
    kept, told = details(before), details(again)
    return (
        ""
        if facts and all(kept.get(name) == value for name, value in told.items())
        else "the key was used by another event; give each its own"
    )


class _Company:
    """What events refer to, read once for all of them."""

    def __init__(self, session: Session, events: Sequence[Event]) -> None:
        named = [subjects(event) for event in events]
        self.technicians = _ids(session, tables.Technician, {one["technician"] for one in named})
        self.sites = _ids(session, tables.Site, {event.site for event in events if isinstance(event, Opened)})
        stations = sorted({one["station"] for one in named} - {""})
        self.kits = {
            (row.station_id, row.kit): row.owned
            for row in session.scalars(select(tables.StationKit).where(tables.StationKit.station_id.in_(stations)))
        }
        visits = [event for event in events if isinstance(event, Driving | Arrived)]
        self.planned = _planned(session, {(event.technician, event.ticket) for event in visits})
        self.minutes = _service_minutes(session, {event.ticket for event in visits})

    def refuses(self, event: Event, arrived_at: datetime) -> str:
        """Why an event is not kept; empty when it is."""
        about = subjects(event)
        if event.at > arrived_at + FUTURE:
            return f"it happens at {event.at.isoformat()}, after now; set the clock that told it"
        if about["technician"] and about["technician"] not in self.technicians:
            return f"there is no technician {about['technician']}"
        if isinstance(event, Opened) and event.site not in self.sites:
            return f"there is no site {event.site}; import it first"
        if isinstance(event, KitEvent):
            owned = self.kits.get((event.station, event.kit), 0)
            if not owned:
                return f"station {event.station} owns no kit {event.kit}"
            if event.count > owned:
                return f"station {event.station} owns {owned} of kit {event.kit}, not {event.count}; give a count of at most {owned}"
        return ""

    def completed(self, event: Event) -> Event:
        """The event with the kits and the length of the visit that the published plan told when it arrived, so that the log is whole."""
        if not isinstance(event, Driving | Arrived):
            return event
        kits, minutes = self.planned.get((event.technician, event.ticket), ((), None))
        told = replace(event, kits=event.kits if event.kits is not None else kits)
        if isinstance(told, Arrived) and told.service_minutes is None:
            minutes = self.minutes.get(event.ticket) if minutes is None else minutes
            return replace(told, service_minutes=USUAL_SERVICE_MINUTES if minutes is None else minutes)
        return told


def _ids(session: Session, model: Any, wanted: set[str]) -> set[str]:
    found: set[str] = set()
    for part in parts(sorted(wanted - {""})):
        found |= set(session.scalars(select(model.id).where(model.id.in_(part))))
    return found


def _planned(session: Session, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], tuple[tuple[str, ...], float | None]]:
    """Kits and minutes of visits of the published plans, by technician and ticket."""
    query = (
        select(tables.Route.technician_id, tables.Visit.ticket_id, tables.Route.kits, tables.Visit.starts_at, tables.Visit.finishes_at)
        .join(tables.Visit, tables.Visit.route_id == tables.Route.id)
        .join(tables.Plan, tables.Plan.id == tables.Route.plan_id)
        .where(tables.Plan.state == "published")
    )
    found: dict[tuple[str, str], tuple[tuple[str, ...], float | None]] = {}
    for part in parts(sorted({ticket for _, ticket in pairs})):
        for who, ticket, kits, begin, end in session.execute(query.where(tables.Visit.ticket_id.in_(part))):
            if (who, ticket) in pairs:
                found[who, ticket] = tuple(kits), (end - begin).total_seconds() / 60
    return found


def _service_minutes(session: Session, tickets: set[str]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for part in parts(sorted(tickets)):
        rows = session.execute(select(tables.Ticket.id, tables.Ticket.service_minutes).where(tables.Ticket.id.in_(part)))
        found |= {row.id: row.service_minutes for row in rows}
    return found


def _tell_what_was_known(session: Session, rows: Sequence[tables.Event], arrived_at: datetime) -> None:
    """Log what the tables say of tickets and kits about which nothing was told before: the state that their first event meets."""
    tickets = {row.ticket_id for row in rows} - {""}
    untold = tickets - set(_told_ids(session, tables.Event.ticket_id, tickets))
    for part in parts(sorted(untold)):
        for ticket in session.scalars(select(tables.Ticket).where(tables.Ticket.id.in_(part))):
            state: Any = ticket.state
            base = KnownTicket(
                kind="ticket_known", at=ticket.opened_at, key=f"known ticket {ticket.id}", by=OWN, ticket=ticket.id,
                state=state, opened_at=ticket.opened_at, closed_at=ticket.closed_at,
            )  # fmt: skip
            session.add(_row(base, arrived_at))
    for station, kit in sorted({(row.station_id, row.details["kit"]) for row in rows if row.station_id}):
        key = f"known kit {station} {kit}"[:200]
        stock = session.get(tables.StationKit, (station, kit))
        if stock is not None and session.scalar(select(tables.Event.id).where(tables.Event.key == key)) is None:
            base_kit = KnownKit(kind="kit_known", at=arrived_at, key=key, by=OWN, station=station, kit=kit, broken=stock.broken)
            session.add(_row(base_kit, arrived_at))
    session.flush()


def _told_ids(session: Session, column: Any, wanted: set[str]) -> set[str]:
    found: set[str] = set()
    for part in parts(sorted(wanted)):
        found |= set(session.scalars(select(column).where(column.in_(part)).distinct()))
    return found


def _told(session: Session, column: Any, ids: Sequence[str]) -> dict[str, list[Told]]:
    """All events about these, by id."""
    told: dict[str, list[Told]] = {}
    for part in parts(ids):
        for row in session.execute(_LOG.where(column.in_(part)).order_by(tables.Event.id)):
            told.setdefault(getattr(row, column.key), []).append(Told(row.id, event_in(row)))
    return told


_LOG = select(*tables.Event.__table__.columns)


def _fold_tickets(session: Session, tickets: Sequence[str], notes: dict[int, Noted]) -> None:
    told = _told(session, tables.Event.ticket_id, tickets)
    rows: dict[str, tables.Ticket] = {}
    for part in parts(tickets):
        query = select(tables.Ticket).where(tables.Ticket.id.in_(part)).options(selectinload(tables.Ticket.clocks))
        rows |= {row.id: row for row in session.scalars(query)}
    planned = {ticket for part in parts(tickets) for ticket in session.scalars(_planned_among(part))}
    became: dict[int, Noted] = {}
    for ticket, items in told.items():
        state, found = ticket_state(items)
        became |= found
        if state.state is None or state.opened_at is None:
            continue
        if ticket not in rows:
            rows[ticket] = tables.Ticket(id=ticket, opened_at=state.opened_at, clocks=[])
            session.add(rows[ticket])
        _write_ticket(rows[ticket], state, ticket in planned)
    _keep_notes(session, "ticket", became, notes)
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
    met = {
        "contact": state.contacted_at,
        "diagnosis": state.diagnosed_at,
        "on_site": state.on_site_at,
        "solution": state.solved_at,
        "closing": state.settled_at or state.closed_at,
    }
    for clock in row.clocks:
        clock.met_at = met[clock.clock]


def _visitors(session: Session, tickets: Sequence[str]) -> set[str]:
    """Technicians who told anything of these tickets: where they are may depend on what a ticket is."""
    found: set[str] = set()
    for part in parts(tickets):
        query = select(tables.Event.technician_id).where(tables.Event.ticket_id.in_(part), tables.Event.technician_id != "").distinct()
        found |= set(session.scalars(query))
    return found


def _fold_technicians(session: Session, people: Sequence[str], notes: dict[int, Noted]) -> None:
    told = _told(session, tables.Event.technician_id, people)
    sites = _places(session, {subjects(item.event)["ticket"] for items in told.values() for item in items} - {""})
    homes = _homes(session, people)
    positions = {row.technician_id: row for row in _rows(session, tables.Position, tables.Position.technician_id, people)}
    absences: dict[str, dict[datetime, tables.Absence]] = {}
    for row in _rows(session, tables.Absence, tables.Absence.technician_id, people):
        absences.setdefault(row.technician_id, {})[row.begins_at] = row
    became: dict[int, Noted] = {}
    for who, items in told.items():
        placed = [replace(item, place=sites.get(item.event.ticket) if isinstance(item.event, VisitEvent) else homes[who]) for item in items]
        state, found = technician_state(placed)
        became |= found
        _write_position(session, who, positions.get(who), state.position)
        _write_absences(session, who, absences.get(who, {}), state.absences)
    _keep_notes(session, "technician", became, notes)


def _homes(session: Session, people: Sequence[str]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for part in parts(people):
        query = select(tables.Technician.id, tables.Station.lat, tables.Station.lon)
        rows = session.execute(
            query.join(tables.Station, tables.Station.id == tables.Technician.station_id).where(tables.Technician.id.in_(part))
        )
        found |= {who: Place(lat, lon) for who, lat, lon in rows}
    return found


def _rows(session: Session, model: Any, column: Any, ids: Sequence[str]) -> Iterable[Any]:
    for part in parts(ids):
        yield from session.scalars(select(model).where(column.in_(part)))


def _places(session: Session, tickets: set[str]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for part in parts(sorted(tickets)):
        query = select(tables.Ticket.id, tables.Site.lat, tables.Site.lon).join(tables.Ticket.site).where(tables.Ticket.id.in_(part))
        found |= {ticket: Place(lat, lon) for ticket, lat, lon in session.execute(query)}
    return found


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


def _fold_kits(session: Session, station: str, kit: str, notes: dict[int, Noted]) -> None:
    stock = session.get(tables.StationKit, (station, kit))
    if stock is None:
        return
    rows = session.scalars(select(tables.Event).where(tables.Event.station_id == station).order_by(tables.Event.id))
    items = [Told(row.id, event_in(row)) for row in rows if row.details.get("kit") == kit]
    stock.broken, found = broken_kits(items, stock.owned)
    _keep_notes(session, "kit", found, notes)


def _keep_notes(session: Session, about: str, found: dict[int, Noted], notes: dict[int, Noted]) -> None:
    """Write what became of events about a kind of thing; `notes` gets what is odd."""
    wanted = {number: noted for number, noted in found.items() if noted.verdict != "counts"}
    kept: dict[int, tuple[str, str]] = {}
    for part in parts(sorted(found)):
        query = select(tables.EventNote.event_id, tables.EventNote.verdict, tables.EventNote.note)
        rows = session.execute(query.where(tables.EventNote.about == about, tables.EventNote.event_id.in_(part)))
        kept |= {row.event_id: (row.verdict, row.note) for row in rows}
    stale = sorted(n for n, told in kept.items() if n not in wanted or (wanted[n].verdict, wanted[n].note[:300]) != told)
    for part in parts(stale):
        gone = delete(tables.EventNote).where(tables.EventNote.about == about, tables.EventNote.event_id.in_(part))
        session.execute(gone.execution_options(synchronize_session=False))
    fresh = [number for number in wanted if number not in kept or number in set(stale)]
    if fresh:
        rows_of = [{"event_id": n, "about": about, "verdict": wanted[n].verdict, "note": wanted[n].note[:300]} for n in fresh]
        session.execute(insert(tables.EventNote), rows_of)
    for number, noted in wanted.items():
        notes.setdefault(number, noted)


def _row(event: Event, arrived_at: datetime) -> tables.Event:
    about = subjects(event)
    return tables.Event(
        key=event.key, kind=event.kind, at=event.at, arrived_at=arrived_at, by=event.by, ticket_id=about["ticket"],
        technician_id=about["technician"], station_id=about["station"], details=details(event),
    )  # fmt: skip


def event_in(row: Any) -> Event:
    """The event that a row of the log holds."""
    about = {"ticket": row.ticket_id, "technician": row.technician_id, "station": row.station_id}
    return event_of(row.kind, row.at, row.key, row.by, about, row.details)
