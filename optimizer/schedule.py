"""From sequences to times: when everybody departs, starts, rests and returns, and what the day then costs.

All costs grow with time (lateness, overtime), so every visit starts as early as its route, its windows and its crew allow;
only the departure is put off, as far as the first visit's start permits. Two exceptions: a departure waits for a kit that is
still out, and one that waits until a break is over needs no break.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from optimizer.problem import UNREACHABLE, Problem
from optimizer.solution import Broken, Schedule, Solution, TimedRoute
from optimizer.tables import Tables

Spell = tuple[int, int, int]
"""A kit out of its station: from, until, and the duty that has it (-1: somebody without a duty)."""


def schedule(problem: Problem, solution: Solution) -> Schedule | Broken:
    """The times of a solution and its cost, or the first rule that it breaks.

    When a kit is wanted while it is out, the later departure waits for the first return; the waits are in the answer's solution.
    """
    tables = problem.tables
    broken = _broken_assignment(problem, solution)
    if broken is not None:
        return broken
    crews = crew_duties(tables, solution.routes)
    wait = list(solution.wait_until)
    used = used_duties(tables, solution.routes)
    for _ in range(1 + 4 * len(used)):
        timed = synchronise(tables, solution.routes, wait, used, crews)
        if isinstance(timed, Broken):
            return timed
        conflict = _kit_conflict(problem, solution.kits, timed)
        if conflict is None:
            routes = tuple(timed.get(d) for d in range(problem.n_duties))
            return Schedule(replace(solution, wait_until=tuple(wait)), routes, cost_of(tables, crews, routes))
        duty, until, reason = conflict
        if until <= timed[duty].depart:
            return Broken(reason, duty)
        wait[duty] = until
    return Broken("Kits cannot be shared in time: every departure waits for another", -1)


def schedule_of(problem: Problem, start: Solution | None) -> Schedule | None:
    """The schedule of a solution to start from; None when none is given or it breaks a rule: the solver then begins with nothing."""
    found = schedule(problem, start) if start is not None else None
    return found if isinstance(found, Schedule) else None


def used_duties(tables: Tables, routes: Sequence[Sequence[int]]) -> list[int]:
    """Duties with visits, and the way home of people already out who go again from there."""
    used = [duty for duty, route in enumerate(routes) if route]
    first = {duty - tables.trip[duty] for duty in used}
    return sorted({*used, *(duty for duty in first if tables.held[duty] is not None)})


def crew_duties(tables: Tables, routes: Iterable[Sequence[int]]) -> dict[int, list[int]]:
    """Duties that visit each planned ticket, by ticket."""
    crews: dict[int, list[int]] = {}
    for duty, route in enumerate(routes):
        for ticket in route:
            crews.setdefault(ticket, []).append(duty)
    return crews


def synchronise(
    tables: Tables, routes: Sequence[Sequence[int]], wait: Sequence[int], duties: Iterable[int], crews: Mapping[int, Sequence[int]]
) -> dict[int, TimedRoute] | Broken:
    """Times of `duties`, whose crews start together.

    The earliest common starts are a fixpoint: whoever arrives last sets the start, which may delay other routes, and so on.
    Without a cycle the start of each crew is raised at most once per crew before it in some route; more means a deadlock.
    A start is never lowered: where a break moves to another spell on the way, a crew may start later than it could.

    Parameters
    ----------
    duties
        Used duties, closed under sharing a crew and under `before`.
    crews
        Duties by ticket, as `crew_duties` gives them.
    """
    pinned: dict[int, int] = {}
    timed: dict[int, TimedRoute] = {}
    due = deque(duties)
    queued = set(due)
    rounds = dict.fromkeys(queued, 2 + len(queued) + sum(tables.crew[t] > 1 for d in queued for t in routes[d]))
    while due:
        duty = due.popleft()
        queued.discard(duty)
        rounds[duty] -= 1
        free, earlier = free_from(tables, duty, wait, timed), earlier_trips(tables, duty, timed)
        route = propagate(tables, duty, routes[duty], free, pinned, earlier) if rounds[duty] else None
        if route is None:
            what = "is too long for its shift, windows or breaks" if rounds[duty] else "waits for crews that wait for it"
            return Broken(f"The route of duty {duty} {what}", duty)
        timed[duty] = route
        changed = list(next_duty(tables, duty, timed.keys() | queued))
        for ticket, start in zip(routes[duty], route.starts, strict=True):
            if tables.crew[ticket] > 1 and start > pinned.get(ticket, 0):
                pinned[ticket] = start
                changed += crews[ticket]
        for other in changed:
            if other != duty and other not in queued and other in timed:
                queued.add(other)
                due.append(other)
    return timed


def free_from(tables: Tables, duty: int, wait: Sequence[int], timed: Mapping[int, TimedRoute]) -> int:
    """The earliest departure of a duty: its shift, what it waits for, and the same technician's duties before it."""
    earliest = max(tables.earliest[duty], wait[duty])
    before = tables.before[duty]
    while before >= 0:
        if before in timed:
            return max(earliest, timed[before].returns)
        earliest = max(earliest, tables.idle_until[before])
        before = tables.before[before]
    return earliest


