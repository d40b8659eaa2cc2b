"""`webhooks`: which other systems are told what, from the command line."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from data_models.errors import BadInput

if TYPE_CHECKING:
    from config.settings import Settings
    from data_models.store import Store

Number = Annotated[int, typer.Argument(help="Its number in `webhooks list`.")]

webhooks = typer.Typer(help="Other systems that are told what happens.", no_args_is_help=True)


@webhooks.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where messages go: https, or a host that the settings name.")],
    kind: Annotated[list[str], typer.Option(help="What is told, such as ticket.changed. May be given several times.")],
    region: Annotated[list[str] | None, typer.Option(help="What happens there only; everywhere when absent.")] = None,
) -> None:
    """Subscribe an address and show its secret, this once."""
    from data_models.store.webhooks import WEBHOOK_KINDS, add_webhook
    from flows.webhooks import check_url

    unknown = sorted(set(kind) - set(WEBHOOK_KINDS))
    if unknown:
        raise BadInput(f"--kind {unknown[0]}: is none; known are {', '.join(WEBHOOK_KINDS)}")
    kinds = [known for known in WEBHOOK_KINDS if known in kind]
    with _store() as (store, settings):
        check_url(url, settings.webhooks)
        with store.session() as session:
            row = add_webhook(session, url, kinds, region or (), _who(), datetime.now(UTC))
            _note(session, "webhook added", f"webhook {row.id}", {"kinds": row.kinds, "regions": row.regions})
    typer.echo(row.secret)
    typer.echo(f"Webhook {row.id}. Keep the secret now: it is not shown again.", err=True)


@webhooks.command("list")
def list_() -> None:
    """Show the subscriptions and how they fare; never their secrets."""
    from rich.table import Table

    from console.printing import plain, terminal
    from data_models.store.webhooks import list_webhooks, waiting_for

    table = Table("no.", "where", "what", "regions", "waiting", "")
    with _store() as (store, settings), store.reading() as session:
        zone = ZoneInfo(settings.timezone)
        rows = list_webhooks(session)
        waiting = waiting_for(session, [row.id for row in rows])
        for row in rows:
            state = "" if row.failing_since is None else f"failing since {row.failing_since.astimezone(zone):%Y-%m-%d %H:%M}"
            state = state if row.disabled_at is None else f"disabled: {row.disabled_for}"
            regions = ", ".join(row.regions) or "all"
            table.add_row(str(row.id), plain(row.url), ", ".join(row.kinds), plain(regions), str(waiting[row.id]), plain(state))
    terminal().print(table if table.row_count else "nobody is told yet: twohour webhooks add URL --kind ticket.changed")


@webhooks.command("enable")
def enable(number: Number) -> None:
    """Deliver again to one that was disabled; what waits is sent next."""
    from data_models.store.webhooks import enable_webhook

    with _store() as (store, _), store.session() as session:
        enable_webhook(session, number, datetime.now(UTC))
        _note(session, "webhook enabled", f"webhook {number}", {})
    typer.echo(f"webhook {number} is told again")


@webhooks.command("disable")
def disable(number: Number) -> None:
    """Deliver no more until it is enabled."""
    from data_models.store.webhooks import disable_webhook

    with _store() as (store, _), store.session() as session:
        disable_webhook(session, number, datetime.now(UTC), f"by {_who()}")
        _note(session, "webhook disabled", f"webhook {number}", {})
    typer.echo(f"webhook {number} is told nothing until it is enabled")


@webhooks.command("remove")
def remove(number: Number) -> None:
    """End a subscription, with what was still to be delivered to it."""
    from data_models.store.webhooks import remove_webhook

    with _store() as (store, _), store.session() as session:
        remove_webhook(session, number)
        _note(session, "webhook removed", f"webhook {number}", {})
    typer.echo(f"webhook {number} is gone")


@webhooks.command("send")
def send() -> None:
    """Send what is due now; the schedule does so each minute, and a running console upon each change."""
    from flows.webhooks import deliver_due

    with _store() as (store, settings):
        report = deliver_due(store, settings, datetime.now(UTC))
    typer.echo(f"{report.sent} delivered, {report.waiting} to be tried again, {report.failed} failed for good, {report.disabled} disabled")


@contextmanager
def _store() -> Iterator[tuple[Store, Settings]]:
    from config.settings import load_settings
    from data_models.store import open_store

    settings = load_settings()
    with open_store(settings.database_url.get_secret_value()) as store:
        yield store, settings


def _note(session: Any, action: str, subject: str, details: dict[str, Any]) -> None:
    from data_models.store.audit import write_audit

    write_audit(session, _who(), action, subject, datetime.now(UTC), details)


def _who() -> str:
    return f"{getpass.getuser()} (command line)"
