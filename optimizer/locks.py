"""Whether locked tickets can all stay with their technicians, decided by CP-SAT where insertion finds no way.

The model is that of `exact_model` with nothing but the locked tickets and the duties of the technicians that they are locked to.
Tickets that share neither a technician nor a scarce kit cannot contradict each other, so each group is decided by itself. When a group
cannot hold, a deletion filter (Chinneck and Dravnieks 1991, doi 10.1287/ijoc.3.2.157) leaves a smallest group in the sense that any
of its tickets given up would let the others hold.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ortools.sat.python import cp_model

from optimizer.exact_model import build_model, possible, read_solution
from optimizer.exact_prices import prices_of
from optimizer.problem import Problem
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution, empty_solution

_EFFORT = 20.0  # deterministic seconds of CP-SAT for each question


@dataclass(frozen=True)
class Kept:
    """All locked tickets and nothing else, timed."""

    schedule: Schedule


@dataclass(frozen=True)
class Contradiction:
    """Locked tickets that cannot all be kept. `smallest`: any of them given up would let the others hold."""

    tickets: tuple[int, ...]
    smallest: bool


def keep_locks(problem: Problem) -> Kept | Contradiction | None:
    """A day with all locked tickets and nothing else, or those that contradict each other; None when effort was too little to tell."""
    tables = problem.tables
    locked = [t for t in range(problem.n_tickets) if tables.locked[t]]
    odd = [t for t in locked if not _holds_alone(problem, t)]
    if odd:
        return Contradiction((odd[0],), True)
    if not locked:
        return None
    whole = empty_solution(problem.n_duties)
    for group in _groups(problem, locked):
        found = _decide(problem, group)
        if found is False:
            return _smallest(problem, group)
        if found is None:
            return None
        whole = _merged(whole, found)
    # As early as possible first; where kits or breaks need it, the departures of the model.
    with_kits = tuple(wait if taken else 0 for wait, taken in zip(whole.wait_until, whole.kits, strict=True))
    for wait in ((0,) * problem.n_duties, with_kits, whole.wait_until):
        timed = schedule(problem, replace(whole, wait_until=wait))
        if isinstance(timed, Schedule):
            return Kept(timed)
    return None


def _holds_alone(problem: Problem, ticket: int) -> bool:
    """Whether as many people as needed may serve the ticket, whatever the times."""
    tables = problem.tables
    people = {tables.technician[d] for d in range(problem.n_duties) if possible(problem, ticket, d)}
    return len(tables.promised[ticket]) == tables.crew[ticket] and tables.promised[ticket] <= people


def _groups(problem: Problem, locked: Sequence[int]) -> list[list[int]]:
    """Locked tickets by what ties them together: technicians, and the kits of stations."""
    tables = problem.tables
    bags: dict[int, set[object]] = {w: set() for w in range(len(problem.technician_ids))}
    for duty, who in enumerate(tables.technician):
        bags[who] |= {(tables.station[duty], kit) for kit in tables.held[duty] or ()}
        bags[who] |= {(tables.station[duty], kit) for t in locked if who in tables.promised[t] for kit in tables.kits[t]}
    groups: list[tuple[set[object], list[int]]] = []
    for ticket in locked:
        ties: set[object] = set(tables.promised[ticket])
        ties.update(*(bags[w] for w in tables.promised[ticket]))
        members = [ticket]
        apart = []
        for other_ties, others in groups:
            if other_ties & ties:
                ties |= other_ties
                members += others
            else:
                apart.append((other_ties, others))
        groups = [*apart, (ties, members)]
    return [sorted(members) for _, members in groups]


def _decide(problem: Problem, tickets: Collection[int]) -> Solution | Literal[False] | None:
    """A way to keep these locked tickets and nothing else, with departures; False: there is none, None: it was not decided."""
    may = {d: [t for t in sorted(tickets) if possible(problem, t, d)] for d in range(problem.n_duties)}
    model = build_model(problem, prices_of(problem, 0.0), may, tickets=sorted(tickets))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _EFFORT
    status = solver.solve(model.cp)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        solution, departures = read_solution(model, lambda x: int(solver.value(x)))
        return replace(solution, wait_until=departures)
    return False if status == cp_model.INFEASIBLE else None


def _smallest(problem: Problem, group: Sequence[int]) -> Contradiction:
    """Takes out tickets, many at a time and then one by one; those without which the rest would hold stay."""
    left, smallest = _of_one_technician(problem, group), True
    size = max(1, len(left) // 2)
    while size:
        at = 0
        while at < len(left):
            without = left[:at] + left[at + size :]
            found = _decide(problem, without) if without else None
            if found is False:
                left = without
            else:
                smallest = smallest and not (found is None and without and size == 1)
                at += size
        size //= 2
    return Contradiction(tuple(left), smallest)


def _of_one_technician(problem: Problem, group: Sequence[int]) -> list[int]:
    """The tickets of a technician who cannot keep them even alone, where there is one: contradictions are mostly of this kind."""
    promised = problem.tables.promised
    for who in sorted({w for t in group for w in promised[t]}):
        theirs = [t for t in group if who in promised[t]]
        if len(theirs) < len(group) and _decide(problem, theirs) is False:
            return theirs
    return list(group)


def _merged(whole: Solution, part: Solution) -> Solution:
    """Both, whose routes belong to different duties."""
    return replace(
        whole,
        routes=tuple(a or b for a, b in zip(whole.routes, part.routes, strict=True)),
        kits=tuple(a | b for a, b in zip(whole.kits, part.kits, strict=True)),
        wait_until=tuple(max(a, b) for a, b in zip(whole.wait_until, part.wait_until, strict=True)),
    )