def next_duty(tables: Tables, duty: int, used: Collection[int]) -> Iterator[int]:
    """The same technician's next used duty that this one could delay, if there is one."""
    after = tables.after[duty]
    while after >= 0 and after not in used:
        after = tables.after[after]
    if after >= 0:
        yield after


def previous_duty(tables: Tables, duty: int, used: Collection[int]) -> Iterator[int]:
    """The same technician's last used duty that could delay this one, if there is one."""
    before = tables.before[duty]
    while before >= 0 and before not in used:
        before = tables.before[before]
    if before >= 0:
        yield before


def trips_of_shift(tables: Tables, duty: int) -> range:
    """The duties of a duty's shift: its first trip and those after it."""
    first = duty - tables.trip[duty]
    stop = duty + 1
    while stop < len(tables.trip) and tables.trip[stop] > 0:
        stop += 1
    return range(first, stop)


class Earlier(NamedTuple):
    """What the earlier trips of the same shift did: first departure (None: no trip yet), last return, numbers of breaks taken."""

    depart: int | None = None
    returns: int = 0
    rests: tuple[int, ...] = ()


_NO_TRIP_YET = Earlier()


def earlier_trips(tables: Tables, duty: int, timed: Mapping[int, TimedRoute]) -> Earlier:
    """The earlier trips of a duty's shift, as they are timed now."""
    if tables.trip[duty] == 0:
        return _NO_TRIP_YET
    trips = [timed[d] for d in range(duty - tables.trip[duty], duty) if d in timed]
    if not trips:
        return _NO_TRIP_YET
    return Earlier(trips[0].depart, trips[-1].returns, tuple(number for trip in trips for number in trip.rests))


def propagate(
    tables: Tables, duty: int, route: Sequence[int], free: int, pinned: Mapping[int, int], earlier: Earlier = _NO_TRIP_YET
) -> TimedRoute | None:
    """Earliest times of one route, or None when it does not fit.

    Parameters
    ----------
    free
        Earliest departure.
    pinned
        Earliest starts of tickets for crews, by ticket.
    earlier
        What the earlier trips of the same shift did: breaks and overtime are the shift's.
    """
    travel, location, service, windows = tables.travel, tables.location, tables.service, tables.windows
    at, clock, starts, arrives, cost = tables.origin[duty], free, [], [], 0.0
    for ticket in route:
        here = location[ticket]
        arrive = clock + travel[at][here]
        start = max(arrive, pinned.get(ticket, 0))
        for opens, closes in windows[ticket]:
            if start <= closes:
                start = max(start, opens)
                break
        else:
            return None
        arrives.append(arrive)
        starts.append(start)
        cost += tables.drive_cost[at][here] + lateness_cost(tables, ticket, start)
        at, clock = here, start + service[ticket]
    home = tables.home[duty]
    returns = clock + travel[at][home]
    if returns > tables.latest[duty]:
        return None
    # Leaving as late as the first start allows costs nothing, and keeps kits at hand for others.
    depart = starts[0] - travel[tables.origin[duty]][location[route[0]]] if route else free
    began = depart if earlier.depart is None else earlier.depart
    if any(began < b[0] and returns > b[3] and number not in earlier.rests for number, b in enumerate(tables.breaks[duty])):
        return _with_breaks(tables, duty, route, free, pinned, earlier)
    if route:
        arrives[0] = starts[0]
    cost += tables.drive_cost[at][home] + overtime_cost(tables, duty, returns, earlier)
    return TimedRoute(depart, tuple(arrives), tuple(starts), returns, (), cost)


