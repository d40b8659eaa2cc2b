"""Which problems are small enough to be solved exactly; apart, so that asking does not load OR-Tools."""

from __future__ import annotations

import numpy as np

from optimizer.problem import Problem

MOST_TICKETS = 12
_MOST_PAIRS = 2_000  # of tickets and duties that may serve them


def is_small(problem: Problem) -> bool:
    """Whether solving to proven optimality is likely to end within seconds: few tickets, not too many who could serve them."""
    tickets = servable_tickets(problem)
    if not 0 < len(tickets) <= MOST_TICKETS:
        return False
    return int(problem.reachable[tickets].sum()) <= _MOST_PAIRS


def servable_tickets(problem: Problem) -> list[int]:
    """Tickets that enough people may serve."""
    fit = problem.member & np.array([bool(w) for w in problem.tables.windows], bool)[:, None]
    people = [len(set(problem.duty_technician[row].tolist())) for row in fit]
    return [t for t, n in enumerate(people) if n >= problem.tables.crew[t]]
