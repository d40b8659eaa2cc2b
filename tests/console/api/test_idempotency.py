"""A request sent again with its key is answered as before and does nothing twice, on both databases, at once too."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from config.api_settings import ApiSettings
from data_models import tables
from data_models.store.kept_answers import claim_key, forget_answers, keep_answer, read_answer

NEW = {"severity": "general", "type": "quality"}


def test_the_same_request_is_answered_as_before_and_done_once(company: Any) -> None:
    erp = company.client()
    ticket = company.ids(tables.Ticket.id, tables.Ticket.state.in_(("open", "planned")))[0]
    key = {"Idempotency-Key": "k-1"}
    first = erp.patch(f"/tickets/{ticket}", json={"title": "once"}, headers=key)
    company.now += timedelta(seconds=1)
    erp.patch(f"/tickets/{ticket}", json={"title": "meanwhile"})
    again = erp.patch(f"/tickets/{ticket}", json={"title": "once"}, headers=key)
    assert (again.status_code, again.content, again.headers["etag"]) == (200, first.content, first.headers["etag"])
    assert (again.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    assert erp.get(f"/tickets/{ticket}").json()["title"] == "meanwhile"


def test_another_request_with_the_key_is_refused_and_another_caller_may_use_it(company: Any) -> None:
    erp, site = company.client(), company.ids(tables.Site.id)[0]
    key = {"Idempotency-Key": "k-1"}
    assert erp.put("/tickets/SR-1", json=NEW | {"site": site}, headers=key).status_code == 201
    for again in (
        erp.put("/tickets/SR-1", json=NEW | {"site": site, "title": "x"}, headers=key),
        erp.put("/tickets/SR-2", json=NEW | {"site": site}, headers=key),
        erp.post("/tickets/SR-1/cancel", json={}, headers=key),
    ):
        assert (again.status_code, again.json()["type"]) == (422, "urn:twohour:problem:key-reused")
    assert company.client().put("/tickets/SR-2", json=NEW | {"site": site}, headers=key).status_code == 201


def test_what_was_refused_did_nothing_and_may_be_sent_again_with_its_key(company: Any) -> None:
    erp, key = company.client(), {"Idempotency-Key": "k-1"}
    assert erp.put("/tickets/SR-1", json=NEW | {"site": "S-new"}, headers=key).status_code == 409
    with company.store.session() as session:
        known = session.scalars(select(tables.Site)).first()
        session.add(tables.Site(id="S-new", customer_id=known.customer_id, name="new", lat=known.lat, lon=known.lon))
    assert erp.put("/tickets/SR-1", json=NEW | {"site": "S-new"}, headers=key).status_code == 201


def test_of_many_at_once_one_does_it_and_all_are_answered_alike(company: Any) -> None:
    erp, site = company.client(), company.ids(tables.Site.id)[0]
    answers: list[tuple[int, bytes]] = []
    begin = threading.Barrier(4)

    def push() -> None:
        begin.wait(30)
        answer = erp.post(
            "/events",
            json={"kind": "ticket_opened", "at": company.now.isoformat(), "key": "e", "ticket": "SR-1", "site": site, **NEW},
            headers={"Idempotency-Key": "k-1"},
        )
        answers.append((answer.status_code, answer.content))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # Without the key three would be told that the event was merged.
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    assert b'"counts":{"counts":1}' in answers[0][1]


def test_a_key_that_is_none_is_refused(company: Any) -> None:
    for key in ("", "k k", "x" * 256, "\u00e4".encode()):
        answer = company.client().post("/webhooks/1/ping", headers={"Idempotency-Key": key})  # type: ignore[dict-item]
        assert answer.status_code == 422


def test_keys_are_forgotten_after_a_while(company: Any) -> None:
    company = company.with_settings(api=ApiSettings(key_hours=1))
    erp, site = company.client(days=2), company.ids(tables.Site.id)[0]
    erp.put("/tickets/SR-1", json=NEW | {"site": site}, headers={"Idempotency-Key": "k-1"})
    company.now += timedelta(hours=1, seconds=-1)
    # Old keys are looked for once an hour in each process, upon a request that changes something.
    company.client().put("/tickets/SR-2", json=NEW | {"site": site})
    assert len(company.ids(tables.KeptAnswer.key)) == 1
    company.now += timedelta(seconds=2)
    company.client().put("/tickets/SR-3", json=NEW | {"site": site})
    assert company.ids(tables.KeptAnswer.key) == []


def test_the_second_of_two_transactions_waits_for_the_first(store: Any) -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 3, 2, tzinfo=UTC)
    claimed, seen = threading.Event(), []

    def second() -> None:
        claimed.wait(30)
        with store.session() as session:
            seen.append(claim_key(session, "erp", "k", "digest", now))

    thread = threading.Thread(target=second)
    thread.start()
    with store.session() as session:
        assert claim_key(session, "erp", "k", "digest", now) is None
        claimed.set()
        # The other one is at the key now or comes to it later: either way it sees the answer or nothing.
        keep_answer(session, "erp", "k", 200, {"ETag": "x"}, "{}")
    thread.join(60)
    assert [(kept.status, kept.headers, kept.body) for kept in seen] == [(200, {"ETag": "x"}, "{}")]
    with store.session() as session:
        assert forget_answers(session, now) == 0
        assert forget_answers(session, now + timedelta(seconds=1)) == 1
        assert read_answer(session, "erp", "k") is None
