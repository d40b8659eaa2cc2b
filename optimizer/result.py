"""When a solver stops and what it hands back: the types that all solvers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from data_models.plan import Plan, SolverFacts
from optimizer.problem import Problem, to_plan
from optimizer.solution import Schedule

Status = Literal["start", "improved", "empty"]


@dataclass(frozen=True)
class Stop:
    """When to stop: after so many seconds, so many iterations, or whichever comes first; or when somebody asks.

    An iteration is a round of ruin and recreate, or in OR-Tools routing a look of the library at its limits, about one per
    neighbour that it tries, or in the exact solver a millisecond of CP-SAT's deterministic time; the same number of them with the
    same seed gives the same plan. Zero iterations return the start.

    Attributes
    ----------
    seconds, iterations
        The limits; None where there is none.
    interrupted
        Asked at least every 50 ms while a solver searches. True: it returns the best schedule so far, as soon as it has one.
    """

    seconds: float | None = None
    iterations: int | None = None
    interrupted: Callable[[], bool] | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody asks to stop now."""
        return self.interrupted is not None and self.interrupted()


@dataclass(frozen=True)
class Result:
    """What a solver found.

    Attributes
    ----------
    schedule
        The best schedule, feasible by every rule.
    cost, seconds, iterations, seed
        Its cost; what it took; and what to repeat it with.
    trajectory
        (seconds, cost) of each improvement, the start first.
    status
        `"improved"` upon the start, `"start"` when nothing better was found, `"empty"` when nothing can be served at all.
    rejected
        Answers that broke a rule when timed anew by `schedule`; anything but 0 is a fault of the solver.
    interrupted
        Somebody asked to stop before a limit was reached: the best schedule so far.
    bound
        No plan of the problem costs less; None where nothing was proven.
    """

    problem: Problem
    schedule: Schedule
    cost: float
    seconds: float
    iterations: int
    seed: int
    trajectory: tuple[tuple[float, float], ...]
    status: Status
    rejected: int = 0
    interrupted: bool = False
    bound: float | None = None

    @property
    def gap(self) -> float | None:
        """By how much of its cost the plan may be dearer than the best one; None without a bound."""
        if self.bound is None:
            return None
        return max(0.0, self.cost - self.bound) / self.cost if self.cost > 0 else 0.0

    @property
    def facts(self) -> SolverFacts:
        """What the plan tells about its solver."""
        return SolverFacts(self.cost, self.bound, self.gap, round(self.seconds, 3), self.iterations, self.seed)

    def plan(self) -> Plan:
        """The plan, without reasons for what is not planned."""
        return to_plan(self.problem, self.schedule, solver=self.facts)
