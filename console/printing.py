"""What the command line shows: figures and lists for people (Rich), one JSON object for machines."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from console.text import duration, printable
from data_models.case import SEVERITIES
from data_models.plan import PROVEN
from flows.planning import judged_summary

if TYPE_CHECKING:
    from data_models.case import Case
    from data_models.context import Context
    from data_models.plan import Plan
    from flows.options import Option
    from flows.papers import Paper
    from flows.planning import JudgedPlan

LEAST_SHARE = 0.0005
"""Of a cost: less is told in words."""

MOST_ROWS = 12
"""A longer list is cut here: the files have the whole of it."""

MOST_DOUBTFUL = 6
"""So many of the least sure visits are listed."""
MOST_DELAYS = 3
"""Of the visits that a candidate would delay, so many are named in a row."""

COST_WORDS = {
    "skipped": "not planned",
    "missed": "promises missed",
    "late": "hours late",
    "drive": "driving",
    "overtime": "overtime",
    "changed": "changed technicians",
}


def plain(text: object) -> str:
    """User text for the terminal: no markup, no control characters."""
    return escape(printable(str(text)))


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the program here with status 1, which means a broken rule to whoever reads it."""
        raise


WIDTH_WHEN_PIPED = 120


def terminal() -> Console:
    """A console on standard output; when that is piped as wide as COLUMNS says, else wide, so that a program reads whole lines."""
    return _Terminal(width=None if sys.stdout.isatty() else _width_when_piped(), highlight=False)


def _width_when_piped() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) > 0 else WIDTH_WHEN_PIPED


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output; times as ISO 8601, and null for a number that JSON cannot hold."""
    sys.stdout.write(json.dumps(_finite(value), ensure_ascii=False, default=_jsonable, allow_nan=False) + "\n")


@contextmanager
def progress(what: str, seconds: float | None, *, quiet: bool = False) -> Iterator[Callable[[float, float], None]]:
    """A progress bar on standard error for a search of `seconds` (None: length unknown); gives the callback that moves it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _spent, _cost: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[cost]}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(plain(what), total=seconds, cost="")
        yield lambda spent, cost: bar.update(task, completed=spent, cost=f"cost {cost:,.0f}")


def say_compiling() -> None:
    """Announce on standard error that the search is compiled before it starts."""
    sys.stderr.write("compiling the search once, about half a minute …\n")
    sys.stderr.flush()


def print_judged(
    judged: JudgedPlan,
    *,
    as_json: bool = False,
    written: Path | None = None,
    list_unassigned: bool = True,
    interrupted: bool | None = None,
    proof_of: JudgedPlan | None = None,
) -> None:
    """Print a judged plan: broken rules first, then figures, then what is not planned.

    `interrupted` says whether a signal ended the search or the proof; None where the plan comes from a file, which may claim anything.
    `proof_of` is the plan that was to be proven.
    """
    if as_json:
        of_search: dict[str, Any] = {} if interrupted is None else {"interrupted": interrupted}
        of_search |= {} if proof_of is None else {"cost_before": round(proof_of.score.cost.total, 2)}
        print_json({**judged_summary(judged), **of_search, "written": str(written) if written else None})
        return
    out = terminal()
    if judged.plan.case != judged.case.name:
        out.print(f"[yellow]![/] the plan says that it is one of {plain(judged.plan.case)}; this case is {plain(judged.case.name)}")
    if judged.violations:
        out.print(_violations(judged))
    else:
        out.print(f"[green]✓[/] {plain(judged.case.name)}: every rule is kept")
    out.print(_service(judged))
    out.print(_cost(judged))
    if judged.doubtful:
        out.print(_doubtful(judged))
    if judged.plan.unassigned and list_unassigned:
        out.print(_unassigned(judged))
    if (facts := judged.plan.solver) is not None:
        if facts.bound is not None and not judged.violations:
            out.print(_claim(facts.bound, judged.score.cost.total) if interrupted is None else _proof(facts.bound, judged.score.cost.total))
        if proof_of is not None:
            out.print(_gain(proof_of, judged))
        elif facts.seconds is not None and facts.iterations is not None:
            out.print(f"[dim]searched {facts.seconds:.1f} s, {facts.iterations} iterations, seed {facts.seed}[/]")
        if interrupted and proof_of is not None:
            out.print("[yellow]![/] interrupted: given longer, the proof would say more")
        elif interrupted and facts.seconds is not None:
            out.print(f"[yellow]![/] interrupted after {facts.seconds:.0f} s: this is the best plan so far")
    if written:
        out.print(f"plan written to {plain(written)}")


