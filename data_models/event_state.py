"""What events mean together: the state of a ticket, a technician or a station's kits, folded from what was told about it.

Folding is pure and goes by the time at which things happened, then by the order in which they were told, so that the same events
in any order give the same state. An event that contradicts what is known is kept and flagged; where the sense is clear it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Literal

from data_models.events import (
    KINDS,
    AbsentFrom,
    Accepted,
    Arrived,
    Back,
    Begun,
    Cancelled,
    Changed,
    ClockKept,
    Closed,
    Contacted,
    Declined,
    Delayed,
    Diagnosed,
    Driving,
    Event,
    Finished,
    Home,
    KitEvent,
    KnownKit,
    KnownTicket,
    Opened,
    Reopened,
    Resumed,
    Solved,
    VisitEvent,
    Waiting,
)

_ORDER = {kind: number for number, kind in enumerate(KINDS)}
_RANK = dict.fromkeys(KINDS, 2) | {"ticket_begun": 2, "ticket_opened": 1}

Verdict = Literal["counts", "flagged", "waits"]
"""`counts`: it changes the state or confirms it; `flagged`: kept, and somebody should look; `waits`: for the ticket to be opened."""


@dataclass(frozen=True)
class Noted:
    """What became of one event."""

    verdict: Verdict = "counts"
    note: str = ""


@dataclass(frozen=True)
class Place:
    """Where a visit takes place, or where the technician's station is."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Told:
    """An event, its number in the log, and the place of its visit or of the technician's station."""

    number: int
    event: Event
    place: Place | None = None


@dataclass(frozen=True)
class Pause:
    """Work rests from `begin` to `end`, None while it still does."""

    begin: datetime
    end: datetime | None
    reason: str


@dataclass
class TicketState:
    """A ticket as its events say.

    Attributes
    ----------
    state
        None before it is known; `planned` is not told by events.
    facts
        Fields that were told or corrected.
    arrived, finished
        Technicians on site now, and those whose work there is over.
    visits
        How often work was finished, resolved or not.
    """

    state: Literal["open", "under_way", "done", "cancelled"] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    contacted_at: datetime | None = None
    diagnosed_at: datetime | None = None
    on_site_at: datetime | None = None
    solved_at: datetime | None = None
    settled_at: datetime | None = None
    satisfaction: int | None = None
    reopenings: int = 0
    visits: int = 0
    resolved_at_first_visit: bool | None = None
    driving: set[str] = field(default_factory=set)
    arrived: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    declined: set[str] = field(default_factory=set)
    pauses: list[Pause] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        """Whether nobody needs to go there any longer."""
        return self.state in ("done", "cancelled")


@dataclass(frozen=True)
class Absence:
    """A technician cannot work from `begin` to `end`, None while nobody knows."""

    kind: str
    begin: datetime
    end: datetime | None


@dataclass(frozen=True)
class OnTheRoad:
    """Where someone becomes free, when, and with which kits."""

    lat: float
    lon: float
    free_at: datetime
    kits: tuple[str, ...] = ()


@dataclass
class TechnicianState:
    """A technician as the events say: where they are when not at their station, at which ticket, and when they are absent."""

    position: OnTheRoad | None = None
    at_ticket: str = ""
    absences: list[Absence] = field(default_factory=list)


def in_order(told: Sequence[Told]) -> list[Told]:
    """Events by the time at which they happened; of the same moment by their kind, then by their key, however they were told.

    What the store knew before comes first, then the opening: clocks of different people differ by minutes.
    """
    return sorted(told, key=lambda item: rank(item.event.kind, item.event.at, item.event.key))


def rank(kind: str, at: datetime, key: str) -> tuple[int, datetime, int, str]:
    """By what events are put in order, as `in_order` says."""
    return _RANK.get(kind, 0), at, _ORDER.get(kind, -1), key


def ticket_state(told: Sequence[Told]) -> tuple[TicketState, dict[int, Noted]]:
    """The state of a ticket from all events about it, and what became of each, by its number."""
    state, notes = TicketState(), {}
    for item in in_order(told):
        notes[item.number] = _tell_ticket(state, item.event)
    return state, notes


