"""Where can this ticket go? Every feasible place for one more ticket in a plan, and the plan made better in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Problem
from optimizer.result import Result, Stop
from optimizer.search import Memory, recall, solve
from optimizer.search_state import LOCK_PENALTY
from optimizer.solution import Schedule, Solution

_CHOSEN = 1e9
"""What seems to be paid to the person whose best crew is sought, more than any crew costs: then the cheapest crew has them in it."""
_PARTNERS = 32
"""Room for the people that complete crews: the cheapest, and the cheapest of those that bring each skill and kit."""
_TRIES = 3
"""Moments tried in full for each person, the cheapest by estimate first."""
_PLACES = 64
"""Of the ways to place a crew that was found, so many are tried in full."""


@dataclass(frozen=True)
class ChangedTrip:
    """What a duty does when a candidate is taken: its tickets in order, the kits it takes, until when it waits for one (seconds)."""

    duty: int
    route: tuple[int, ...]
    kits: frozenset[int]
    wait_until: int


@dataclass(frozen=True)
class Candidate:
    """One way to serve a ticket, the order of all other visits kept.

    Attributes
    ----------
    duties
        Who would go: indices of duties, one for each of the crew.
    arrivals
        When each of them would be there, in seconds since the problem's epoch.
    start
        When work would begin, likewise.
    cost_change
        Cost of the plan with the ticket less its cost without; negative when serving is cheaper than skipping.
    delays
        (ticket, seconds) for each visit that would start later than it does now.
    trips
        Every duty that does something else than now, or at another time.
    """

    duties: tuple[int, ...]
    arrivals: tuple[int, ...]
    start: int
    cost_change: float
    delays: tuple[tuple[int, int], ...]
    trips: tuple[ChangedTrip, ...]


@dataclass(frozen=True)
class Ways:
    """The candidates of a ticket, the cheapest first, and the plan without it that they build on."""

    without: Solution
    candidates: tuple[Candidate, ...]

    def taken(self, chosen: Candidate) -> Solution:
        """The decisions of the plan when one of the candidates is taken."""
        routes, kits, wait = list(self.without.routes), list(self.without.kits), list(self.without.wait_until)
        for trip in chosen.trips:
            routes[trip.duty], kits[trip.duty], wait[trip.duty] = trip.route, trip.kits, trip.wait_until
        return Solution(tuple(routes), tuple(kits), tuple(wait))


def candidates(problem: Problem, plan: Schedule, ticket: int) -> tuple[Candidate, ...]:
    """Everybody who could take a ticket, each at the cheapest place, with the crew that goes best with them; the cheapest first.

    Parameters
    ----------
    problem, plan
        A feasible schedule of this problem.
    ticket
        Index of the ticket; one that the plan already serves is taken out of it first.

    Returns
    -------
    tuple of Candidate
        Empty when nobody can. Costs are exact. For a ticket that needs a crew: distinct crews, and for each person who can be in one
        the best that was found with them; crews are tried at the moments that suit somebody of them.
    """
    return ways(problem, plan, ticket).candidates


def ways(problem: Problem, plan: Schedule, ticket: int) -> Ways:
    """The candidates of a ticket as `candidates` gives them, with what it takes to carry them out."""
    from optimizer import search_kernel as kernel

    memory = recall(problem, plan)
    state, table = memory.state, memory.table
    kernel.begin_move(table)
    if state.duty_of[ticket] >= 0 and not kernel.take_out(table, ticket):
        return Ways(plan.solution, ())
    kernel.keep_present(table)
    without = memory.best()
    people = [r for r in problem.reachable[ticket].nonzero()[0].tolist() if kernel.price(table, ticket, r) < float("inf")]
    if problem.ticket_crew[ticket] == 1:
        found = _best_of_each(problem, _singles(memory, ticket, people))
    else:
        found = _best_of_each(problem, _crews(memory, ticket, people))
        found = _best_of_each(problem, (way for each in found for way in (each, *_placed_anew(memory, ticket, each.duties))))
    return Ways(without, tuple(sorted(found, key=lambda each: (each.cost_change, each.start, each.duties))))


def _best_of_each(problem: Problem, found: Iterable[Candidate]) -> list[Candidate]:
    """The cheapest candidate of each crew, of whichever trips of their shifts."""
    best: dict[tuple[int, ...], Candidate] = {}
    for each in found:
        crew = tuple(duty - problem.tables.trip[duty] for duty in each.duties)
        if crew not in best or each.cost_change < best[crew].cost_change:
            best[crew] = each
    return list(best.values())


def _singles(memory: Memory, ticket: int, people: list[int]) -> Iterator[Candidate]:
    from optimizer import search_kernel as kernel

    state, table = memory.state, memory.table
    for duty in people:
        before = float(state.level[kernel.TOTAL])
        kernel.begin_move(table)
        if kernel.insert(table, ticket, duty, state.price_at[ticket, duty]):
            yield _candidate(memory, ticket, before)
            kernel.undo_move(table)


def _crews(memory: Memory, ticket: int, people: list[int]) -> Iterator[Candidate]:
    """For each person the cheapest crew with them: completed by partners who are cheap or bring what is needed, at each common moment."""
    from optimizer import search_kernel as kernel

    table, crew = memory.table, int(memory.facts.ticket[ticket, kernel.CREW])
    pool = np.empty(_PARTNERS + crew, np.int64)
    cheapest = sorted(people, key=lambda duty: float(memory.state.prices[ticket, duty]))
    partners = list(dict.fromkeys([*pool[: kernel._pool_of(table, ticket, pool)].tolist(), *cheapest[: crew + 4]]))
    moments = {duty: _moments(memory, ticket, duty) for duty in dict.fromkeys([*partners, *people])}
    common = [moment for duty in partners for moment in moments[duty]]
    places: dict[tuple[int, int], tuple[float, int]] = {}
    for person in people:
        group = np.array([person, *(duty for duty in partners if duty != person)], np.int64)
        tries: list[tuple[float, tuple[int, ...], tuple[int, ...]]] = []
        for moment in dict.fromkeys([*moments[person], *common]):
            parts = [_place(memory, ticket, duty, moment, places) for duty in group.tolist()]
            if not np.isfinite(parts[0][0]):
                continue
            cost = np.array([part for part, _ in parts])
            cost[0] -= _CHOSEN
            chosen = np.full(crew, -1, np.int64)
            total = kernel._form_crew(table, ticket, group, cost, len(group), chosen, float("inf"))
            if total < float("inf") and 0 in chosen:
                members = [(int(group[k]), parts[k][1]) for k in chosen.tolist()]
                tries.append((total, tuple(duty for duty, _ in members), tuple(at for _, at in members)))
        yield from _tried(memory, ticket, [(duties, places) for _, duties, places in sorted(tries)[:_TRIES]])


def _placed_anew(memory: Memory, ticket: int, crew: tuple[int, ...]) -> Iterator[Candidate]:
    """The same crew at other places of their routes: what its visit does to other crews shows only when it is put in."""
    from optimizer import search_kernel as kernel

    choices: list[list[tuple[float, int]]] = []
    for duty in crew:
        low, high = kernel._room_for(memory.table, ticket, duty)
        parts = [(float(kernel._part_cost(memory.table, ticket, duty, at, 0)), int(at)) for at in range(low, high + 1)]
        choices.append([part for part in parts if part[0] < float("inf")])
    ranked = sorted((sum(cost for cost, _ in ways), tuple(at for _, at in ways)) for ways in islice(product(*choices), 100 * _PLACES))
    yield from _tried(memory, ticket, [(crew, places) for _, places in ranked[:_PLACES]])


def _tried(memory: Memory, ticket: int, ways: Iterable[tuple[tuple[int, ...], tuple[int, ...]]]) -> Iterator[Candidate]:
    """The ways, a crew and its places each, that fit when they are carried out."""
    from optimizer import search_kernel as kernel

    for members, positions in ways:
        before = float(memory.state.level[kernel.TOTAL])
        if kernel._insert_crew(memory.table, ticket, np.array(members, np.int64), np.array(positions, np.int64)):
            yield _candidate(memory, ticket, before)
            kernel.undo_move(memory.table)


def _moments(memory: Memory, ticket: int, duty: int) -> list[int]:
    """When a person alone would start soonest, and where it is cheapest: at most two moments."""
    from optimizer import search_kernel as kernel

    moments: NDArray[np.int64] = np.empty(2, np.int64)
    count = kernel._moments_of(memory.table, ticket, np.array([duty], np.int64), 1, moments)
    return [int(moment) for moment in moments[:count]]


def _place(memory: Memory, ticket: int, duty: int, moment: int, known: dict[tuple[int, int], tuple[float, int]]) -> tuple[float, int]:
    """What a person's part costs when the crew starts at a moment, and at which position of the route; infinite where it cannot."""
    from optimizer import search_kernel as kernel

    if (duty, moment) not in known:
        low, high = kernel._room_for(memory.table, ticket, duty)
        best = (float("inf"), -1)
        for position in range(low, high + 1):
            cost = kernel._part_cost(memory.table, ticket, duty, position, moment)
            if cost < best[0] and memory.state.counter[kernel.BEGUN] == moment:
                best = (cost, position)
        known[duty, moment] = best
    return known[duty, moment]


