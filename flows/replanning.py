"""A published plan made again, and what a new plan changes of it: for the command line and the flows, without Prefect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from data_models.case import Case
from data_models.plan import Plan
from flows.planning import TRIPS, SearchLimit, signals_noticed
from optimizer.difference import KINDS, Difference

if TYPE_CHECKING:
    from config.settings import ReplanningSettings
    from optimizer.replanning import Disturbance, ReplanRules


@dataclass(frozen=True)
class PlannedAgain:
    """A plan made again, what it changes and what that costs, and the signal that ended the search before the limit, if one did."""

    plan: Plan
    difference: Difference
    disturbance: Disturbance
    interrupted: int | None = None


def rules_of(settings: ReplanningSettings) -> ReplanRules:
    """The price of changes, by the settings."""
    from optimizer.replanning import ReplanRules

    return ReplanRules(**settings.model_dump())


def replan_until_signal(
    case: Case,
    before: Plan,
    limit: SearchLimit,
    seed: int,
    settings: ReplanningSettings,
    *,
    workers: int = 1,
    on_compile: Callable[[], None] = lambda: None,
) -> PlannedAgain:
    """The published plan made again for a case of now, until the limit, SIGINT or SIGTERM.

    Parameters
    ----------
    limit
        Its seconds are those from now to the plan; only compiling, once on a machine, does not count.
    workers
        One answers soonest; the same number, seed and iterations repeat a plan.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other; the message names them.
    """
    from optimizer.compiling import make_ready
    from optimizer.replanning import replan
    from optimizer.result import Stop

    make_ready(on_compile)
    with signals_noticed() as interrupt:
        interrupt.has_plan = True  # the published one
        stop = Stop(limit.seconds, limit.iterations, lambda: interrupt.signal is not None)
        found = replan(case, before, stop, seed, rules_of(settings), trips=TRIPS, workers=workers)
        return PlannedAgain(found.plan, found.difference, found.disturbance, interrupt.signal)


def difference_summary(found: Difference, disturbance: Disturbance | None = None) -> dict[str, Any]:
    """A difference as plain data: what machines read."""
    return {
        "case": found.case,
        "tolerance_minutes": found.tolerance_minutes,
        "counts": {**{kind: len(found.of(kind)) for kind in KINDS}, "unchanged": len(found.unchanged)},
        "changes": [{**asdict(change), "minutes": change.minutes} for change in found.changes],
        "unchanged": list(found.unchanged),
        "waiting": list(found.waiting),
        "gone": list(found.gone),
        "disturbance": None if disturbance is None else asdict(disturbance),
    }
