"""A plan as trips in indices and seconds, with what each of them has to wait for: the ground on which days are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_models.errors import BadInput
from data_models.plan import Plan, Route
from optimizer.problem import Problem

FORGIVEN_S = 1
"""Plan files may be a second off, as the judges allow."""


@dataclass(frozen=True)
class PlannedTrip:
    """One route of a plan.

    Attributes
    ----------
    origin, home
        Locations.
    end
        From when on overtime counts.
    last
        Whether the technician makes no further trip in this shift, so that the return decides on overtime.
    route, starts
        Tickets in order, and when the plan starts them.
    rests
        Breaks of the spell before each visit and of the one before the return: (earliest begin, length) each.
    after
        Trips that must be back before this one departs: the technician's previous one, and those that bring a kit back.
    """

    technician: int
    shift: int
    origin: int
    home: int
    end: int
    last: bool
    depart: int
    route: tuple[int, ...]
    starts: tuple[int, ...]
    rests: tuple[tuple[tuple[int, int], ...], ...]
    after: tuple[int, ...]


def planned_trips(problem: Problem, plan: Plan) -> tuple[PlannedTrip, ...]:
    """The trips of a plan, by departure. A shift may hold several.

    Raises
    ------
    BadInput
        The plan names a technician, shift or ticket that the problem has not got.
    """
    routes = sorted(plan.routes, key=lambda route: (route.depart, route.technician))
    duties = _duties_of(problem, routes)
    first = {duty: number for number, duty in reversed(list(enumerate(duties)))}
    last = {duty: number for number, duty in enumerate(duties)}
    after = _waits(problem, routes, duties, first)
    ticket_of = {name: ticket for ticket, name in enumerate(problem.ticket_ids)}
    tables = problem.tables
    return tuple(
        PlannedTrip(
            technician=tables.technician[duty],
            shift=route.shift,
            origin=tables.origin[duty] if first[duty] == number else tables.home[duty],
            home=tables.home[duty],
            end=tables.end[duty],
            last=last[duty] == number,
            depart=problem.second(route.depart),
            route=tuple(ticket_of[stop.ticket] for stop in route.stops),
            starts=tuple(problem.second(stop.start) for stop in route.stops),
            rests=_rests(problem, duty, route),
            after=after[number],
        )
        for number, (route, duty) in enumerate(zip(routes, duties, strict=True))
    )


def _duties_of(problem: Problem, routes: Sequence[Route]) -> list[int]:
    """The duty of each route; of a shift with several trips the first one stands for all. Raises `BadInput`."""
    duty_of: dict[tuple[str, int], int] = {}
    for duty, (technician, shift) in enumerate(zip(problem.duty_technician.tolist(), problem.duty_shift.tolist(), strict=True)):
        duty_of.setdefault((problem.technician_ids[technician], shift), duty)
    known = set(problem.ticket_ids)
    for route in routes:
        unknown = [stop.ticket for stop in route.stops if stop.ticket not in known]
        if unknown or (route.technician, route.shift) not in duty_of:
            what = f"visits unknown tickets {unknown}" if unknown else "is unknown or over"
            raise BadInput(f"Route of technician {route.technician} in shift {route.shift} {what}: it cannot be followed")
    return [duty_of[route.technician, route.shift] for route in routes]


def _waits(problem: Problem, routes: Sequence[Route], duties: Sequence[int], first: dict[int, int]) -> list[tuple[int, ...]]:
    """The trips that each trip waits for, by number."""
    after: list[list[int]] = []
    previous: dict[str, int] = {}
    for number, route in enumerate(routes):
        after.append([previous[route.technician]] if route.technician in previous else [])
        previous[route.technician] = number
    for number, earlier in _kit_chains(problem, routes, duties, first):
        if earlier not in after[number]:
            after[number].append(earlier)
    return [tuple(earlier) for earlier in after]


def _kit_chains(problem: Problem, routes: Sequence[Route], duties: Sequence[int], first: dict[int, int]) -> list[tuple[int, int]]:
    """Which trip takes a kit that which earlier trip brings back; each takes the piece that has lain at the station for longest."""
    tables = problem.tables
    back = [problem.second(route.returns) for route in routes]
    kit_of = {name: kit for kit, name in enumerate(problem.kit_names)}
    pieces: dict[tuple[int, int], list[tuple[int, int]]] = {}  # when a piece is back, and the trip that brings it (-1: none)
    for station, owned in enumerate(problem.stock.tolist()):
        for kit, count in enumerate(owned):
            pieces[station, kit] = [(-1, -1)] * count
    outside = zip(problem.lent_station.tolist(), problem.lent_kit.tolist(), problem.lent_until.tolist(), strict=True)
    lent = [(station, kit, until, -1) for station, kit, until in outside]
    for duty, held in enumerate(tables.held):
        trip = first.get(duty, -1)
        lent += [(tables.station[duty], kit, back[trip] if trip >= 0 else tables.idle_until[duty], trip) for kit in held or ()]
    for station, kit, until, trip in lent:
        shelf = pieces.setdefault((station, kit), [])
        if shelf:
            shelf.pop(0)
        shelf.append((until, trip))
    chains: list[tuple[int, int]] = []
    for number, (route, duty) in enumerate(zip(routes, duties, strict=True)):
        if tables.held[duty] is not None and first[duty] == number:
            continue
        depart = problem.second(route.depart)
        for kit in sorted(kit_of[name] for name in set(route.kits) if name in kit_of):
            shelf = pieces[tables.station[duty], kit]
            there = min((piece for piece in shelf if piece[0] <= depart + FORGIVEN_S), default=None)
            if there is None:
                continue  # more are out than the station owns, which the judges tell
            shelf.remove(there)
            shelf.append((back[number], number))
            if there[1] >= 0:
                chains.append((number, there[1]))
    return chains


def _rests(problem: Problem, duty: int, route: Route) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The breaks of each spell of a route, in their order."""
    finishes = [problem.second(stop.finish) for stop in route.stops]
    spells: list[list[tuple[int, int]]] = [[] for _ in range(len(route.stops) + 1)]
    untaken = list(problem.tables.breaks[duty])
    for pause in sorted(route.breaks, key=lambda pause: pause.start):
        begin, end = problem.second(pause.start), problem.second(pause.finish)
        known = next((b for b in untaken if b[0] <= begin + FORGIVEN_S and begin <= b[1] + FORGIVEN_S), None)
        if known is not None:
            untaken.remove(known)
        spell = sum(finish <= begin + FORGIVEN_S for finish in finishes)
        spells[spell].append((known[0] if known else begin, end - begin))
    return tuple(tuple(spell) for spell in spells)
