"""Planning a case and judging the result: what the flow, the command line and the console share, without Prefect."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from data_models.case import Case
from data_models.errors import Conflict, Unavailable
from data_models.plan import Plan
from optimizer.check import Violation, check
from optimizer.score import Score, score

if TYPE_CHECKING:
    from config.settings import UncertaintySettings
    from optimizer.chance import Chances
    from optimizer.chance_draws import Spread
    from optimizer.explanation import Explanation, PlanningContext
    from optimizer.problem import Problem
    from optimizer.result import Result

SolverName = Literal["search", "routing"]
"""`search`: compiled ruin and recreate; `routing`: ruin and recreate in Python, then the OR-Tools model, the reference."""

DEFAULT_SOLVER: SolverName = "search"
DEFAULT_SECONDS = 30.0
TRIPS = 2
"""Trips that the search may plan in one shift, where a second one can pay."""
DEFAULT_WORKERS = 2
"""Fixed, whatever the machine, so that a plan is repeated elsewhere by its seed and iterations alone."""


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
    """A plan with what the independent judges say of it, and the explanation and the chances where they were asked for.

    `doubtful` names the tickets that are planned in time but less sure than the settings ask, the least sure first.
    """

    case: Case
    plan: Plan
    violations: tuple[Violation, ...]
    score: Score
    explanation: Explanation | None = None
    chances: Chances | None = None
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True)
class Margin:
    """The chance to be in time that a search aims at, and how far drives and work stray from plans."""

    spread: Spread
    aim: float


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
    margin: Margin | None = None,
    workers: int = DEFAULT_WORKERS,
    cluster: str = "",
    on_progress: Callable[[float, float], None] = lambda _seconds, _cost: None,
    on_compile: Callable[[], None] = lambda: None,
) -> Plan:
    """A plan for a case, searched for to the limit: a signal takes its course as soon as the search has noticed it.

    For whoever keeps the whole or nothing, such as a flow. Parameters and what is raised: as `solve_until_signal`.
    """
    solved = solve_until_signal(
        case,
        limit,
        seed,
        solver=solver,
        margin=margin,
        workers=workers,
        cluster=cluster,
        on_progress=on_progress,
        on_compile=on_compile,
    )
    if solved.interrupted is not None:
        signal.raise_signal(solved.interrupted)
    return solved.plan


def solve_until_signal(
    case: Case,
    limit: SearchLimit,
    seed: int,
    *,
    solver: SolverName = DEFAULT_SOLVER,
    margin: Margin | None = None,
    workers: int = DEFAULT_WORKERS,
    cluster: str = "",
    on_progress: Callable[[float, float], None] = lambda _seconds, _cost: None,
    on_compile: Callable[[], None] = lambda: None,
) -> Solved:
    """The best plan for a case that was found until the limit, or until SIGINT or SIGTERM came.

    A signal that comes before there is a plan takes its course, and so does a second one.

    Parameters
    ----------
    solver
        `search` is compiled when it runs first on a machine, which takes about half a minute and does not count as searching.
    margin
        Search as if promises fell due earlier, so that what is planned just in time is likely in time; rules and cost of the plan are
        those of the case all the same.
    workers
        How many `search`es exchange what they find; the same number, seed and iterations repeat a plan. For `routing` always one.
    cluster
        Address of a Dask scheduler, whose workers search the regions of a large case; empty: this process does.
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
    from optimizer.margin import settled
    from optimizer.problem import build_problem
    from optimizer.result import Stop

    with signals_noticed() as interrupt:
        problem = build_problem(case, trips=1 if solver == "routing" else TRIPS)
        run = _solver(solver, workers, cluster, on_compile, problem)
        searched = _with_margin(problem, margin)

        def tell(seconds: float, cost: float) -> None:
            interrupt.has_plan = True
            on_progress(seconds, cost)

        stop = Stop(limit.seconds, limit.iterations, lambda: interrupt.signal is not None)
        result = run(searched, stop, seed, on_progress=tell)
        result = result if result.problem is problem else settled(problem, result)
        return Solved(result.plan(), interrupt.signal)


