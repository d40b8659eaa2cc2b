"""Photos of tickets in the store: kept once for each key, listed without their content, read one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from data_models import tables
from data_models.errors import NotFound


@dataclass(frozen=True)
class NewAttachment:
    """A photo to be kept: encoded anew already, of `width` × `height` pixels."""

    key: str
    ticket: str
    technician: str | None
    event_key: str
    by: str
    media_type: str
    width: int
    height: int
    content: bytes


def add_attachment(session: Session, new: NewAttachment, at: datetime) -> tuple[int, bool]:
    """Keep a photo; gives its number, and whether it is new: the same key again is the photo that is there already."""
    known = session.scalar(select(tables.Attachment.id).where(tables.Attachment.key == new.key))
    if known is not None:
        return known, False
    row = tables.Attachment(
        key=new.key,
        ticket_id=new.ticket,
        technician_id=new.technician,
        event_key=new.event_key,
        by=new.by,
        arrived_at=at,
        media_type=new.media_type,
        width=new.width,
        height=new.height,
        size=len(new.content),
        content=new.content,
    )
    session.add(row)
    session.flush()
    return row.id, True


def attachment_of_key(session: Session, key: str) -> int | None:
    """The number of the photo with a key; None when it has not come."""
    return session.scalar(select(tables.Attachment.id).where(tables.Attachment.key == key))


def attachment_by_id(session: Session, number: int) -> tables.Attachment:
    """A photo with its content. Raises `NotFound`."""
    query = select(tables.Attachment).where(tables.Attachment.id == number).options(undefer(tables.Attachment.content))
    row = session.scalar(query)
    if row is None:
        raise NotFound(f"Photo {number} does not exist")
    return row


def attachments_of(session: Session, ticket: str) -> list[tables.Attachment]:
    """The photos of a ticket without their content, oldest first."""
    query = select(tables.Attachment).where(tables.Attachment.ticket_id == ticket).order_by(tables.Attachment.id)
    return list(session.scalars(query))


def count_attachments(session: Session, ticket: str) -> int:
    """How many photos a ticket has."""
    return session.scalar(select(func.count()).where(tables.Attachment.ticket_id == ticket)) or 0
