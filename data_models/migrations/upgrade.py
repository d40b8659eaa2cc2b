"""Bringing a database to the tables of today, from an installed package and without an ini file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0012"
"""The revision that `tables.py` describes; known here so that a database of today is recognised without loading Alembic."""

# Any number that no other user of the database locks: two processes that start together upgrade one after the other.
_UPGRADE_LOCK = 2_072_011


def upgrade(engine: Engine) -> None:
    """Bring the database to `HEAD` in one transaction; nothing happens when it is there already."""
    with engine.connect() as connection:
        if current_revision(connection) == HEAD:
            return
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        if current_revision(connection) != HEAD:
            command.upgrade(alembic_config(connection), "head")


def current_revision(connection: Connection) -> str | None:
    """The revision that a database is at; None when it holds no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for the revisions of this package, run over an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "data_models:migrations")
    config.attributes["connection"] = connection
    return config
