"""The clocks of tickets at the command line: which are at risk or missed, and what is owed for those that were missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from console.company import moment
from console.text import duration
from data_models.errors import BadInput, NotFound

if TYPE_CHECKING:
    from data_models.clocks import ClockState
    from data_models.compensation import CompensationList
    from data_models.store.watched import Watched

MOST_LISTED = 40
OWED_FOR = timedelta(days=31)
SILENCE = timedelta(hours=2)
"""Where nothing was told for so long, the list says so."""
_MARKS = {"at_risk": "[yellow]at risk[/]", "missed": "[red]missed[/]", "met": "[green]met[/]"}


def clocks(
    at: Annotated[str | None, typer.Option(help="As of this ISO 8601 time with an offset; now when absent.")] = None,
    ticket: Annotated[str | None, typer.Option(metavar="ID", help="Every clock of this ticket only.")] = None,
    owed: Annotated[bool, typer.Option("--owed", help="List the compensation owed for missed clocks.")] = False,
    since: Annotated[
        str | None, typer.Option(help="With --owed: of tickets open or closed since this time; 31 days ago when absent.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Escalate, reopen, and send the notices that are due first, once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """List the promises that are at risk, then those missed, by time left; status 1 when a ticket cannot be watched."""
    from config.settings import load_settings
    from console.printing import print_json
    from data_models.compensation import compensation_owed
    from data_models.store import open_store
    from data_models.store.events import last_told
    from flows.watching import clocks_by_urgency, watch_and_send, watched_tickets

    if send and at is not None:
        raise BadInput("--send and --at contradict each other: what is sent is sent now; give one of them")
    if since is not None and not owed:
        raise BadInput("--since needs --owed: all other clocks are those that run now")
    settings = load_settings()
    now = moment("--at", at) if at else datetime.now(UTC)
    settled_since = (moment("--since", since) if since else now - OWED_FOR) if owed or ticket is not None else None
    done = None
    with open_store(settings.database_url.get_secret_value()) as store:
        if send:
            done = watch_and_send(store, settings, now)
        with store.reading() as session:
            watched = watched_tickets(session, settings, now, settled_since)
            heard = last_told(session, now)
    of_ticket = [one for one in watched.tickets if ticket in (None, one.ticket.id)]
    problems = [problem for problem in watched.problems if ticket is None or problem.startswith(f"Ticket {ticket}: ")]
    if ticket is not None and not of_ticket and not problems:
        raise NotFound(f"ticket {ticket} has no clock to watch: it does not exist, is opened later, or was settled long ago")
    found = clocks_by_urgency(watched, ticket)
    compensation = compensation_owed([one.ticket for one in of_ticket], now) if owed else None
    zone = ZoneInfo(settings.timezone)
    if as_json:
        listed: dict[str, Any] = {"at": now, "problems": problems}
        if done is not None:
            listed |= {"watched": asdict(done[0]), "sent": asdict(done[1])}
        listed |= {"clocks": [_as_json(*item) for item in found]} if compensation is None else _owed_json(compensation)
        print_json(listed)
    else:
        if done is not None:
            typer.echo(f"{done[0].notices} new notices, {len(done[0].reopened)} tickets reopened, {done[1].sent} notices sent")
        if compensation is None:
            _print_clocks(found, zone) if ticket is None else _print_ticket(found, zone)
            _print_silence(heard, now, zone)
        else:
            _print_owed(compensation, zone, missed=sum(state.state == "missed" for one in of_ticket for state in one.states))
        _print_problems(problems)
    if problems:
        raise typer.Exit(1)


def _print_clocks(found: Sequence[tuple[Watched, ClockState]], zone: tzinfo) -> None:
    """The clocks of all tickets that are at risk or missed."""
    from rich.table import Table

    from console.printing import plain, terminal

    out = terminal()
    shown = [item for item in found if item[1].state in ("at_risk", "missed")]
    out.print(_counts(found))
    if not shown:
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("", "ticket", "site", "severity", "clock", "due", "left", "expected"):
        # A site's name is the one that may be folded: ids and times are read as a whole.
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("ticket", "site", "clock"), justify=_justified(heading))
    for one, state in shown[:MOST_LISTED]:
        table.add_row(
            _MARKS.get(state.state, state.state),
            plain(state.ticket),
            plain(one.site_name),
            one.ticket.severity,
            plain(_clock_name(state)),
            _time(state.due_at, zone),
            _span(state.left),
            _outcome(state, zone),
        )
    out.print(table)
    if len(shown) > MOST_LISTED:
        out.print(f"… and {len(shown) - MOST_LISTED} more; --json has them all")


def _print_ticket(found: Sequence[tuple[Watched, ClockState]], zone: tzinfo) -> None:
    """Every clock of one ticket, by when it is due."""
    from rich.table import Table

    from console.printing import plain, terminal

    out = terminal()
    for one, _ in found[:1]:
        out.print(f"[bold]{plain(one.ticket.id)}[/] ({one.ticket.severity}, {plain(one.site_name)})", soft_wrap=not out.is_terminal)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("", "clock", "due", "left", "expected", "met"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "clock", justify=_justified(heading))
    for _, state in sorted(found, key=lambda item: item[1].due_at):
        table.add_row(
            _MARKS.get(state.state, state.state.replace("_", " ")),
            plain(_clock_name(state)),
            _time(state.due_at, zone),
            _span(state.left) if state.is_open else "–",
            "–" if state.met_at is not None else _outcome(state, zone),
            "–" if state.met_at is None else _time(state.met_at, zone),
        )
    out.print(table)
    out.print(_counts(found))


def _counts(found: Sequence[tuple[Watched, ClockState]]) -> str:
    counts = {name: sum(state.state == name for _, state in found) for name in ("at_risk", "missed", "running", "paused")}
    return f"{counts['at_risk']} at risk, {counts['missed']} missed, {counts['running']} running, {counts['paused']} paused"


def _outcome(state: ClockState, zone: tzinfo) -> str:
    """When a clock was kept, or is expected to be."""
    if state.met_at is not None:
        return _time(state.met_at, zone)
    return "–" if state.predicted_at is None else _time(state.predicted_at, zone)


def _print_silence(heard: datetime | None, now: datetime, zone: tzinfo) -> None:
    """That nobody told anything for long: what looks missed may well have been kept."""
    from console.printing import terminal

    if heard is not None and now - heard < SILENCE:
        return
    what = "nothing was ever told of any ticket or technician"
    if heard is not None:
        what = f"the last that was told is of {_time(heard, zone)}, {duration((now - heard) / timedelta(minutes=1))} before"
    terminal().print(f"[yellow]![/] {what}: what was kept since is not known; twohour tell tells it, --at looks at another moment")


def _print_owed(found: CompensationList, zone: tzinfo, missed: int) -> None:
    from rich.table import Table

    from console.printing import plain, terminal

    out = terminal()
    if not found.owed:
        why = f"{missed:,} clocks were missed, and neither their policies nor their contracts name a compensation"
        out.print(f"nothing is owed: {why if missed else 'no clock was missed'}")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("ticket", "clock", "due", "late", "amount", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("due", "late", "amount"), justify=_justified(heading))
    for one in found.owed:
        amount = "unknown" if one.amount is None else f"{one.amount:,.2f} {one.currency}"
        growing = "" if one.is_final or one.capped else " and growing"
        clock = plain(one.clock.replace("_", " "))
        table.add_row(plain(one.ticket), clock, _time(one.due_at, zone), _span(one.late), amount, plain(one.why) + growing)
    out.print(table)
    total = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(found.total.items())) or "nothing known"
    out.print(f"in all {total}" + (f"; {found.unknown} of unknown amount" if found.unknown else ""))


def _print_problems(problems: Sequence[str]) -> None:
    from console.printing import plain, terminal

    for problem in problems[:MOST_LISTED]:
        terminal().print(f"[red]✗[/] {plain(problem)}")
    if len(problems) > MOST_LISTED:
        terminal().print(f"… and {len(problems) - MOST_LISTED} more")


def _justified(heading: str) -> Any:
    return "right" if heading in ("left", "late", "amount") else "left"


def _clock_name(state: ClockState) -> str:
    name = state.clock.replace("_", " ")
    return f"{name} {state.reopening}" if state.reopening > 1 else name


def _time(at: datetime, zone: tzinfo) -> str:
    try:
        return f"{at.astimezone(zone):%m-%d %H:%M}"
    except OverflowError:  # the last day of the year 9999
        return f"{at:%Y-%m-%d}"


def _span(length: timedelta) -> str:
    """Hours and minutes, days and hours from two days on, days from ten on; whole minutes, cut towards zero."""
    minutes = int(abs(length).total_seconds() // 60)
    sign = "-" if length < timedelta() and minutes else ""
    if minutes >= 10 * 24 * 60:
        return f"{sign}{minutes // 1440} d"
    if minutes >= 2 * 24 * 60:
        return f"{sign}{minutes // 1440} d {minutes % 1440 // 60} h"
    return f"{sign}{minutes // 60}:{minutes % 60:02d}"


def _as_json(one: Watched, state: ClockState) -> dict[str, Any]:
    facts = {"site": one.site, "site_name": one.site_name, "customer": one.customer, "severity": one.ticket.severity}
    spans = {"left_seconds": state.left.total_seconds(), "late_seconds": state.late.total_seconds()}
    return {name: value for name, value in asdict(state).items() if name not in ("left", "late")} | spans | facts


def _owed_json(found: CompensationList) -> dict[str, Any]:
    owed = [{name: value for name, value in asdict(one).items() if name != "late"} for one in found.owed]
    late = [one.late.total_seconds() for one in found.owed]
    rows = [row | {"late_seconds": seconds} for row, seconds in zip(owed, late, strict=True)]
    return {"owed": rows, "total": found.total, "unknown": found.unknown}
