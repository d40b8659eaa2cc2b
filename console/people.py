"""`people`, `tokens` and `audit`: who may log in, what machines may show, and the trail of what was done."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from data_models.errors import BadInput
from data_models.people import ROLES, SCOPES

if TYPE_CHECKING:
    from config.settings import Settings
    from data_models.store import Store

Login = Annotated[str, typer.Argument(help="The name that they log in with.")]

people = typer.Typer(help="Who may log in to the console, and as what.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens that machines show to the API.", no_args_is_help=True)
audit = typer.Typer(help="The trail of who did what.", no_args_is_help=True)


@people.command("add")
def add(
    login: Login,
    role: Annotated[str, typer.Option(help=f"{', '.join(ROLES)}.")],
    name: Annotated[str, typer.Option(help="How pages call them; the login when absent.")] = "",
    region: Annotated[
        list[str] | None, typer.Option(help="Where the role holds; everywhere when absent. May be given several times.")
    ] = None,
    technician: Annotated[str | None, typer.Option(metavar="ID", help="Which technician they are, for the role of that name.")] = None,
) -> None:
    """Add somebody; the password is asked for, or read from standard input."""
    from data_models.store.people import add_person

    password = _new_password(login)
    with _store() as (store, _), store.session() as session:
        role_ = next((known for known in ROLES if known == role), None)
        if role_ is None:
            raise BadInput(f"--role {role}: is none; known are {', '.join(ROLES)}")
        person = add_person(session, login, name, role_, datetime.now(UTC), password=password, regions=region or (), technician=technician)
        note(session, "person added", person.login, {"role": person.role, "regions": list(person.regions)})
    typer.echo(f"{person.login} may log in as {person.role}")


@people.command("list")
def list_() -> None:
    """Show everybody."""
    from rich.table import Table

    from console.printing import plain, terminal
    from data_models.store.people import list_people

    with _store() as (store, _), store.reading() as session:
        found = list_people(session)
    table = Table("login", "name", "role", "regions", "")
    for person, disabled_at in found:
        role = person.role + (f" {person.technician}" if person.technician else "")
        state = "shut out" if disabled_at else ""
        table.add_row(plain(person.login), plain(person.name), plain(role), plain(", ".join(person.regions) or "all"), state)
    terminal().print(table if found else "nobody yet: twohour people add LOGIN --role administrator")


@people.command("password")
def password(login: Login) -> None:
    """Give somebody another password; they are logged out everywhere."""
    from data_models.store.people import set_password

    new = _new_password(login)
    with _store() as (store, _), store.session() as session:
        set_password(session, login, new)
        note(session, "password changed", login.casefold(), {})
    typer.echo(f"{login} has another password and is logged out everywhere")


@people.command("disable")
def disable(login: Login) -> None:
    """Shut somebody out at once."""
    from data_models.store.people import disable_person

    with _store() as (store, _), store.session() as session:
        disable_person(session, login, datetime.now(UTC))
        note(session, "person shut out", login.casefold(), {})
    typer.echo(f"{login} is shut out")


@tokens.command("make")
def make(
    name: Annotated[str, typer.Argument(help="Which machine has it.")],
    scope: Annotated[list[str], typer.Option(help=f"What it is good for: {', '.join(SCOPES)}. May be given several times.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 365,
    region: Annotated[list[str] | None, typer.Option(help="Where it holds; everywhere when absent.")] = None,
) -> None:
    """Make a token and show it, this once."""
    from data_models.store.people import make_token

    unknown = sorted(set(scope) - set(SCOPES))
    if unknown:
        raise BadInput(f"--scope {unknown[0]}: is none; known are {', '.join(SCOPES)}")
    now = datetime.now(UTC)
    scopes = [known for known in SCOPES if known in scope]
    with _store() as (store, _), store.session() as session:
        token = make_token(session, name, scopes, now, by=_who(), expires_at=now + timedelta(days=days), regions=region or ())
        note(session, "token made", name, {"scopes": scopes, "regions": region or []})
    typer.echo(token)
    typer.echo("Keep it now: it is not shown again.", err=True)


@tokens.command("list")
def list_tokens() -> None:
    """Show the tokens there are; never the tokens themselves."""
    from rich.table import Table

    from console.printing import plain, terminal
    from data_models.store.people import list_tokens as find

    with _store() as (store, settings), store.reading() as session:
        zone = ZoneInfo(settings.timezone)
        table = Table("no.", "name", "good for", "regions", "until")
        for row in find(session):
            until = "revoked" if row.revoked_at else f"{row.expires_at.astimezone(zone):%Y-%m-%d}" if row.expires_at else "always"
            table.add_row(str(row.id), plain(row.name), ", ".join(row.scopes), plain(", ".join(row.regions) or "all"), until)
    terminal().print(table if table.row_count else "no token yet: twohour tokens make NAME --scope plans:read")


@tokens.command("revoke")
def revoke(number: Annotated[int, typer.Argument(help="Its number in `tokens list`.")]) -> None:
    """Make a token worthless at once."""
    from data_models.store.people import revoke_token

    with _store() as (store, _), store.session() as session:
        revoke_token(session, number, datetime.now(UTC))
        note(session, "token revoked", str(number), {})
    typer.echo(f"token {number} is worthless now")


@audit.command("verify")
def verify(
    expect: Annotated[
        str, typer.Option("--expect", metavar="HASH", help="A last hash that was noted earlier; it must still stand there.")
    ] = "",
) -> None:
    """Go through the whole trail; status 1 when an entry was changed or taken out."""
    from data_models.store.audit import verify_audit

    with _store() as (store, _), store.reading() as session:
        verdict = verify_audit(session, expect)
    if verdict.wrong is not None:
        typer.echo(f"{verdict.wrong}; the {verdict.entries} before it are sound")
        raise typer.Exit(1)
    typer.echo(f"{verdict.entries} entries follow each other; the last hash is {verdict.last_hash}")


@audit.command("list")
def list_entries(
    subject: Annotated[str, typer.Option(help="Of one subject only, such as “plan 12”.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 30,
) -> None:
    """Show the last entries."""
    from rich.table import Table

    from console.printing import plain, terminal
    from data_models.store.audit import list_audit

    with _store() as (store, settings), store.reading() as session:
        zone = ZoneInfo(settings.timezone)
        table = Table("no.", "when", "who", "what", "of", "details")
        for entry in list_audit(session, limit, subject):
            when = f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
            details = "" if entry.details == "{}" else entry.details
            table.add_row(str(entry.number), when, plain(entry.by), plain(entry.action), plain(entry.subject), plain(details))
    terminal().print(table if table.row_count else "nothing was done yet")


@contextmanager
def _store() -> Iterator[tuple[Store, Settings]]:
    from config.settings import load_settings
    from data_models.store import open_store

    settings = load_settings()
    with open_store(settings.database_url.get_secret_value()) as store:
        yield store, settings


def note(session: Any, action: str, subject: str, details: dict[str, Any]) -> None:
    """Write into the audit trail what was done at the command line."""
    from data_models.store.audit import write_audit

    write_audit(session, _who(), action, subject, datetime.now(UTC), details)


def _who() -> str:
    """Whoever sits at the command line, marked as such."""
    return f"{getpass.getuser()} (command line)"


def _new_password(login: str) -> str:
    """Asked for twice at a terminal, else the first line of standard input: never an argument, which other users could see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {login}: ")
    if first != getpass.getpass("Once more: "):
        raise BadInput("the two passwords differ; nothing was changed")
    return first
