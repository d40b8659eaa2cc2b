"""What belongs to a single ticket wherever it is shown: photos from the site, and the link for its customer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.web.visitors import must, person_of
from console.web.web import Web
from data_models import tables
from data_models.errors import NotFound
from data_models.people import Person, may
from data_models.store.attachments import attachment_by_id, attachments_of
from data_models.store.visits import last_planned
from flows.customers import customer_link


def tickets_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/tickets/{ticket_id}/extras` and `/attachments/{number}`."""
    router = APIRouter()

    @router.get("/tickets/{ticket_id:path}/extras", dependencies=[Depends(must(visitor, "see"))])
    def show_extras(request: Request, ticket_id: str) -> Response:
        person, now = person_of(request), web.now()
        with web.store.reading() as session:
            if not _may_see(session, person, ticket_id, now):
                raise NotFound(f"Ticket {ticket_id} does not exist, or belongs to another region")
            photos = attachments_of(session, ticket_id)
        # Only who decides gives links away.
        link = customer_link(web.settings, ticket_id, now, str(request.base_url)) if may(person, "decide", None) else ""
        return web.page(request, "ticket_extras.jinja", photos=photos, link=link, days=web.settings.link_days)

    @router.get("/attachments/{number}", dependencies=[Depends(visitor)])
    def show_attachment(request: Request, number: int) -> Response:
        """A photo, for whoever may see its ticket; for all others it does not exist."""
        with web.store.reading() as session:
            row = attachment_by_id(session, number)
            if not _may_see(session, person_of(request), row.ticket_id, web.now()):
                raise NotFound(f"Photo {number} does not exist")
        name = re.sub(r"[^A-Za-z0-9._-]", "_", row.ticket_id)
        headers = {
            "Content-Disposition": f'inline; filename="{name}-{number}.jpg"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=3600",
        }
        return Response(row.content, media_type=row.media_type, headers=headers)

    return router


def _may_see(session: Session, person: Person, ticket: str, now: Any) -> bool:
    """Whether somebody may see a ticket: where their role lets them look, or where they are sent themselves."""
    query = select(tables.Site.region).join(tables.Ticket, tables.Ticket.site_id == tables.Site.id)
    region = session.scalar(query.where(tables.Ticket.id == ticket))
    if region is None:
        return False
    if may(person, "see", region):
        return True
    is_their_own = may(person, "work", None) and person.technician is not None
    return is_their_own and ticket in last_planned(session, person.technician or "", [ticket], now)
