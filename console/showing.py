"""Tables for the terminal: the list of plans, one plan with its routes and explanations, and what an import did."""

from __future__ import annotations

from dataclasses import asdict
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from rich.table import Table

from console.printing import MOST_ROWS, plain, print_json, print_judged, print_travel, terminal, travel_facts
from flows.planning import judged_summary

if TYPE_CHECKING:
    from data_models.intake.load import ImportReport
    from data_models.store import Store
    from flows.dispatch import KeptPlan
    from optimizer.explanation import TicketExplanation


def print_plans(store: Store, zone: tzinfo, *, as_json: bool = False) -> None:
    """The plans made last, newest first; times in `zone`."""
    from data_models.store import list_plans

    with store.reading() as session:
        rows = [
            {
                "plan": row.id,
                "name": row.name,
                "version": row.version,
                "state": row.state,
                "made": row.created_at,
                "cost": row.score.get("cost", {}).get("total"),
                "unplanned": len(row.score.get("unassigned", ())),
            }
            for row in list_plans(session)
        ]
    if as_json:
        print_json({"plans": rows})
        return
    if not rows:
        terminal().print("no plan has been made yet; `twohour plan` makes one, `twohour demo` shows everything")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("plan", "name", "version", "state", "made", "cost", "not planned"):
        table.add_column(heading, justify="left" if heading in ("name", "state") else "right")
    for row in rows:
        cost = "–" if row["cost"] is None else f"{row['cost']:,.0f}"
        table.add_row(
            str(row["plan"]),
            plain(row["name"]),
            str(row["version"]),
            row["state"],
            f"{row['made'].astimezone(zone):%Y-%m-%d %H:%M}",
            cost,
            str(row["unplanned"]),
        )
    terminal().print(table)


def print_plan(kept: KeptPlan, zone: tzinfo, *, as_json: bool = False) -> None:
    """One plan: state and decisions, figures, routes, and why tickets are late or not planned."""
    explanation = kept.judged.explanation
    if as_json:
        print_json(
            {
                "plan": kept.id,
                "state": kept.state,
                "decisions": list(kept.decisions),
                "seed": kept.seed,
                "iterations": kept.iterations,
                "travel": travel_facts(kept.snapshot.context),
                **judged_summary(kept.judged),
                "explanation": asdict(explanation)["tickets"] if explanation else [],
            }
        )
        return
    out = terminal()
    out.print(f"[bold]plan {kept.id}[/] · {plain(kept.name)} · version {kept.version} · {kept.state}")
    for decision in kept.decisions:
        reason = f": {plain(decision['reason'])}" if decision["reason"] else ""
        out.print(f"[dim]{decision['decision']} by {plain(decision['by'])} at {decision['at'].astimezone(zone):%Y-%m-%d %H:%M}{reason}[/]")
    print_judged(kept.judged, list_unassigned=False)
    print_travel(kept.snapshot.context)
    out.print(_routes(kept))
    if explanation and explanation.tickets:
        out.print(_explanations(explanation.tickets, kept))


def print_import(report: ImportReport, *, as_json: bool = False) -> None:
    """What an import did, or would do: counts, changes, rows set aside, addresses that a person must decide."""
    if as_json:
        print_json(_report_facts(report))
        return
    out = terminal()
    would = "would be " if report.dry_run else ""
    out.print(
        f"{plain(report.file)} → {report.table}: {report.rows} rows ({report.encoding}), {report.inserted} {would}inserted, "
        f"{report.updated} {would}updated, {report.unchanged} unchanged, {report.rejected} set aside"
    )
    for notice in report.notices:
        out.print(f"[dim]{plain(notice)}[/]")
    _print_some(out, "changed", [f"row {c.row} {c.key}, {c.column}: {c.old} → {c.new}" for c in report.changes])
    _print_some(out, "placed by address", [f"row {p.row} {p.key}: {p.address} → {p.label}" for p in report.placed])
    _print_some(out, "set aside", [f"row {p.row}, {p.column} {p.value}: {p.message}" for p in report.problems])
    doubts = [f"row {d.row} {d.key}, {d.address}: {d.why}; {'; '.join(d.candidates)}" for d in report.doubtful]
    _print_some(out, "addresses for a person to decide", doubts)
    if report.rejects_path:
        out.print(f"rows set aside are in {plain(report.rejects_path)}: mend them there and import that file")


def _print_some(out: Any, title: str, lines: list[str]) -> None:
    if not lines:
        return
    out.print(f"[bold]{title}[/] ({len(lines)})")
    for line in lines[:MOST_ROWS]:
        out.print(f"  {plain(line)}", soft_wrap=True)
    if len(lines) > MOST_ROWS:
        out.print(f"  … and {len(lines) - MOST_ROWS} more")


def _report_facts(report: ImportReport) -> dict[str, Any]:
    facts = {
        name: getattr(report, name)
        for name in ("table", "file", "encoding", "dry_run", "rows", "inserted", "updated", "unchanged", "rejected")
    }
    lists = {name: [asdict(item) for item in getattr(report, name)] for name in ("changes", "problems", "doubtful", "placed")}
    return {**facts, **lists, "notices": list(report.notices), "rejects": str(report.rejects_path) if report.rejects_path else None}


def _routes(kept: KeptPlan) -> Table:
    case = kept.judged.case
    table = Table(
        title="\nRoutes", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0)
    )
    for heading in ("technician", "departs", "returns", "kits", "visits"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("departs", "returns"))
    for route in sorted(kept.judged.plan.routes, key=lambda item: (item.technician, item.depart)):
        visits = " → ".join(f"{stop.ticket} {stop.start:%H:%M}" for stop in route.stops)
        name = case.technician_by_id[route.technician].name
        table.add_row(
            f"{plain(name)} ({plain(route.technician)})",
            f"{route.depart:%d %H:%M}",
            f"{route.returns:%d %H:%M}",
            plain(", ".join(route.kits)),
            plain(visits),
        )
    return table


def _explanations(tickets: tuple[TicketExplanation, ...], kept: KeptPlan) -> Table:
    labels = kept.snapshot.context.tickets
    table = Table(
        title=f"\nLate or not planned ({len(tickets)})",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for heading in ("ticket", "blame", "why, and what would help"):
        table.add_column(heading, overflow="fold")
    for item in tickets:
        late = "not planned" if item.late_minutes is None else f"{_late_words(item.late_minutes)} late"
        title = labels[item.ticket].title if item.ticket in labels else ""
        lines = [*(reason.text for reason in item.reasons), *(f"→ {remedy.text}" for remedy in item.remedies)]
        table.add_row(f"{plain(item.ticket)}\n[dim]{late}\n{plain(title)}[/]", item.verdict.blame, "\n".join(plain(line) for line in lines))
    return table


def _late_words(minutes: float) -> str:
    """How late in words: whole minutes, rounded to the nearest."""
    return f"{minutes:.0f} min" if minutes >= 1 else "less than a minute"
