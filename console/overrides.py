"""`overrides`: which advice people overruled, why, and how it went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from data_models.overrides import OverridesReport, Row
    from data_models.report_figures import Share


def overrides(
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first day; today when absent.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last day, included; the first one when absent.")] = None,
    region: Annotated[str | None, typer.Option(help="Only this region; as configured when absent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every change and the figures as one JSON object.")] = False,
) -> None:
    """Report changes that coordinators made to plans by hand: how many for which reason, and how these visits went."""
    from config.settings import load_settings
    from console.printing import print_json
    from console.reporting import read_date
    from data_models.overrides import overrides_dict
    from data_models.store import open_store
    from flows.overrides import overrides_between
    from flows.reporting import days

    settings = load_settings()
    now, zone = datetime.now(UTC), ZoneInfo(settings.timezone)
    first = read_date("--from", from_) if from_ else now.astimezone(zone).date()
    period = days(first, read_date("--to", to) if to else first, zone, now)
    with open_store(settings.database_url.get_secret_value()) as store:
        made = overrides_between(store, period.start, period.end, settings.region if region is None else region)
    if as_json:
        print_json(overrides_dict(made))
    else:
        _print(made)


def _print(made: OverridesReport) -> None:
    from rich.table import Table

    from console.printing import plain, terminal

    out = terminal()
    if not made.overrides:
        out.print("Nobody changed a plan by hand that went out in these days.")
        return
    out.print(f"{len(made.overrides)} changes to {made.plans} plans; by themselves they made them {made.cost_change:+,.0f} dearer")
    for title, rows in (("reason", made.by_reason), ("kind", made.by_kind)):
        table = Table(title, "changes", "in time", "gained", "kept", "lost", "no better", "not known", "work beyond plan")
        for row in rows:
            table.add_row(*map(plain, _cells(row)))
        out.print(table)
    out.print(f"Visits of these plans that nobody changed: {_share(made.untouched)} in time")


def _cells(row: Row) -> list[str]:
    beyond = row.mean_work_minutes_beyond
    counts = [str(row.verdicts[name]) for name in ("gained", "kept", "lost", "no_better", "unknown")]
    return [row.name.replace("_", " "), str(row.count), _share(row.in_time), *counts, "" if beyond is None else f"{beyond:+.0f} min"]


def _share(share: Share) -> str:
    return f"{share.n:,} of {share.of:,}"
