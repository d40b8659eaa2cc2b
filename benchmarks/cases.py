"""What plans cost on the dispatch cases of ../shared/cases, judged by the reference judge beside them.

    python -m benchmarks.cases [--seconds 30] [--seeds 1 2 3] [--solver search] [--without-crews] [--only day-60 day-200]

Prints a Markdown table: median cost over the seeds with the spread, emergencies in time, rules broken, iterations.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from benchmarks.judging import SHARED, commit, judged, must_be_here, processor, versions
from benchmarks.made_cases import without_crews
from data_models.case import Case
from data_models.case_files import case_json, plan_json, read_case, write_file
from flows.planning import SearchLimit, SolverName, solve

CASES = ("day-60", "day-200", "day-600", "midday-150", "three-days-300", "replay-120")


@dataclass(frozen=True)
class Run:
    """One solve: cost and emergencies in time by the judge, rules broken, iterations of the search."""

    cost: float
    emergencies: str
    broken: int
    iterations: int


def main() -> None:
    """Runs every case with every seed and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--solver", choices=get_args(SolverName), default="search")
    parser.add_argument("--without-crews", action="store_true", help="let one person do what needs a crew, as for peers that know no crews")
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES)
    options = parser.parse_args()
    must_be_here()
    print(f"commit {commit()}, {processor()}, {versions()}")
    print(f"\n`{' '.join(['python -m benchmarks.cases', *sys.argv[1:]])}`\n")
    print("| case | median cost | spread | emergencies in time | rules broken | iterations |\n| --- | ---: | --- | --- | ---: | ---: |")
    for name in options.only:
        case = read_case(SHARED / "cases" / f"{name}.json")
        case = without_crews(case) if options.without_crews else case
        runs = [_run(case, options.seconds, seed, options.solver) for seed in options.seeds]
        print(_row(name, runs), flush=True)


def _run(case: Case, seconds: float, seed: int, solver: SolverName) -> Run:
    plan = solve(case, SearchLimit(seconds), seed, solver=solver)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "case.json", Path(folder) / "plan.json"
        write_file(files[0], case_json(case))
        write_file(files[1], plan_json(plan))
        told = judged(*files)
    iterations = plan.solver.iterations if plan.solver and plan.solver.iterations else 0
    return Run(told["cost"], f"{told['on_time']}/{told['emergencies']}", told["broken"], iterations)


def _row(name: str, runs: list[Run]) -> str:
    costs = sorted(run.cost for run in runs)
    middle = min(runs, key=lambda run: abs(run.cost - statistics.median(costs)))
    cells = (
        name,
        f"{statistics.median(costs):,.0f}",
        f"{costs[0]:,.0f} to {costs[-1]:,.0f}",
        middle.emergencies,
        str(sum(run.broken for run in runs)),
        f"{middle.iterations:,}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
