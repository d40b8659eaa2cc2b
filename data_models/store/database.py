"""The engine and the only Session: the same code on SQLite and PostgreSQL.

SQLite: WAL, so that readers never wait; `BEGIN IMMEDIATE`, so that two writers queue instead of failing halfway; foreign keys on.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from data_models.errors import BadInput, Conflict, Unavailable
from data_models.migrations.upgrade import current_revision, upgrade
from data_models.sealing import VARIABLE, Keyring, parse_keys
from data_models.tables.sealed import give_keys, keys_of

_BUSY_SECONDS = 30
"""How long a writer on SQLite waits for the one before it: an import of 50,000 rows takes about as long."""


class Store:
    """An open database. `session` is for writing, `reading` for looking at one unchanging moment of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def keys(self) -> Keyring:
        """What seals and opens contact data here."""
        return keys_of(self.engine.dialect)

    @property
    def place(self) -> str:
        """Where the database is, fit to be shown: without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session in one transaction: committed at the end, rolled back when anything is raised.

        Raises
        ------
        Conflict
            Someone else changed a row in the meantime, or a rule of the tables forbids the change.
        Unavailable
            The database does not answer or stays busy.
        """
        with _told(self.place), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees the database as it was at its first look, waits for no writer and must change nothing.

        Raises `Unavailable` when the database does not answer.
        """
        options: dict[str, Any] = {"reading": True}
        if self.engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with _told(self.place), Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options=options)
            yield session

    def describe(self) -> str:
        """What kind of database it is, where, and how old its tables are, in one line. Raises `Unavailable`."""
        with self.reading() as session:
            connection = session.connection()
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
            return f"{connection.dialect.name} {version} at {self.place}, tables of revision {current_revision(connection)}"

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_store(url: str, keys: Keyring | None = None) -> Store:
    """The database at a URL (`sqlite:///file.db`, `postgresql://user:password@host/name`), with the tables of today.

    A missing SQLite file is made, with its folder; a database of an earlier version is upgraded.

    Parameters
    ----------
    keys
        What seals and opens contact data; None takes them from the environment, `data_models.sealing.VARIABLE`.

    Raises
    ------
    BadInput
        The URL is none, or is of another kind of database; the keys cannot be read.
    Unavailable
        The database does not answer.
    """
    store = Store(make_engine(url, keys))
    with _told(store.place):
        upgrade(store.engine)
    return store


def make_engine(url: str, keys: Keyring | None = None) -> Engine:
    """An engine for a URL, with the keys of contact data as `open_store` has them; connects to nothing yet. Raises `BadInput`."""
    engine = _engine(url)
    # From here rather than from every caller: one that forgot them would write in plain what others sealed.
    give_keys(engine.dialect, parse_keys(os.environ.get(VARIABLE, "")) if keys is None else keys)
    return engine


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadInput("database URL: cannot be read; write sqlite:///twohour.db or postgresql://user:password@host/name") from error
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _sqlite_engine(parsed)
    if kind == "postgresql":
        # pool_pre_ping: a server that was restarted overnight costs one reconnect, not a failed morning run.
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
    raise BadInput(f"database URL: {kind} is not supported; use sqlite or postgresql")


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise BadInput("database URL: an SQLite database needs a file; write sqlite:///twohour.db")
    Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    # hide_parameters: values, which may be contact data, stand in no message or log.
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # None: the driver starts no transactions of its own; `_begin_sqlite` does.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", f"busy_timeout = {_BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Turn what the database raises into our errors, naming the database and the remedy."""
    try:
        yield
    except StaleDataError as error:
        raise Conflict("someone else changed this in the meantime; look again and repeat what still applies") from error
    except (IntegrityError, DataError) as error:
        raise Conflict(f"the database {place} refuses a change that would break its rules: {_first_line(error)}") from error
    except ProgrammingError:
        raise  # Our own mistake: nothing that a person could mend.
    except DatabaseError as error:
        raise Unavailable(f"the database {place} does not answer: {_first_line(error)}") from error


def _first_line(error: DatabaseError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
