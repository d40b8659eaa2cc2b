"""Reading what a service report rests on: tickets with what happened to them, plans in the order in which they held, shifts and kits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.case_files import parse_plan
from data_models.clocks import WatchedTicket
from data_models.milestones import Happening
from data_models.plan import BreakTaken, Plan
from data_models.service_facts import KitOut, OwnedKits, PlannedSpell, ReportShift, ReportTicket, ServiceFacts
from data_models.snapshot import Policies
from data_models.store.ticket_clocks import heard_of, milestones_in, promises_in, ticket_with_clocks, with_end_of_row

LONGEST_CLOCK = timedelta(days=180)
"""Tickets that ended longer before a period have no clock that falls due in it."""

LONGEST_PLAN = timedelta(days=31)
"""How far ahead a plan reaches at most; so far back are plans read."""


def service_facts(session: Session, policies: Policies, start: datetime, end: datetime, at: datetime, region: str = "") -> ServiceFacts:
    """What a report from `start` to before `end` rests on, as known of what happened until `at`.

    Parameters
    ----------
    region
        Only its sites, stations and their people; empty for the whole company.

    Raises
    ------
    BadInput
        A contract names a policy that does not exist.
    """
    every = list(session.scalars(select(tables.Station)))
    stations = [row for row in every if region in ("", row.region)]
    # Whoever left may have worked in the period, so retired rows count where there is something to tell of them.
    people = {row.id: row.station_id for row in session.scalars(select(tables.Technician))}
    homes = {who: home for who, home in people.items() if home in {row.id for row in stations}}
    spells, kits, sent = _planned(session, people, start, end, at)
    shifts = tuple(_shifts(session, homes, start, end))
    busy = {one.technician for one in spells} | {one.technician for one in shifts}
    used = {homes[who] for who in busy if who in homes}
    shown = sorted((row for row in stations if row.retired_at is None or row.id in used), key=lambda row: row.id)
    ids = {row.id for row in shown}
    stock = session.scalars(select(tables.StationKit).order_by(tables.StationKit.station_id, tables.StationKit.kit))
    return ServiceFacts(
        tickets=tuple(_tickets(session, policies, people, sent, start, min(end, at + timedelta(microseconds=1)), at, region)),
        spells=tuple(one for one in spells if one.technician in homes),
        kits_out=tuple(one for one in kits if one.station in ids),
        shifts=shifts,
        kits=tuple(OwnedKits(row.station_id, row.kit, row.owned, row.broken) for row in stock if row.station_id in ids),
        stations=tuple((row.id, row.name or row.id) for row in shown),
        technicians=tuple(sorted(homes.items())),
        elsewhere=tuple((row.id, row.name or row.id) for row in every if row.id not in ids),
    )


def known_regions(session: Session) -> tuple[str, ...]:
    """The regions of sites and stations, sorted."""
    found = set(session.scalars(select(tables.Site.region).distinct())) | set(session.scalars(select(tables.Station.region).distinct()))
    return tuple(sorted(found - {""}))


# --- tickets ---


def _tickets(
    session: Session, policies: Policies, homes: Mapping[str, str], sent: Mapping[str, str], start: datetime, end: datetime, at: datetime,
    region: str,
) -> Iterator[ReportTicket]:  # fmt: skip
    since = start - LONGEST_CLOCK
    columns = [getattr(tables.Ticket, name) for name in _COLUMNS]
    query = (
        select(*columns, tables.Site.region, tables.Customer.id.label("customer_id"), tables.Customer.tier)
        .join(tables.Site, tables.Site.id == tables.Ticket.site_id)
        .join(tables.Customer, tables.Customer.id == tables.Site.customer_id)
        .where(tables.Ticket.opened_at < end)
        .where(or_(tables.Ticket.closed_at.is_(None), tables.Ticket.closed_at >= since, tables.Ticket.opened_at >= since))
        .order_by(tables.Ticket.id)
    )
    rows = session.execute(query.where(tables.Site.region == region) if region else query).all()
    heard = heard_of(session, [row.id for row in rows], at)
    promises = promises_in(session, policies, retired=True)
    for row in rows:
        policy, contract = promises.of(row)
        told = with_end_of_row(heard.get(row.id, ()), row, at)
        watched = ticket_with_clocks(row, policy, contract, milestones_in(told, row, policy))
        yield _report_ticket(row, watched, [one for _, one in told], homes, sent)


_COLUMNS = ("id", "severity", "type", "product", "source", "state", "opened_at", "closed_at", "due_at", "crew")


def _report_ticket(
    row: Any, watched: WatchedTicket, happenings: Sequence[Happening], homes: Mapping[str, str], sent: Mapping[str, str]
) -> ReportTicket:
    done: list[datetime] = []
    cancelled: list[datetime] = []
    reopened: list[datetime] = []
    scores: list[tuple[datetime, int]] = []
    first: Happening | None = None
    busy: set[str] = set()
    arrived = ""
    waits = True
    for one in happenings:
        if one.kind == "technician_arrived":
            arrived = arrived or one.technician
            busy.add(one.technician)
        elif one.kind == "technician_finished":
            arrived = arrived or one.technician
            busy.discard(one.technician)
            first = one if first is None and not busy else first
        elif one.kind == "ticket_reopened" and not waits:
            waits = True
            reopened.append(one.at)
        if one.satisfaction is not None:
            scores.append((one.at, one.satisfaction))
        settled = one.kind == "ticket_closed" or (one.kind == "technician_finished" and not busy and one.result != "unresolved")
        if waits and (settled or one.kind == "ticket_cancelled"):
            waits = False
            (done if settled else cancelled).append(one.at)
    return ReportTicket(
        watched,
        row.region,
        homes.get(arrived, "") or sent.get(row.id, ""),
        row.product,
        None if first is None else first.at,
        # Opened again, it was not settled after all.
        None if first is None else first.result != "unresolved" and not reopened,
        tuple(reopened),
        tuple(scores),
        tuple(done),
        tuple(cancelled),
    )


# --- plans, people and kits ---


def _planned(
    session: Session, homes: Mapping[str, str], start: datetime, end: datetime, at: datetime
) -> tuple[list[PlannedSpell], list[KitOut], dict[str, str]]:
    """Drives and work by the plan that held when they began, kits out, and the station that a plan sent somebody from, by ticket.

    A plan holds from the moment that it was made for until the moment of the next one of its region: what had begun by then is not
    in the next one.
    """
    query = (
        select(tables.Plan.id, tables.Plan.region, tables.Snapshot.taken_at)
        .join(tables.Snapshot, tables.Snapshot.id == tables.Plan.snapshot_id)
        .where(tables.Plan.state.in_(("published", "superseded")), tables.Snapshot.taken_at < end, tables.Snapshot.taken_at <= at)
        .where(tables.Snapshot.taken_at >= start - LONGEST_PLAN)
        .order_by(tables.Snapshot.taken_at, tables.Plan.published_at, tables.Plan.id)
    )
    rows = session.execute(query).all()
    following: dict[str, datetime] = {}
    until: dict[int, datetime] = {}
    for row in reversed(rows):
        until[row.id] = following.get(row.region, end)
        following[row.region] = row.taken_at
    spells: list[PlannedSpell] = []
    kits: list[KitOut] = []
    sent: dict[str, str] = {}
    for row in rows:
        if until[row.id] < start:
            continue
        plan = parse_plan(session.scalars(select(tables.Plan.plan_json).where(tables.Plan.id == row.id)).one())
        spells += [spell for spell in _spells(plan) if spell.begins_at <= until[row.id]]
        for route in plan.routes:
            home = homes.get(route.technician, "")
            sent |= {stop.ticket: home for stop in route.stops}
            if route.depart <= until[row.id]:
                kits += [KitOut(home, kit, route.depart, min(route.returns, until[row.id])) for kit in route.kits]
    return spells, kits, sent


def _spells(plan: Plan) -> Iterator[PlannedSpell]:
    for route in plan.routes:
        leaves = route.depart
        for stop in route.stops:
            yield PlannedSpell(route.technician, "drive", leaves, stop.arrive, _rest_s(route.breaks, leaves, stop.arrive))
            yield PlannedSpell(route.technician, "work", stop.start, stop.finish, _rest_s(route.breaks, stop.start, stop.finish))
            leaves = stop.finish
        yield PlannedSpell(route.technician, "drive", leaves, route.returns, _rest_s(route.breaks, leaves, route.returns))


def _rest_s(breaks: Iterable[BreakTaken], begun: datetime, ended: datetime) -> float:
    return sum(max((min(one.finish, ended) - max(one.start, begun)).total_seconds(), 0.0) for one in breaks)


def _shifts(session: Session, homes: Mapping[str, str], start: datetime, end: datetime) -> Iterator[ReportShift]:
    absences: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in session.scalars(select(tables.Absence).where(tables.Absence.begins_at < end + timedelta(days=2))):
        absences[row.technician_id].append((row.begins_at, row.ends_at or end + timedelta(days=2)))
    query = select(tables.Shift).where(tables.Shift.starts_at >= start - timedelta(days=2), tables.Shift.starts_at < end)
    for shift in session.scalars(query.order_by(tables.Shift.starts_at, tables.Shift.technician_id)):
        if shift.technician_id in homes:
            away = tuple(one for one in absences[shift.technician_id] if one[0] < shift.ends_at and one[1] > shift.starts_at)
            yield ReportShift(shift.technician_id, shift.starts_at, shift.ends_at, shift.break_minutes or 0.0, away)
