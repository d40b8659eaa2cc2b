"""A planned day at a later moment, by the rules of the snapshot, and what may happen then: for measuring how a plan is made again."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from data_models.case import Case, Commitment, OutAt, Station, Technician, Ticket
from data_models.plan import Plan, Route

NEW = "NEW"
"""The emergency that comes in."""


@dataclass(frozen=True)
class Leg:
    """A drive of a plan and the visit that it leads to."""

    ticket: str
    technician: str
    leaves: datetime
    arrive: datetime
    start: datetime
    finish: datetime
    route: Route


def case_at(case: Case, plan: Plan, now: datetime) -> Case:
    """The case as it stands at `now` when the plan was followed to the second; the case must not be in places of a matrix.

    Visits that have begun are gone and their people become free there; whoever drives to a visit becomes free on arrival, and the visit
    is locked, with those that one of its crew is to serve before. All others are committed.
    """
    legs = [leg for route in plan.routes for leg in _legs(route)]
    begun = {leg.ticket for leg in legs if leg.start <= now}
    ahead = {leg.ticket for leg in legs} - begun
    busy = {route.technician for route in plan.routes}
    starts = {who.id: _start(who, [leg for leg in legs if leg.technician == who.id], who.id in busy, now, case) for who in case.technicians}
    # Who drives home for another kit is free there on return: an empty trip cannot have departed before `now`.
    stations = {station.id: station for station in case.stations}
    for route in plan.routes:
        later = any(leg.technician == route.technician and leg.leaves <= now for leg in legs)
        if not route.stops and route.depart <= now and not later:
            home = stations[case.technician_by_id[route.technician].station]
            back = route.returns <= now
            starts[route.technician] = None if back else OutAt(home.lat, home.lon, route.returns, route.kits)
    people = tuple(replace(who, start=starts[who.id]) for who in case.technicians)
    crews = {ticket: tuple(sorted(leg.technician for leg in legs if leg.ticket == ticket)) for ticket in sorted(ahead)}
    locked = _locked([leg for leg in legs if leg.ticket in ahead], starts, now)
    return replace(
        case,
        name=f"{case.name} at {now:%H:%M}",
        now=now,
        stations=tuple(_with_kits(station, people) for station in case.stations),
        technicians=people,
        tickets=tuple(ticket for ticket in case.tickets if ticket.id not in begun),
        committed=tuple(Commitment(ticket, crew, ticket in locked) for ticket, crew in crews.items()),
    )


def _legs(route: Route) -> list[Leg]:
    leaving = (route.depart, *(stop.finish for stop in route.stops))
    return [
        Leg(stop.ticket, route.technician, leaves, stop.arrive, stop.start, stop.finish, route)
        for leaves, stop in zip(leaving, route.stops, strict=False)
    ]


def _still_out(who: Technician, goes_on: bool, now: datetime) -> OutAt | None:
    """Where somebody is who was out when the plan was made and has not set out yet; at home when nothing follows."""
    if who.start is None or not (goes_on or who.start.at > now):
        return None
    return replace(who.start, at=max(who.start.at, now))


def _start(who: Technician, legs: list[Leg], goes_on: bool, now: datetime, case: Case) -> OutAt | None:
    left = [leg for leg in legs if leg.leaves <= now]
    if not any(shift.end > now for shift in who.shifts):
        return None
    if not left:
        return _still_out(who, goes_on, now)
    last = max(left, key=lambda leg: (leg.leaves, leg.start))
    if last.route.returns <= now:
        return None
    ticket = case.ticket_by_id[last.ticket]
    at = max(last.arrive, now) if last.start > now else last.finish
    return OutAt(ticket.lat, ticket.lon, at, last.route.kits)


def _locked(legs: list[Leg], starts: dict[str, OutAt | None], now: datetime) -> set[str]:
    """The visits that somebody drives to, and those of the same people before them; none of people who must fetch other kits first."""
    bound = set()
    for who, start in starts.items():
        following = min((leg for leg in legs if leg.technician == who), key=lambda leg: leg.start, default=None)
        if start is not None and following is not None and not set(following.route.kits) <= set(start.kits):
            bound.add(who)
    free = {leg.ticket for leg in legs} - {leg.ticket for leg in legs if leg.technician in bound}
    found, locked = {leg.ticket for leg in legs if leg.leaves <= now} & free, set[str]()
    while found:
        locked |= found
        reached = [leg for leg in legs if leg.ticket in found]
        sooner = {o.ticket for leg in reached for o in legs if o.technician == leg.technician and o.start < leg.start}
        found = (sooner & free) - locked
    return locked


def _with_kits(station: Station, people: tuple[Technician, ...]) -> Station:
    held = Counter(kit for who in people if who.station == station.id and who.start for kit in who.start.kits)
    return replace(station, kits=dict(station.kits) | {kit: max(count, station.kits.get(kit, 0)) for kit, count in held.items()})


def happenings(case: Case, plan: Plan, moment: Case, seed: int) -> dict[str, tuple[Case, frozenset[str]]]:
    """One case for each kind of event at a moment, and the tickets that it touches itself: those may change without being a disturbance."""
    dice = random.Random(seed)
    ahead = {item.ticket: item for item in moment.committed}
    waiting: dict[str, list[str]] = {}
    for item in moment.committed:
        for who in item.technicians:
            waiting.setdefault(who, []).append(item.ticket)
    legs = [leg for route in plan.routes for leg in _legs(route)]
    at_work = sorted({leg.technician for leg in legs if leg.start <= moment.now < leg.finish and waiting.get(leg.technician)})
    sick = dice.choice(sorted(who for who, tickets in waiting.items() if len(tickets) > 1))
    late = dice.choice(at_work)
    cancelled = dice.choice(sorted(ticket for ticket, item in ahead.items() if not item.locked))
    site = dice.choice([ticket for ticket in case.tickets if ticket.severity == "emergency"])
    return {
        "emergency": (with_emergency(moment, site), frozenset({NEW})),
        "sick": (with_sick(moment, sick), frozenset(waiting[sick])),
        "cancelled": (without_ticket(moment, cancelled), frozenset({cancelled})),
        "overrun": (with_overrun(moment, late, 60), frozenset(waiting[late])),
    }


def with_emergency(case: Case, like: Ticket) -> Case:
    """One more emergency at the site of another, with the same needs for one person, promised in two hours."""
    made = replace(like, id=NEW, opened_at=case.now, due=case.now + timedelta(hours=2), crew=1)
    return replace(case, tickets=(*case.tickets, made))


def with_sick(case: Case, technician: str) -> Case:
    """Somebody works no more today; nothing stays locked to them."""
    people = tuple(replace(who, shifts=()) if who.id == technician else who for who in case.technicians)
    kept = tuple(replace(item, locked=item.locked and technician not in item.technicians) for item in case.committed)
    return replace(case, technicians=people, committed=kept)


def without_ticket(case: Case, ticket: str) -> Case:
    """A ticket is cancelled."""
    return replace(
        case,
        tickets=tuple(item for item in case.tickets if item.id != ticket),
        committed=tuple(item for item in case.committed if item.ticket != ticket),
    )


def with_overrun(case: Case, technician: str, minutes: float) -> Case:
    """Somebody becomes free later than planned."""
    return replace(
        case,
        technicians=tuple(
            replace(who, start=replace(who.start, at=who.start.at + timedelta(minutes=minutes)))
            if who.id == technician and who.start is not None
            else who
            for who in case.technicians
        ),
    )
