"""Kits that one technician brings back and another takes: what ties routes together that share no visit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from data_models.case import Case
from data_models.plan import Plan, Route

_AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Handover:
    """A kit that its taker could not have without its giver: no other of its kind is at their station when the taker sets out.

    Attributes
    ----------
    ticket
        The first visit of the taker's trip that needs the kit.
    tickets
        All visits of that trip.
    back_at
        When the giver brings it back.
    sooner
        The giver brings it back sooner than in the plan before.
    held
        Visits that the giver made with it in the plan before, until it came back.
    at_once
        The taker sets out the moment that it is back.
    """

    kit: str
    giver: str
    taker: str
    ticket: str
    tickets: frozenset[str]
    back_at: datetime
    sooner: bool
    held: frozenset[str]
    at_once: bool


def handovers(case: Case, before: Plan, after: Plan) -> tuple[Handover, ...]:
    """The handovers of a plan, by when the kit is back; `before` is the plan that it is compared with."""
    carrying: dict[tuple[str, str], list[Route]] = defaultdict(list)
    for route in after.routes:
        who = case.technician_by_id.get(route.technician)
        if who is not None:
            for kit in route.kits:
                carrying[who.station, kit].append(route)
    owned = {station.id: station.kits for station in case.stations}
    found = [
        _handover(case, before, kit, giving, taking)
        for (station, kit), routes in carrying.items()
        for giving, taking in _pairs(case, routes, owned.get(station, {}).get(kit, 0))
    ]
    return tuple(sorted(found, key=lambda each: (each.back_at, each.taker, each.kit)))


def _pairs(case: Case, routes: list[Route], owned: int) -> Iterator[tuple[Route, Route]]:
    """Of the routes that carry a kit of one station: whose return another's departure needs."""
    on_the_road = [_from_the_road(case, routes, route) for route in routes]
    for taking, begins_away in zip(routes, on_the_road, strict=True):
        if begins_away:
            continue
        at = taking.depart
        out = sum((away or route.depart <= at) and at < route.returns for route, away in zip(routes, on_the_road, strict=True)) - 1
        back = (route for route in routes if route is not taking and route.returns <= at)
        last = max(back, key=lambda route: route.returns, default=None)
        # With the giver still away, one more would be out than the station owns.
        if last is not None and last.technician != taking.technician and out + 2 > owned:
            yield last, taking


def _from_the_road(case: Case, routes: list[Route], route: Route) -> bool:
    """Whether a route begins where its technician is, with what they hold already: nobody else can have that."""
    start = case.technician_by_id[route.technician].start
    first = min(each.depart for each in routes if each.technician == route.technician)
    return start is not None and route.depart == first and bool(set(route.kits) & set(start.kits))


def _handover(case: Case, before: Plan, kit: str, giving: Route, taking: Route) -> Handover:
    trips = [route for route in before.routes if route.technician == giving.technician and kit in route.kits and route.returns > case.now]
    was = min(trips, key=lambda route: route.returns, default=None)
    needs = (stop.ticket for stop in taking.stops if (known := case.ticket_by_id.get(stop.ticket)) is not None and kit in known.kits)
    return Handover(
        kit,
        giving.technician,
        taking.technician,
        next(needs, taking.stops[0].ticket if taking.stops else ""),
        frozenset(stop.ticket for stop in taking.stops),
        giving.returns,
        was is not None and giving.returns < was.returns,
        frozenset(stop.ticket for stop in was.stops) if was is not None else frozenset(),
        taking.depart - giving.returns < _AT_ONCE,
    )
