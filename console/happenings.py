"""`tell` and `events`: what happens during the day, told at the command line or by a file, and looked up again."""

from __future__ import annotations

import getpass
import json
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from data_models.errors import BadInput

if TYPE_CHECKING:
    from data_models.tables import Event
    from flows.events import Told

MOST_ROWS = 12
_WORDS = {
    "counts": "kept",
    "flagged": "kept, but odd",
    "waits": "kept until its ticket is known",
    "merged": "told before",
    "refused": "refused",
    "unreadable": "unreadable",
}

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def tell(
    kind: Annotated[str | None, typer.Argument(help="ticket_opened, technician_arrived, kit_broken, ...; see docs/events.md.")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="EVENTS.jsonl", help="Many events: JSON lines, or a JSON array.")] = None,
    ticket: Annotated[str, typer.Option(metavar="ID", help="The ticket that it is about.")] = "",
    technician: Annotated[str, typer.Option(metavar="ID", help="The technician that it is about.")] = "",
    station: Annotated[str, typer.Option(metavar="ID", help="The station that it is about.")] = "",
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"], help="When it happened; now when absent.")
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", metavar="NAME=VALUE", help="A fact of its kind, such as until=2026-03-02T10:00:00+08:00.")
    ] = None,
    key: Annotated[str, typer.Option(help="By which a second telling is known; made when absent.")] = "",
    by: Annotated[str | None, typer.Option(help="Who tells it; your login name when absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what happened: kept in the log, and what the store knows of tickets, people and kits follows from it."""
    from config.settings import load_settings
    from console.printing import print_json
    from data_models.events import read_event
    from data_models.json_files import read_bytes
    from data_models.store import open_store
    from data_models.store.events import moment_of
    from flows.events import tell as tell_events
    from flows.events import tell_text

    if (kind is None) == (file is None):
        raise BadInput("give the kind of one event, or --file with many; see docs/events.md")
    now, who = datetime.now(UTC), by or getpass.getuser()
    one: dict[str, Any] = {"kind": kind, "at": (at or now).isoformat(), "key": key or secrets.token_hex(8), "by": who}
    one |= {name: value for name, value in (("ticket", ticket), ("technician", technician), ("station", station)) if value}
    one |= dict(_fact(text) for text in fact or ())
    with open_store(load_settings().database_url.get_secret_value()) as store:
        if file is None and key and at is None:
            # Told again without a time it is the same event, not one of now.
            with store.reading() as session:
                one["at"] = (moment_of(session, key) or now).isoformat()
        events = [] if file is not None else [read_event(one)]
        told = tell_text(store, read_bytes(file), who, now) if file is not None else tell_events(store, events, now)
    if as_json:
        print_json({"counts": told.counts, "answers": [asdict(answer) for answer in told.answers], "unreadable": list(told.unreadable)})
    else:
        _print_told(told)
    if told.unreadable or any(answer.verdict == "refused" for answer in told.answers):
        raise typer.Exit(1)


def events(
    ticket: Annotated[str, typer.Option(metavar="ID", help="Only what was told of this ticket.")] = "",
    technician: Annotated[str, typer.Option(metavar="ID", help="Only what was told of this technician.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the last first.")] = 30,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Derive what the store knows from the log anew, and say what was different.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was told during the day, with what was odd about it."""
    from config.settings import load_settings
    from console.printing import print_json
    from data_models.store import list_events, open_store
    from flows.events import derive_anew

    settings = load_settings()
    with open_store(settings.database_url.get_secret_value()) as store:
        if rebuild:
            different = derive_anew(store)
            if as_json:
                print_json({"different": different})
            else:
                typer.echo("\n".join(different) or "everything was as the log says")
            raise typer.Exit(1 if different else 0)
        with store.reading() as session:
            found = list_events(session, ticket=ticket, technician=technician, limit=limit)
    if as_json:
        print_json({"events": [_as_json(row, note) for row, note in found]})
        return
    _print_events(found, ZoneInfo(settings.timezone))


def _print_told(told: Told) -> None:
    from console.printing import plain, terminal

    out = terminal()
    out.print(", ".join(f"{count:,} {_WORDS[verdict]}" for verdict, count in told.counts.items()) or "nothing was told")
    odd = [answer for answer in told.answers if answer.note and answer.verdict != "merged"]
    for answer in odd[:MOST_ROWS]:
        out.print(f"[yellow]![/] {plain(answer.key)}: {_WORDS[answer.verdict]}, {plain(answer.note)}")
    for sentence in told.unreadable[:MOST_ROWS]:
        out.print(f"[red]✗[/] {plain(sentence)}")
    more = max(0, len(odd) - MOST_ROWS) + max(0, len(told.unreadable) - MOST_ROWS)
    if more:
        out.print(f"… and {more:,} more")


def _print_events(found: list[tuple[Event, str]], zone: ZoneInfo) -> None:
    from rich.table import Table

    from console.printing import plain, terminal

    if not found:
        terminal().print("nothing was told; `twohour tell` tells what happens")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("when", "what", "about", "facts", "told by", "odd"):
        table.add_column(heading, overflow="fold")
    for row, note in found:
        about = " ".join(filter(None, (row.ticket_id, row.technician_id, row.station_id)))
        facts = ", ".join(f"{name} {value}" for name, value in row.details.items())
        when = f"{row.at.astimezone(zone):%m-%d %H:%M}"
        table.add_row(when, row.kind.replace("_", " "), plain(about), plain(facts), plain(row.by), f"[yellow]{plain(note)}[/]")
    terminal().print(table)


def _as_json(row: Event, note: str) -> dict[str, Any]:
    names = ("id", "key", "kind", "at", "arrived_at", "by", "ticket_id", "technician_id", "station_id", "details")
    return {name: getattr(row, name) for name in names} | {"note": note}


def _fact(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise BadInput(f"--fact {text}: give NAME=VALUE, such as reason=flat-tyre")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
