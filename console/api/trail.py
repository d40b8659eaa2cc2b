"""`/audit`: the trail of who did what, for administrators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request

from console.api.kinds import Line
from console.api.other_models import AuditPage, AuditTold
from console.api.paging import Cursor, Limit, cursor_of, page_of, place_of
from data_models.store.pages import audit_page

if TYPE_CHECKING:
    from console.api.service import Api


def trail_router(api: Api) -> APIRouter:
    """The router of `/audit`."""
    router = api.router("/audit", "audit")

    @router.get("", operation_id="listAudit", summary="Read the audit trail", response_model=AuditPage)
    def list_audit(
        _request: Request,
        subject: Annotated[Line, Query(description="Of one subject only, such as `plan 12`.")] = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> AuditPage:
        """Entries of the trail, the newest first; each holds the hash of the one before, so that none can be taken out unseen."""
        after = place_of(cursor, int)
        with api.store.reading() as session:
            rows = audit_page(session, limit + 1, after[0] if after else None, subject=subject)
        page, more = page_of(rows, limit)
        items = [
            AuditTold(
                number=row.number, at=row.at, by=row.by, action=row.action, subject=row.subject, details=json.loads(row.details),
                previous=row.previous, hash=row.hash,
            )
            for row in page
        ]  # fmt: skip
        return AuditPage(items=items, next=cursor_of(page[-1].number) if more else None)

    return router
