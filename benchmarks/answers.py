"""How fast one ticket more is answered, how fast the command line starts, and what gap it proves: each in processes of their own.

    python -m benchmarks.answers [MEASUREMENT ...] --out answers.json

Measurements: `candidates` and `repair` (a new emergency in a day of 600 and of 2,500 planned tickets), `editing` (a change by hand in a
day of 600), `start` (of `twohour solve` with the compiled search at hand), `compile` (into an empty cache), `gap` and `far-gap` (the
bound that `twohour solve` writes, by size).
All by default.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.judging import ROOT, judged
from benchmarks.made_cases import SHAPES, make_case, without_crews
from data_models.case import Case
from data_models.case_files import case_json, plan_json, read_plan, write_file

TWOHOUR = (sys.executable, "-c", "from console.cli import main; main()")  # of this very folder, wherever `twohour` is installed from
REPAIR_MS = {600: 200, 2500: 1000}
GAPS, FAR_GAPS = ((60, 30), (100, 60), (150, 60)), ((400, 600),)  # tickets, seconds


@dataclass(frozen=True)
class Measured:
    """One row of the table: what was measured, the figure, and how to read it."""

    what: str
    measured: str
    note: str


def main() -> None:
    """Carries out the measurements and writes them."""
    steps: dict[str, Callable[[], list[Measured]]] = {
        "candidates": lambda: [row for size in REPAIR_MS for row in _answers(size)],
        "editing": _editing,
        "start": _start_up,
        "compile": _first_compile,
        "gap": lambda: _gaps(GAPS),
        "far-gap": lambda: _gaps(FAR_GAPS),
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT", help=", ".join(steps))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plan-size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plan_size:
        options.out.write_text(json.dumps([asdict(row) for row in _answers_here(options.plan_size)]), encoding="utf-8")
        return
    if unknown := set(options.measurements) - steps.keys():
        sys.exit(f"unknown measurements {sorted(unknown)}; there are {', '.join(steps)}")
    rows = []
    for name in options.measurements or steps:
        for row in steps[name]():
            print(f"{row.what}: {row.measured} ({row.note})", flush=True)
            rows.append(asdict(row))
            options.out.write_text(json.dumps(rows), encoding="utf-8")


def _made(tickets: int) -> Case:
    return make_case(replace(SHAPES["usual"], tickets=tickets), 1)


def _answers(size: int) -> list[Measured]:
    """In a process of its own, so that nothing else is in its memory."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answers.json"
        subprocess.run([sys.executable, "-m", "benchmarks.answers", "--plan-size", str(size), "--out", str(out)], check=True, cwd=ROOT)
        return [Measured(**row) for row in json.loads(out.read_text(encoding="utf-8"))]


