"""Days over again, by one policy or several: what really happened, and how policies compare on the same days; without Prefect."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_models.case import Case
from flows.planning import JudgedPlan, SearchLimit, judge, judged_summary

if TYPE_CHECKING:
    from optimizer.chance_draws import Spread
    from optimizer.replay_policies import Policy

DEFAULT_ITERATIONS = 3000
"""Of the search, for each decision of `optimize`."""

_T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09)
"""Student's t, 97.5 %, by degrees of freedom from 1 on; beyond, 2.0 errs to the safe side up to 60."""


@dataclass(frozen=True)
class Day:
    """One day by one policy. `judged` is by the day as it was, which is the case itself unless it was drawn."""

    policy: Policy
    seed: int
    judged: JudgedPlan
    decisions: int

    @property
    def cost(self) -> float:
        """What the day cost."""
        return self.judged.score.cost.total

    @property
    def emergencies_in_time(self) -> float:
        """Share of emergencies on site in time, in percent; 100 without any."""
        row = self.judged.score.service["emergency"]
        return 100 * row.on_time / row.tickets if row.tickets else 100.0


@dataclass(frozen=True)
class Interval:
    """A mean and how far the true one may be from it with 95 % confidence (Student); None with fewer than two days."""

    mean: float
    half_width: float | None


@dataclass(frozen=True)
class Comparison:
    """Several policies on the same days; differences are to `base`, paired day by day."""

    case: Case
    base: Policy
    days: tuple[Day, ...]

    def of(self, policy: Policy) -> tuple[Day, ...]:
        """The days of one policy, by seed."""
        return tuple(sorted((day for day in self.days if day.policy == policy), key=lambda day: day.seed))

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies, in the order asked for."""
        return tuple(dict.fromkeys(day.policy for day in self.days))


def replay_day(
    case: Case,
    policy: Policy,
    limit: SearchLimit,
    seed: int,
    *,
    spread: Spread | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Day:
    """One day by one policy, judged as a replay.

    Parameters
    ----------
    limit
        For the search of each decision.
    seed
        Of the searches, and of the day that is drawn.
    spread
        How far drives and work stray; None: they take what the case says.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other.
    """
    from optimizer.replay import replay
    from optimizer.replay_draws import drawn
    from optimizer.result import Stop

    true = None if spread is None else drawn(case, spread, seed)
    found = replay(case, policy, each=Stop(limit.seconds, limit.iterations), seed=seed, true=true, on_progress=on_progress)
    return Day(policy, seed, judge(found.true, found.plan, replay=True), found.decisions)


def compare(
    case: Case,
    policies: Sequence[Policy],
    seeds: Sequence[int],
    limit: SearchLimit,
    *,
    spread: Spread | None = None,
    on_day: Callable[[Day], None] = lambda _day: None,
) -> Comparison:
    """Every policy on every seed's day: the same drives and work for the same seed, whoever decides."""
    days: list[Day] = []
    for seed in seeds:
        for policy in policies:
            days.append(replay_day(case, policy, limit, seed, spread=spread))
            on_day(days[-1])
    return Comparison(case, policies[0], tuple(days))


def interval(values: Sequence[float]) -> Interval:
    """The mean of independent days with its 95 % interval."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return Interval(mean, None)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    t = _T_95[n - 2] if n - 2 < len(_T_95) else 2.09
    return Interval(mean, t * deviation / math.sqrt(n))


def comparison_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a policy: means with intervals, and paired differences to the first policy."""
    base = comparison.of(comparison.base)
    rows: list[dict[str, Any]] = []
    for policy in comparison.policies:
        days = comparison.of(policy)
        pairs = list(zip(days, base, strict=True))
        rows.append(
            {
                "policy": policy,
                "days": len(days),
                "violations": sum(len(day.judged.violations) for day in days),
                "cost": asdict(interval([day.cost for day in days])),
                "cost_ratio": sum(day.cost for day in days) / max(sum(day.cost for day in base), 1e-9),
                "cost_difference": asdict(interval([a.cost - b.cost for a, b in pairs])),
                "emergencies_in_time": asdict(interval([day.emergencies_in_time for day in days])),
                "emergencies_difference": asdict(interval([a.emergencies_in_time - b.emergencies_in_time for a, b in pairs])),
                "not_planned": sum(len(day.judged.plan.unassigned) for day in days) / len(days),
            }
        )
    return rows


def comparison_summary(comparison: Comparison) -> Mapping[str, Any]:
    """The comparison as plain data."""
    days = [
        {"policy": day.policy, "seed": day.seed, "decisions": day.decisions} | judged_summary(day.judged)
        for day in comparison.days
    ]  # fmt: skip
    return {"case": comparison.case.name, "base": comparison.base, "policies": comparison_rows(comparison), "days": days}


def write_picture(comparison: Comparison, path: Path) -> None:
    """The comparison as one SVG file that needs nothing else."""
    from data_models.case_files import write_file
    from maps.replay_plot import comparison_svg

    series: dict[str, list[tuple[int, float, float]]] = {
        policy: [(day.seed, day.cost, day.emergencies_in_time) for day in comparison.of(policy)] for policy in comparison.policies
    }
    write_file(path, comparison_svg(comparison.case.name, series))
