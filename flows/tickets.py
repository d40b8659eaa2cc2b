"""Tickets as another system pushes them: what it knows is told to the log of events, so that a ticket is what the log says.

Everything happens in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.events import Cancelled, Changed, Event, Opened, Reopened
from data_models.intake.checks import check_row
from data_models.store.accepting import FUTURE
from data_models.store.events import Answer, add_events
from data_models.store.log import one_at_a_time

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NEEDED = ("site", "severity", "type")
"""What a ticket that is not known yet must have."""

FIXED = ("site", "product", "source", "opened_at")
"""What cannot be changed once a ticket is known: no event tells it."""

_OPENED = frozenset(entry.name for entry in fields(Opened)) - {"kind", "at", "key", "by", "ticket"}
_CHANGED = frozenset(entry.name for entry in fields(Changed)) - {"kind", "at", "key", "by", "ticket"}
_COLUMNS = {"site": "site_id"}


@dataclass(frozen=True)
class Pushed:
    """What became of a push: whether the ticket is new, which facts changed, what was told, and the log's answers."""

    created: bool
    changed: tuple[str, ...]
    events: tuple[Event, ...] = ()
    answers: tuple[Answer, ...] = ()


def push_ticket(session: Session, ticket: str, given: Mapping[str, Any], *, by: str, now: datetime, key: str) -> Pushed:
    """Open a ticket or change what is known of it, so that it has the facts given; what is not given stays as it is.

    Parameters
    ----------
    given
        Facts by name, as `data_models.events.Opened` and `Changed` have them, and `opened_at`; each valid by itself.
    key
        Of the events that this tells, which no other push has.

    Raises
    ------
    BadInput
        The facts contradict each other, or a new ticket lacks one.
    Conflict
        The store does not know the site or a technician named, the ticket is closed, or what is given cannot be changed any more.
    """
    one_at_a_time(session)
    row = session.get(tables.Ticket, ticket)
    if row is None:
        return _open(session, ticket, given, by=by, now=now, key=key)
    return _change(session, row, given, by=by, now=now, key=key)


def change_ticket(session: Session, ticket: str, given: Mapping[str, Any], *, by: str, now: datetime, key: str) -> Pushed:
    """Change what is known of a ticket. Raises as `push_ticket`, and `NotFound`."""
    one_at_a_time(session)
    return _change(session, _known(session, ticket), given, by=by, now=now, key=key)


def cancel_ticket(session: Session, ticket: str, *, reason: str, by: str, now: datetime, key: str) -> Pushed:
    """The customer needs nobody any longer. A ticket that is cancelled already stays so. Raises `NotFound`, `Conflict` when it is done."""
    one_at_a_time(session)
    row = _known(session, ticket)
    if row.state == "cancelled":
        return Pushed(False, ())
    if row.state == "done":
        raise Conflict(f"Ticket {ticket} is done and cannot be cancelled any more")
    event = Cancelled(kind="ticket_cancelled", at=max(now, row.opened_at), key=f"{key} cancelled", by=by, ticket=ticket, reason=reason)
    return _told(session, (event,), now, changed=("state",))


def reopen_ticket(session: Session, ticket: str, *, reason: str, by: str, now: datetime, key: str) -> Pushed:
    """What was done or cancelled is not settled after all. A ticket that is not closed stays as it is. Raises `NotFound`."""
    one_at_a_time(session)
    row = _known(session, ticket)
    if row.state not in ("done", "cancelled"):
        return Pushed(False, ())
    at = max(now, row.closed_at or now)
    event = Reopened(kind="ticket_reopened", at=at, key=f"{key} reopened", by=by, ticket=ticket, reason=reason)
    return _told(session, (event,), now, changed=("state",))


def _known(session: Session, ticket: str) -> tables.Ticket:
    row = session.get(tables.Ticket, ticket)
    if row is None:
        raise NotFound(f"Ticket {ticket} does not exist")
    return row


