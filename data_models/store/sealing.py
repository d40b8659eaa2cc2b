"""What is sealed with which key, whether the keys at hand open it, and sealing everything anew with the first of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, TableClause, column, func, select, table, update
from sqlalchemy.orm import Session

from data_models.errors import BadInput, Unavailable
from data_models.sealing import SEALED, VARIABLE, key_of, place_of
from data_models.store.database import Store
from data_models.tables import Base
from data_models.tables.sealed import Sealed, keys_of

_BATCH = 500


@dataclass(frozen=True)
class KeyUse:
    """How many texts are sealed with each key, by its id, and how many are kept in plain."""

    sealed: dict[str, int]
    plain: int


def key_use(session: Session) -> KeyUse:
    """Count the texts of all sealed columns; empty ones count nowhere."""
    sealed: dict[str, int] = dict.fromkeys(keys_of(session.get_bind().dialect).keys, 0)
    plain = 0
    for kind, raw in _columns():
        kept = raw.c[kind.column]
        while (unknown := _sealed_with_another(session, kept, raw, tuple(sealed))) is not None:
            sealed[unknown] = 0
        for key in sealed:
            sealed[key] += session.scalar(select(func.count()).select_from(raw).where(kept.like(f"{SEALED}{key}:%"))) or 0
        plain += session.scalar(select(func.count()).select_from(raw).where(kept != "", kept.not_like(f"{SEALED}%"))) or 0
    return KeyUse(sealed, plain)


def must_open(session: Session) -> None:
    """See that the keys at hand open what is sealed: one text of each key and column. Raises `Unavailable`, which names the key."""
    keys = keys_of(session.get_bind().dialect)
    use = key_use(session)
    for kind, raw in _columns():
        kept = raw.c[kind.column]
        for key in use.sealed:
            found = session.execute(select(raw.c[kind.identity], kept).where(kept.like(f"{SEALED}{key}:%")).limit(1)).first()
            if found is not None:
                keys.open(found[1], place_of(kind.table, kind.column, found[0]))


def seal_anew(store: Store) -> Iterator[int]:
    """Seal with the first key whatever is in plain or under another one, some hundred texts a transaction; gives how many, as it goes.

    What it did stays done when it is interrupted, and the next call goes on from there. Others may work meanwhile.

    Raises
    ------
    BadInput
        There is no key.
    Unavailable
        A text does not open with the keys at hand; before anything is changed where its key is not there at all.
    """
    if not store.keys.keys:
        raise BadInput(f"{VARIABLE} is not set: there is nothing to seal with; `twohour keys new` makes a key")
    with store.reading() as session:
        must_open(session)
    for kind, raw in _columns():
        while done := _seal_some(store, kind, raw):
            yield done


def _seal_some(store: Store, kind: Sealed, raw: TableClause) -> int:
    identity, kept = raw.c[kind.identity], raw.c[kind.column]
    with store.session() as session:
        rows = session.execute(
            select(identity, kept)
            .where(kept != "", kept.not_like(f"{SEALED}{store.keys.first}:%"))
            .order_by(identity)
            .limit(_BATCH)
            .with_for_update()
        ).all()
        for row_id, text in rows:
            place = place_of(kind.table, kind.column, row_id)
            sealed = store.keys.seal(store.keys.open(text, place), place)
            session.execute(update(raw).where(identity == row_id).values({kept: sealed}))
        return len(rows)


def _sealed_with_another(session: Session, kept: Any, raw: TableClause, known: tuple[str, ...]) -> str | None:
    """The id of a key that sealed something and is none of the known ones."""
    query = select(kept).select_from(raw).where(kept.like(f"{SEALED}%"), *(kept.not_like(f"{SEALED}{key}:%") for key in known)).limit(1)
    found = session.scalar(query)
    if found is None:
        return None
    key = key_of(found) or ""
    if not key or key in known:
        raise Unavailable(f"a text in {raw.name} begins with {SEALED} and names no key: the row was changed from outside")
    return key


def _columns() -> Iterator[tuple[Sealed, TableClause]]:
    """The sealed columns, each with its table as it is kept: as plain text. One table has one identity."""
    for known in Base.metadata.sorted_tables:
        for each in known.columns:
            if isinstance(each.type, Sealed):
                raw = table(known.name, column(each.type.identity, String()), column(each.name, String()))
                yield each.type, raw