def lateness_cost(tables: Tables, ticket: int, start: int) -> float:
    """What a start after `due` costs, this technician's share of it."""
    late = start - tables.due[ticket]
    return (tables.miss[ticket] + tables.late_per_s[ticket] * late) / tables.crew[ticket] if late > 0 else 0.0


def overtime_cost(tables: Tables, duty: int, returns: int, earlier: Earlier) -> float:
    """What a return after the shift's end costs, beyond what earlier trips have cost already."""
    return max(0, returns - max(tables.end[duty], earlier.returns)) * tables.overtime_per_s


class _Label(NamedTuple):
    """A way to have reached some point of a route, with `taken` the indices of the breaks taken so far."""

    clock: int
    cost: float
    depart: int
    taken: tuple[int, ...]
    arrives: tuple[int, ...]
    starts: tuple[int, ...]
    rests: tuple[tuple[int, int], ...]


class _Rest(NamedTuple):
    """Breaks taken within one spell between two visits."""

    taken: tuple[int, ...]
    rests: tuple[tuple[int, int], ...]
    length: int


def _with_breaks(
    tables: Tables, duty: int, route: Sequence[int], free: int, pinned: Mapping[int, int], earlier: Earlier
) -> TimedRoute | None:
    """The cheapest times of one route that spans a break: each break is taken in some spell, or avoided by a later departure."""
    breaks, taken = tables.breaks[duty], earlier.rests
    labels = [_Label(d, 0.0, d, taken, (), (), ()) for d in sorted({free, *(max(free, b[0]) for b in breaks)})]
    at, drive_cost = tables.origin[duty], 0.0
    for ticket in route:
        here = tables.location[ticket]
        drive = tables.travel[at][here]
        reached = [_visit(tables, ticket, drive, x, rest, pinned) for x in labels for rest in _rest_options(breaks, x)]
        labels = _undominated([x for x in reached if x is not None and not _works_through(x, breaks)], breaks)
        at, drive_cost = here, drive_cost + tables.drive_cost[at][here]
    home = tables.home[duty]
    drive, drive_cost = tables.travel[at][home], drive_cost + tables.drive_cost[at][home]
    ends: list[tuple[float, int, int, int, _Label, _Rest]] = []
    for number, x in enumerate(labels):
        for rest in _rest_options(breaks, x):
            returns = max(x.clock + drive + rest.length, rest.rests[-1][1] if rest.rests else 0)
            began = x.depart if earlier.depart is None else earlier.depart
            worked_through = any(began < b[0] and returns > b[3] for i, b in enumerate(breaks) if i not in x.taken + rest.taken)
            if returns <= tables.latest[duty] and not worked_through:
                ends.append((x.cost + overtime_cost(tables, duty, returns, earlier), returns, -x.depart, number, x, rest))
    if not ends:
        return None
    cost, returns, _, _, x, rest = min(ends, key=lambda end: end[:4])
    rested = tuple(number for number in x.taken + rest.taken if number not in taken)
    return TimedRoute(x.depart, x.arrives, x.starts, returns, x.rests + rest.rests, cost + drive_cost, rested)


def _works_through(x: _Label, breaks: Sequence[tuple[int, int, int, int]]) -> bool:
    """Whether the label's work spans a break for good: not taken, not avoided, and over before the route can come to its end."""
    return any(x.depart < opens and x.clock > span_end and i not in x.taken for i, (opens, _, _, span_end) in enumerate(breaks))


