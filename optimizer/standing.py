"""A plan as it stands in the middle of the day: what of it can still be carried out, and how sure single visits of it are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from data_models.case import Case
from data_models.plan import Plan
from optimizer.chance import SAMPLES, sample
from optimizer.chance_draws import Spread
from optimizer.problem import Problem, build_problem, from_plan
from optimizer.schedule import carried, crew_duties, schedule, synchronise, trips_of_shift, used_duties
from optimizer.solution import Broken, Schedule, Solution


@dataclass(frozen=True)
class Standing:
    """What of a plan can be carried out: the problem, its schedule, and the tickets that had to be given up, in that order.

    A ticket that was given up is not in the problem any longer, except for the one that was asked for.
    """

    problem: Problem
    schedule: Schedule
    given_up: tuple[str, ...] = ()


def standing(case: Case, plan: Plan, asked: str, *, trips: int) -> Standing:
    """A plan with what no longer fits taken out of it: visits that somebody cannot make any more, one by one, the last of a route first.

    Parameters
    ----------
    case, plan
        The case as it is now, and what is left of the plan: its routes name people, shifts and tickets of the case.
    asked
        Id of a ticket that stays in the case, planned or not.
    trips
        As `build_problem`.
    """
    given_up: list[str] = []
    while True:
        problem = build_problem(case, trips=trips, plan=plan)
        found = _timed(problem, from_plan(problem, plan), plan)
        if isinstance(found, Schedule):
            return Standing(problem, found, tuple(given_up))
        ticket = _last_of(problem, plan, found)
        given_up.append(ticket)
        plan = without(plan, ticket)
        case = replace(
            case,
            tickets=tuple(each for each in case.tickets if each.id != ticket or ticket == asked),
            committed=tuple(each for each in case.committed if each.ticket != ticket),
        )


def without(plan: Plan, ticket: str) -> Plan:
    """The plan with a ticket taken out of its routes; a route that loses its last visit stays, as a way home."""
    routes = (replace(route, stops=tuple(stop for stop in route.stops if stop.ticket != ticket)) for route in plan.routes)
    kept = tuple(new for new, old in zip(routes, plan.routes, strict=True) if new.stops or not old.stops)
    return replace(plan, routes=kept)


def _timed(problem: Problem, solution: Solution, plan: Plan) -> Schedule | Broken:
    """The schedule; nobody waits at the station for longer than kits make them, as long as nobody then starts later than planned."""
    told = {stop.ticket: problem.second(stop.start) for route in plan.routes for stop in route.stops}
    free = schedule(problem, replace(solution, wait_until=(0,) * problem.n_duties))
    if isinstance(free, Schedule) and all(
        start <= told[problem.ticket_ids[ticket]]
        for duty, timed in enumerate(free.timed)
        if timed is not None
        for ticket, start in zip(free.solution.routes[duty], timed.starts, strict=True)
    ):
        return free
    held = schedule(problem, solution)
    return free if isinstance(held, Broken) else held


def _last_of(problem: Problem, plan: Plan, broken: Broken) -> str:
    if broken.ticket >= 0:
        return problem.ticket_ids[broken.ticket]
    duty = broken.duty
    who = problem.technician_ids[problem.tables.technician[duty]] if duty >= 0 else None
    shift = int(problem.duty_shift[duty]) if duty >= 0 else None
    stops = [
        (stop.start, stop.ticket)
        for route in plan.routes
        if who is None or (route.technician, route.shift) == (who, shift)
        for stop in route.stops
    ]
    return max(stops or [(stop.start, stop.ticket) for route in plan.routes for stop in route.stops])[1]


def chances_in_time(
    problem: Problem, solution: Solution, duties: Collection[int], spread: Spread, *, samples: int = SAMPLES, seed: int = 1
) -> Mapping[int, float]:
    """The chance to be in time of each ticket that these duties serve, those linked to them followed along.

    Exactly what `chance.chances` says of the whole plan, in the time that its part takes: days are drawn by people and tickets.

    Returns
    -------
    mapping
        Ticket to chance; empty when the part cannot be carried out.
    """
    tables = problem.tables
    part = linked_duties(problem, solution, duties)
    routes = tuple(route if duty in part else () for duty, route in enumerate(solution.routes))
    used = [duty for duty in used_duties(tables, routes) if duty in part]
    timed = synchronise(tables, routes, solution.wait_until, used, crew_duties(tables, routes))
    if isinstance(timed, Broken):
        return {}
    kits = tuple(taken if duty in part else frozenset() for duty, taken in enumerate(solution.kits))
    plan = Schedule(Solution(routes, kits, solution.wait_until), tuple(timed.get(duty) for duty in range(problem.n_duties)), 0.0)
    starts = sample(problem, plan, spread, samples=samples, seed=seed).start_s
    return {ticket: float(np.count_nonzero(starts[ticket] <= tables.due[ticket])) / samples for route in routes for ticket in route}


def linked_duties(problem: Problem, solution: Solution, duties: Collection[int]) -> set[int]:
    """The duties and all that can delay them: other trips of the same shift, crews that meet, kits that go from hand to hand."""
    tables = problem.tables
    crews = crew_duties(tables, solution.routes)
    users: dict[tuple[int, int], list[int]] = {}
    for duty, route in enumerate(solution.routes):
        if route or tables.held[duty] is not None:
            for kit in carried(tables, duty, solution.kits[duty]):
                users.setdefault((tables.station[duty], kit), []).append(duty)
    found: set[int] = set()
    waiting = list(duties)
    while waiting:
        duty = waiting.pop()
        if duty in found:
            continue
        found.add(duty)
        waiting += trips_of_shift(tables, duty)
        waiting += [other for other in (tables.before[duty], tables.after[duty]) if other >= 0]
        for ticket in solution.routes[duty]:
            waiting += crews[ticket]
        for kit in carried(tables, duty, solution.kits[duty]):
            waiting += users.get((tables.station[duty], kit), ())
    return found


def only_for(problem: Problem, before: Schedule, after: Schedule, ticket: int) -> Schedule:
    """Of a plan that a search has changed, only what goes together with serving a ticket; everything else stays as it was.

    Changed duties go together when a ticket went from one to the other, or a crew has people in both. Where the rest alone breaks a
    rule, as when a kit was freed elsewhere, the whole change is given.
    """
    was, will = before.solution, after.solution
    changed = [duty for duty in range(problem.n_duties) if was.routes[duty] != will.routes[duty]]
    sharing: dict[int, set[int]] = {}
    for duty in changed:
        for each in {*was.routes[duty], *will.routes[duty]}:
            sharing.setdefault(each, set()).add(duty)
    found: set[int] = set()
    waiting = [duty for duty in changed if ticket in will.routes[duty]]
    while waiting:
        duty = waiting.pop()
        if duty not in found:
            found.add(duty)
            for each in {*was.routes[duty], *will.routes[duty]}:
                waiting += sharing[each]
    chosen = [will if duty in found else was for duty in range(problem.n_duties)]
    small = schedule(
        problem,
        Solution(
            tuple(source.routes[duty] for duty, source in enumerate(chosen)),
            tuple(source.kits[duty] for duty, source in enumerate(chosen)),
            tuple(source.wait_until[duty] for duty, source in enumerate(chosen)),
        ),
    )
    if isinstance(small, Broken) or small.cost >= before.cost:
        return after
    return small