def _tell_ticket(ticket: TicketState, event: Event) -> Noted:
    match event:
        case KnownTicket():
            ticket.state = "open" if event.state == "planned" else event.state
            ticket.opened_at, ticket.closed_at = event.opened_at, event.closed_at
            return Noted()
        case Opened():
            if ticket.state is not None:
                return Noted("flagged", "the ticket was open already")
            ticket.state, ticket.opened_at = "open", event.at
            ticket.facts = {entry.name: getattr(event, entry.name) for entry in fields(event) if entry.name in _TICKET_FACTS}
            return Noted()
        case _ if ticket.state is None:
            return Noted("waits", "the ticket is not known yet; this counts once it is opened")
        case ClockKept():
            # Clocks such as a call back run on after closing.
            return Noted()
        case Reopened():
            if not ticket.is_closed:
                return Noted("flagged", "the ticket was not closed")
            _reopen(ticket, event.at)
            return Noted()
        case Closed():
            return _close(ticket, event)
        case _ if ticket.is_closed:
            return Noted("flagged", f"the ticket was {'cancelled' if ticket.state == 'cancelled' else 'done'} already")
        case VisitEvent():
            return _clock_noted(_tell_visit(ticket, event), event.phone_at)
        case _:
            return _tell_open(ticket, event)


def _tell_open(ticket: TicketState, event: Event) -> Noted:
    match event:
        case Changed():
            told = {entry.name: getattr(event, entry.name) for entry in fields(event) if entry.name in _TICKET_FACTS}
            ticket.facts |= {name: value for name, value in told.items() if value is not None}
        case Cancelled():
            ticket.state, ticket.closed_at = "cancelled", event.at
        case Contacted():
            ticket.contacted_at = ticket.contacted_at or event.at
        case Diagnosed():
            ticket.diagnosed_at = ticket.diagnosed_at or event.at
        case Solved():
            ticket.solved_at = ticket.solved_at or event.at
        case Begun():
            ticket.state = "under_way"
        case Waiting():
            if ticket.pauses and ticket.pauses[-1].end is None:
                return Noted("flagged", "the ticket waits already")
            ticket.pauses.append(Pause(event.at, None, event.reason))
        case Resumed():
            if not ticket.pauses or ticket.pauses[-1].end is not None:
                return Noted("flagged", "the ticket did not wait")
            ticket.pauses[-1] = Pause(ticket.pauses[-1].begin, event.at, ticket.pauses[-1].reason)
    return Noted()


def _tell_visit(ticket: TicketState, event: VisitEvent) -> Noted:
    who = event.technician
    match event:
        case Accepted():
            ticket.declined.discard(who)
        case Declined():
            ticket.declined.add(who)
            ticket.driving.discard(who)
        case Driving():
            ticket.driving.add(who)
        case Arrived():
            expected = who in ticket.driving
            ticket.state = "under_way"
            ticket.driving.discard(who)
            ticket.arrived.add(who)
            if ticket.on_site_at is None and len(ticket.arrived | ticket.finished) >= (ticket.facts.get("crew") or 1):
                ticket.on_site_at = event.at
            return Noted() if expected else Noted("flagged", f"{who} arrived without having set out")
        case Finished():
            return _finish(ticket, event)
    return Noted()


def _clock_noted(noted: Noted, phone_at: datetime | None) -> Noted:
    """What became of an event, with a note where the phone that told it had the wrong time."""
    if phone_at is None:
        return noted
    wrong = f"the phone's clock was wrong: it said {phone_at.isoformat(timespec='seconds')}"
    return Noted("flagged", "; ".join(filter(None, (noted.note, wrong))))


def _finish(ticket: TicketState, event: Finished) -> Noted:
    expected = event.technician in ticket.arrived
    ticket.arrived.discard(event.technician)
    ticket.driving.discard(event.technician)
    ticket.finished.add(event.technician)
    ticket.on_site_at = ticket.on_site_at or event.at
    if not ticket.arrived:
        _end_visit(ticket, event)
    return Noted() if expected else Noted("flagged", f"{event.technician} finished without having arrived")


def _end_visit(ticket: TicketState, event: Finished) -> None:
    """The last of the crew has finished."""
    ticket.visits += 1
    ticket.finished = set()
    if event.result == "resolved":
        ticket.state, ticket.closed_at = "done", event.at
        ticket.solved_at = ticket.solved_at or event.at
        if ticket.resolved_at_first_visit is None:
            ticket.resolved_at_first_visit = ticket.visits == 1
    else:
        ticket.state = "open"
        ticket.resolved_at_first_visit = False


