"""Records of runs as Markdown tables: medians over seeds with their spread, ratios within the same machine and time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.judging import SHARED
from benchmarks.vrptw import read_best_known

Record = dict[str, Any]
NAMES = {"ours": "twohour", "ortools": "OR-Tools", "pyvrp": "PyVRP", "vroom": "VROOM"}


def tables(records: list[Record], answers: list[Record]) -> str:
    """All tables that the records give."""
    parts: list[tuple[str, Callable[[list[Record]], list[str]]]] = [
        ("peers", _peers),
        ("settings", _settings),
        ("crews", _peers),
        ("vrptw", _vrptw),
        ("far", lambda rows: _far(rows, records)),
        ("sizes", _sizes),
    ]
    titles = {
        "peers": "Cases without crews, against peers",
        "settings": "Every setting of the peers, first seed",
        "crews": "Cases as they are, with crews, locks and breaks: OR-Tools is the only peer that can say them",
        "vrptw": "VRPTW: gap to the best known solution",
        "far": "Against our own long runs",
        "sizes": "Large cases",
    }
    text = []
    for part, make in parts:
        rows = [r for r in records if r["table"] == ("peers" if part == "settings" else part)]
        if rows:
            text += [f"### {titles[part]}", "", *make(rows), ""]
    if answers:
        text += ["### Answers and start-up", "", "| what | measured | note |", "| --- | ---: | --- |"]
        text += [f"| {a['what']} | {a['measured']} | {a['note']} |" for a in answers] + [""]
    failures = [r for r in records if "error" in r]
    if failures:
        text += [
            "### Runs without a plan",
            "",
            *(f"- {r['case']}, {NAMES[r['solver']]} {r['setting']}: {r['error']}" for r in failures),
            "",
        ]
    return "\n".join(text)


def best_runs(rows: Iterable[Record]) -> dict[str, list[Record]]:
    """By solver, the runs of its best setting: the one whose first seed was cheapest among those that broke no rule."""
    best: dict[str, list[Record]] = {}
    good = [r for r in rows if "cost" in r]
    for solver in NAMES:
        mine = [r for r in good if r["solver"] == solver]
        if mine:
            first = min(r["seed"] for r in mine)
            leader = min((r for r in mine if r["seed"] == first), key=lambda r: (r["broken"] > 0, r["cost"]))
            best[solver] = [r for r in mine if r["setting"] == leader["setting"]]
    return best


def median_cost(runs: list[Record]) -> float:
    """The median of the costs."""
    return statistics.median(r["cost"] for r in runs)


def _cases(rows: list[Record]) -> list[str]:
    return list(dict.fromkeys(r["case"] for r in rows))


def _peers(rows: list[Record]) -> list[str]:
    lines = [
        "| case, time | solver, its best setting | median cost | spread | of OR-Tools | above the unavoidable ¹ | emergencies in time "
        "| planned | rules broken | iterations | memory |",
        "| --- | --- | ---: | --- | ---: | ---: | --- | --- | ---: | ---: | ---: |",
    ]
    for case in _cases(rows):
        best = best_runs(r for r in rows if r["case"] == case)
        reference = median_cost(best["ortools"]) if "ortools" in best else None
        floor = min(r["skipped"] for runs in best.values() for r in runs)
        for solver, runs in best.items():
            costs = [r["cost"] for r in runs]
            middle = min(runs, key=lambda r: abs(r["cost"] - statistics.median(costs)))
            cells = (
                f"{case}, {middle['seconds']:g} s",
                f"{NAMES[solver]} {_short(middle['setting'])}".strip() + _overrun(middle),
                f"{statistics.median(costs):,.0f}",
                f"{min(costs):,.0f} to {max(costs):,.0f}" if len(costs) > 1 else "one run",
                f"{statistics.median(costs) / reference:.3f}" if reference else "",
                f"{statistics.median(costs) - floor:,.0f}",
                f"{middle['on_time']}/{middle['emergencies']}",
                f"{middle['planned']}/{middle['tickets']}",
                str(sum(r["broken"] for r in runs)),
                f"{middle['iterations']:,}",
                f"{max(r['megabytes'] for r in runs)} MB",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", "¹ Less the smallest skip cost in any of these plans: mostly tickets that nobody can reach."]


def _overrun(run: Record) -> str:
    """Said of a solver that did not stop at its limit; VROOM's first phase cannot be interrupted."""
    return f", took {run['spent']:.0f} s" if run["spent"] > run["seconds"] + 1.5 else ""


