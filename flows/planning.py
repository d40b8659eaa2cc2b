"""Planning a case and judging the result: what the flow, the command line and the console share, without Prefect."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from data_models.case import Case
from data_models.errors import Conflict
from data_models.plan import Plan
from optimizer.check import Violation, check
from optimizer.score import Score, score

if TYPE_CHECKING:
    from optimizer.explanation import Explanation, PlanningContext

SolverName = Literal["search", "routing"]
"""`search`: compiled ruin and recreate; `routing`: ruin and recreate in Python, then the OR-Tools model, the reference."""

DEFAULT_SOLVER: SolverName = "search"
DEFAULT_SECONDS = 30.0


@dataclass(frozen=True)
class SearchLimit:
    """When the search ends: after `seconds`, or after `iterations`, which repeats exactly with the same seed."""

    seconds: float | None = None
    iterations: int | None = None

    def or_default(self) -> SearchLimit:
        """This limit, or `DEFAULT_SECONDS` when none was given."""
        return SearchLimit(DEFAULT_SECONDS) if self.seconds is None and self.iterations is None else self


@dataclass(frozen=True)
class JudgedPlan:
    """A plan with what the independent judges say of it, and the explanation where one was asked for."""

    case: Case
    plan: Plan
    violations: tuple[Violation, ...]
    score: Score
    explanation: Explanation | None = None


def judge(case: Case, plan: Plan, *, replay: bool = False) -> JudgedPlan:
    """Check and score a plan, whoever made it."""
    return JudgedPlan(case, plan, check(case, plan, replay=replay), score(case, plan))


@dataclass(frozen=True)
class Solved:
    """A plan, and the signal that ended its search before the limit did; None when none came."""

    plan: Plan
    interrupted: int | None = None


def solve(
    case: Case,
    limit: SearchLimit,
    seed: int,
    *,
    solver: SolverName = DEFAULT_SOLVER,
    on_progress: Callable[[float, float], None] = lambda _seconds, _cost: None,
    on_compile: Callable[[], None] = lambda: None,
) -> Plan:
    """A plan for a case, searched for to the limit: a signal takes its course as soon as the search has noticed it.

    For whoever keeps the whole or nothing, such as a flow. Parameters and what is raised: as `solve_until_signal`.
    """
    solved = solve_until_signal(case, limit, seed, solver=solver, on_progress=on_progress, on_compile=on_compile)
    if solved.interrupted is not None:
        signal.raise_signal(solved.interrupted)
    return solved.plan


def solve_until_signal(
    case: Case,
    limit: SearchLimit,
    seed: int,
    *,
    solver: SolverName = DEFAULT_SOLVER,
    on_progress: Callable[[float, float], None] = lambda _seconds, _cost: None,
    on_compile: Callable[[], None] = lambda: None,
) -> Solved:
    """The best plan for a case that was found until the limit, or until SIGINT or SIGTERM came.

    A signal that comes before there is a plan takes its course, and so does a second one.

    Parameters
    ----------
    solver
        `search` is compiled when it runs first on a machine, which takes about half a minute and does not count as searching.
    on_progress
        Called with the seconds spent and the cost of the best plan so far.
    on_compile
        Called before `search` is compiled.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other; the message names them.
    KeyboardInterrupt
        Ctrl-C, before there was a plan or twice.
    """
    from optimizer.problem import build_problem
    from optimizer.result import Stop

    with _signals_noticed() as interrupt:
        if solver == "search":
            from optimizer.compiling import make_ready
            from optimizer.search import solve as run

            make_ready(on_compile)
        else:
            from optimizer.routing import solve as run

        def tell(seconds: float, cost: float) -> None:
            interrupt.has_plan = True
            on_progress(seconds, cost)

        stop = Stop(limit.seconds, limit.iterations, lambda: interrupt.signal is not None)
        result = run(build_problem(case), stop, seed, on_progress=tell)
        return Solved(result.plan(), interrupt.signal)


@dataclass
class _Interrupt:
    """Whether a signal waits for the search to end, and whether there is a plan to be kept then."""

    signal: int | None = None
    has_plan: bool = False
    is_final: bool = False


@contextmanager
def _signals_noticed() -> Iterator[_Interrupt]:
    """Notes the first SIGINT or SIGTERM that comes while there is a plan; others take their course.

    Taking its course: the handlers of before are put back and the signal is raised again. Libraries lose what is raised in their
    callbacks, OR-Tools and LLVM among them: then it is raised once more at the end of the block.
    """
    interrupt = _Interrupt()
    in_main_thread = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if in_main_thread else {}
    # One that is ignored, as in a shell's background, stays ignored; None: not set from Python, and could not be put back.
    handlers = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}

    def put_back() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def notice(number: int, _frame: object) -> None:
        if interrupt.signal is not None or not interrupt.has_plan:
            interrupt.is_final = True
        interrupt.signal = number
        if interrupt.is_final:
            put_back()
            signal.raise_signal(number)

    for number in handlers:
        signal.signal(number, notice)
    try:
        yield interrupt
    finally:
        put_back()
    if interrupt.is_final and interrupt.signal is not None:
        signal.raise_signal(interrupt.signal)


def with_unplanned_reasons(judged: JudgedPlan) -> JudgedPlan:
    """The plan with the reasons of its unplanned tickets, and nothing that takes longer: no remedies, no late tickets."""
    from optimizer.explain import explain, with_reasons

    unplanned = {item.ticket for item in judged.plan.unassigned}
    explanation = explain(judged.case, judged.plan, max_remedies=0, tickets=unplanned)
    return replace(judged, plan=with_reasons(judged.case, judged.plan, explanation))


def explained(judged: JudgedPlan, context: PlanningContext | None = None) -> JudgedPlan:
    """The plan with the reasons of its unplanned tickets, and the whole explanation beside it: late tickets and remedies too."""
    from optimizer.explain import explain, with_reasons

    explanation = explain(judged.case, judged.plan, context=context)
    return replace(judged, plan=with_reasons(judged.case, judged.plan, explanation), explanation=explanation)


def must_keep_every_rule(judged: JudgedPlan) -> None:
    """Raise `Conflict` naming the first broken rules, so that nothing that `check` rejects goes any further."""
    if judged.violations:
        shown = "; ".join(f"{violation.rule}: {violation.what}" for violation in judged.violations[:5])
        raise Conflict(f"the plan of {judged.case.name} breaks rules ({len(judged.violations)}) and is not kept: {shown}")


def judged_summary(judged: JudgedPlan) -> dict[str, Any]:
    """The figures of a judged plan as plain data: what machines read, and what the store keeps as a plan's score."""
    cost = asdict(judged.score.cost)
    return {
        "case": judged.case.name,
        "violations": [asdict(violation) for violation in judged.violations],
        "cost": {**{term: round(value, 2) for term, value in cost.items()}, "total": round(judged.score.cost.total, 2)},
        "service": {severity: asdict(row) for severity, row in judged.score.service.items()},
        "drive_hours": round(judged.score.drive_hours, 3),
        "drive_km": round(judged.score.drive_km, 1),
        "overtime_hours": round(judged.score.overtime_hours, 3),
        "unassigned": [{"ticket": item.ticket, "reasons": list(item.reasons)} for item in judged.plan.unassigned],
        "solver": asdict(judged.plan.solver) if judged.plan.solver else None,
    }
