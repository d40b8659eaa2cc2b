"""Work that only one process may do at a time: taken for a while, given back, or taken over when the holder is late."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data_models import tables


def take_lease(session: Session, work: str, holder: str, now: datetime, until: datetime) -> bool:
    """Whether `holder` has the work from now until `until`: nobody else has it, or whoever had it is late and taken to be dead."""
    row = session.scalar(select(tables.Lease).where(tables.Lease.work == work).with_for_update())
    if row is None:
        try:
            with session.begin_nested():
                session.add(tables.Lease(work=work, holder=holder, until=until))
        except IntegrityError:  # somebody was quicker
            return False
        return True
    if row.until > now and row.holder != holder:
        return False
    row.holder, row.until = holder, until
    return True


def has_lease(session: Session, work: str, holder: str) -> bool:
    """Whether nobody has taken over from `holder`; it stays so until the transaction ends."""
    query = select(tables.Lease.holder).where(tables.Lease.work == work).with_for_update()
    return session.scalar(query) == holder


def give_back(session: Session, work: str, holder: str) -> None:
    """Let others have the work; nothing happens when somebody took it over."""
    session.execute(delete(tables.Lease).where(tables.Lease.work == work, tables.Lease.holder == holder))