def _short(setting: str) -> str:
    words = {
        "PARALLEL_CHEAPEST_INSERTION": "PCI",
        "LOCAL_CHEAPEST_INSERTION": "LCI",
        "PATH_CHEAPEST_ARC": "PCA",
        "GUIDED_LOCAL_SEARCH": "GLS",
        "SIMULATED_ANNEALING": "SA",
    }
    return "/".join(words.get(word, word) for word in setting.split("/")) if setting else ""


def _settings(rows: list[Record]) -> list[str]:
    cases = _cases(rows)
    peers = [r for r in rows if r["solver"] != "ours"]
    first = min((r["seed"] for r in peers), default=1)
    cost = {(r["case"], r["solver"], r["setting"]): f"{r['cost']:,.0f}" for r in peers if r["seed"] == first and "cost" in r}
    lines = [f"| setting | {' | '.join(cases)} |", f"| --- |{' ---: |' * len(cases)}"]
    for solver, setting in dict.fromkeys((r["solver"], r["setting"]) for r in peers):
        lines.append(f"| {NAMES[solver]} {_short(setting)} | {' | '.join(cost.get((c, solver, setting), 'none') for c in cases)} |")
    return lines


def _vrptw(rows: list[Record]) -> list[str]:
    solvers = [s for s in NAMES if any(r["solver"] == s for r in rows)]
    lines = [f"| instance, time | best known | {' | '.join(NAMES[s] for s in solvers)} |", f"| --- | ---: |{' ---: |' * len(solvers)}"]
    gaps: dict[str, dict[str, list[float]]] = {"100 customers": {}, "1,000 customers": {}}
    for case in _cases(rows):
        mine = [r for r in rows if r["case"] == case]
        best = best_runs(mine)
        known = read_best_known(_solution(case))[1]
        size = "1,000 customers" if "_10_" in case else "100 customers"
        cells = []
        for solver in solvers:
            if solver not in best:
                cells.append("none")
                continue
            left_out = max(r["tickets"] - r["planned"] for r in best[solver])
            gap = 100 * (median_cost(best[solver]) / known - 1)
            cells.append(f"{left_out} left out" if left_out else f"{gap:.2f} %")
            gaps[size].setdefault(solver, []).append(gap if not left_out else float("inf"))
        lines.append(f"| {case.removeprefix('vrptw-')}, {mine[0]['seconds']:g} s | {known:,.1f} | {' | '.join(cells)} |")
    for size, by_solver in gaps.items():
        if by_solver:
            means = [f"{statistics.mean(by_solver[s]):.2f} %" if s in by_solver else "" for s in solvers]
            lines.append(f"| **mean of {len(next(iter(by_solver.values())))}, {size}** | | {' | '.join(means)} |")
    return lines


def _solution(case: str) -> Path:
    return SHARED / "data" / "vrptw" / f"{case.removeprefix('vrptw-')}.sol"


def _far(rows: list[Record], records: list[Record]) -> list[str]:
    lines = ["| case | median | best of the long runs | ratio | long runs |", "| --- | ---: | ---: | ---: | --- |"]
    for case in _cases(rows):
        long_runs = [r for r in rows if r["case"] == case and "cost" in r]
        short = [r for r in records if r["case"] == case and r["solver"] == "ours" and r["table"] == "peers" and "cost" in r]
        if long_runs and short:
            best = min(r["cost"] for r in long_runs)
            cells = (f"{case}, {short[0]['seconds']:g} s", f"{median_cost(short):,.0f}", f"{best:,.0f}", f"{median_cost(short) / best:.3f}")
            lines.append(f"| {' | '.join(cells)} | {len(long_runs)} of {long_runs[0]['seconds']:g} s |")
    return lines


def _sizes(rows: list[Record]) -> list[str]:
    lines = ["| case, time | cost | of the longer run | rules broken | memory |", "| --- | ---: | ---: | ---: | ---: |"]
    for case in _cases(rows):
        runs = sorted((r for r in rows if r["case"] == case and "cost" in r), key=lambda r: r["seconds"])
        for r in runs:
            ratio = f"{r['cost'] / runs[-1]['cost']:.3f}"
            lines.append(f"| {case}, {r['seconds']:g} s | {r['cost']:,.0f} | {ratio} | {r['broken']} | {r['megabytes']} MB |")
    return lines
