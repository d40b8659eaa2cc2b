"""Scenarios of a study, replayed and compared; without Prefect.

A replay depends on nothing but the study, the scenario, the policy, the seed and the limit of the search: its result is kept in a file
named by a digest of these, so that what was replayed once is not replayed again, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from data_models.case import SEVERITIES, Severity
from data_models.errors import BadInput
from data_models.json_files import load_json, plain_json, read_bytes, write_file
from data_models.policy import ServicePolicy
from data_models.reading import Problems, read_fact
from data_models.study import TODAY, Scenario, Study
from data_models.study_files import scenario_json, study_json
from flows.markdown import as_text

if TYPE_CHECKING:
    from maps.study_facts import FrontierPoint
    from optimizer.expected_service import ExpectedService
    from optimizer.history_figures import Estimate, Figures
    from optimizer.history_replay import HistoryReplayed
    from optimizer.scenarios import Situation

PolicyName = Literal["nearest", "triage", "insert", "optimize"]
Language = Literal["zh", "en"]

DEFAULT_ITERATIONS = 300
"""Of the search, for each decision: a history has thousands of them, and few tickets wait at a time."""


@dataclass(frozen=True)
class Run:
    """One replay to be made: `future` draws the tickets anew from the history by the seed, else they are those that happened."""

    study: Study
    scenario: Scenario
    service: ServicePolicy
    policy: PolicyName
    seed: int = 1
    iterations: int = DEFAULT_ITERATIONS
    future: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of all that its result depends on, the version of twohour included."""
        parts = (
            version("twohour"),
            study_json(self.study),
            scenario_json(self.scenario),
            repr(self.service),
            f"{self.policy} {self.seed} {self.iterations} {self.future}",
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Compared:
    """One scenario beside the first: its figures, and how far shares in time and the cost of failing differ, paired by week.

    Attributes
    ----------
    formula
        What the formula promised for what was replayed.
    replays
        One for each seed.
    """

    scenario: Scenario
    situation: Situation
    figures: Figures
    in_time: Mapping[Severity, Estimate]
    failing: Estimate
    formula: ExpectedService
    replays: tuple[HistoryReplayed, ...]

    def error_points(self, severity: Severity) -> float | None:
        """Points by which the formula is above the replay; None where no ticket of the severity was replayed."""
        service = self.figures.service[severity]
        return 100 * (self.formula.in_time[severity] - service.in_time.value) if service.tickets else None


@dataclass(frozen=True)
class Comparison:
    """Scenarios of a study on the same tickets; the first is what the others are compared with."""

    study: Study
    policy: PolicyName
    seeds: tuple[int, ...]
    future: bool
    scenarios: tuple[Compared, ...]


def with_today(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios after that of no changes. Raises `BadInput` where two have one name."""
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1 or name == TODAY.name:
            raise BadInput(f"scenario {name} stands twice, or has the name of what is compared with; give each a name of its own")
    return (TODAY, *scenarios)


def replay_run(run: Run, kept: Path | None = None, on_progress: Callable[[int, int], None] = lambda _done, _all: None) -> HistoryReplayed:
    """The replay of one run; read from `kept` where it was made before, else made and written there.

    Raises
    ------
    BadInput
        The scenario does not fit the study.
    """
    from optimizer.history_replay import replay_history
    from optimizer.result import Stop
    from optimizer.scenarios import under
    from optimizer.study_demand import sampled_future

    path = None if kept is None else kept / f"{run.digest}.json"
    found = None if path is None else _read_replay(path)
    if found is not None:
        return found
    study = run.study
    if run.future:
        study = replace(study, history=sampled_future(study.history, ZoneInfo(study.zone), run.seed))
    situation = under(study, run.scenario, run.service)
    made = replay_history(situation, run.policy, each=Stop(iterations=run.iterations), seed=run.seed, on_progress=on_progress)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, plain_json(made))
    return made


def compare_scenarios(
    study: Study,
    scenarios: Sequence[Scenario],
    service: ServicePolicy,
    policy: PolicyName,
    *,
    seeds: Sequence[int] = (1,),
    future: bool = False,
    iterations: int = DEFAULT_ITERATIONS,
    workers: int = 1,
    kept: Path | None = None,
    on_replay: Callable[[Scenario, int], None] = lambda _scenario, _seed: None,
) -> Comparison:
    """Each scenario replayed with each seed, and compared with the first.

    Parameters
    ----------
    future
        Whether each seed draws a future of its own; else all replay what happened, and seeds differ in the search and in what
        growth and new customers add.
    workers
        Processes that replay at the same time.
    kept
        Folder of replays made before.
    on_replay
        Called when one is done.

    Raises
    ------
    BadInput
        A scenario does not fit the study.
    """
    runs = [
        Run(study, scenario, service, policy, seed, iterations, future) for scenario in scenarios for seed in seeds
    ]  # fmt: skip
    must_fit(study, scenarios, service)
    made: list[HistoryReplayed] = []
    for run, replayed in zip(runs, _replays(runs, workers, kept), strict=True):
        made.append(replayed)
        on_replay(run.scenario, run.seed)
    return compared(study, scenarios, service, policy, seeds, future, made)


def must_fit(study: Study, scenarios: Sequence[Scenario], service: ServicePolicy) -> None:
    """Raises `BadInput` with all problems of all scenarios."""
    from optimizer.scenarios import under

    problems: list[str] = []
    for scenario in scenarios:
        try:
            under(study, scenario, service)
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(*problems)


def compared(
    study: Study,
    scenarios: Sequence[Scenario],
    service: ServicePolicy,
    policy: PolicyName,
    seeds: Sequence[int],
    future: bool,
    replays: Sequence[HistoryReplayed],
) -> Comparison:
    """The comparison that replays give, scenario by scenario and in each by seed."""
    from optimizer.expected_service import solved
    from optimizer.history_figures import cost_difference, figures_of, in_time_difference
    from optimizer.scenarios import under

    n = len(seeds)
    base = replays[:n]
    rows: list[Compared] = []
    near = None
    for number, scenario in enumerate(scenarios):
        situation, mine = under(study, scenario, service), replays[number * n : (number + 1) * n]
        differences = {severity: in_time_difference(base, mine, severity) for severity in SEVERITIES}
        near = solved(situation, near=near)
        figures, failing = figures_of(situation, mine), cost_difference(base, mine)
        rows.append(Compared(scenario, situation, figures, differences, failing, near.service, tuple(mine)))
    return Comparison(study, policy, tuple(seeds), future, tuple(rows))


def comparison_summary(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    return {
        "study": comparison.study.name,
        "policy": comparison.policy,
        "seeds": list(comparison.seeds),
        "future": comparison.future,
        "compared_with": comparison.scenarios[0].scenario.name,
        "scenarios": [
            {
                **asdict(row.figures),
                "cost": asdict(row.figures.cost) | {"total": row.figures.cost.total},
                "in_time_difference": {severity: asdict(estimate) for severity, estimate in row.in_time.items()},
                "failing_cost_difference": asdict(row.failing),
                "formula_in_time": dict(row.formula.in_time),
                "formula_error_points": {severity: row.error_points(severity) for severity in SEVERITIES},
            }
            for row in comparison.scenarios
        ],
    }


def write_comparison(comparison: Comparison, out: Path, language: Language = "zh", frontier: Sequence[FrontierPoint] = ()) -> Path:
    """Write the comparison into a folder, as `comparison.json` and as `report.html` for people; the path of the first.

    Parameters
    ----------
    language
        Of the report.
    frontier
        Efficient choices of sites, drawn in the report where there are any.
    """
    from flows.study_report import report_html

    out.mkdir(parents=True, exist_ok=True)
    path = out / "comparison.json"
    write_file(path, json.dumps(comparison_summary(comparison), ensure_ascii=False, indent=1) + "\n")
    write_file(out / "report.html", report_html(comparison, language, frontier))
    return path


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison as a table in Markdown, with names made harmless."""
    lines = ["| scenario | emergencies in time | against today | formula | cost a year |", "| --- | --- | --- | --- | --- |"]
    for row in comparison.scenarios:
        share, change = row.figures.service["emergency"].in_time, row.in_time["emergency"]
        formula = f"{row.formula.in_time['emergency']:.1%}"
        lines.append(
            f"| {as_text(row.scenario.name)} | {_percent(share)} | {_points(change)} | {formula} | {row.figures.cost.total:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _percent(share: Estimate) -> str:
    return f"{share.value:.1%}" + ("" if share.half_width is None else f" ± {100 * share.half_width:.1f}")


def _points(change: Estimate) -> str:
    return f"{100 * change.value:+.1f}" + ("" if change.half_width is None else f" ± {100 * change.half_width:.1f}") + " points"


def _replays(runs: Sequence[Run], workers: int, kept: Path | None) -> Iterator[HistoryReplayed]:
    if workers <= 1 or len(runs) == 1:
        for run in runs:
            yield replay_run(run, kept)
        return
    with ProcessPoolExecutor(min(workers, len(runs)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(replay_run, runs, [kept] * len(runs))


def _read_replay(path: Path) -> HistoryReplayed | None:
    """What was kept; None when it was not, or cannot be read: then it is made again."""
    from optimizer.history_replay import HistoryReplayed

    if not path.exists():
        return None
    try:
        problems = Problems()
        return read_fact(HistoryReplayed, load_json(read_bytes(path), problems), problems)
    except BadInput:
        return None
