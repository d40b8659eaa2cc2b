"""How good is this plan? A bound that no plan of the case can beat, and a cheaper plan where the proof leads to one; without Prefect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from data_models.case import Case
from data_models.errors import Conflict
from data_models.plan import Plan, SolverFacts
from flows.planning import TRIPS, Solved, judge, signals_noticed

if TYPE_CHECKING:
    from optimizer.result import Result

LEAST_GAIN = 0.005
"""Money: a plan that is cheaper by less, or by the rounding of seconds in files alone, is not another plan."""


def prove_until_signal(case: Case, plan: Plan, seconds: float, seed: int, *, on_compile: Callable[[], None] = lambda: None) -> Solved:
    """The plan with its bound and gap, whoever made it; or a cheaper one that was built on the way, with its own.

    SIGINT and SIGTERM end the proof with what it has: the bound is then lower than it could be, and as true.

    Parameters
    ----------
    seconds
        For the proof and for building plans from what it saw, which takes part of them.
    seed
        Where the building of plans starts; the bound does without.

    Raises
    ------
    Conflict
        The plan breaks a rule, so that its cost means nothing.
    """
    judged = judge(case, plan)
    if judged.violations:
        first = judged.violations[0]
        raise Conflict(
            f"a plan that breaks rules ({len(judged.violations)}) cannot be proven, the first of them {first.rule}: {first.what}; "
            "`twohour check` names every one"
        )
    from optimizer.compiling import make_ready
    from optimizer.problem import build_problem, from_plan
    from optimizer.proof import with_proof
    from optimizer.result import Result, Stop
    from optimizer.schedule import schedule
    from optimizer.solution import Broken

    make_ready(on_compile)
    with signals_noticed() as interrupt:
        interrupt.has_plan = True
        problem = build_problem(case, trips=TRIPS, plan=plan)
        known = schedule(problem, from_plan(problem, plan))
        if isinstance(known, Broken):
            raise Conflict(f"the plan cannot be carried out to the second: {known.reason}")
        given = Result(problem, known, known.cost, 0.0, 0, seed, ((0.0, known.cost),), "start")
        proven = with_proof(given, Stop(seconds, None, lambda: interrupt.signal is not None))
        return Solved(_better_of(plan, judged.score.cost.total, proven), interrupt.signal)


def _better_of(plan: Plan, cost: float, proven: Result) -> Plan:
    """The plan as it was with what is proven of it, unless the proof has a cheaper one. Neither is repeated by iterations."""
    if proven.cost < cost - LEAST_GAIN:
        return replace(proven.plan(), solver=replace(proven.facts, iterations=None))
    bound = None if proven.bound is None else min(proven.bound, cost)
    gap = None if bound is None else (cost - bound) / cost if cost > 0 else 0.0
    known = plan.solver or SolverFacts(seconds=round(proven.seconds, 3))
    return replace(plan, solver=replace(known, cost=cost, bound=bound, gap=gap))