def _rest_options(breaks: Sequence[tuple[int, int, int, int]], x: _Label) -> list[_Rest]:
    """Every choice of breaks, in their order, that can still begin in the spell that starts at the label's clock."""
    options = [_Rest((), (), 0)]
    for index, (opens, closes, length, _) in enumerate(breaks):
        if index in x.taken:
            continue
        for option in tuple(options):
            begin = max(x.clock, opens, option.rests[-1][1] if option.rests else 0)
            if begin <= closes:
                options.append(_Rest((*option.taken, index), (*option.rests, (begin, begin + length)), option.length + length))
    return options


def _visit(tables: Tables, ticket: int, drive: int, x: _Label, rest: _Rest, pinned: Mapping[int, int]) -> _Label | None:
    """The label after driving to a ticket, with `rest` on the way, and serving it; None when no window is left."""
    ready = max(x.clock + drive + rest.length, rest.rests[-1][1] if rest.rests else 0)
    start = max(ready, pinned.get(ticket, 0))
    for opens, closes in tables.windows[ticket]:
        if start <= closes:
            start = max(start, opens)
            break
    else:
        return None
    arrive, depart = ready, x.depart
    if rest.rests and rest.rests[0][0] >= x.clock + drive:
        arrive = x.clock + drive  # the break is spent at the customer's, before work starts
    if not x.starts:
        depart = max(x.clock, min(start - drive - rest.length, *(begin for begin, _ in rest.rests), UNREACHABLE))
        arrive = max(arrive, depart + drive)
    cost = x.cost + lateness_cost(tables, ticket, start)
    clock = start + tables.service[ticket]
    return _Label(clock, cost, depart, x.taken + rest.taken, (*x.arrives, arrive), (*x.starts, start), x.rests + rest.rests)


def _undominated(labels: list[_Label], breaks: Sequence[tuple[int, int, int, int]]) -> list[_Label]:
    """Labels that no other beats in clock and cost with the same breaks taken or avoided."""
    kept: dict[tuple[object, ...], list[_Label]] = {}
    for x in sorted(labels, key=lambda x: (x.clock, x.cost)):
        same = kept.setdefault((frozenset(x.taken), *(x.depart < b[0] for b in breaks)), [])
        if not same or x.cost < same[-1].cost:
            same.append(x)
    return [x for same in kept.values() for x in same]


def _broken_assignment(problem: Problem, solution: Solution) -> Broken | None:
    """The first rule that who-goes-where breaks, whatever the times; None when it breaks none."""
    tables = problem.tables
    locked: list[bool] = []
    for duty, route in enumerate(solution.routes):
        if not route:  # most of them, in a replay
            locked = locked if tables.trip[duty] > 0 else []
            continue
        if sum(tables.load[t] for t in route) > tables.capacity[duty]:
            return Broken(f"The route of duty {duty} is overloaded", duty)
        locked = [*locked, *(tables.locked[t] for t in route)] if tables.trip[duty] > 0 else [tables.locked[t] for t in route]
        if locked != sorted(locked, reverse=True):
            return Broken(f"The route of duty {duty} has something before a locked ticket", duty)
        if tables.held[duty] is not None and solution.kits[duty]:
            return Broken(f"Duty {duty} is out and cannot fetch kits", duty)
    crews = crew_duties(tables, solution.routes)
    for ticket, duties in crews.items():
        reason = _broken_crew(problem, ticket, duties, solution.kits)
        if reason:
            return Broken(f"Ticket {problem.ticket_ids[ticket]}: {reason}", duties[0], ticket)
    for ticket, locked_ticket in enumerate(tables.locked):
        if locked_ticket and ticket not in crews:
            return Broken(f"Ticket {problem.ticket_ids[ticket]} is locked but not planned", -1, ticket)
    return None


