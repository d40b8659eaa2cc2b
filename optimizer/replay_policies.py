"""Who is sent where, when something becomes known: three ways to decide, from a dispatcher at the phone to the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from data_models.case import SEVERITIES
from optimizer.insertion import Draft, Move, construct, dealt, is_crew, place_locked, timed_move
from optimizer.replay_view import View
from optimizer.result import Stop
from optimizer.schedule import free_from, schedule, takes_kits, trips_of_shift
from optimizer.search import recall, solve
from optimizer.solution import Schedule, Solution

Policy = Literal["nearest", "triage", "insert", "optimize"]
POLICIES: tuple[Policy, ...] = ("nearest", "triage", "insert", "optimize")

_CREW_LOOKED_AT = 8  # people for a crew, soonest first, and as many again for each skill
_TRIED_WITH_WAITING = 6  # people for whom a kit that is out is waited for


@dataclass(frozen=True)
class Decided:
    """A plan of a view, and how many iterations of the search it took."""

    plan: Schedule
    iterations: int = 0


def decide(policy: Policy, view: View, stop: Stop, seed: int) -> Decided:
    """What a policy plans for a view.

    `nearest`: ticket by ticket as they appear, the more severe first and then the older, each to the nearest crew that can be there in
    time, or when nobody can, to the one that can be there soonest; always after what they were told to do. `triage`: the same, but all
    that is not begun is dealt anew each time, so that an emergency goes before a general ticket that waits. `insert`: what people were
    told stands, and each new ticket goes where it costs least. `optimize`: from there, everything not begun is searched anew.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other.
    """
    if policy in ("nearest", "triage"):
        return Decided(_nearest(view, stands=policy == "nearest"))
    if view.problem.n_duties == 0:
        return Decided(view.kept)
    inserted = _inserted(view)
    if policy == "insert" or not (stop.seconds or stop.iterations):
        return Decided(inserted)
    found = solve(view.problem, stop, seed, start=inserted.solution)
    return Decided(found.schedule, found.iterations)


def _inserted(view: View) -> Schedule:
    """What people were told, with every other ticket where it costs least, the dearest to leave out first."""
    from optimizer import search_kernel as kernel

    problem, kept = view.problem, view.kept
    if any(problem.tables.locked) and not isinstance(schedule(problem, kept.solution), Schedule):
        return construct(problem)
    memory = recall(problem, kept)
    kernel.construct(memory.table)
    found = schedule(problem, memory.best())
    return found if isinstance(found, Schedule) and found.cost <= kept.cost else kept


def _nearest(view: View, *, stands: bool) -> Schedule:
    problem, tables = view.problem, view.problem.tables
    stands = stands and isinstance(schedule(problem, view.kept.solution), Schedule)  # not so when something locked is new
    draft = Draft(problem, view.kept if stands else place_locked(problem))
    rank = [SEVERITIES.index(ticket.severity) for ticket in problem.case.tickets]
    opened = [ticket.opened_at for ticket in problem.case.tickets]
    for ticket in sorted(range(problem.n_tickets), key=lambda t: (rank[t], opened[t], problem.ticket_ids[t])):
        if ticket in draft.crews:
            continue
        duties = _last_in_order(draft, ticket)
        move = _nearest_one(draft, ticket, duties) if tables.crew[ticket] == 1 else _soonest_crew(draft, ticket, duties)
        if move is not None:
            draft.apply(move)
        else:
            waited = _with_waiting(draft, ticket, duties)
            draft = draft if waited is None else Draft(problem, waited)
    found = schedule(problem, draft.solution())
    if not isinstance(found, Schedule):
        raise RuntimeError(f"nearest made a plan that cannot be carried out: {found.reason}")
    return found


def _last_in_order(draft: Draft, ticket: int) -> list[int]:
    """Duties that could take a ticket after everything that their people have to do, by when these would be there."""
    tables, fit = draft.tables, draft.problem.reachable[ticket]
    here = tables.location[ticket]
    arrivals: list[tuple[int, int]] = []
    for duty in fit.nonzero()[0].tolist():
        later = range(duty + 1, trips_of_shift(tables, duty).stop)
        if any(d in draft.timed and draft.routes[d] for d in later):
            continue
        if sum(tables.load[t] for t in draft.routes[duty]) + tables.load[ticket] > tables.capacity[duty]:
            continue
        arrivals.append((_end(draft, duty)[1] + tables.travel[_end(draft, duty)[0]][here], duty))
    return [duty for _, duty in sorted(arrivals)]


def _end(draft: Draft, duty: int) -> tuple[int, int]:
    """Where a duty's last visit ends, and when."""
    tables, timed = draft.tables, draft.timed.get(duty)
    if timed is None or not draft.routes[duty]:
        return tables.origin[duty], free_from(tables, duty, draft.wait, draft.timed)
    last = draft.routes[duty][-1]
    return tables.location[last], timed.starts[-1] + tables.service[last]


