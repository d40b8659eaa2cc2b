"""Times of a plan that people edit: what was put off on purpose stays so, and what cannot be is timed all the same, to be named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from data_models.plan import Plan
from optimizer.check import Rule, Violation
from optimizer.edited_routes import let_go
from optimizer.edited_rules import by_hand
from optimizer.explanation import Value
from optimizer.problem import UNREACHABLE, Problem
from optimizer.replanning import alike
from optimizer.schedule import cost_of, crew_duties, schedule, synchronise, used_duties
from optimizer.solution import Broken, Schedule, Solution, TimedRoute
from optimizer.tables import Tables

_NEVER = 4 * 10**8
"""Seconds, some twelve years: later than anything is planned, and a moment that a calendar still holds."""


def held_starts(problem: Problem, plan: Plan, solution: Solution, but: Collection[int] = ()) -> dict[int, int]:
    """Visits that wait in a plan although nothing makes them wait: whoever made it had a reason, such as a time that was told.

    Parameters
    ----------
    solution
        The plan's decisions.
    but
        Tickets that are not held, whatever the plan says.

    Returns
    -------
    dict
        Ticket to the start of work in the plan, in seconds since the epoch; empty when the solution has no times by the rules.
    """
    sharing = _sharing(problem, solution)
    free = schedule(problem, let_go(solution, [d for d in range(problem.n_duties) if d not in sharing]))
    free = schedule(problem, solution) if isinstance(free, Broken) else free
    if isinstance(free, Broken):
        return {}
    index = {name: t for t, name in enumerate(problem.ticket_ids)}
    told = {index[stop.ticket]: problem.second(stop.start) for route in plan.routes for stop in route.stops if stop.ticket in index}
    # Of a crew whoever comes last decides: it is held when it waits for none of them.
    ready: dict[int, int] = {}
    for duty, timed in enumerate(free.timed):
        if timed is not None:
            for t, moment in _ready(problem.tables, duty, solution.routes[duty], timed, told):
                ready[t] = max(moment, ready.get(t, 0))
            # Whoever shares a kit with others may wait for it: `solution` says until when.
            for t in solution.routes[duty][:1] if duty in sharing else ():
                ready[t] = max(ready[t], told[t])
    return {t: told[t] for t, moment in ready.items() if told[t] > moment and t not in but}


def _sharing(problem: Problem, solution: Solution) -> set[int]:
    """Duties that take a kit of which their station owns fewer than are taken through the day."""
    takers: dict[tuple[int, int], list[int]] = {}
    for duty, route in enumerate(solution.routes):
        for kit in solution.kits[duty] if route else ():
            takers.setdefault((problem.tables.station[duty], kit), []).append(duty)
    return {duty for (station, kit), duties in takers.items() if len(duties) > problem.stock[station, kit] for duty in duties}


def _ready(tables: Tables, duty: int, route: Sequence[int], free: TimedRoute, told: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """When one of a crew could begin each visit, given when the plan ends the one before; with breaks, or as the first, by `free`."""
    at, clock = tables.origin[duty], -1
    for t, soonest in zip(route, free.starts, strict=True):
        here = tables.location[t]
        arrives = clock + tables.travel[at][here]
        if clock < 0 or free.breaks:
            yield t, soonest
        else:
            yield t, next((max(arrives, opens) for opens, closes in tables.windows[t] if arrives <= closes), arrives)
        at, clock = here, told[t] + tables.service[t]


def holding(problem: Problem, held: Mapping[int, int]) -> Problem:
    """The problem in which these visits begin no sooner than that, where their windows allow it."""
    if not held:
        return problem
    windows = [
        [(max(opens, held.get(t, opens)), closes) for opens, closes in spells if closes >= held.get(t, opens)] or spells
        for t, spells in enumerate(problem.tables.windows)
    ]
    flat = [window for spells in windows for window in spells]
    other = alike(
        problem,
        window_ptr=np.cumsum([0, *map(len, windows)], dtype=np.int64),
        window_start=np.array([opens for opens, _ in flat], np.int64),
        window_end=np.array([closes for _, closes in flat], np.int64),
    )
    other.__dict__["tables"] = replace(problem.tables, windows=windows)
    return other


def as_it_would_be(problem: Problem, solution: Solution) -> Schedule | Broken:
    """The times of a solution that breaks rules, as if shifts, windows and in the worst case breaks set no limit; kits do not wait.

    `Broken` where not even that has times: crews that wait for each other, or no road.
    """
    tables = problem.tables
    no_road = _no_road(problem, solution)
    if no_road is not None:
        return no_road
    crews, used = crew_duties(tables, solution.routes), used_duties(tables, solution.routes)
    loose = _loose(problem)
    found = synchronise(loose, solution.routes, solution.wait_until, used, crews)
    if isinstance(found, Broken):
        found = synchronise(replace(loose, breaks=[[]] * problem.n_duties), solution.routes, solution.wait_until, used, crews)
    if isinstance(found, Broken):
        return found
    timed = tuple(found.get(d) for d in range(problem.n_duties))
    return Schedule(solution, timed, cost_of(tables, crews, timed))


def named(problem: Problem, solution: Solution, broken: Broken, loose: Schedule | None) -> Violation:
    """A rule that the schedule found broken and the judge, who forgives a second, did not; in words."""
    who, shown, now = _who(problem, broken.duty), _moments(problem), problem.case.now
    for duty, timed in enumerate(loose.timed) if loose is not None else ():
        if timed is None:
            continue
        if timed.returns > problem.tables.latest[duty]:
            latest, name = problem.tables.latest[duty], _who(problem, duty)
            values: dict[str, Value] = {"technician": name or "", "back_time": shown(timed.returns), "end_time": shown(latest)}
            return by_hand(now, "shift", "rule_shift", values, timed.returns - latest)
        for t, start in zip(solution.routes[duty], timed.starts, strict=True):
            closes = max((end for _, end in problem.tables.windows[t]), default=-1)
            if start > closes:
                access = tuple(f"{shown(opens)}/{shown(end)}" for opens, end in problem.tables.windows[t])
                values = {"ticket": problem.ticket_ids[t], "start_time": shown(start), "access_spans": access}
                return by_hand(now, "window", "rule_window", values, start - closes)
    reason = broken.reason if who is None else broken.reason.replace(f"duty {broken.duty}", who)
    values = {"reason": reason}
    if broken.ticket >= 0:
        values["ticket"] = problem.ticket_ids[broken.ticket]
    if who is not None:
        values["technician"] = who
    rule: Rule = "crew" if "crews" in reason else "kit" if "kit" in reason.lower() else "travel"
    return by_hand(now, rule, "hand_no_times", values)


def _loose(problem: Problem) -> Tables:
    """The tables with no limit on when work begins last and people return."""
    windows = [
        [*spells, (spells[-1][1] + 1, UNREACHABLE)] if spells else [(_opens(problem, t), UNREACHABLE)]
        for t, spells in enumerate(problem.tables.windows)
    ]
    return replace(problem.tables, latest=[UNREACHABLE] * problem.n_duties, windows=windows)


def _opens(problem: Problem, ticket: int) -> int:
    """When work may begin, whatever the windows."""
    facts = problem.case.tickets[ticket]
    return max(0, *(1 + problem.second(m) for m in (facts.opened_at, facts.not_before) if m is not None))


def _no_road(problem: Problem, solution: Solution) -> Broken | None:
    tables = problem.tables
    for duty, route in enumerate(solution.routes):
        at = tables.origin[duty]
        for place, ticket in [*((tables.location[t], t) for t in route), (tables.home[duty], -1)] if route else ():
            if tables.travel[at][place] >= _NEVER:
                where = f"to {problem.ticket_ids[ticket]}" if ticket >= 0 else f"home from {problem.ticket_ids[route[-1]]}"
                return Broken(f"No road leads duty {duty} {where}", duty, ticket if ticket >= 0 else route[-1])
            at = place
    return None


def _who(problem: Problem, duty: int) -> str | None:
    return problem.technician_ids[problem.tables.technician[duty]] if duty >= 0 else None


def _moments(problem: Problem) -> Callable[[int], str]:
    """Seconds of the problem as the ISO 8601 texts that sentences take."""
    return lambda second: problem.moment(min(second, _NEVER)).isoformat()
