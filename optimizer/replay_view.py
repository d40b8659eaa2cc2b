"""The rest of a replayed day as it looks at one moment: a case of its own, and the way back from its solution to orders."""

from __future__ import annotations

from dataclasses import dataclass, replace

from data_models.case import OutAt, Shift, Technician, Ticket
from optimizer.insertion import schedule_of_nothing
from optimizer.problem import Problem, build_problem
from optimizer.replay_world import Order, Person, Spell, World
from optimizer.schedule import schedule
from optimizer.solution import Broken, Schedule, Solution, empty_solution

TRIPS = 2
"""Trips that are planned in what is left of a shift, where a second one can pay."""

_NO_KITS: frozenset[int] = frozenset()


@dataclass(frozen=True)
class View:
    """What is known at `now`, to be planned.

    Attributes
    ----------
    problem
        The tickets that are known and not begun, people where they become free, each with what is left of their shifts.
    tickets
        Index in the whole day by index in `problem`.
    shifts
        Index of a shift in the whole day by technician and index in `problem`.
    kept
        What people were told before and can still do.
    """

    now: int
    problem: Problem
    tickets: tuple[int, ...]
    shifts: tuple[tuple[int, ...], ...]
    kept: Schedule


def look(world: World, now: int, *, unlocked: frozenset[str] = frozenset(), hour_worth: float = 0.0) -> View | None:
    """The rest of the day at `now`; None when there is nothing to plan. Sets the breaks that are due next.

    Parameters
    ----------
    unlocked
        Ids of tickets whose locks cannot be kept.
    hour_worth
        What an hour on the road costs beside the rates, because whoever drives is not free for what may yet appear.
    """
    tickets = tuple(world.known(now))
    if not tickets:
        return None
    people, shifts = zip(*(_rest_of(world, person, now) for person in world.people), strict=True) if world.people else ((), ())
    couriers = tuple(_courier(world, person) for person in world.people if _kits_on_the_way(person, now))
    case = world.case
    told = tuple(c for c in case.committed if c.ticket in {case.tickets[t].id for t in tickets})
    rest = replace(
        case,
        now=world.moment(now),
        rates=replace(case.rates, drive_per_hour=case.rates.drive_per_hour + hour_worth),
        technicians=(*people, *couriers),
        tickets=tuple(_reserved(world, case.tickets[t], now) for t in tickets),
        committed=tuple(replace(c, locked=c.locked and c.ticket not in unlocked) for c in told),
    )
    problem = build_problem(rest, trips=TRIPS)
    view = View(now, problem, tickets, (*shifts, *(() for _ in couriers)), schedule_of_nothing(problem))
    return replace(view, kept=_kept(world, view))


def orders_of(world: World, view: View, plan: Schedule) -> list[list[Order]]:
    """What everybody is told by a plan of the view: as late departures as cost nothing."""
    problem, tables = view.problem, view.problem.tables
    orders: list[list[Order]] = [[] for _ in world.people]
    home_rests: list[tuple[Spell, ...]] = [() for _ in world.people]
    for duty, timed in enumerate(plan.timed):
        route = plan.solution.routes[duty]
        if timed is None or not route:
            continue
        who = tables.technician[duty]
        held = tables.held[duty]
        shift = view.shifts[who][int(problem.duty_shift[duty])]
        kits = tuple(sorted(name for k in plan.solution.kits[duty] for name in problem.kit_bundles[k]))
        opens = (shift, kits) if held is None else None
        at, free = tables.origin[duty], timed.depart
        for ticket, start in zip(route, timed.starts, strict=True):
            here = tables.location[ticket]
            rests = tuple((view.now + a, view.now + b) for a, b in timed.breaks if free <= a < start)
            begin = free if rests else start - tables.travel[at][here]
            orders[who].append(Order(view.tickets[ticket], view.now + begin, rests, opens, home_rests[who] if opens else ()))
            at, free, opens = here, start + tables.service[ticket], None
        home_rests[who] = tuple((view.now + a, view.now + b) for a, b in timed.breaks if a >= free)
    return orders


def _kept(world: World, view: View) -> Schedule:
    """The orders that people have, as far as they can still be carried out."""
    problem = view.problem
    number = {t: i for i, t in enumerate(view.tickets)}
    kit = {name: k for k, names in enumerate(problem.kit_bundles) for name in names}
    routes: list[tuple[int, ...]] = [()] * problem.n_duties
    kits: list[frozenset[int]] = [frozenset()] * problem.n_duties
    duties_of: dict[int, list[int]] = {}
    for duty, who in enumerate(problem.tables.technician):
        duties_of.setdefault(who, []).append(duty)
    for who, person in enumerate(world.people):
        mine = duties_of.get(who, [])
        for shift, taken, trip in _trips(person):
            duties = [d for d in mine if view.shifts[who][int(problem.duty_shift[d])] == shift]
            fit = [d for d in duties if (problem.tables.held[d] is not None) == (taken is None) and not routes[d]]
            if not fit:
                break
            routes[fit[0]] = tuple(number[order.ticket] for order in trip if order.ticket in number)
            kits[fit[0]] = frozenset(kit[name] for name in taken or () if name in kit)
            mine = [d for d in mine if d > fit[0]]
    return _feasible(problem, Solution(tuple(routes), tuple(kits), (0,) * problem.n_duties))


def _trips(person: Person) -> list[tuple[int, tuple[str, ...] | None, list[Order]]]:
    """Shift, kits (None: on the trip under way) and orders of each trip that somebody was told."""
    trips: list[tuple[int, tuple[str, ...] | None, list[Order]]] = []
    for order in person.orders:
        if order.opens is not None:
            trips.append((*order.opens, [order]))
        elif trips:
            trips[-1][2].append(order)
        else:
            trips.append((person.shift, None, [order]))
    return trips


