"""Whether anything was written to the database since it was looked at, told in a fraction of a millisecond."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import PoolProxiedConnection, text

from data_models.store.database import Store


class ChangeMark:
    """Equal marks: nobody has committed anything in between, whoever and in whichever process.

    SQLite counts, for a connection that stays open, what others have committed (`data_version`). PostgreSQL's snapshot names the
    transactions that are over and those under way; others than ours change it too, which costs no more than reading anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: PoolProxiedConnection | None = None
        if store.engine.dialect.name == "sqlite":
            self._connection = store.engine.raw_connection()

    def now(self) -> str:
        """The mark of this moment: take it before you read what it is to stand for. Raises `Unavailable`."""
        if self._connection is not None:
            cursor = self._connection.cursor()
            try:
                cursor.execute("PRAGMA data_version")
                return str(cursor.fetchone())
            finally:
                cursor.close()
        with self._store.reading() as session:
            return str(session.scalar(text("SELECT pg_current_snapshot()::text")))

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
