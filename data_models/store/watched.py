"""Tickets with all that their clocks depend on, read from the store: rows, contracts, the log, the published plans, people's positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.clocks import ClockState, Prediction, WatchedTicket, clock_states
from data_models.domain import PositionFacts, PromisedVisit
from data_models.errors import TwohourError
from data_models.predictions import Visit, predictions
from data_models.snapshot import Policies
from data_models.store.parts import parts
from data_models.store.ticket_clocks import (
    Heard,
    Promises,
    heard_of,
    milestones_in,
    promises_in,
    ticket_with_clocks,
    with_end_of_row,
)

AFTER_CLOSING = timedelta(days=30)
"""How long after its visit is over a ticket is looked at for clocks that still run; what nobody settled by then is left alone."""

_Found = TypeVar("_Found")
_OPEN = ("open", "planned", "under_way")


@dataclass(frozen=True)
class Closing:
    """A closing that no reopening has followed: its number in the log, and the customer's satisfaction, None while they said nothing."""

    event: int
    at: datetime
    score: int | None


@dataclass(frozen=True)
class Watched:
    """A ticket, its clocks at the moment, and whom it concerns: site, customer, and the technicians who are to come or are there."""

    ticket: WatchedTicket
    states: tuple[ClockState, ...]
    state: str
    site: str
    site_name: str
    customer: str
    technicians: tuple[str, ...]
    closing: Closing | None


@dataclass(frozen=True)
class WatchedTickets:
    """What is watched, by ticket, and a sentence for each ticket that cannot be."""

    tickets: tuple[Watched, ...]
    problems: tuple[str, ...] = ()


class _Plans(NamedTuple):
    predicted: Mapping[str, Prediction]
    crews: Mapping[str, tuple[str, ...]]


def watched_in_store(
    session: Session,
    policies: Policies,
    now: datetime,
    *,
    region: str = "",
    settled_since: datetime | None = None,
    only: Sequence[str] | None = None,
) -> WatchedTickets:
    """Every ticket that has a clock to watch at `now`.

    Parameters
    ----------
    region
        Only tickets at sites of this region; empty for all.
    settled_since
        Also those that were closed or cancelled since then and have no clock to watch; None leaves them out.
    only
        These tickets, whatever their state; None for all.

    Notes
    -----
    Tickets that are open belong to it, and those closed in the last `AFTER_CLOSING` of which a clock still runs or whose customer said
    how satisfied they are. What was closed or cancelled in the table alone, by an import, counts as the table says.
    """
    rows = _rows(session, now, region, settled_since, only)
    ids = [row.id for row in rows]
    heard = heard_of(session, ids, now)
    promises = promises_in(session, policies)
    plans = _plans(session, heard, {row.id for row in rows if row.state not in _OPEN}, now)
    assigned: Mapping[str, datetime] = {}
    if any(clock.counts_from == "assigned" for policy in policies.by_name.values() for clock in policy.extra_clocks.values()):
        assigned = _assigned(session, ids)
    found: list[Watched] = []
    problems: list[str] = []
    for row in rows:

        def one(row: Any = row) -> Watched:
            return _watched(row, promises, heard.get(row.id, ()), plans, assigned.get(row.id), now)

        watched = guarded(row.id, one, problems)
        if watched is not None and (only is not None or _belongs(watched, row, settled_since)):
            found.append(watched)
    return WatchedTickets(tuple(found), tuple(problems))


def expected_visit(session: Session, ticket: str, now: datetime) -> Prediction | None:
    """When work on a ticket is expected to begin and end, by the published plans and where people are; None when nobody is to come."""
    visits = tables.Visit.ticket_id
    published = select(visits).join(tables.Route, tables.Route.id == tables.Visit.route_id).join(tables.Plan).distinct()
    planned = list(session.scalars(published.where(tables.Plan.state == "published")))
    if ticket not in planned:
        return None
    return _plans(session, heard_of(session, planned, now), set(), now).predicted.get(ticket)


def guarded(ticket: str, reckon: Callable[[], _Found], problems: list[str]) -> _Found | None:
    """What is reckoned for one ticket; None with a sentence in `problems` where that cannot be, so that the others go on."""
    try:
        return reckon()
    except TwohourError as error:
        problems.append(f"Ticket {ticket}: {error}")
    except (ArithmeticError, ValueError) as error:
        problems.append(f"Ticket {ticket}: its clocks cannot be reckoned ({error}); correct its times and its policy's promises")
    return None


def _belongs(watched: Watched, row: Any, settled_since: datetime | None) -> bool:
    if row.state in _OPEN or watched.closing is not None or any(state.is_open for state in watched.states):
        return True
    return settled_since is not None and row.closed_at is not None and row.closed_at >= settled_since


def _watched(row: Any, promises: Promises, heard: Sequence[Heard], plans: _Plans, assigned: datetime | None, now: datetime) -> Watched:
    policy, contract = promises.of(row)
    # The row is believed about an end that lies ahead, too: it is all that is known of it.
    reached = milestones_in(with_end_of_row(heard, row, max(now, row.closed_at or now)), row, policy)
    if assigned is not None and (reached.assigned_at is None or assigned < reached.assigned_at):
        reached = replace(reached, assigned_at=assigned)
    ticket = ticket_with_clocks(row, policy, contract, reached, plans.predicted.get(row.id))
    people = plans.crews.get(row.id) or tuple(sorted({one.technician for _, one in heard if one.kind in _COMING} - {""}))
    states = clock_states(ticket, now)
    return Watched(ticket, states, row.state, row.site_id, row.site_name, row.customer_name, people, _closing(heard, row.state))