def _broken_crew(problem: Problem, ticket: int, duties: Sequence[int], kits: Sequence[frozenset[int]]) -> str:
    """Why these duties cannot be the ticket's crew; empty when they can."""
    tables = problem.tables
    people = {tables.technician[d] for d in duties}
    if len(people) != len(duties) or len(people) != tables.crew[ticket]:
        return f"needs {tables.crew[ticket]} different technicians, gets {len(people)}"
    if not all(problem.allowed[ticket, w] for w in people):
        return "somebody in its crew is not allowed there"
    if any(max(problem.skill_level[w, skill] for w in people) < level for skill, level in tables.needs[ticket]):
        return "nobody in its crew has a skill that it needs"
    if tables.locked[ticket] and people != tables.promised[ticket]:
        return "is locked and must keep its crew"
    if not tables.kits[ticket] <= frozenset().union(*(carried(tables, d, kits[d]) for d in duties)):
        return "its crew lacks a kit"
    return ""


def carried(tables: Tables, duty: int, taken: frozenset[int]) -> frozenset[int]:
    """Kits that a duty has with it: what it takes from the station, or what somebody already out holds."""
    held = tables.held[duty]
    return taken if held is None else held


def takes_kits(tables: Tables, duty: int) -> bool:
    """Whether a spell's duty takes its kits from the station when it departs, rather than having had them before."""
    return duty >= 0 and tables.held[duty] is None


def spells_out(problem: Problem, kits: Sequence[frozenset[int]], timed: Mapping[int, TimedRoute]) -> dict[tuple[int, int], list[Spell]]:
    """Every spell in which a kit is out, by (station, kit type)."""
    tables = problem.tables
    spells: dict[tuple[int, int], list[Spell]] = {}
    for station, kit, until in zip(problem.lent_station.tolist(), problem.lent_kit.tolist(), problem.lent_until.tolist(), strict=True):
        spells.setdefault((station, kit), []).append((0, until, -1))
    for duty, held in enumerate(tables.held):
        for kit in held or ():
            until = timed[duty].returns if duty in timed else tables.idle_until[duty]
            spells.setdefault((tables.station[duty], kit), []).append((0, until, duty))
    for duty, route in timed.items():
        for kit in kits[duty] if tables.held[duty] is None else ():
            spells.setdefault((tables.station[duty], kit), []).append((route.depart, route.returns, duty))
    return spells


def _kit_conflict(problem: Problem, kits: Sequence[frozenset[int]], timed: Mapping[int, TimedRoute]) -> tuple[int, int, str] | None:
    """The duty that takes a kit which is not there, when the next one comes back, and the sentence to say so; None: no conflict.

    Kits of people already out are a given: a station that has lent more than it owns breaks no rule of ours until somebody departs.
    """
    for (station, kit), spells in sorted(spells_out(problem, kits, timed).items()):
        owned = int(problem.stock[station, kit])
        for begin, _, duty in sorted(spells) if len(spells) > owned else ():
            out = [s for s in spells if s[0] <= begin < s[1]]
            if takes_kits(problem.tables, duty) and len(out) > owned:
                name = f"{problem.station_ids[station]} owns {owned} of kit {problem.kit_names[kit]}, {len(out)} are wanted at once"
                # Of those who depart just then, whoever has most time left can wait.
                leaving = [s for s in out if s[0] == begin and takes_kits(problem.tables, s[2])]
                patient = max(leaving, key=lambda s: (problem.tables.latest[s[2]] - s[1], s[2]))[2]
                back = min((s[1] for s in out if s[2] != patient), default=begin)
                return patient, back, f"Station {name}"
    return None


def cost_of(tables: Tables, crews: Mapping[int, Sequence[int]], timed: Iterable[TimedRoute | None]) -> float:
    """Cost of the plan: its routes, what is skipped, and promises of a technician that changed."""
    total = sum(route.cost for route in timed if route is not None)
    for ticket, skip in enumerate(tables.skip):
        duties = crews.get(ticket, ())
        total += 0.0 if duties else skip
        if {tables.technician[d] for d in duties} != tables.promised[ticket]:
            total += tables.change[ticket]
    return total
