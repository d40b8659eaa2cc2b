"""`readiness`: who is left for the next emergency, hour by hour, while a plan is carried out."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_models.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, tzinfo

    from rich.table import Table

    from flows.readiness import Prepared
    from optimizer.readiness import Suggestion

LARGEST_NUMBER = 2**31 - 1
MOST_SUGGESTIONS = 5
LEAST_GAIN = 0.002
"""Of emergencies answered: less over all hours is not worth a line."""
MOST_LOSSES = 5
FIGURES_WIDTH = 57
"""Of the table, what its columns of figures take."""


def readiness(
    plan: Annotated[
        str | None,
        typer.Argument(metavar="PLAN", help="A plan's number, or with --case a PLAN.json; the published or last plan when absent."),
    ] = None,
    case_file: Annotated[Path | None, typer.Option("--case", metavar="CASE.json", help="The case of a plan that is a file.")] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="HISTORY.json",
            help="A ticket-history/1 file, with --case; when absent, the case's own emergencies are taken for those of one day.",
        ),
    ] = None,
    days: Annotated[float, typer.Option(min=1, max=3660, help="How many days of the store's history to look at.")] = 365.0,
    promise: Annotated[float | None, typer.Option(min=1, max=10_000, help="Minutes until on site; as configured when absent.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=336, help="How many hours from the plan's beginning.")] = 24,
    busy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Chance that somebody free is busy otherwise; the plan's load when absent.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Say hour by hour which share of expected emergencies is answered in time, and where people who wait would best stand."""
    from zoneinfo import ZoneInfo

    from config.settings import load_settings
    from console.printing import print_json
    from data_models.store import open_store
    from flows.readiness import plan_readiness, readiness_facts

    settings = load_settings()
    minutes = settings.standard_minutes if promise is None else promise
    zone: tzinfo = ZoneInfo(settings.timezone)
    if case_file is not None:
        found = _of_files(case_file, plan, history, zone, minutes, hours, busy)
        zone = found.case.now.tzinfo or UTC
    elif history is not None:
        raise BadInput("--history goes with --case; a plan of the store is held against the store's own history")
    else:
        with open_store(settings.database_url.get_secret_value()) as store:
            found = plan_readiness(store, settings, _number(plan), days=days, promise_minutes=minutes, hours=hours, busy=busy)
    if as_json:
        print_json(readiness_facts(found))
    else:
        _print(found, zone)


def _of_files(
    case_file: Path, plan: str | None, history: Path | None, zone: tzinfo, minutes: float, hours: int, busy: float | None
) -> Prepared:
    from data_models.case_files import read_case, read_plan
    from data_models.expected import expected_emergencies, history_of_case, read_history
    from flows.readiness import prepared

    if plan is None:
        raise BadInput("--case goes with a plan; give PLAN.json too")
    case, planned = read_case(case_file), read_plan(Path(plan))
    past = history_of_case(case) if history is None else read_history(history)
    expected = expected_emergencies(past, case.now, zone if history is not None else case.now.tzinfo or zone)
    return prepared(case, planned, expected, promise_minutes=minutes, hours=hours, busy=busy)


def _number(plan: str | None) -> int | None:
    if plan is None:
        return None
    if not (plan.isdecimal() and 1 <= int(plan) <= LARGEST_NUMBER):
        raise BadInput(f"PLAN is {plan}: not the number of a plan; `twohour show` lists them, and for a file give --case too")
    return int(plan)


