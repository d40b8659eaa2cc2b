"""What plans cost on the dispatch cases of ../shared/cases, judged by the reference judge beside them.

    python benchmarks/cases.py [--seconds 30] [--seeds 1 2 3] [--solver search] [--without-crews] [--only day-60 day-200]

Prints a Markdown table: median cost over the seeds with the spread, emergencies in time, rules broken, iterations.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from data_models.case import Case
from data_models.case_files import case_json, plan_json, read_case, write_file
from flows.planning import SearchLimit, SolverName, solve

SHARED = Path(__file__).parents[2] / "shared"
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
    if not SHARED.is_dir():
        sys.exit(f"{SHARED} is not here: the cases to measure on lie beside the repository, not in it")
    print(f"commit {_commit()}, {_processor()}, Python {platform.python_version()}, ortools {version('ortools')}, numpy {version('numpy')}")
    print(f"\n`{' '.join(['python', *sys.argv])}`\n")
    print("| case | median cost | spread | emergencies in time | rules broken | iterations |\n| --- | ---: | --- | --- | ---: | ---: |")
    for name in options.only:
        case = read_case(SHARED / "cases" / f"{name}.json")
        case = _without_crews(case) if options.without_crews else case
        runs = [_run(case, options.seconds, seed, options.solver) for seed in options.seeds]
        print(_row(name, runs), flush=True)


def _without_crews(case: Case) -> Case:
    return replace(case, tickets=tuple(replace(ticket, crew=1) for ticket in case.tickets))


def _run(case: Case, seconds: float, seed: int, solver: SolverName) -> Run:
    plan = solve(case, SearchLimit(seconds), seed, solver=solver)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "case.json", Path(folder) / "plan.json"
        write_file(files[0], case_json(case))
        write_file(files[1], plan_json(plan))
        judge = [sys.executable, str(SHARED / "tools" / "score_plan.py"), *map(str, files), "--json"]
        verdict = json.loads(subprocess.run(judge, capture_output=True, text=True, check=False).stdout)
    emergencies = verdict["service"]["by_severity"].get("emergency", {"on_time": 0, "tickets": 0})
    iterations = plan.solver.iterations if plan.solver and plan.solver.iterations else 0
    return Run(verdict["cost"]["total"], f"{emergencies['on_time']}/{emergencies['tickets']}", len(verdict["violations"]), iterations)


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


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