def _proof(bound: float, cost: float) -> str:
    """What the solver proved: that nothing is cheaper, or how much there is to gain at the most."""
    spare = max(0.0, cost - bound)
    if spare <= PROVEN * max(abs(cost), 1.0):
        return "[green]✓[/] proven: no plan of this case costs less"
    share = spare / cost if cost > 0 else 0.0
    told = f" ({share:.1%})" if share >= LEAST_SHARE else " (less than 0.1 %)" if cost > 0 else ""
    return f"proven: no plan of this case costs less than {bound:,.0f}; at the most {spare:,.0f}{told} could be saved, if anything"


def _claim(bound: float, cost: float) -> str:
    """What a plan file claims to be proven, and whether that can be."""
    if bound > cost * (1 + PROVEN) + PROVEN:
        return f"[red]✗[/] the file claims that no plan costs less than {bound:,.0f}, but it costs {cost:,.0f} itself: the claim is false"
    return f"[dim]the file claims that no plan costs less than {bound:,.0f}; `twohour prove` proves it anew[/]"


def _gain(before: JudgedPlan, after: JudgedPlan) -> str:
    """Whether a proof found a cheaper plan, and what it leaves of what the file claimed."""
    costs = before.score.cost.total, after.score.cost.total
    found = f"a cheaper plan: {costs[1]:,.0f} in place of {costs[0]:,.0f}" if costs[1] < costs[0] else "no cheaper plan was found"
    claimed = before.plan.solver.bound if before.plan.solver else None
    reached = after.plan.solver.bound if after.plan.solver else None
    if claimed is None or reached is None or not reached < claimed * (1 - LEAST_SHARE) <= costs[1]:
        return found
    return f"{found}; the file claimed a bound of {claimed:,.0f}, which this proof did not reach: give it more --seconds"


def travel_facts(context: Context) -> dict[str, Any]:
    """Where the travel times of a plan come from, and what to know about them."""
    return {"source": context.travel_source, "notes": list(context.travel_notes)}


def print_travel(context: Context) -> None:
    """Print where the travel times come from; notes on them, such as a fallback that was taken, stand out."""
    out = terminal()
    out.print(f"[dim]travel times: {plain(context.travel_source)}[/]")
    for note in context.travel_notes:
        out.print(f"[yellow]![/] {plain(note)}", soft_wrap=True)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right", header_style="dim")
    return table


def print_published(number: int, papers: Sequence[Paper], *, as_json: bool = False) -> None:
    """What was published, and where it is."""
    if as_json:
        print_json({"plan": number, "state": "published", "papers": [str(paper.path) for paper in papers]})
        return
    out = terminal()
    out.print(f"plan {number} is published")
    for paper in papers:
        out.print(f"  {plain(paper.path)}  [dim]{paper.what}[/]", soft_wrap=True)


def print_options(case: Case, plan: Plan, ticket: str, options: Sequence[Option], *, as_json: bool = False) -> None:
    """Print who has a ticket and who could take it, the best first; of several people who would go together, each with the own arrival."""
    has = [(route.technician, stop.start) for route in plan.routes for stop in route.stops if stop.ticket == ticket]
    if as_json:
        now = {"technicians": [who for who, _ in has], "start": has[0][1]} if has else None
        print_json({"case": case.name, "ticket": ticket, "planned": now, "candidates": [asdict(option) for option in options]})
        return
    out = terminal()
    if has:
        people = ", ".join(plain(who) for who, _ in has)
        out.print(f"{plain(ticket)} is planned: {people} from {has[0][1]:%m-%d %H:%M}; what follows is counted from the plan without it")
    if not options:
        out.print(f"nobody can take {plain(ticket)} besides what is planned; a search may find room: twohour solve")
        return
    table = _table(f"Who could take {plain(ticket)}", "who", "arrives", "starts", "in time", "added cost", "delays")
    for option in options[:MOST_ROWS]:
        late = "yes" if option.late_minutes == 0 else f"[yellow]{duration(option.late_minutes)} late[/]"
        delays = [f"{plain(other)} by {duration(minutes)}" for other, minutes in option.delays]
        arrivals = ", ".join(f"{moment:%m-%d %H:%M}" for moment in option.arrivals)
        who = plain(", ".join(option.technicians)) + (" [dim](as planned)[/]" if _is_as_planned(option, has) else "")
        table.add_row(who, arrivals, f"{option.start:%m-%d %H:%M}", late, f"{option.added_cost:,.0f}", few(delays) or "nobody")
    _say_rest(table, len(options))
    out.print(table)


