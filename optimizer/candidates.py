"""Where can this ticket go? Every feasible place for one more ticket in a plan, and the plan made better in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.problem import Problem
from optimizer.result import Result, Stop
from optimizer.search import Memory, begin, solve
from optimizer.solution import Schedule, Solution


@dataclass(frozen=True)
class Candidate:
    """One way to serve a ticket, the order of all other visits kept.

    Attributes
    ----------
    duties
        Who would go: indices of duties, one for each of the crew.
    start
        When work would begin, in seconds since the problem's epoch.
    cost_change
        Cost of the plan with the ticket less its cost without; negative when serving is cheaper than skipping.
    delays
        (ticket, seconds) for each visit that would start later than it does now.
    """

    duties: tuple[int, ...]
    start: int
    cost_change: float
    delays: tuple[tuple[int, int], ...]


def candidates(problem: Problem, plan: Schedule, ticket: int) -> tuple[Candidate, ...]:
    """Every duty that could take an unplanned ticket, each at its cheapest place, the cheapest first.

    Parameters
    ----------
    problem, plan
        A feasible schedule of this problem.
    ticket
        Index of the ticket; one that the plan already serves is taken out of it first.

    Returns
    -------
    tuple of Candidate
        Empty when nobody can. For a ticket that needs a crew: the cheapest crew alone, if serving is cheaper than skipping.
    """
    from optimizer import search_kernel as kernel

    memory = begin(problem, plan, 1)
    state, table = memory.state, memory.table
    kernel.begin_move(table)
    if state.duty_of[ticket] >= 0 and not kernel.take_out(table, ticket):
        return ()
    state.level[kernel.BLINK] = 0.0
    if problem.ticket_crew[ticket] > 1:
        before = float(state.level[kernel.TOTAL])
        planned = bool(kernel.plan_crew(table, ticket))
        return (_candidate(memory, ticket, before),) if planned else ()
    found: list[Candidate] = []
    for duty in problem.reachable[ticket].nonzero()[0].tolist():
        if kernel.price(table, ticket, duty) == float("inf"):
            continue
        before = float(state.level[kernel.TOTAL])
        kernel.begin_move(table)
        if kernel.insert(table, ticket, duty, state.price_at[ticket, duty]):
            found.append(_candidate(memory, ticket, before))
            kernel.undo_move(table)
    return tuple(sorted(found, key=lambda each: (each.cost_change, each.start, each.duties)))


def repair(problem: Problem, plan: Solution, milliseconds: float, seed: int = 1) -> Result:
    """The plan made as good as it gets in so many milliseconds, from where it is: for a new emergency in a full day."""
    return solve(problem, Stop(seconds=milliseconds / 1000), seed, start=plan)


def _candidate(memory: Memory, ticket: int, before: float) -> Candidate:
    """What the insertion just carried out in the search's memory did."""
    from optimizer import search_kernel as kernel

    state = memory.state
    now, then = kernel.NOW, kernel.MOVE_LAYER
    duties: list[int] = []
    start = 0
    delays: dict[int, int] = {}
    for duty in state.saved[then, : state.saved[then, -1]].tolist():
        times = [
            dict(
                zip(
                    state.rows[layer, duty, : state.routes[layer, duty, kernel.N]].tolist(),
                    state.timing[layer, duty, : state.routes[layer, duty, kernel.N], kernel.START].tolist(),
                    strict=True,
                )
            )
            for layer in (now, then)
        ]
        if ticket in times[0]:
            duties.append(duty)
            start = times[0][ticket]
        late = {each: times[0][each] - at for each, at in times[1].items() if each != ticket and times[0].get(each, at) > at}
        delays |= late
    change = float(state.level[kernel.TOTAL]) - before
    return Candidate(tuple(sorted(duties)), start, change, tuple(sorted(delays.items())))