def could_be_served(problem: Problem, ticket: int) -> bool:
    """Whether people enough, with the skills and kits between them, could come if they did nothing else: where not, no plan serves it.

    A bound like `Problem.reachable`, which for a crew looks at each person alone: it denies only what cannot be.
    """
    tables, case = problem.tables, problem.case
    duties = problem.reachable[ticket].nonzero()[0].tolist()
    people = {tables.technician[duty] for duty in duties}
    asked = case.ticket_by_id[problem.ticket_ids[ticket]]
    return (
        len(people) >= asked.crew
        and all(any(case.technicians[who].skills.get(skill, 0) >= least for who in people) for skill, least in asked.skills.items())
        and all(any(_may_bring(problem, duty, kit) for duty in duties) for kit in tables.kits[ticket])
    )


def _may_bring(problem: Problem, duty: int, kit: int) -> bool:
    held = problem.tables.held[duty]
    return bool(problem.stock[problem.tables.station[duty], kit] > 0) if held is None else kit in held


def repair(problem: Problem, plan: Solution, milliseconds: float, seed: int = 1) -> Result:
    """The plan made as good as it gets in so many milliseconds, from where it is: for a new emergency in a full day."""
    return solve(problem, Stop(seconds=milliseconds / 1000), seed, start=plan)