def _appended(draft: Draft, ticket: int, crew: tuple[int, ...]) -> Iterator[Move]:
    """Ways to put a ticket at the end of these duties, one for each way to deal its kits."""
    tables, before = draft.tables, dict(draft.crews)
    routes = {duty: (*draft.routes[duty], ticket) for duty in crew}
    if any(tables.locked[t] for t in (ticket,)) and any(not tables.locked[t] for d in crew for t in draft.routes[d]):
        return
    for kits in dealt(draft, ticket, crew):
        draft.crews[ticket] = list(crew)
        move = timed_move(draft, routes, kits)
        draft.crews = dict(before)
        if move is not None:
            yield move


def _nearest_one(draft: Draft, ticket: int, duties: list[int]) -> Move | None:
    """The nearest of those who can be there in time, else whoever starts soonest."""
    tables, here = draft.tables, draft.tables.location[ticket]
    soonest: tuple[int, Move] | None = None
    nearest: tuple[int, Move] | None = None
    for duty in duties:
        drive = tables.travel[_end(draft, duty)[0]][here]
        bound = _end(draft, duty)[1] + drive
        if soonest is not None and bound >= soonest[0] and (bound > tables.due[ticket] or (nearest is not None and drive >= nearest[0])):
            continue
        move = next(_appended(draft, ticket, (duty,)), None)
        if move is None:
            continue
        start = move.timed[duty].starts[-1]
        if soonest is None or start < soonest[0]:
            soonest = start, move
        if start <= tables.due[ticket] and (nearest is None or drive < nearest[0]):
            nearest = drive, move
    best = nearest or soonest
    return best[1] if best is not None else None


def _soonest_crew(draft: Draft, ticket: int, duties: list[int]) -> Move | None:
    """The crew that can start soonest together."""
    best: tuple[int, Move] | None = None
    for crew in _crews(draft, ticket, duties):
        move = next(_appended(draft, ticket, crew), None)
        if move is not None:
            start = max(move.timed[duty].starts[-1] for duty in crew)
            best = (start, move) if best is None or start < best[0] else best
    return best[1] if best is not None else None


def _crews(draft: Draft, ticket: int, duties: list[int]) -> Iterator[tuple[int, ...]]:
    """Groups with every skill from those who could be there soonest."""
    tables, problem = draft.tables, draft.problem
    pool = duties[: _CREW_LOOKED_AT + tables.crew[ticket]]
    for skill, level in tables.needs[ticket]:
        pool += [d for d in duties if problem.skill_level[tables.technician[d], skill] >= level][:_CREW_LOOKED_AT]
    for kit in tables.kits[ticket]:
        able = [
            d for d in duties if kit in (tables.held[d] or ()) or (tables.held[d] is None and problem.stock[tables.station[d], kit] > 0)
        ]
        pool += able[:_CREW_LOOKED_AT]
    group = [d for d in duties if d in set(pool)]
    for crew in combinations(group[:24], tables.crew[ticket]):
        if is_crew(draft, ticket, crew):
            yield crew


def _with_waiting(draft: Draft, ticket: int, duties: list[int]) -> Schedule | None:
    """The soonest start of somebody who waits at the station until a kit is back."""
    tables = draft.tables
    if not tables.kits[ticket]:
        return None
    able = [(d,) for d in duties if takes_kits(tables, d)][:_TRIED_WITH_WAITING] if tables.crew[ticket] == 1 else []
    crews = able or (list(_crews(draft, ticket, duties))[: 2 * _TRIED_WITH_WAITING] if tables.crew[ticket] > 1 else [])
    before = draft.solution()
    best: tuple[int, Schedule] | None = None
    for crew in crews:
        for kits in dealt(draft, ticket, crew):
            routes = tuple((*route, ticket) if duty in crew else route for duty, route in enumerate(before.routes))
            found = schedule(draft.problem, Solution(routes, tuple(kits.get(d, k) for d, k in enumerate(before.kits)), before.wait_until))
            if isinstance(found, Schedule):
                start = max(timed.starts[-1] for d in crew if (timed := found.timed[d]) is not None)
                best = (start, found) if best is None or start < best[0] else best
    return best[1] if best is not None else None