def _feasible(problem: Problem, solution: Solution) -> Schedule:
    """The solution without the visits that do not fit any more."""
    crews = {t: sum(t in route for route in solution.routes) for route in solution.routes for t in route}
    short = {t for t, size in crews.items() if size != problem.tables.crew[t]}
    solution = _without(solution, short)
    while any(solution.routes):
        found = schedule(problem, solution)
        if isinstance(found, Schedule):
            return found
        solution = _without(solution, _culprits(problem, solution, found))
    found = schedule(problem, empty_solution(problem.n_duties))
    return found if isinstance(found, Schedule) else schedule_of_nothing(problem)


def _culprits(problem: Problem, solution: Solution, broken: Broken) -> set[int]:
    if broken.ticket >= 0 and any(broken.ticket in route for route in solution.routes):
        return {broken.ticket}
    if broken.duty >= 0 and solution.routes[broken.duty]:
        return {solution.routes[broken.duty][-1]}
    return {ticket for route in solution.routes for ticket in route}


def _without(solution: Solution, tickets: set[int]) -> Solution:
    routes = tuple(tuple(t for t in route if t not in tickets) for route in solution.routes)
    kits = tuple(taken if route else _NO_KITS for taken, route in zip(solution.kits, routes, strict=True))
    return Solution(routes, kits, solution.wait_until)


def _reserved(world: World, ticket: Ticket, now: int) -> Ticket:
    """The ticket, closed to people who were locked to something that is not opened yet: that comes first."""
    told = world.case.commitment_by_ticket.get(ticket.id)
    if told is not None and told.locked:
        return ticket
    later = {world.case.tickets[t].id for t, opened in enumerate(world.opened) if opened > now}
    waiting = [c for c in world.case.committed if c.locked and c.ticket in later]
    people = [who for c in waiting for who in c.technicians]
    return replace(ticket, banned=tuple(dict.fromkeys((*ticket.banned, *people)))) if people else ticket


def _kits_on_the_way(person: Person, now: int) -> tuple[str, ...]:
    """Kits of somebody driving home, who gives them back only then."""
    last = person.trips[-1] if person.trips and not person.away else None
    return last.kits if last is not None and last.returns > now else ()


def _courier(world: World, person: Person) -> Technician:
    """Nobody that could be sent: holds the kits of somebody driving home until they are there."""
    station = world.case.station_by_id[person.who.station]
    last = person.trips[-1]
    back = OutAt(station.lat, station.lon, world.moment(last.returns), last.kits, station.place)
    return Technician(f"\0{person.who.id}", "", station.id, {}, (), None, back)


def _rest_of(world: World, person: Person, now: int) -> tuple[Technician, tuple[int, ...]]:
    """Somebody with what is left of their shifts, and the numbers of these."""
    free = person.expected_free(now)
    who = person.who
    order = sorted(range(len(who.shifts)), key=lambda k: (who.shifts[k].start, k))
    if person.shift >= 0:
        order = order[order.index(person.shift) :]
    shifts: list[Shift] = []
    numbers: list[int] = []
    person.rest = None
    for k in order:
        shift, at = who.shifts[k], free
        if k == person.shift:
            at = _rest_first(world, person, free)
            shift = _what_is_left(world, person, at)
            free = at
        away = person.away and k == person.shift
        if not away:
            begin = max(world.second(shift.start), at)
            if begin >= world.second_down(shift.end):
                continue
            shift = replace(shift, start=world.moment(begin)) if begin > world.second(shift.start) else shift
        elif world.second_down(shift.end) <= now:
            shift = _still_open(world, shift, now)
        shifts.append(shift)
        numbers.append(k)
    start = None
    if person.away:
        lat, lon, place = world.places[person.at]
        start = OutAt(lat, lon, world.moment(free), person.trip.kits if person.trip else (), place)
    capacity = who.capacity if who.capacity is None or not person.away else max(0.0, who.capacity - person.load)
    return replace(who, shifts=tuple(shifts), start=start, capacity=capacity), tuple(numbers)


def _rest_first(world: World, person: Person, free: int) -> int:
    """When somebody is free after the breaks that fall due just then; the first of them is noted, to be taken."""
    for _, pause in world.pending_breaks(person):
        if world.second(pause.earliest) <= free and world.can_rest(person, pause, free) and person.rest is None:
            length = -int(-60 * pause.minutes // 1)
            person.rest = (free, free + length)
            return free + length
    return free


def _what_is_left(world: World, person: Person, free: int) -> Shift:
    """The shift under way with the breaks that are still to come, and until when it may last."""
    shift = person.who.shifts[person.shift]
    end, latest = world.until(person, free if person.rest is None else person.rest[0])
    to_come = [pause for _, pause in world.pending_breaks(person) if world.second(pause.earliest) > free]
    if person.shift not in person.began:
        to_come = list(shift.breaks)
    if (end, latest) != (world.second_down(shift.end), world.latest(shift)):
        shift = replace(shift, end=world.moment(end), overtime_minutes=max(0, latest - end) / 60)
    return replace(shift, breaks=tuple(to_come))


def _still_open(world: World, shift: Shift, now: int) -> Shift:
    """A shift in its overtime as one that ends in a moment: whoever is out belongs to a shift that is not over."""
    latest = max(world.latest(shift), now + 1)
    return replace(shift, end=world.moment(now + 1), overtime_minutes=(latest - now - 1) / 60)
