"""`keys`: the keys that seal contact data."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from data_models.store import Store

keys = typer.Typer(help="The keys that seal contact data at rest.", no_args_is_help=True)

NO_KEY = (
    "contact data is NOT sealed: names, telephone numbers and mail addresses of contacts stand in the database as they are; "
    "`twohour keys new` makes a key for TWOHOUR_CONTACT_KEYS"
)


@keys.command("new")
def new() -> None:
    """Make a key and print it, as TWOHOUR_CONTACT_KEYS takes it; it is kept nowhere."""
    from data_models.sealing import new_key

    typer.echo(new_key(datetime.now(UTC).date()))
    typer.echo(
        "Put it first in TWOHOUR_CONTACT_KEYS, before those that are there, parted by a comma; then `twohour keys rotate`. "
        "Keep a copy apart from the database and its backups: without it, what it sealed is lost.",
        err=True,
    )


@keys.command("status")
def status() -> None:
    """Show what is sealed with which key; status 1 when a key is missing or wrong, or something is in plain though there is a key."""
    from rich.table import Table

    from console.printing import plain, terminal
    from data_models.errors import Unavailable
    from data_models.store.sealing import key_use, must_open

    with _store() as store, store.reading() as session:
        use, known = key_use(session), store.keys
        try:
            must_open(session)
            wrong = ""
        except Unavailable as error:
            wrong = str(error)
    table = Table("key", "texts", "")
    for key, count in use.sealed.items():
        state = "seals" if key == known.first else "not in TWOHOUR_CONTACT_KEYS" if key not in known.keys else "opens"
        free = "; nothing needs it: it may be taken out" if state == "opens" and not count else ""
        table.add_row(plain(key), f"{count:,}", state + free)
    table.add_row("none", f"{use.plain:,}", "in plain")
    terminal().print(table)
    if wrong:
        typer.echo(wrong, err=True)
    elif not known.keys:
        typer.echo(NO_KEY, err=True)
    elif use.plain or any(count for key, count in use.sealed.items() if key != known.first):
        typer.echo(f"`twohour keys rotate` seals everything with {known.first}", err=True)
    if wrong or (known.keys and use.plain):
        raise typer.Exit(1)


@keys.command("rotate")
def rotate() -> None:
    """Seal everything with the first key; goes on where it was interrupted, and others may work meanwhile."""
    from console.people import note
    from data_models.store.sealing import key_use, seal_anew

    with _store() as store:
        done = 0
        for count in seal_anew(store):
            done += count
            if sys.stderr.isatty():
                typer.echo(f"\r{done:,} texts", nl=False, err=True)
        with store.session() as session:
            if done:
                note(session, "contact data sealed anew", store.keys.first, {"texts": done})
            old = [key for key in store.keys.keys if key != store.keys.first and not key_use(session).sealed[key]]
    typer.echo(f"{done:,} texts are sealed anew; all are sealed with {store.keys.first}")
    if old:
        typer.echo(f"nothing needs {', '.join(old)} any more but backups from before: take it out of TWOHOUR_CONTACT_KEYS")


def must_have_keys(store: Store) -> None:
    """Say loudly that contact data is not sealed, or that some is not yet; raises `Unavailable` when the keys do not open what is."""
    from data_models.store.sealing import key_use, must_open

    with store.reading() as session:
        must_open(session)
        use = key_use(session)
    if not store.keys.keys:
        _warn(NO_KEY)
    elif use.plain:
        _warn(f"{use.plain:,} texts of contact data are not sealed yet: `twohour keys rotate` seals them")


def _warn(text: str) -> None:
    typer.secho(f"WARNING: {text}", fg="yellow", bold=True, err=True)


def _store() -> Store:
    from config.settings import load_settings
    from data_models.store import open_store

    return open_store(load_settings().database_url.get_secret_value())
