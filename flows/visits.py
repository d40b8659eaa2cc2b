"""A technician's own day: the visits of the published plans, and what they tell of them, from a phone whose clock may be wrong.

What is told goes into the log as with `twohour tell`, under the technician's own id whatever the phone says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal

from data_models.case_files import parse_case
from data_models.errors import BadInput, NotFound
from data_models.events import Delayed, Driving, Event, Finished, TicketEvent, read_event
from data_models.store import Answer, Store
from data_models.store.accepting import FUTURE
from data_models.store.attachments import NewAttachment, add_attachment, attachment_of_key, attachments_of, count_attachments
from data_models.store.visits import PlannedVisit, contacts_at, event_of_key, last_planned, published_visits, snapshot_case, told_by
from flows.events import tell
from flows.photos import read_photo

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEPT_LONGEST = timedelta(days=3)
"""What a phone says to have happened longer ago was told by a clock that was wrong: nobody is out of reach for so long."""

MOST_PHOTOS = 20
"""Of a ticket."""

MOST_TEXT = 500
_FACTS: Mapping[str, frozenset[str]] = {
    "technician_accepted": frozenset(),
    "technician_declined": frozenset({"reason"}),
    "technician_driving": frozenset(),
    "technician_arrived": frozenset(),
    "technician_finished": frozenset({"result", "note"}),
    "technician_delayed": frozenset({"until", "reason"}),
}
"""What a phone may tell, and the facts of each kind that it says itself."""

_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
VisitState = Literal["planned", "accepted", "declined", "driving", "arrived", "done", "unresolved", "closed", "cancelled"]
_STATES: Mapping[str, VisitState] = {
    "technician_accepted": "accepted",
    "technician_declined": "declined",
    "technician_driving": "driving",
    "technician_arrived": "arrived",
}
OVER: frozenset[VisitState] = frozenset({"done", "unresolved", "closed", "cancelled"})


@dataclass(frozen=True)
class Needs:
    """What a ticket asks of whoever comes: skills with their least level, kits, and the promised moment on site."""

    skills: Mapping[str, int]
    kits: tuple[str, ...]
    due: datetime


@dataclass(frozen=True)
class MyVisit:
    """A visit as its technician sees it; `needs` is None where no plan tells, `contacts` are names with numbers."""

    planned: PlannedVisit
    needs: Needs | None
    contacts: tuple[tuple[str, str], ...]
    state: VisitState
    photos: tuple[int, ...]

    @property
    def ticket(self) -> str:
        """The ticket's id."""
        return self.planned.ticket

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do there."""
        return self.state in OVER


@dataclass(frozen=True)
class MyDay:
    """A technician's visits, those that are left first and in their order; until when they said to be held up, if that lies ahead."""

    visits: tuple[MyVisit, ...]
    delayed_until: datetime | None = None


class NeedsOfSnapshots:
    """What tickets need, by the snapshot that a plan was made from: snapshots never change, and are large to read."""

    def __init__(self) -> None:
        self._known: dict[int, Mapping[str, Needs]] = {}

    def of(self, session: Session, snapshot: int) -> Mapping[str, Needs]:
        """By ticket, for one snapshot."""
        if snapshot not in self._known:
            case = parse_case(snapshot_case(session, snapshot))
            found = {ticket.id: Needs(ticket.skills, ticket.kits, ticket.due) for ticket in case.tickets}
            # A day has a dozen plans; the oldest go first.
            for old in list(self._known)[:-12]:
                self._known.pop(old, None)
            self._known[snapshot] = found
        return self._known[snapshot]


