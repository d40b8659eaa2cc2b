"""The audit trail: what was done, by whom, filtered and in pages, and how far its chain of hashes is sound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from console.web.visitors import must
from console.web.web import Web
from data_models.people import Person
from data_models.store.audit import AuditFilter, audit_words, list_audit, verify_audit

_PAGE = 50
_Text = Annotated[str, Query(max_length=100)]
_Day = Annotated[str, Query(max_length=10)]


def audit_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/audit` and `/audit/verdict`."""
    router = APIRouter(dependencies=[Depends(must(visitor, "administer"))])

    @router.get("/audit")
    def show_audit(
        request: Request,
        subject: _Text = "",
        action: _Text = "",
        by: _Text = "",
        since: _Day = "",
        until: _Day = "",
        below: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    ) -> Response:
        first, last = _day(since), _day(until)
        wanted = AuditFilter(subject.strip(), action, by, _begin(web, first), _begin(web, last, days=1))
        with web.store.reading() as session:
            # One more than is shown tells whether there is another page.
            entries = list_audit(session, _PAGE + 1, wanted=wanted, below=below)
            actions, people = audit_words(session)
        given = {"subject": subject, "action": action, "by": by, "since": str(first or ""), "until": str(last or "")}
        asked = {name: value for name, value in given.items() if value}
        older = "?" + urlencode(asked | {"below": entries[_PAGE - 1].number}) if len(entries) > _PAGE else ""
        facts: dict[str, Any] = {
            "entries": entries[:_PAGE],
            "actions": actions,
            "people": people,
            "given": given,
            "newest": f"?{urlencode(asked)}",
        }
        return web.page(request, "audit.jinja", older=older, is_first=below is None, **facts)

    @router.get("/audit/verdict")
    def show_verdict(request: Request) -> Response:
        with web.store.reading() as session:
            verdict = verify_audit(session)
        return web.page(request, "audit_verdict.jinja", verdict=verdict)

    return router


def _day(text: str) -> date | None:
    """A day as browsers write it; what is none asks for nothing."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _begin(web: Web, day: date | None, days: int = 0) -> datetime | None:
    """When a day, or one so many days after it, begins where the company is."""
    if day is None or not 1900 <= day.year <= 2999:
        return None
    return datetime.combine(day + timedelta(days=days), time(), web.zone)
