"""`difference` and `replan`: what a new plan changes of the published one, and a plan that changes little."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.front_door import LARGEST_NUMBER, AsJson, CaseFile, must_be_a_new_plan, search_limit, status_of_signal
from data_models.errors import BadInput

if TYPE_CHECKING:
    from data_models.case import Case
    from optimizer.difference import Difference, VisitChange
    from optimizer.replanning import Disturbance

BeforeFile = Annotated[Path, typer.Argument(metavar="BEFORE.json", help="The published plan, a dispatch-plan/1 file.")]
DEFAULT_SECONDS = 2.0
MOST_ROWS = 40
"""A longer list of changes is cut here; `--json` has the whole of it."""

_STYLES = {"new": "green", "dropped": "red", "moved": "yellow", "later": "yellow", "earlier": "cyan"}


def difference(
    case_file: CaseFile,
    before_file: BeforeFile,
    after_file: Annotated[Path, typer.Argument(metavar="AFTER.json", help="The new plan, a dispatch-plan/1 file of the case.")],
    as_json: AsJson = False,
) -> None:
    """Say what a new plan changes of the published one, visit by visit, and why."""
    from config.settings import load_settings
    from data_models.case_files import read_case, read_plan
    from optimizer.difference import difference as find

    tolerance = load_settings().replanning.moved_minutes
    case = read_case(case_file)
    found = find(case, read_plan(before_file), read_plan(after_file), tolerance_minutes=tolerance)
    print_difference(case, found, as_json=as_json)


def replan(
    case_file: CaseFile,
    before_file: BeforeFile,
    out: Annotated[Path, typer.Option("--out", metavar="AFTER.json", help="Where the new plan goes.")],
    seconds: Annotated[float | None, typer.Option(help="How long it may take; 2 when neither this nor --iterations is given.")] = None,
    iterations: Annotated[int | None, typer.Option(help="Search this many steps instead: repeats exactly with the same seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_NUMBER, help="Where randomness starts.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Plan again from where people are, changing little of what was published; say what changes and why."""
    from config.settings import load_settings
    from console.printing import plain, print_json, progress, say_compiling, terminal
    from data_models.case_files import plan_json, read_case, read_plan, write_file
    from flows.planning import SearchLimit, judge, judged_summary
    from flows.replanning import difference_summary, replan_until_signal

    settings = load_settings().replanning
    limit = search_limit(seconds, iterations) or SearchLimit(DEFAULT_SECONDS)
    case, before = read_case(case_file), read_plan(before_file)
    must_be_a_new_plan(out, case_file)
    if out.resolve() == before_file.resolve():
        raise BadInput(f"--out {out}: is the published plan, which the new one would replace; name another file")
    with progress(f"planning {case.name} again", limit.seconds, quiet=as_json):
        found = replan_until_signal(case, before, limit, seed, settings, on_compile=say_compiling)
    write_file(out, plan_json(found.plan))
    judged = judge(case, found.plan)
    if as_json:
        told = {"interrupted": found.interrupted is not None, "written": str(out)}
        print_json({**judged_summary(judged), "difference": difference_summary(found.difference, found.disturbance), **told})
    else:
        print_difference(case, found.difference, found.disturbance)
        broken = f"[red]{len(judged.violations)} rules are broken[/]: twohour check" if judged.violations else "every rule is kept"
        terminal().print(f"cost {judged.score.cost.total:,.0f}; {broken}; plan written to {plain(out)}")
    if judged.violations:
        raise typer.Exit(1)
    if found.interrupted is not None:
        raise typer.Exit(status_of_signal(found.interrupted))


def print_difference(case: Case, found: Difference, disturbance: Disturbance | None = None, *, as_json: bool = False) -> None:
    """Print what changes: one row a visit, counts below."""
    from rich.table import Table

    from console.printing import plain, print_json, terminal
    from flows.replanning import difference_summary

    if as_json:
        print_json(difference_summary(found, disturbance))
        return
    out = terminal()
    if found.changes:
        table = Table(title=f"Changes of {plain(case.name)}", title_justify="left", title_style="bold", box=None, pad_edge=False)
        for heading in ("ticket", "change", "from", "to", "why"):
            table.add_column(heading, header_style="dim", overflow="fold")
        for change in found.changes[:MOST_ROWS]:
            table.add_row(*_row(case, change))
        if len(found.changes) > MOST_ROWS:
            table.add_row("…", f"and {len(found.changes) - MOST_ROWS} more")
        out.print(table)
    counts = [f"{len(found.of(kind))} {kind}" for kind in _STYLES if found.of(kind)]  # type: ignore[arg-type]
    gone = f"; {len(found.gone)} of the published plan are begun or closed" if found.gone else ""
    out.print(f"{', '.join(counts) or 'nothing changes'}; {len(found.unchanged)} unchanged{gone}")
    if disturbance is not None and disturbance.price:
        out.print(f"[dim]price of what changes, beside the cost: {disturbance.price:,.0f}[/]")
    if disturbance is not None and disturbance.frozen:
        out.print(f"[yellow]![/] about to begin, and changed for an emergency: {plain(', '.join(disturbance.frozen))}")


def _row(case: Case, change: VisitChange) -> tuple[str, ...]:
    from console.printing import plain
    from console.text import duration, time_of_day

    def when(people: tuple[str, ...], at: datetime | None) -> str:
        return "–" if at is None else " ".join(filter(None, (plain(", ".join(people)), time_of_day(at, case.now))))

    by = (
        "" if change.minutes is None or abs(change.minutes) < 1 else f" {'-' if change.minutes < 0 else '+'}{duration(abs(change.minutes))}"
    )
    same = change.from_technicians == change.to_technicians
    return (
        plain(change.ticket),
        f"[{_STYLES[change.kind]}]{change.kind}[/]{by}",
        when(change.from_technicians, change.from_start),
        when(() if same else change.to_technicians, change.to_start),
        plain(change.why),
    )