def _candidate(memory: Memory, ticket: int, before: float) -> Candidate:
    """What the insertion just carried out in the search's memory did."""
    from optimizer import search_kernel as kernel

    state = memory.state
    now, then = kernel.NOW, kernel.MOVE_LAYER
    duties: list[tuple[int, int]] = []
    start = 0
    delays: dict[int, int] = {}
    trips: list[ChangedTrip] = []
    for duty in state.saved[then, : state.saved[then, -1]].tolist():
        size = int(state.routes[now, duty, kernel.N])
        row = state.rows[now, duty, :size].tolist()
        kits = frozenset(np.flatnonzero(state.carried[now, duty] > 0).tolist())
        trips.append(ChangedTrip(duty, tuple(row), kits, int(state.routes[now, duty, kernel.WAIT])))
        times = dict(zip(row, state.timing[now, duty, :size, kernel.START].tolist(), strict=True))
        if ticket in times:
            start = times[ticket]
            # Whoever goes there first departs as late as the start allows.
            arrives = start if row[0] == ticket else int(state.timing[now, duty, row.index(ticket), kernel.ARRIVE])
            duties.append((duty, arrives))
        size = int(state.routes[then, duty, kernel.N])
        earlier = zip(state.rows[then, duty, :size].tolist(), state.timing[then, duty, :size, kernel.START].tolist(), strict=True)
        delays |= {each: times[each] - at for each, at in earlier if each != ticket and times.get(each, at) > at}
    absent = LOCK_PENALTY if memory.facts.ticket[ticket, kernel.LOCKED] else 0.0  # what the search charges, and no plan costs
    change = float(state.level[kernel.TOTAL]) - before + absent
    people, arrivals = zip(*sorted(duties), strict=True)
    return Candidate(people, arrivals, start, change, tuple(sorted(delays.items())), tuple(trips))