def my_day(store: Store, technician: str, now: datetime, zone: tzinfo, known: NeedsOfSnapshots) -> MyDay:
    """The visits of a technician on the company's day of `now`, and whatever they are at or on the way to.

    Visits that a later plan leaves out since work on them has begun stay until they are finished.
    """
    midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
    begin, end = midnight, midnight + timedelta(days=1)
    with store.reading() as session:
        planned = {visit.ticket: visit for visit in published_visits(session, technician, begin, end)}
        told = told_by(session, technician, begin - timedelta(days=1))
        begun = {ticket for ticket, state in _last_told(told, begin).items() if ticket not in planned and state in _SHOWN_UNPLANNED}
        planned |= last_planned(session, technician, begun, now)
        visits = [_my_visit(session, visit, told, known) for visit in planned.values()]
    visits.sort(key=lambda visit: (visit.is_over, visit.state not in ("driving", "arrived"), visit.planned.starts_at, visit.ticket))
    until = max((event.until for event in told if isinstance(event, Delayed)), default=None)
    return MyDay(tuple(visits), until if until is not None and until > now else None)


def tell_visit(store: Store, technician: str, by: str, told: Mapping[str, Any], now: datetime) -> Answer:
    """Keep what a technician tells from a phone; the same key again is merged.

    Parameters
    ----------
    told
        `kind`, `ticket` (but for a delay), `key` as the phone made it, `at` and `sent_at` by the phone's clock, and the facts of the kind.

    Raises
    ------
    BadInput
        It is not what its kind asks for.
    NotFound
        The ticket does not exist, or no published plan gave it to this technician.
    """
    kind, key = told.get("kind"), told.get("key")
    if not isinstance(kind, str) or kind not in _FACTS:
        raise BadInput(f"a phone tells {', '.join(_FACTS)}; this is none of them")
    key = phone_key(technician, key)
    at, was_wrong = phone_time(_moment(told, "at"), _moment(told, "sent_at"), now)
    document: dict[str, Any] = {"kind": kind, "key": key, "by": by, "technician": technician, "at": at.isoformat()}
    facts = {name: _plain(value) for name, value in told.items() if name in _FACTS[kind]}
    document |= {name: value for name, value in facts.items() if value not in ("", None)}
    document |= {"phone_at": told["at"]} if was_wrong else {}
    document |= {} if kind == "technician_delayed" else {"ticket": _plain(told.get("ticket"))}
    _must_be_short(document)
    if kind == "technician_declined" and not str(document.get("reason", "")).strip():
        raise BadInput("declining needs a reason: say why you cannot take it")
    with store.reading() as session:
        before = event_of_key(session, key)
        if before is not None:
            return _told_before(before, document)
        event = read_event(document)
        if isinstance(event, TicketEvent):
            event = _with_expectation(event, _own_visit(session, technician, event.ticket, now))
    return tell(store, [event], now).answers[0]


def keep_photo(store: Store, technician: str, by: str, *, ticket: str, key: str, event: str, content: bytes, now: datetime) -> int:
    """Keep a photo of one's own visit; gives its number. `event` is the key of what it was told with, `key` its own, made by the phone.

    Raises
    ------
    BadInput
        It is no photo, or the ticket has as many as it may have.
    NotFound
        As `tell_visit`.
    """
    key = phone_key(technician, key)
    with store.reading() as session:
        _own_visit(session, technician, ticket, now)
        known = attachment_of_key(session, key)
        count = count_attachments(session, ticket)
    if known is not None:
        return known
    if count >= MOST_PHOTOS:
        raise BadInput(f"Ticket {ticket} has {count} photos, which is the most")
    photo = read_photo(content)
    told_with = phone_key(technician, event) if event else ""
    new = NewAttachment(key, ticket, technician, told_with, by, photo.media_type, photo.width, photo.height, photo.content)
    with store.session() as session:
        return add_attachment(session, new, now)[0]


