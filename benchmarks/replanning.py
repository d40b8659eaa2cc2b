"""A day of 600 tickets, planned, and planned again after one event: how good the answer of two seconds is, and how little it changes.

    python -m benchmarks.replanning --keep FOLDER [--hours 2 4] [--seconds 2] [--reference 60] [--base 30] [--clock cpu]

The day is `../shared/cases/day-600.json`, planned for `--base` seconds and followed to the second until `--hours` later. Then comes one
event: a new emergency, somebody sick, a ticket cancelled, work that takes an hour longer. The reference is the plain search from the same
state for `--reference` seconds (0: none), which knows no price of disturbance. Plan and references are kept in the folder and not made
twice. `cpu` counts the seconds of this process, for a machine that others use too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.judging import SHARED, commit, judged, must_be_here, processor, versions
from benchmarks.moments import case_at, happenings
from data_models.case import Case
from data_models.case_files import case_json, plan_json, read_case, read_plan, write_file
from data_models.plan import Plan
from optimizer.compiling import make_ready
from optimizer.problem import build_problem
from optimizer.published import kept, problem_for, promises
from optimizer.regions import solve
from optimizer.replanning import replan
from optimizer.result import Stop

SEED = 1
Clock = Callable[[], float]


@dataclass(frozen=True)
class Setting:
    """How long to search for what, by which clock, and where to keep what takes long."""

    seconds: float
    reference: float
    base: float
    clock: Clock
    folder: Path


def main() -> None:
    """Measures each event at each moment and prints a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--hours", type=float, nargs="+", default=[2.0, 4.0])
    parser.add_argument("--events", nargs="+", default=["emergency", "sick", "cancelled", "overrun"])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--reference", type=float, default=60.0)
    parser.add_argument("--base", type=float, default=30.0)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    options = parser.parse_args()
    must_be_here()
    make_ready()
    options.keep.mkdir(parents=True, exist_ok=True)
    clock = time.process_time if options.clock == "cpu" else time.monotonic
    setting = Setting(options.seconds, options.reference, options.base, clock, options.keep)
    print(f"commit {commit()}, {processor()}, {versions()}")
    print(f"\n`{' '.join(['python -m benchmarks.replanning', *sys.argv[1:]])}`\n")
    print("| moment | event | as published | answer | reference | dearer | rules broken | took | untouched | changed |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    day = read_case(SHARED / "cases" / "day-600.json")
    plan = _base(day, setting)
    for hours in options.hours:
        moment = case_at(day, plan, day.now + timedelta(hours=hours))
        for event, (case, touched) in happenings(day, plan, moment, SEED).items():
            if event in options.events:
                print(_row(f"{moment.now:%H:%M}", event, case, plan, touched, setting), flush=True)


def _base(day: Case, setting: Setting) -> Plan:
    file = setting.folder / "plan.json"
    if not file.exists():
        write_file(file, plan_json(solve(build_problem(day, trips=2), Stop(setting.base), SEED, clock=setting.clock).plan()))
    return read_plan(file)


def _row(at: str, event: str, case: Case, before: Plan, touched: Collection[str], setting: Setting) -> str:
    as_published, reference = _reference(at, event, case, before, setting)
    began = setting.clock()
    found = replan(case, before, Stop(setting.seconds), SEED, clock=setting.clock)
    took = setting.clock() - began
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "case.json", Path(folder) / "plan.json"
        write_file(files[0], case_json(case))
        write_file(files[1], plan_json(found.plan))
        told = judged(*files)
    untouched = [name for name in promises(before) if name in case.ticket_by_id and name not in touched]
    changed = sum(change.ticket in untouched for change in found.difference.changes)
    dearer = "–" if reference is None else f"{100 * (told['cost'] / reference - 1):+.2f} %"
    cells = (
        at,
        event,
        f"{as_published:,.0f}",
        f"{told['cost']:,.0f}",
        "–" if reference is None else f"{reference:,.0f}",
        dearer,
        str(told["broken"]),
        f"{took:.2f} s",
        str(len(untouched)),
        f"{changed} ({100 * changed / max(1, len(untouched)):.1f} %)",
    )
    return f"| {' | '.join(cells)} |"


def _reference(at: str, event: str, case: Case, before: Plan, setting: Setting) -> tuple[float, float | None]:
    """What the published plan costs as it stands, and what the plain search makes of it; None where no reference is asked for."""
    problem, told = problem_for(case, before, trips=2)
    start = kept(problem, told.solution)
    if start is None:
        raise RuntimeError(f"the published plan cannot be followed at {at} after {event}")
    file = setting.folder / f"reference-{at.replace(':', '')}-{event}-{setting.reference:g}.json"
    if not file.exists():
        if not setting.reference:
            return start.cost, None
        result = solve(problem, Stop(setting.reference), SEED, start=start.solution, clock=setting.clock)
        file.write_text(json.dumps({"cost": result.cost, "iterations": result.iterations}), encoding="utf-8")
    return start.cost, float(json.loads(file.read_text(encoding="utf-8"))["cost"])


if __name__ == "__main__":
    main()