def _is_as_planned(option: Option, has: Sequence[tuple[str, datetime]]) -> bool:
    return bool(has) and {who for who, _ in has} == set(option.technicians) and option.start == has[0][1]


def few(items: Sequence[str], most: int = MOST_DELAYS) -> str:
    """The first few of several things, and how many more there are; empty for none."""
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


def _service(judged: JudgedPlan) -> Table:
    """Counts as planned; with chances also how many of them will be in time on average."""
    headings = ("severity", "tickets", "planned", "in time", "share") + (("expected in time",) if judged.chances else ())
    table = _table("\nService", *headings)
    for severity in SEVERITIES:
        row = judged.score.service[severity]
        share = f"{row.on_time / row.tickets:.0%}" if row.tickets else "–"
        expected = [f"{judged.chances.expected_in_time[severity]:.1f}"] if judged.chances else []
        table.add_row(severity, str(row.tickets), str(row.planned), str(row.on_time), share, *expected)
    return table


def _cost(judged: JudgedPlan) -> Table:
    table = _table("\nCost", "term", "amount", "")
    notes = {
        "drive": f"{judged.score.drive_hours:.1f} h, {judged.score.drive_km:,.0f} km",
        "overtime": f"{judged.score.overtime_hours:.1f} h",
    }
    for term, words in COST_WORDS.items():
        table.add_row(words, f"{getattr(judged.score.cost, term):,.0f}", f"[dim]{notes.get(term, '')}[/]")
    table.add_row("[bold]total[/]", f"[bold]{judged.score.cost.total:,.0f}[/]", "")
    if judged.chances:
        table.add_row("expected", f"{judged.chances.expected_cost:,.0f}", "[dim]when drives and work stray from the plan[/]")
    return table


def _doubtful(judged: JudgedPlan) -> Table:
    """The least sure of the visits that are planned in time."""
    headings = ("ticket", "severity", "due", "planned start", "9 days of 10 by", "chance")
    table = _table(f"\nPlanned in time, but not sure to be ({len(judged.doubtful)})", *headings)
    starts = {stop.ticket: stop.start for route in judged.plan.routes for stop in route.stops}
    likely = judged.chances.tickets if judged.chances else {}
    for name in judged.doubtful[:MOST_DOUBTFUL]:
        ticket, item = judged.case.ticket_by_id[name], likely[name]
        moments = (moment.astimezone(judged.case.now.tzinfo) for moment in (ticket.due, starts[name], item.arrive_by))
        table.add_row(plain(name), ticket.severity, *(f"{moment:%d %H:%M}" for moment in moments), f"{item.in_time:.0%}")
    _say_rest(table, len(judged.doubtful), MOST_DOUBTFUL)
    return table


def _violations(judged: JudgedPlan) -> Table:
    table = Table(title=f"[red]{len(judged.violations)} broken rules[/]", title_justify="left", box=None, pad_edge=False)
    for heading in ("rule", "what", "size"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for violation in judged.violations[:MOST_ROWS]:
        table.add_row(plain(violation.rule), plain(violation.what), f"{violation.size:g}")
    _say_rest(table, len(judged.violations))
    return table


def _unassigned(judged: JudgedPlan) -> Table:
    table = Table(
        title=f"\nNot planned ({len(judged.plan.unassigned)})", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("ticket", header_style="dim", no_wrap=True)
    table.add_column("why", header_style="dim", overflow="fold")
    for item in judged.plan.unassigned[:MOST_ROWS]:
        table.add_row(plain(item.ticket), plain(" ".join(item.reasons) or "no reason is known"))
    _say_rest(table, len(judged.plan.unassigned))
    return table


def _say_rest(table: Table, count: int, most: int = MOST_ROWS) -> None:
    if count > most:
        table.add_row("…", f"and {count - most} more")


def _jsonable(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _finite(value: Any) -> Any:
    """The value with infinite numbers, such as the cost of a drive without a road, replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