def phone_key(technician: str, key: object) -> str:
    """The key in the log of what a phone calls `key`: nobody's phone can take another's. Raises `BadInput`."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise BadInput("key is not 8 to 64 letters, digits and hyphens; make one for each thing that is told")
    return f"phone {technician} {key}"


def phone_time(at: datetime, sent_at: datetime, now: datetime) -> tuple[datetime, bool]:
    """When something happened that a phone says happened `at`, and whether that clock was wrong.

    The phone tells what its clock says while it sends: what that differs from ours, the clock was off. Nothing happens after now, and
    what would have happened longer ago than anybody is out of reach was told by a clock that was set in between: it counts from now on.
    """
    off = now - sent_at
    was_wrong = abs(off) > FUTURE
    happened = at + off if was_wrong else at
    if happened > now:
        was_wrong = was_wrong or happened > now + FUTURE
        happened = now
    if happened < now - KEPT_LONGEST:
        return now, True
    return happened, was_wrong


_SHOWN_UNPLANNED = frozenset({"driving", "arrived", "done", "unresolved"})


def _last_told(told: Sequence[Event], begin: datetime) -> dict[str, VisitState]:
    """By ticket, what a technician told last; what was finished before the day is left out."""
    found: dict[str, VisitState] = {}
    for event in told:
        if isinstance(event, Finished):
            found[event.ticket] = ("done" if event.result == "resolved" else "unresolved") if event.at >= begin else "planned"
        elif isinstance(event, TicketEvent) and event.kind in _STATES:
            found[event.ticket] = _STATES[event.kind]
    return found


def _my_visit(session: Session, visit: PlannedVisit, told: Sequence[Event], known: NeedsOfSnapshots) -> MyVisit:
    needs = known.of(session, visit.snapshot).get(visit.ticket)
    photos = tuple(row.id for row in attachments_of(session, visit.ticket))
    return MyVisit(visit, needs, contacts_at(session, visit.site), _state(visit, told), photos)


def _state(visit: PlannedVisit, told: Sequence[Event]) -> VisitState:
    state: VisitState = "planned"
    for event in told:
        if not isinstance(event, TicketEvent) or event.ticket != visit.ticket:
            continue
        if isinstance(event, Finished):
            # What was finished before the plan was made is an earlier visit.
            earlier = event.at < visit.made_at and event.result == "unresolved"
            state = "planned" if earlier else "done" if event.result == "resolved" else "unresolved"
        else:
            state = _STATES.get(event.kind, state)
    if visit.state == "cancelled":
        return "cancelled"
    if visit.state == "done":
        return "done" if state == "done" else "closed"
    # Opened again: another visit.
    return "planned" if state == "done" and visit.state in ("open", "planned") else state


def _own_visit(session: Session, technician: str, ticket: str, now: datetime) -> PlannedVisit:
    found = last_planned(session, technician, [ticket], now).get(ticket)
    if found is None:
        raise NotFound(f"Ticket {ticket} is no visit of yours, or does not exist")
    return found


def _with_expectation(event: TicketEvent, visit: PlannedVisit) -> Event:
    """Whoever sets out is expected after the drive that was planned, whenever they set out."""
    if not isinstance(event, Driving):
        return event
    return replace(event, expected_at=event.at + (visit.arrives_at - visit.leaves_at))


def _told_before(before: Event, document: Mapping[str, Any]) -> Answer:
    same = (before.kind, getattr(before, "ticket", None)) == (document["kind"], document.get("ticket"))
    if same:
        return Answer(before.key, None, "merged", "told before")
    return Answer(before.key, None, "refused", "the key was used by another event; give each its own")


def _plain(value: object) -> object:
    """A text on lines of its own without other characters that steer a display, which no database has to take."""
    if not isinstance(value, str):
        return value
    return "".join(char if char.isprintable() or char == "\n" else " " for char in value).strip()


def _must_be_short(document: Mapping[str, Any]) -> None:
    for name in ("reason", "note"):
        text = document.get(name, "")
        if isinstance(text, str) and len(text) > MOST_TEXT:
            raise BadInput(f"{name} has {len(text)} characters; give at most {MOST_TEXT}")


def _moment(told: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(told.get(name)))
    except ValueError:
        moment = None
    # The first and last years have no room for an offset.
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year <= 9000:
        raise BadInput(f"{name} is no time with an offset, such as 2026-03-02T08:00:00+08:00")
    return moment