_COMING = ("technician_accepted", "technician_driving", "technician_arrived")


def _closing(heard: Sequence[Heard], state: str) -> Closing | None:
    """The closing that stands: the first in which the customer said how satisfied they are, else the first."""
    if state != "done":
        return None
    found: Closing | None = None
    for number, one in heard:
        if one.kind == "ticket_reopened":
            found = None
        elif one.kind == "ticket_closed" and (found is None or found.score is None) and (found is None or one.satisfaction is not None):
            found = Closing(number, one.at, one.satisfaction)
    return found


# --- the rows ---


def _rows(session: Session, now: datetime, region: str, settled_since: datetime | None, only: Sequence[str] | None) -> list[Any]:
    since = min(settled_since or now, now - AFTER_CLOSING)
    ticket, site, customer = tables.Ticket, tables.Site, tables.Customer
    query = (
        select(
            ticket.id, ticket.site_id, ticket.severity, ticket.type, ticket.product, ticket.source, ticket.state, ticket.opened_at,
            ticket.closed_at, ticket.due_at, ticket.crew, site.name.label("site_name"), site.customer_id,
            customer.name.label("customer_name"), customer.tier,
        )
        .join(site, site.id == ticket.site_id)
        .join(customer, customer.id == site.customer_id)
        .where(ticket.opened_at <= now)
    )  # fmt: skip
    if only is not None:
        query = query.where(ticket.id.in_(only))
    else:
        query = query.where(or_(ticket.state.in_(_OPEN), and_(ticket.state.in_(("done", "cancelled")), ticket.closed_at >= since)))
    rows = session.execute(query.where(site.region == region) if region else query)
    return sorted(rows, key=lambda row: cast(str, row.id))


def _assigned(session: Session, tickets: Sequence[str]) -> dict[str, datetime]:
    """When a plan that gives a ticket to somebody was published first."""
    found: dict[str, datetime] = {}
    for part in parts(tickets):
        query = (
            select(tables.Visit.ticket_id, func.min(tables.Plan.published_at))
            .join(tables.Route, tables.Route.id == tables.Visit.route_id)
            .join(tables.Plan, tables.Plan.id == tables.Route.plan_id)
            .where(tables.Plan.published_at.is_not(None), tables.Visit.ticket_id.in_(part))
            .group_by(tables.Visit.ticket_id)
        )
        found |= {ticket: at for ticket, at in session.execute(query) if at is not None}
    return found


# --- the published plans ---


def _plans(session: Session, heard: Mapping[str, Sequence[Heard]], closed: set[str], now: datetime) -> _Plans:
    visits = list(_visits(session))
    over = {(visit.technician, visit.ticket) for visit, _, state in visits if state not in _OPEN or visit.ticket in closed}
    there: set[Visit] = set()
    for visit, made_at, _ in visits:
        who = (visit.technician, visit.ticket)
        for _, one in heard.get(visit.ticket, ()):
            if one.technician != visit.technician:
                continue
            if one.kind == "technician_arrived":
                there.add(who)
            elif one.kind == "technician_finished":
                there.discard(who)
                # What was finished before the plan was made is an earlier visit.
                if one.at >= made_at:
                    over.add(who)
    rows = session.execute(
        select(tables.Position.technician_id, tables.Position.lat, tables.Position.lon, tables.Position.free_at, tables.Position.kits)
    )
    positions = {row.technician_id: PositionFacts(row.lat, row.lon, row.free_at, tuple(row.kits)) for row in rows}
    gone = select(tables.Absence.technician_id, tables.Absence.ends_at).where(tables.Absence.begins_at <= now)
    absent = {
        row.technician_id: row.ends_at
        for row in session.execute(gone.where(or_(tables.Absence.ends_at.is_(None), tables.Absence.ends_at > now)))
    }
    crews: dict[str, list[str]] = {}
    for visit, _, _ in visits:
        if (visit.technician, visit.ticket) not in over:
            crews.setdefault(visit.ticket, []).append(visit.technician)
    expected = predictions((visit for visit, _, _ in visits), positions, absent, there, over)
    return _Plans(expected, {ticket: tuple(sorted(set(crew))) for ticket, crew in crews.items()})


def _visits(session: Session) -> Iterator[tuple[PromisedVisit, datetime, str]]:
    """The visits of the published plans, each with when its plan was made and the state of its ticket."""
    plan, route, visit = tables.Plan, tables.Route, tables.Visit
    query = (
        select(
            route.id, plan.created_at, route.technician_id, route.departs_at, route.returns_at, visit.ticket_id, visit.arrives_at,
            visit.starts_at, visit.finishes_at, tables.Site.lat, tables.Site.lon, tables.Ticket.state,
        )
        .join(route, route.plan_id == plan.id)
        .join(visit, visit.route_id == route.id)
        .join(tables.Ticket, tables.Ticket.id == visit.ticket_id)
        .join(tables.Site, tables.Site.id == tables.Ticket.site_id)
        .where(plan.state == "published")
        .order_by(route.id, visit.position)
    )  # fmt: skip
    before: Any = None
    for row in session.execute(query):
        leaves_at = before.finishes_at if before is not None and before.id == row.id else row.departs_at
        yield (
            PromisedVisit(
                ticket=row.ticket_id, technician=row.technician_id, leaves_at=leaves_at, arrives_at=row.arrives_at, starts_at=row.starts_at,
                finishes_at=row.finishes_at, returns_at=row.returns_at, lat=row.lat, lon=row.lon, kits=(),
            ),
            row.created_at,
            row.state,
        )  # fmt: skip
        before = row
