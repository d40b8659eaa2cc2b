"""`report`: how service went over a day, a week, a month or any days, as page, workbook and JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from data_models.errors import BadInput

if TYPE_CHECKING:
    from data_models.report_figures import Period, ServiceReport, Share


def report(
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first day, or a day of the --week or --month.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last day, included; the first one when absent.")] = None,
    day: Annotated[bool, typer.Option("--day", help="One day: today, or that of --from or --at.")] = False,
    week: Annotated[bool, typer.Option("--week", help="The week from Monday in which that day lies.")] = False,
    month: Annotated[bool, typer.Option("--month", help="The month in which that day lies.")] = False,
    at: Annotated[str | None, typer.Option(help="As known at this ISO 8601 time with an offset; now when absent.")] = None,
    region: Annotated[str | None, typer.Option(help="Only this region; as configured when absent.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the files go; `reports` below the output folder.")] = None,
    language: Annotated[Literal["zh", "en"], typer.Option(help="Of page and workbook.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Report promises kept, speed, satisfaction, use of people and kits, compensation, and what went wrong most."""
    from config.settings import load_settings
    from console.company import moment
    from console.printing import plain, print_json, terminal
    from data_models.service_report import report_dict
    from data_models.store import open_store
    from flows.reporting import make_report, write_report

    settings = load_settings()
    now = moment("--at", at) if at else datetime.now(UTC)
    period = _period(from_, to, (day, week, month), ZoneInfo(settings.timezone), now)
    with open_store(settings.database_url.get_secret_value()) as store:
        made = make_report(store, settings, period, settings.region if region is None else region)
    papers = write_report(out or settings.output_dir / "reports", made, language)
    if as_json:
        print_json({**report_dict(made), "files": [str(paper.path) for paper in papers]})
        return
    _print(made)
    for paper in papers:
        terminal().print(f"  {plain(paper.path)}  [dim]{paper.what}[/]", soft_wrap=True)


def _period(from_: str | None, to: str | None, spans: tuple[bool, bool, bool], zone: ZoneInfo, now: datetime) -> Period:
    from flows.reporting import days, period_of

    first = read_date("--from", from_) if from_ else now.astimezone(zone).date()
    if sum(spans) > 1 or (any(spans) and to):
        raise BadInput("--day, --week, --month and --to contradict each other; give one of them")
    if to:
        if not from_:
            raise BadInput(f"--to {to} has no --from; give the first day too")
        return days(first, read_date("--to", to), zone, now)
    _, week, month = spans
    return period_of("month" if month else "week" if week else "day", first, zone, now)


def read_date(option: str, text: str) -> date:
    """The day that an option gives. Raises `BadInput`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{option} {text}: not a date; write it as 2026-03-02") from None
    if not 1970 < day.year < 2199:
        raise BadInput(f"{option} {text}: its year is beyond what can be reported; give one from 1971 to 2198")
    return day


def _print(made: ServiceReport) -> None:
    from console.printing import plain, terminal

    out, span = terminal(), made.period
    first, last = span.start.date(), (span.end - timedelta(days=1)).date()
    region = f"{plain(made.region)}, " if made.region else ""
    known = f", as known on {span.at.astimezone(span.start.tzinfo):%Y-%m-%d %H:%M}" if span.at < span.end else ""
    out.print(f"[bold]{region}{first if first == last else f'{first} to {last}'}[/]{known}")
    out.print(f"{made.opened:,} tickets opened, {made.done:,} done, {made.open_at_end:,} open at the end")
    for clock, share in made.clocks.items():
        out.print(f"  {plain(clock.replace('_', ' '))}: {_share(share)} in time")
    if made.worst:
        out.print("what went wrong most, beyond the company's own share:")
    for number, trouble in enumerate(made.worst, 1):
        where = f"{trouble.dimension} {trouble.name or '(none)'}"
        out.print(f"  {number}. {plain(where)}, {plain(trouble.clock.replace('_', ' '))}: {_share(trouble.missed)} missed")


def _share(share: Share) -> str:
    return f"{share.n:,} of {share.of:,}" + (f" ({share.share:.0%})" if share.share is not None else "")
