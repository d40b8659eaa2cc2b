"""Cost over time: one panel a case, a line a solver (median over its seeds), with the range between seeds shaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot

from benchmarks.tables import NAMES, best_runs

Record = dict[str, Any]
COLOURS = {"ours": "#0b6e4f", "ortools": "#c8553d", "pyvrp": "#3d5a98", "vroom": "#8d6a9f"}
MARKS = {"ours": "o", "ortools": "s", "pyvrp": "^", "vroom": "D"}


def draw(records: list[Record], path: Path) -> None:
    """Writes the picture of all cases with peers as PNG."""
    rows = [r for r in records if r["table"] == "peers" and "cost" in r]
    cases = list(dict.fromkeys(r["case"] for r in rows))
    if not cases:
        return
    columns = min(2, len(cases))
    lines = -(-len(cases) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(5.2 * columns, 3.6 * lines), squeeze=False, layout="constrained")
    for axis, case in zip(axes.flat, cases, strict=False):
        _panel(axis, case, [r for r in rows if r["case"] == case])
    for axis in list(axes.flat)[len(cases) :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _panel(axis: Any, case: str, rows: list[Record]) -> None:
    end = max(max(r["seconds"], r["spent"]) for r in rows)
    moments = np.geomspace(0.05, end, 120)
    for solver, runs in best_runs(rows).items():
        costs = np.array([[_at(r["trajectory"], moment) for moment in moments] for r in runs])
        shown = np.isfinite(costs).all(axis=0)
        if not shown.any():
            continue
        middle = np.median(costs[:, shown], axis=0)
        axis.plot(moments[shown], middle, color=COLOURS[solver], drawstyle="steps-post", label=NAMES[solver])
        axis.plot(moments[shown][-1:], middle[-1:], color=COLOURS[solver], marker=MARKS[solver], clip_on=False)
        axis.fill_between(moments[shown], costs[:, shown].min(0), costs[:, shown].max(0), color=COLOURS[solver], alpha=0.2, step="post")
    axis.set(xscale="log", yscale="log", title=case, xlabel="seconds", ylabel="cost of the best plan so far")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
        which(lambda value, _: f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1000:.0f} k")
    axis.yaxis.set_minor_locator(mpl.ticker.LogLocator(subs=(1.5, 2, 3, 5, 7)))
    axis.grid(alpha=0.3, which="both")
    axis.legend(frameon=False)


def _at(trajectory: list[list[float]], moment: float) -> float:
    """The cost that was reached by a moment; not a number before the first plan."""
    return min((cost for seconds, cost in trajectory if seconds <= moment), default=float("nan"))
