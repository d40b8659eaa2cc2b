"""Notices at the command line: what waits or failed, sending what is due, and trying again what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from config.notice_settings import Audience
    from config.settings import Settings
    from data_models.store.notices import KeptNotice
    from flows.notices import SendReport

MOST_LISTED = 200
AUDIENCES: tuple[Audience, ...] = ("technician", "coordinator", "customer")


def notices(
    send: Annotated[bool, typer.Option("--send", help="Send what is due first.")] = False,
    retry: Annotated[str | None, typer.Option(metavar="KEY", help="Let a notice that failed or was dropped be sent again.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check channels and texts; send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """List the notices that wait or failed, send what is due; status 1 when any failed for good."""
    from config.settings import load_settings
    from data_models.errors import BadInput
    from data_models.store import open_store
    from data_models.store.notices import list_notices, retry_notice
    from flows.notices import check_channels, send_due

    settings, now = load_settings(), datetime.now(UTC)
    if check and (problems := check_channels(settings)):
        raise BadInput(*problems)
    if check and not as_json:
        _print_checked(settings)
    report = None
    with open_store(settings.database_url.get_secret_value()) as store:
        if retry is not None:
            with store.session() as session:
                retry_notice(session, retry, now)
        if send:
            report = send_due(store, settings, now)
        with store.reading() as session:
            kept = list_notices(session, limit=MOST_LISTED)
    _print(kept, report, ZoneInfo(settings.timezone), as_json=as_json)
    if any(notice.state == "failed" for notice in kept):
        raise typer.Exit(1)


def _print_checked(settings: Settings) -> None:
    """That all is in order, and who is told nothing for want of a channel."""
    from console.printing import terminal

    channels = {audience: settings.notices.channels_of(audience) for audience in AUDIENCES}
    count = len({channel for several in channels.values() for channel in several})
    if count:
        terminal().print(f"[green]✓[/] {count} channel{'s' if count > 1 else ''} and all texts are in order", soft_wrap=True)
    silent = [f"{audience}s" for audience, several in channels.items() if not several]
    if silent:
        names = " and ".join(filter(None, (", ".join(silent[:-1]), silent[-1])))
        terminal().print(
            f"[yellow]![/] {names} have no channel: nothing is sent to them; see docs/notices.md, TWOHOUR_NOTICES__CHANNELS", soft_wrap=True
        )


def _print(kept: Sequence[KeptNotice], report: SendReport | None, zone: tzinfo, *, as_json: bool) -> None:
    from rich.table import Table

    from console.printing import plain, print_json, terminal

    if as_json:
        print_json({"sent": asdict(report) if report else None, "notices": [asdict(notice) for notice in kept]})
        return
    out = terminal()
    if report is not None:
        out.print(f"{report.sent} sent, {report.waiting} to be tried again, {report.failed} failed for good, {report.dropped} reach nobody")
    if not kept:
        out.print("no notice waits or has failed")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("state", "to", "template", "attempts", "next try", "key, and what failed last"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "attempts" else "left")
    for notice in kept:
        mark = "[red]failed[/]" if notice.state == "failed" else notice.state
        who = plain(f"{notice.audience} {notice.recipient}".strip())
        next_try = f"{notice.next_try_at.astimezone(zone):%m-%d %H:%M}" if notice.state == "waiting" else "–"
        why = f"\n[dim]{plain(notice.last_error)}[/]" if notice.last_error else ""
        table.add_row(mark, who, notice.template, str(notice.attempts), next_try, plain(notice.key) + why)
    out.print(table)
    if len(kept) == MOST_LISTED:
        out.print(f"the newest {MOST_LISTED} are shown")