def _answers_here(size: int) -> list[Measured]:
    """Candidates and repair for emergencies that arrive when the rest of the day is planned."""
    from optimizer.candidates import candidates, repair
    from optimizer.problem import build_problem
    from optimizer.result import Stop
    from optimizer.schedule import schedule
    from optimizer.search import make_ready, solve
    from optimizer.solution import Schedule, Solution

    make_ready()
    case = without_crews(_made(size + 5))
    problem = build_problem(case)
    fresh = [t for t in range(problem.n_tickets) if case.tickets[t].severity == "emergency" and problem.reachable[t].any()][:5]
    solution = solve(problem, Stop(seconds=size / 20), 1).schedule.solution
    routes = tuple(tuple(t for t in route if t not in fresh) for route in solution.routes)
    kits = tuple(kit if route else frozenset() for kit, route in zip(solution.kits, routes, strict=True))
    plan = schedule(problem, Solution(routes, kits, solution.wait_until))
    if not isinstance(plan, Schedule):
        raise TypeError(f"the day without the new tickets does not hold: {plan.reason}")
    spent, counts = [], []
    for ticket in fresh:
        began = time.perf_counter()
        counts.append(len(candidates(problem, plan, ticket)))
        spent.append(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    mended = repair(problem, plan.solution, REPAIR_MS[size])
    whole = 1000 * (time.perf_counter() - began)
    taken = sum(any(ticket in route for route in mended.schedule.solution.routes) for ticket in fresh)
    note = f"median of {len(fresh)} new emergencies, {min(counts)} to {max(counts)} candidates, slowest {max(spent):.0f} ms"
    gain = f"from {plan.cost:,.0f} to {mended.cost:,.0f}, {taken} of {len(fresh)} new emergencies planned"
    return [
        Measured(f"candidates, {size} planned", f"{statistics.median(spent):.0f} ms", note),
        Measured(f"repair, {size} planned, limit {REPAIR_MS[size]} ms", f"{whole:.0f} ms", gain),
    ]


def _editing() -> list[Measured]:
    """Changes by hand: what a coordinator waits for when they let go of a visit."""
    from benchmarks.editing import PROMISE_MS, edited
    from flows.planning import SearchLimit, solve

    spent, refused = edited(_made(600), lambda case: plan_json(solve(case, SearchLimit(iterations=20_000), 1)))
    most = f"19 of 20 within {spent[len(spent) * 19 // 20]:.0f} ms, slowest {spent[-1]:.0f} ms, limit {PROMISE_MS:.0f} ms"
    note = f"CPU, median of {len(spent)} changes, {refused} refused with reasons; {most}"
    return [Measured("change by hand, 600 tickets", f"{statistics.median(spent):.0f} ms", note)]


def _solve(case: Case, seconds: float, folder: Path, environment: dict[str, str] | None = None) -> tuple[float, Path, Path]:
    """Wall seconds of `twohour solve` with the compiled search, and the files of case and plan."""
    case_file, plan_file = folder / "case.json", folder / "plan.json"
    write_file(case_file, case_json(case))
    words = [
        *TWOHOUR,
        "solve",
        str(case_file),
        "--solver",
        "search",
        "--seconds",
        str(seconds),
        "--no-explain",
        "--out",
        str(plan_file),
    ]
    began = time.perf_counter()
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **(environment or {})})
    spent = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with status {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    return spent, case_file, plan_file


def _start_up() -> list[Measured]:
    with tempfile.TemporaryDirectory() as folder:
        _solve(_made(60), 0.1, Path(folder))  # compiles when need be
        spent = [_solve(_made(60), 0.1, Path(folder))[0] - 0.1 for _ in range(3)]
    return [
        Measured(
            "start-up of `twohour solve`, compiled", f"{statistics.median(spent):.1f} s", "60 tickets, less 0.1 s of search, median of 3"
        )
    ]


def _first_compile() -> list[Measured]:
    """Into an empty cache, which lies beside the real one."""
    cache = Path(tempfile.mkdtemp(prefix="twohour-compile-"))
    try:
        spent, _, _ = _solve(_made(60), 0.1, cache, {"NUMBA_CACHE_DIR": str(cache / "numba")})
    finally:
        shutil.rmtree(cache)
    return [Measured("first `twohour solve`, nothing compiled", f"{spent:.1f} s", "of wall time, start-up included")]


def _gaps(sizes: tuple[tuple[int, int], ...]) -> list[Measured]:
    rows = []
    for tickets, seconds in sizes:
        with tempfile.TemporaryDirectory() as folder:
            spent, case_file, plan_file = _solve(without_crews(_made(tickets)), seconds, Path(folder))
            facts, cost = read_plan(plan_file).solver, judged(case_file, plan_file)["cost"]
        bound = facts.bound if facts else None
        gap = "no bound" if bound is None else f"{100 * (cost - bound) / cost:.2f} %"
        rows.append(Measured(f"proven gap, {tickets} tickets without crews, {seconds} s", gap, f"cost {cost:,.0f}, {spent:.0f} s in all"))
    return rows


if __name__ == "__main__":
    main()