def _print(found: Prepared, zone: tzinfo) -> None:
    from console.printing import few, plain, terminal

    out, ready, expected = terminal(), found.readiness, found.expected
    name = {each.area.id: each.area.name for each in expected.areas}
    which = f"plan {found.plan}, " if found.plan is not None else ""
    out.print(f"[bold]{plain(which + found.case.name)}[/]: within {ready.promise_minutes:g} minutes of somebody free and equipped")
    out.print(
        f"expected {ready.emergencies:.2f} emergencies, {ready.answered:.2f} of them answered in time; each who is free is busy otherwise "
        f"with {ready.busy:.0%}"
    )
    out.print(f"[dim]{_history(found)}[/]")
    if not expected.areas:
        out.print("[yellow]![/] no area is known where emergencies could happen: import sites, or give --history")
        return
    out.print(_table(found, zone, name))
    losses = sorted(ready.lost.items(), key=lambda item: -item[1])[:MOST_LOSSES]
    told = [f"{plain(name[area])} {lost:.2f}" for area, lost in losses if lost > 0.005]
    if told:
        out.print(f"lost against everyone at home, in emergencies answered: {', '.join(told)}")
    never = [plain(name[area]) for area, best in zip(ready.areas, ready.covered_at_home.max(axis=0), strict=True) if best == 0]
    if never:
        out.print(f"out of reach even with everyone at home: {few(never)}")
    for line in _stand_by(found, zone):
        out.print(line)


def _table(found: Prepared, zone: tzinfo, name: Mapping[str, str]) -> Table:
    from rich.table import Table

    from console.printing import plain, terminal

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("hour", "expected", "free", "in time", "covered", "at home"):
        table.add_column(heading, justify="left" if heading == "hour" else "right", no_wrap=True)
    # It alone gives way where the terminal is narrow: figures are read as a whole.
    table.add_column("loses most", overflow="ellipsis", no_wrap=True, max_width=max(terminal().width - FIGURES_WIDTH, 10))
    for hour in found.readiness.hours:
        loser = hour.loses_most
        table.add_row(
            f"{hour.begins_at.astimezone(zone):%a %H:%M}",
            f"{hour.emergencies:.2f}",
            f"{hour.free:.1f}",
            _share(hour.within),
            _share(hour.covered),
            _share(hour.covered_at_home),
            "" if loser is None else f"{loser.covered:.0%} of {loser.covered_at_home:.0%} {plain(name[loser.area])}",
        )
    return table


def _history(found: Prepared) -> str:
    expected = found.expected
    told = f"from {expected.seen:,} emergencies in {expected.days:,.0f} days: {expected.per_day:.2f} a day"
    return f"{told} ± {expected.spread_per_day:.2f}" + ("" if expected.seen else "; none was seen, so that all areas count alike")


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _stand_by(found: Prepared, zone: tzinfo) -> Iterator[str]:
    """Who would better stand elsewhere while they wait, each place once with the hours for which it helps, the most helpful first."""
    from console.printing import plain

    name = {each.area.id: each.area.name for each in found.expected.areas} | {each.id: each.name for each in found.case.stations}
    moves: dict[tuple[str, str], list[tuple[datetime, Suggestion]]] = {}
    for hour, places in zip(found.readiness.hours, found.stand_by, strict=True):
        for one in places.suggestions:
            moves.setdefault((one.technician, one.place), []).append((hour.begins_at, one))
    gains = {move: sum(one.gain for _, one in several) for move, several in moves.items()}
    worth = sorted((move for move, gain in gains.items() if gain >= LEAST_GAIN), key=lambda move: (-gains[move], move))
    if worth:
        yield "better stand by while they wait:"
    for technician, place in worth[:MOST_SUGGESTIONS]:
        hours = [begins.astimezone(zone) for begins, _ in moves[technician, place]]
        one = moves[technician, place][0][1]
        when = f"{hours[0]:%H:%M}" if len(hours) == 1 else f"{hours[0]:%H:%M} to {hours[-1]:%H:%M}, {len(hours)} hours"
        yield (
            f"  {plain(found.case.technician_by_id[technician].name)} at {plain(name[place])} ({when}): {gains[technician, place]:+.3f} "
            f"emergencies answered, {one.drive_s / 60:.0f} min of driving, cost {one.cost:,.0f}"
        )
    if len(worth) > MOST_SUGGESTIONS:
        yield f"  and {len(worth) - MOST_SUGGESTIONS} more; --json has all"