def _open(session: Session, ticket: str, given: Mapping[str, Any], *, by: str, now: datetime, key: str) -> Pushed:
    missing = [name for name in NEEDED if given.get(name) is None]
    if missing:
        raise BadInput(f"Ticket {ticket} is new: give its {', '.join(missing)}")
    at: datetime = given.get("opened_at") or now
    if at > now + FUTURE:
        raise BadInput(f"Ticket {ticket}: opened_at {at.isoformat()} lies ahead; push it when it is opened")
    facts = {name: _as_told(value) for name, value in given.items() if value is not None}
    _must_be_sound(ticket, None, facts | {"opened_at": at})
    _must_be_known(session, ticket, facts)
    told: list[Event] = [
        Opened(
            kind="ticket_opened", at=at, key=f"{key} opened", by=by, ticket=ticket,
            **{"source": "web", **{name: value for name, value in facts.items() if name in _OPENED}},
        )
    ]  # fmt: skip
    # The opening does not tell these.
    later = {name: value for name, value in facts.items() if name in _CHANGED - _OPENED and value}
    if later:
        told.append(Changed(kind="ticket_changed", at=at, key=f"{key} changed", by=by, ticket=ticket, **later))
    done = _told(session, tuple(told), now, changed=tuple(sorted(facts)))
    return Pushed(True, done.changed, done.events, done.answers)


def _change(session: Session, row: tables.Ticket, given: Mapping[str, Any], *, by: str, now: datetime, key: str) -> Pushed:
    facts = {name: _as_told(value) for name, value in given.items() if value is not None}
    differing = {name: value for name, value in facts.items() if _as_told(getattr(row, _COLUMNS.get(name, name))) != value}
    fixed = [name for name in FIXED if name in differing]
    if fixed:
        raise Conflict(f"Ticket {row.id}: {', '.join(fixed)} cannot be changed any more; cancel it and push another")
    if not differing:
        return Pushed(False, ())
    if row.state in ("done", "cancelled"):
        raise Conflict(f"Ticket {row.id} is {row.state}: reopen it before it is changed")
    _must_be_sound(row.id, row, differing)
    _must_be_known(session, row.id, differing)
    at = max(now, row.opened_at)
    event = Changed(kind="ticket_changed", at=at, key=f"{key} changed", by=by, ticket=row.id, **differing)
    return _told(session, (event,), now, changed=tuple(sorted(differing)))


def _told(session: Session, events: tuple[Event, ...], now: datetime, *, changed: tuple[str, ...]) -> Pushed:
    answers = add_events(session, events, now)
    odd = next((answer for answer in answers if answer.verdict != "counts"), None)
    if odd is not None:
        raise Conflict(f"{events[0].kind} of ticket {getattr(events[0], 'ticket', '')}: {odd.note}")
    return Pushed(False, changed, events, tuple(answers))


def _must_be_sound(ticket: str, row: tables.Ticket | None, facts: Mapping[str, Any]) -> None:
    columns = tables.Ticket.__table__.columns.keys()
    whole: dict[str, Any] = dict.fromkeys(columns) if row is None else {name: getattr(row, name) for name in columns}
    whole |= {_COLUMNS.get(name, name): value for name, value in facts.items()}
    found = check_row("tickets", whole)
    if found:
        raise BadInput(*(f"Ticket {ticket}: {column} {message}" for column, message in found))


def _must_be_known(session: Session, ticket: str, facts: Mapping[str, Any]) -> None:
    site = facts.get("site")
    if site is not None and session.scalar(select(tables.Site.id).where(tables.Site.id == site, tables.Site.retired_at.is_(None))) is None:
        raise Conflict(f"Ticket {ticket}: there is no site {site}; import it first")
    people = sorted({*(facts.get("only") or ()), *(facts.get("banned") or ())})
    if people:
        known = set(session.scalars(select(tables.Technician.id).where(tables.Technician.id.in_(people))))
        lost = [name for name in people if name not in known]
        if lost:
            raise Conflict(f"Ticket {ticket}: there is no technician {', '.join(lost[:5])}; import them first")


def _as_told(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
