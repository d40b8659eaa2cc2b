"""Several searches at once, each with its own seed, that exchange what they found.

They share the problem's arrays and run in threads, as the compiled search holds no lock of the interpreter. They meet where
the count of iterations says so, never the clock, so that seed, iterations and number of workers repeat a run exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem import Problem
from optimizer.search_state import read_best, write_best
from optimizer.solution import Solution

if TYPE_CHECKING:
    from optimizer.search import Memory
    from optimizer.search_kernel import State

MEETINGS = 16
"""Meetings in each cycle of temperatures, the last at its end."""


@dataclass
class Team:
    """Searches of one problem that run side by side; `done` counts the iterations of each.

    Attributes
    ----------
    members
        The first is the one that a single worker would be.
    pool
        Threads for all but one of them; None when there is one only.
    """

    members: Sequence[Memory]
    pool: ThreadPoolExecutor | None
    done: int = 0

    @property
    def improved(self) -> int:
        """How often any of them found something better than it had."""
        from optimizer import search_kernel as kernel

        return sum(int(each.state.counter[kernel.IMPROVED]) for each in self.members)

    def best(self) -> Solution:
        """The best solution that any of them has seen; of equals, that of the first."""
        from optimizer import search_kernel as kernel

        return read_best(min(self.members, key=lambda each: float(each.state.level[kernel.BEST])).state)

    def cool(self, problem: Problem, length: int) -> None:
        """Lets every member cool over so many iterations, counted from the first."""
        from optimizer.search import cool

        for each in self.members:
            cool(each, problem, 0, length)

    def advance(self, until: int) -> None:
        """Brings every member to `until` iterations, with the meetings on the way."""
        from optimizer import search_kernel as kernel

        if self.pool is None:
            kernel.run(self.members[0].table, until)
            self.done = until
            return
        while self.done < until:
            meeting, cycle_ends = self._next_meeting()
            step = min(until, meeting)
            waiting = [self.pool.submit(kernel.run, each.table, step) for each in self.members[1:]]
            kernel.run(self.members[0].table, step)
            for each in waiting:
                each.result()
            self.done = step
            if step == meeting:
                share_best(self.members) if cycle_ends else share_present(self.members)

    def _next_meeting(self) -> tuple[int, bool]:
        """The iteration of the next meeting, and whether a cycle ends there. All members are in the same cycle."""
        from optimizer import search_kernel as kernel

        counter = self.members[0].state.counter
        begin, end = int(counter[kernel.CYCLE_BEGIN]), int(counter[kernel.CYCLE_END])
        if self.done >= end:  # the next cycle begins with the next iteration
            begin, end = end, end + int(counter[kernel.NEXT_CYCLE])
        part = (self.done - begin) * MEETINGS // (end - begin) + 1
        meeting = begin + -(-part * (end - begin) // MEETINGS)
        return meeting, meeting >= end


@contextmanager
def team_of(problem: Problem, first: Memory, seed: int, workers: int) -> Iterator[Team]:
    """The search that has begun, and `workers` - 1 others from the same start with other seeds, ready to run together."""
    members = [first, *(_twin(problem, first, seed + number * 0x9E3779B1) for number in range(1, workers))]
    if len(members) == 1:
        yield Team(members, None)
        return
    with ThreadPoolExecutor(len(members) - 1, "search") as pool:
        yield Team(members, pool)


def _twin(problem: Problem, first: Memory, seed: int) -> Memory:
    from optimizer.search import Memory, fresh, resume

    state, table = fresh(problem, first.facts, seed)
    resume(problem, state, table, first.first)
    return Memory(first.facts, state, table, first.first)


def share_best(members: Sequence[Memory]) -> None:
    """Gives the best solution to all who have a dearer one: the next cycle of temperatures begins with it."""
    from optimizer import search_kernel as kernel

    costs = [float(each.state.level[kernel.BEST]) for each in members]
    giver = members[costs.index(min(costs))].state
    for each, cost in zip(members, costs, strict=True):
        if cost > min(costs):
            write_best(each.state, read_best(giver))
            each.state.level[kernel.BEST] = giver.level[kernel.BEST]


def share_present(members: Sequence[Memory]) -> None:
    """Whoever is dearest at present goes on from where the cheapest is."""
    from optimizer import search_kernel as kernel

    costs = [float(each.state.level[kernel.TOTAL]) for each in members]
    giver, taker = members[costs.index(min(costs))], members[costs.index(max(costs))]
    if min(costs) == max(costs):
        return
    kept = read_best(taker.state)
    write_best(taker.state, present_of(giver.state))
    kernel.load(taker.table)
    write_best(taker.state, kept)


def present_of(state: State) -> Solution:
    """The solution that a search stands at."""
    from optimizer import search_kernel as kernel

    routes, carried = state.routes[kernel.NOW], state.carried[kernel.NOW] > 0
    lengths = routes[:, kernel.N].tolist()
    return Solution(
        routes=tuple(tuple(state.rows[kernel.NOW, duty, :n].tolist()) for duty, n in enumerate(lengths)),
        kits=tuple(frozenset(np.flatnonzero(carried[duty]).tolist()) for duty in range(len(lengths))),
        wait_until=tuple(routes[:, kernel.WAIT].tolist()),
    )
