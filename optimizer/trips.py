"""A plan laid over its case, leg by leg: the common ground of the two judges, `check` and `score`.

Times are seconds since the epoch, drives are looked up in the case and never taken from the plan. What the plan says
is neither trusted nor corrected here; routes and stops that name something unknown are set aside for `check`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from data_models.case import Case, GreatCircle, OutAt, Shift, Station, Technician, Ticket, TravelMatrix, current_shift, great_circle_km
from data_models.plan import Plan, Route


class Located(Protocol):
    """Anything that has a position: a station, a ticket, someone already out."""

    @property
    def lat(self) -> float:
        """Latitude in degrees, WGS-84."""

    @property
    def lon(self) -> float:
        """Longitude in degrees, WGS-84."""

    @property
    def place(self) -> int | None:
        """Row and column in the travel matrix, where there is one."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One drive; both numbers are infinite where no road leads."""

    seconds: float
    km: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop of a trip: the leg that leads to it, when the technician was free to set out, and the times of the plan."""

    ticket: Ticket
    leg: Leg
    free: float
    arrive: float
    start: float
    finish: float


@dataclass(frozen=True)
class Trip:
    """One route of the plan. `out` is where it begins when its technician is already on the road; `kits` is what is truly carried."""

    route: Route
    out: OutAt | None
    kits: frozenset[str]
    depart: float
    visits: tuple[Visit, ...]
    unknown: tuple[str, ...]
    home: Leg
    returns: float

    @property
    def last_finish(self) -> float:
        """When the way home can begin."""
        return self.visits[-1].finish if self.visits else self.depart


@dataclass(frozen=True)
class Duty:
    """All trips of one technician in one shift, in the order of their departures; there is at least one."""

    technician: Technician
    index: int
    shift: Shift
    trips: tuple[Trip, ...]

    @cached_property
    def end(self) -> float:
        """When the shift ends, overtime not counted."""
        return self.shift.end.timestamp()

    @property
    def returns(self) -> float:
        """When the last trip is back."""
        return self.trips[-1].returns

    @property
    def visits(self) -> Iterator[Visit]:
        """The visits of all trips, in order."""
        for trip in self.trips:
            yield from trip.visits


def drive(travel: GreatCircle | TravelMatrix, origin: Located, destination: Located) -> Leg:
    """The leg from `origin` to `destination` as the case states it.

    A great-circle drive is rounded up to whole seconds, so that nobody is promised sooner than the road allows.
    """
    if isinstance(travel, TravelMatrix):
        row, column = _place(origin), _place(destination)
        return Leg(travel.seconds[row][column], travel.metres[row][column] / 1000)
    if origin.lat == destination.lat and origin.lon == destination.lon:
        return Leg(0.0, 0.0)
    km = great_circle_km(origin.lat, origin.lon, destination.lat, destination.lon) * travel.detour
    return Leg(float(math.ceil(km / travel.speed_kmh * 3600)), km)


def duties(case: Case, plan: Plan) -> tuple[Duty, ...]:
    """What each technician does in each shift, for all routes of the plan that `strays` does not list."""
    routes: dict[tuple[str, int], list[Route]] = defaultdict(list)
    for route in plan.routes:
        if _known(case, route):
            routes[route.technician, route.shift].append(route)
    return tuple(_duty(case, case.technician_by_id[who], index, mine) for (who, index), mine in routes.items())


def strays(case: Case, plan: Plan) -> tuple[Route, ...]:
    """Routes of a technician, or in a shift, that the case does not have."""
    return tuple(route for route in plan.routes if not _known(case, route))


def _known(case: Case, route: Route) -> bool:
    technician = case.technician_by_id.get(route.technician)
    return technician is not None and 0 <= route.shift < len(technician.shifts)


def _duty(case: Case, technician: Technician, index: int, routes: list[Route]) -> Duty:
    home = case.station_by_id[technician.station]
    is_current = technician.start is not None and index == current_shift(technician, case.now)
    routes = sorted(routes, key=lambda route: route.depart)
    trips = [_trip(case, route, home, technician.start if is_current and number == 0 else None) for number, route in enumerate(routes)]
    return Duty(technician, index, technician.shifts[index], tuple(trips))


def _trip(case: Case, route: Route, home: Station, out: OutAt | None) -> Trip:
    origin: Located = home if out is None else out
    depart = route.depart.timestamp()
    free = depart
    visits: list[Visit] = []
    for stop in route.stops:
        ticket = case.ticket_by_id.get(stop.ticket)
        if ticket is None:
            continue
        times = (stop.arrive.timestamp(), stop.start.timestamp(), stop.finish.timestamp())
        visits.append(Visit(ticket, drive(case.travel, origin, ticket), free, *times))
        origin, free = ticket, times[-1]
    return Trip(
        route=route,
        out=out,
        kits=frozenset(route.kits if out is None else out.kits),
        depart=depart,
        visits=tuple(visits),
        unknown=tuple(stop.ticket for stop in route.stops if stop.ticket not in case.ticket_by_id),
        home=drive(case.travel, origin, home),
        returns=route.returns.timestamp(),
    )


def _place(thing: Located) -> int:
    if thing.place is None:
        raise ValueError("a case with a travel matrix was not validated: something has no place")
    return thing.place
