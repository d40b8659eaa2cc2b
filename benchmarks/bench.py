"""Runs us and the peers on the same machine, with equal wall time, and prints the tables: `make bench`.

    python -m benchmarks.bench [--quick | --long] [--jobs 2] [--only day-200 ...] [--fresh] [--report]

Every solve is a process of its own; results go to out/bench/, one file a run, and what is done is not run again: ours when the commit
is the same, peers always; `--fresh` runs everything anew. `--report` writes the tables and the plot into benchmarks/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.judging import ROOT, SHARED, commit, judged, must_be_here, processor
from benchmarks.made_cases import SHAPES, make_case, without_crews
from benchmarks.plans import START_UP_S, Run, Work, works
from benchmarks.report import write_report
from benchmarks.tables import tables
from benchmarks.vrptw import case_of, read_instance
from data_models.case_files import case_json, read_case, write_file

OUT = ROOT / "out" / "bench"
ANSWERS = {"quick": [], "full": ["candidates", "start", "compile", "gap"], "long": ["candidates", "start", "compile", "gap", "far-gap"]}
ANSWERS_S = {"quick": 0, "full": 450, "long": 1100}
Record = dict[str, Any]


def main() -> None:
    """Runs a profile and prints its tables."""
    options = _options()
    must_be_here()
    profile = "quick" if options.quick else "long" if options.long else "full"
    jobs = works(profile, options.seconds, options.long_seconds, tuple(range(1, options.seeds + 1)))
    jobs = [work for work in jobs if not options.only or work.case in options.only]
    folder = OUT / profile
    for part in ("runs", "cases"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    minutes = (sum(work.length_s() for work in jobs) / options.jobs + ANSWERS_S[profile]) / 60
    print(f"{profile}: {len(jobs)} cases, at most {minutes:.0f} minutes with {options.jobs} at a time; results in {folder}", flush=True)
    records = [record for work in jobs for record in _carry_out(work, folder, options.jobs, options.fresh)]
    answers = _answers(folder / "answers.json", ANSWERS[profile] if options.answers is None else options.answers, options.fresh)
    print(tables(records, answers))
    if options.report:
        write_report(records, answers, f"make bench BENCH={' '.join(sys.argv[1:])!r}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="some minutes, to see that everything works")
    size.add_argument("--long", action="store_true", help="also our own long runs and the large cases: hours")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--long-seconds", type=float, default=600.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="solves at a time; at most one a core")
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE")
    parser.add_argument("--fresh", action="store_true", help="run again what is done")
    parser.add_argument("--report", action="store_true", help="write benchmarks/RESULTS.md and its plot")
    parser.add_argument("--answers", nargs="*", default=None, help="measurements of benchmarks.answers, instead of the usual")
    return parser.parse_args()


def _answers(path: Path, measurements: list[str], fresh: bool) -> list[Record]:
    """Rows of `benchmarks.answers`, measured anew when the commit is another; alone on the machine, after the runs."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {"commit": "", "rows": []}
    if measurements and (fresh or known["commit"] != commit()):
        rows = path.with_suffix(".rows.json")
        subprocess.run([sys.executable, "-m", "benchmarks.answers", *measurements, "--out", str(rows)], check=True, cwd=ROOT)
        known = {"commit": commit(), "rows": json.loads(rows.read_text("utf-8"))}
        path.write_text(json.dumps(known), encoding="utf-8")
    return list(known["rows"])


def _carry_out(work: Work, folder: Path, jobs: int, fresh: bool) -> list[Record]:
    """All runs of one case: the settings first, then the best setting of each peer with the other seeds."""
    case = prepare(work.case, folder / "cases")
    records = _run_all(work.first(), case, folder, jobs, fresh)
    best = {solver: _best_setting(records, solver) for solver in work.peers}
    records += _run_all(work.then({solver: setting for solver, setting in best.items() if setting}), case, folder, jobs, fresh)
    return [{**record, "table": work.table} for record in records]


def _best_setting(records: list[Record], solver: str) -> str:
    mine = [record for record in records if record["solver"] == solver and "cost" in record and not record["broken"]]
    return str(min(mine, key=lambda record: record["cost"])["setting"]) if mine else ""


def prepare(name: str, folder: Path) -> Path:
    """The file of a case by its name; see `plans.Run`."""
    path = folder / f"{name}.json"
    if path.exists():
        return path
    base = name.removesuffix("-alone")
    if base.startswith("vrptw-"):
        case = case_of(read_instance(instance_file(base)))
    elif base.startswith("made-"):
        case = make_case(replace(SHAPES["usual"], tickets=int(base.removeprefix("made-")), emergency_share=0.306), 1, base)
    else:
        case = read_case(SHARED / "cases" / f"{base}.json")
    write_file(path, case_json(without_crews(case) if name.endswith("-alone") else case))
    return path


def instance_file(case: str) -> Path:
    """The VRPTW file behind a case `vrptw-NAME`."""
    stem = SHARED / "data" / "vrptw" / case.removeprefix("vrptw-")
    return next(path for path in (stem.with_suffix(".txt"), stem.with_suffix(".vrp")) if path.exists())


def _run_all(runs: Iterable[Run], case: Path, folder: Path, jobs: int, fresh: bool) -> list[Record]:
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda run: _run(run, case, folder / "runs", fresh), runs))


def _run(run: Run, case: Path, folder: Path, fresh: bool) -> Record:
    """One run, or what is known of it already."""
    record_file, plan, facts = (folder / f"{run.name}.{end}" for end in ("json", "plan.json", "facts.json"))
    here = {"commit": commit(), "processor": processor()}
    if record_file.exists() and not fresh:
        known: Record = json.loads(record_file.read_text("utf-8"))
        if known["processor"] == here["processor"] and (run.solver != "ours" or known["commit"] == here["commit"]):
            return known
    plain = [str(instance_file(run.case))] if run.case.startswith("vrptw-") else []
    words = [run.solver, run.setting, str(case), str(run.seconds), str(run.seed), str(plan), str(facts), *plain]
    facts.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.one_run", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=4 * run.seconds + 30 * START_UP_S,
        )
        trouble = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
    except subprocess.TimeoutExpired:
        trouble = ["did not end"]
    record: Record = {**asdict(run), **here}
    record |= {**json.loads(facts.read_text("utf-8")), **judged(case, plan)} if facts.exists() else {"error": trouble[0][:200]}
    record_file.write_text(json.dumps(record), encoding="utf-8")
    said = f"{record['cost']:,.0f}, {record['broken']} broken, {record['spent']:.1f} s" if "cost" in record else record["error"]
    print(f"{run.name}: {said}", flush=True)
    return record


if __name__ == "__main__":
    main()
