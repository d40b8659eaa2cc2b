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

from console.company import moment
from data_models.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data_models.events import Event
    from data_models.store import Store
    from data_models.tables import Event as KeptEvent

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def tell(
    kind: Annotated[str | None, typer.Argument(help="ticket_opened, technician_arrived, kit_broken, ...; --kinds lists them.")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="EVENTS.jsonl", help="Many events: JSON lines, or a JSON array.")] = None,
    ticket: Annotated[str, typer.Option(metavar="ID", help="The ticket that it is about.")] = "",
    technician: Annotated[str, typer.Option(metavar="ID", help="The technician that it is about.")] = "",
    station: Annotated[str, typer.Option(metavar="ID", help="The station that it is about.")] = "",
    at: Annotated[str | None, typer.Option(help="When it happened, an ISO 8601 time with an offset; now when absent.")] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", metavar="NAME=VALUE", help="A fact of its kind, such as until=2026-03-02T10:00:00+08:00.")
    ] = None,
    key: Annotated[str, typer.Option(help="By which a second telling is known; made when absent.")] = "",
    by: Annotated[str | None, typer.Option(help="Who tells it; your login name when absent.")] = None,
    kinds: Annotated[bool, typer.Option("--kinds", help="List the kinds of events with their facts, and tell nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what happened: kept in the log, and what the store knows of tickets, people and kits follows from it."""
    from config.settings import load_settings
    from console.event_tables import print_kinds, print_many, print_one
    from console.printing import print_json
    from data_models.events import read_event
    from data_models.json_files import read_bytes
    from data_models.store import open_store
    from data_models.store.events import moment_of
    from flows.events import tell as tell_events
    from flows.events import tell_text

    if kinds:
        print_kinds()
        return
    if (kind is None) == (file is None):
        raise BadInput("give the kind of one event, or --file with many; --kinds lists the kinds")
    now, who = datetime.now(UTC), by or getpass.getuser()
    happened = moment("--at", at) if at else None
    one: dict[str, Any] = {"kind": kind, "at": (happened or now).isoformat(), "key": key or secrets.token_hex(8), "by": who}
    one |= {name: value for name, value in (("ticket", ticket), ("technician", technician), ("station", station)) if value}
    one |= dict(_fact(text) for text in fact or ())
    settings = load_settings()
    with open_store(settings.database_url.get_secret_value()) as store:
        if file is None and key and happened is None:
            # Told again without a time it is the same event, not one of now.
            with store.reading() as session:
                one["at"] = (moment_of(session, key) or now).isoformat()
        events = [] if file is not None else [read_event(one)]
        told = tell_text(store, read_bytes(file), who, now) if file is not None else tell_events(store, events, now)
        names = {} if file is not None or as_json else _names(store, events[0])
    if as_json:
        print_json({"counts": told.counts, "answers": [asdict(answer) for answer in told.answers], "unreadable": list(told.unreadable)})
    elif file is None:
        print_one(events[0], told.answers[0], names, ZoneInfo(settings.timezone))
    else:
        print_many(told)
    if told.unreadable or any(answer.verdict == "refused" for answer in told.answers):
        raise typer.Exit(1)


def events(
    ticket: Annotated[str, typer.Option(metavar="ID", help="Only what was told of this ticket.")] = "",
    technician: Annotated[str, typer.Option(metavar="ID", help="Only what was told of this technician.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the last first.")] = 30,
    everything: Annotated[bool, typer.Option("--all", help="What the store noted for itself, too, such as work begun by plan.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Derive what the store knows from the log anew, and say what was different.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was told during the day, with what was odd about it."""
    from config.settings import load_settings
    from console.event_tables import print_log
    from console.printing import print_json
    from data_models.store import open_store
    from data_models.store.pages import events_page
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
            found = events_page(session, limit, ticket=ticket, technician=technician, own=everything)
    if as_json:
        print_json({"events": [_as_json(row, note) for row, note in found]})
        return
    if found:
        print_log(found, ZoneInfo(settings.timezone))
    else:
        typer.echo("nothing was told; `twohour tell` tells what happens")


def _names(store: Store, event: Event) -> Mapping[str, str]:
    """What the technician, the station and the site of the ticket are called that an event is about, by the id that it names."""
    from data_models import tables
    from data_models.events import subjects

    about = subjects(event)
    with store.reading() as session:
        ticket = session.get(tables.Ticket, about["ticket"])
        found = {
            about["technician"]: session.get(tables.Technician, about["technician"]),
            about["station"]: session.get(tables.Station, about["station"]),
            about["ticket"]: None if ticket is None else ticket.site,
        }
        return {id_: thing.name for id_, thing in found.items() if thing is not None and thing.name}


def _as_json(row: KeptEvent, note: str) -> dict[str, Any]:
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