def _with_margin(problem: Problem, margin: Margin | None) -> Problem:
    from optimizer.margin import with_margin

    return problem if margin is None else with_margin(problem, margin.spread, margin.aim)


def spread_of(settings: UncertaintySettings) -> Spread:
    """How far drives and work stray from plans, by the settings."""
    from optimizer.chance_draws import Spread

    return Spread(settings.drive_spread, settings.service_spread, settings.correlation)


def margin_of(settings: UncertaintySettings, aim: float | None = None) -> Margin | None:
    """The margin to plan with: for `aim`, else for what the settings aim at; None when neither is said."""
    chosen = settings.aim if aim is None else aim
    return None if chosen is None else Margin(spread_of(settings), chosen)


def with_chances(judged: JudgedPlan, settings: UncertaintySettings) -> JudgedPlan:
    """The plan with the chance of each visit to be in time; unchanged when it breaks a rule, since then it cannot be followed."""
    if judged.violations:
        return judged
    from optimizer.chance import chances
    from optimizer.problem import build_problem

    found = chances(build_problem(judged.case), judged.plan, spread_of(settings))
    starts = {stop.ticket: stop.start for route in judged.plan.routes for stop in route.stops}  # of a crew all start together
    due = judged.case.ticket_by_id
    unsure = [
        item for item in found.tickets.values() if item.in_time < settings.doubtful_below and starts[item.ticket] <= due[item.ticket].due
    ]
    doubtful = tuple(item.ticket for item in sorted(unsure, key=lambda item: item.in_time))
    return replace(judged, chances=found, doubtful=doubtful)


def _solver(name: SolverName, workers: int, cluster: str, on_compile: Callable[[], None], true: Problem) -> Callable[..., Result]:
    """What solves `true` or the same with margins, called as the optimizer's solvers are."""
    if name == "routing":
        from optimizer.routing import solve as routing

        return routing
    from optimizer.compiling import make_ready
    from optimizer.solving import solve as search

    make_ready(on_compile)
    return partial(on_cluster(), scheduler=cluster, workers=workers) if cluster else partial(search, workers=workers, true=true)


def on_cluster() -> Callable[..., Result]:
    """The solver that uses a Dask cluster. Raises `Unavailable` without the optional extra that it needs."""
    try:
        from flows.regions import solve_on_cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("prefect_dask", "dask", "distributed"):
            raise
        raise Unavailable("a Dask scheduler is configured, but its client is not installed: pip install twohour[dask]") from None
    return solve_on_cluster


@dataclass
class Interrupt:
    """Whether a signal waits for the search to end, and whether there is a plan to be kept then."""

    signal: int | None = None
    has_plan: bool = False
    is_final: bool = False


@contextmanager
def signals_noticed() -> Iterator[Interrupt]:
    """Notes the first SIGINT or SIGTERM that comes while there is a plan; others take their course.

    Taking its course: the handlers of before are put back and the signal is raised again. Libraries lose what is raised in their
    callbacks, OR-Tools and LLVM among them: then it is raised once more at the end of the block.
    """
    interrupt = Interrupt()
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
        "chances": _chances_summary(judged.chances, judged.doubtful) if judged.chances else None,
    }


def _chances_summary(chances: Chances, doubtful: tuple[str, ...]) -> dict[str, Any]:
    return {
        "expected_in_time": {severity: round(count, 2) for severity, count in chances.expected_in_time.items()},
        "expected_cost": round(chances.expected_cost, 2),
        "spread": asdict(chances.spread),
        "samples": chances.samples,
        "doubtful": list(doubtful),
        "tickets": [
            {
                "ticket": item.ticket,
                "in_time": round(item.in_time, 4),
                "late_minutes": round(item.late_minutes, 1),
                "arrive_by": item.arrive_by.isoformat(),
                "closed": round(item.closed, 4),
            }
            for item in chances.tickets.values()
        ],
    }