def _close(ticket: TicketState, event: Closed) -> Noted:
    if ticket.settled_at is not None:
        if ticket.satisfaction is None and event.satisfaction is not None and ticket.state == "done":
            # Asked after the closing, the customer answers later.
            ticket.satisfaction = event.satisfaction
            return Noted()
        return Noted("flagged", "the ticket was settled already")
    if ticket.state == "cancelled":
        return Noted("flagged", "the ticket was cancelled")
    finished = ticket.state == "done"
    ticket.settled_at, ticket.satisfaction = event.at, event.satisfaction
    ticket.solved_at = ticket.solved_at or event.at
    if not finished:
        ticket.state, ticket.closed_at = "done", event.at
    # Much is settled from afar, without a visit.
    return Noted("flagged", "settled while somebody was at work there") if ticket.arrived and not finished else Noted()


def _reopen(ticket: TicketState, at: datetime) -> None:
    ticket.state, ticket.reopened_at, ticket.reopenings = "open", at, ticket.reopenings + 1
    ticket.closed_at = ticket.settled_at = ticket.on_site_at = ticket.solved_at = ticket.contacted_at = ticket.diagnosed_at = None
    ticket.satisfaction, ticket.resolved_at_first_visit = None, False
    ticket.driving, ticket.arrived, ticket.finished, ticket.pauses = set(), set(), set(), []


_TICKET_FACTS = frozenset(entry.name for kind in (Opened, Changed) for entry in fields(kind)) - {"kind", "at", "key", "by", "ticket"}


def technician_state(told: Sequence[Told]) -> tuple[TechnicianState, dict[int, Noted]]:
    """The state of a technician from all events about them, and what became of each, by its number."""
    state, notes = TechnicianState(), {}
    for item in in_order(told):
        notes[item.number] = _tell_technician(state, item)
    return state, notes


def _tell_technician(person: TechnicianState, item: Told) -> Noted:
    event, place = item.event, item.place
    match event:
        case AbsentFrom():
            if person.absences and person.absences[-1].end is None:
                return Noted("flagged", "absent already")
            person.absences.append(Absence(event.kind, event.at, event.until))
            person.position, person.at_ticket = None, ""
        case Back():
            if not person.absences or (person.absences[-1].end is not None and person.absences[-1].end <= event.at):
                return Noted("flagged", "was not absent")
            last = person.absences[-1]
            person.absences[-1] = Absence(last.kind, last.begin, max(event.at, last.begin))
        case Home():
            person.position, person.at_ticket = None, ""
        case Delayed():
            known = person.position
            if known is not None:
                person.position = OnTheRoad(known.lat, known.lon, max(known.free_at, event.until), known.kits)
            elif place is not None:
                person.position = OnTheRoad(place.lat, place.lon, event.until)
            return _clock_noted(Noted(), event.phone_at)
        case Driving() | Arrived() | Finished():
            return _tell_position(person, event, place)
    return Noted()


def _tell_position(person: TechnicianState, event: VisitEvent, place: Place | None) -> Noted:
    if place is None:
        return Noted("waits", "the ticket is not known yet; this counts once it is opened")
    told = getattr(event, "kits", None)
    kits = told if told is not None else person.position.kits if person.position else ()
    if isinstance(event, Driving):
        if event.expected_at is not None:
            person.position = OnTheRoad(place.lat, place.lon, max(event.expected_at, event.at), kits)
        return Noted()
    elsewhere = person.at_ticket not in ("", event.ticket)
    note = Noted("flagged", f"had not finished at {person.at_ticket}") if elsewhere else Noted()
    if isinstance(event, Arrived):
        person.position = OnTheRoad(place.lat, place.lon, event.at + timedelta(minutes=event.service_minutes or 0.0), kits)
        person.at_ticket = event.ticket
    elif not elsewhere:
        person.position = OnTheRoad(place.lat, place.lon, event.at, kits)
        person.at_ticket = ""
    return note


def broken_kits(told: Sequence[Told], owned: int) -> tuple[int, dict[int, Noted]]:
    """How many kits of one type are broken at a station that owns so many, and what became of each event, by its number."""
    broken, notes = 0, {}
    for item in in_order(told):
        notes[item.number] = Noted()
        if isinstance(item.event, KnownKit):
            broken = item.event.broken
        elif isinstance(item.event, KitEvent):
            wanted = broken + (item.event.count if item.event.kind == "kit_broken" else -item.event.count)
            broken = min(max(wanted, 0), owned)
            if broken != wanted:
                notes[item.number] = Noted(
                    "flagged", f"the station owns {owned}, {'all were broken' if wanted > owned else 'none was broken'} already"
                )
    return broken, notes
