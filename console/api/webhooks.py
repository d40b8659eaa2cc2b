"""`/webhooks`: which other systems are told what, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from console.api.access import Caller, caller_of
from console.api.kinds import WebhookNumber
from console.api.other_models import Pinged, WebhookAsked, WebhookChange, WebhookMade, WebhookPage, WebhookTold
from console.api.paging import Cursor, Limit, cursor_of, page_of, place_of
from console.api.problems import CONFLICT, NOT_ALLOWED, Problem
from console.api.replies import IdempotencyKey, Reply, once
from data_models import tables
from data_models.errors import BadInput
from data_models.store.audit import write_audit
from data_models.store.webhooks import (
    add_webhook,
    disable_webhook,
    enable_webhook,
    list_webhooks,
    remove_webhook,
    waiting_for,
    webhook_by_id,
)
from flows.webhooks import check_url, ping

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from console.api.service import Api


def webhooks_router(api: Api) -> APIRouter:
    """The router of `/webhooks`."""
    router = api.router("/webhooks", "webhooks")

    @router.get("", operation_id="listWebhooks", summary="List webhooks", response_model=WebhookPage)
    def list_all(_request: Request, limit: Limit = 50, cursor: Cursor = "") -> WebhookPage:
        """Subscriptions by number, each with how it fares; never their secrets."""
        after = place_of(cursor, int)
        with api.store.reading() as session:
            rows = list_webhooks(session, after[0] if after else 0, limit + 1)
            page, more = page_of(rows, limit)
            waiting = waiting_for(session, [row.id for row in page])
        return WebhookPage(items=[_told(row, waiting[row.id]) for row in page], next=cursor_of(page[-1].id) if more else None)

    @router.post("", operation_id="addWebhook", summary="Subscribe", response_model=WebhookMade, status_code=201)
    def add(request: Request, body: WebhookAsked, key: IdempotencyKey = None) -> Response:
        """Subscribe an address. Its secret is answered this once; with an idempotency key, as long as that is kept."""
        caller, now = caller_of(request), api.now()

        def work(session: Session, _ready: None) -> Reply:
            row = add_webhook(session, body.url, body.kinds, body.regions, caller.name, now)
            _note(session, api, caller, "webhook added", row.id, {"kinds": row.kinds, "regions": row.regions})
            made = WebhookMade(**_told(row, 0).model_dump(), secret=row.secret)
            return Reply(201, made, {"Location": f"{request.scope.get('root_path', '')}/webhooks/{row.id}"})

        return once(api, request, key, work, lambda: _must_be_allowed(api, body.url))

    @router.get("/{webhook_id}", operation_id="readWebhook", summary="Read a webhook", response_model=WebhookTold)
    def read_one(webhook_id: WebhookNumber) -> WebhookTold:
        """A subscription and how it fares."""
        with api.store.reading() as session:
            return _told(webhook_by_id(session, webhook_id), waiting_for(session, [webhook_id])[webhook_id])

    @router.patch("/{webhook_id}", operation_id="changeWebhook", summary="Enable or disable a webhook", response_model=WebhookTold)
    def change(request: Request, webhook_id: WebhookNumber, body: WebhookChange, key: IdempotencyKey = None) -> Response:
        """Enable a subscription again, such as one that failed for long, or disable it."""
        caller, now = caller_of(request), api.now()

        def work(session: Session, _ready: None) -> Reply:
            if body.enabled:
                row = enable_webhook(session, webhook_id, now)
            else:
                row = disable_webhook(session, webhook_id, now, f"by {caller.name}")
            _note(session, api, caller, "webhook enabled" if body.enabled else "webhook disabled", webhook_id, {})
            return Reply(200, _told(row, waiting_for(session, [webhook_id])[webhook_id]), {}, api.deliver)

        return once(api, request, key, work, lambda: None)

    @router.delete(
        "/{webhook_id}", operation_id="removeWebhook", summary="Unsubscribe", status_code=204, response_class=Response,
        responses={204: {"description": "It is gone, with what was still to be delivered."}},
    )  # fmt: skip
    def remove(request: Request, webhook_id: WebhookNumber, key: IdempotencyKey = None) -> Response:
        """End a subscription, with what was still to be delivered to it."""
        caller = caller_of(request)

        def work(session: Session, _ready: None) -> Reply:
            remove_webhook(session, webhook_id)
            _note(session, api, caller, "webhook removed", webhook_id, {})
            return Reply(204)

        return once(api, request, key, work, lambda: None)

    @router.post("/{webhook_id}/ping", operation_id="pingWebhook", summary="Try a webhook", response_model=Pinged, status_code=202)
    def ping_one(request: Request, webhook_id: WebhookNumber, key: IdempotencyKey = None) -> Response:
        """Send a message of the kind `ping` to a subscription, to try it."""

        def work(session: Session, _ready: None) -> Reply:
            if webhook_by_id(session, webhook_id).disabled_at is not None:
                raise Problem(CONFLICT, f"webhook {webhook_id} is disabled; enable it first")
            return Reply(202, Pinged(message=ping(session, webhook_id, api.now())), {}, api.deliver)

        return once(api, request, key, work, lambda: None)

    return router


def _must_be_allowed(api: Api, url: str) -> None:
    try:
        check_url(url, api.settings.webhooks)
    except BadInput as error:
        raise Problem(NOT_ALLOWED, str(error)) from None


def _note(session: Session, api: Api, caller: Caller, action: str, number: int, details: dict[str, object]) -> None:
    write_audit(session, caller.name, action, f"webhook {number}", api.now(), details)


def _told(row: tables.Webhook, waiting: int) -> WebhookTold:
    return WebhookTold(
        id=row.id,
        url=row.url,
        kinds=row.kinds,
        regions=row.regions,
        created_at=row.created_at,
        created_by=row.created_by,
        last_sent_at=row.last_sent_at,
        failing_since=row.failing_since,
        disabled_at=row.disabled_at,
        disabled_for=row.disabled_for,
        waiting=waiting,
    )
