"""Subscriptions and their outbox on both databases: put with what they tell, taken by one sender at a time, given up in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from data_models import tables
from data_models.errors import NotFound
from data_models.store import Store
from data_models.store.notices import LEASE, Backoff
from data_models.store.pages import events_page, plan_counts, plans_page, regions_of, stations_page, technicians_page, tickets_page
from data_models.store.webhooks import (
    add_webhook,
    disable_webhook,
    enable_webhook,
    is_any_due,
    list_webhooks,
    mark_delivered,
    mark_undelivered,
    message_id,
    put_message,
    remove_webhook,
    take_delivery,
    tell_changed,
    tickets_before,
    waiting_for,
    webhook_by_id,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BACKOFF = Backoff(attempts=3, first_wait=10 * SECOND, longest_wait=timedelta(hours=1))
LONG = timedelta(days=3)


def test_a_message_is_put_once_for_each_subscription_that_wants_it(store: Store) -> None:
    with store.session() as session:
        for kinds, regions in ((["plan.published"], []), (["plan.published"], ["east"]), (["ticket.changed"], [])):
            add_webhook(session, "https://erp.example.com/", kinds, regions, "tests", NOW)  # type: ignore[arg-type]
        message = message_id("plan.published", 7)
        # The whole company is for the first only, the east for the first two; nobody is told twice.
        assert [put_message(session, "plan.published", message, region, {}, NOW) for region in ("", "east", "east")] == [1, 1, 0]
        assert waiting_for(session, [1, 2, 3]) == {1: 1, 2: 1, 3: 0}
        disable_webhook(session, 1, NOW, "by tests")
        assert put_message(session, "plan.published", message_id("plan.published", 8), "", {}, NOW) == 0


def test_a_taken_message_belongs_to_its_taker_until_the_lease_ends(store: Store) -> None:
    with store.session() as session:
        add_webhook(session, "https://erp.example.com/", ["plan.published"], [], "tests", NOW)
        put_message(session, "plan.published", "msg_1", "", {"plan": 1}, NOW)
    with store.session() as session:
        assert not is_any_due(session, NOW - SECOND)
        taken = take_delivery(session, NOW)
    assert taken is not None
    assert (taken.message, taken.attempt) == ("msg_1", 1)
    with store.session() as session:
        assert take_delivery(session, NOW + LEASE - SECOND) is None
        assert take_delivery(session, NOW + LEASE, except_webhooks=[taken.webhook]) is None
        again = take_delivery(session, NOW + LEASE)
    assert again is not None
    with store.session() as session:
        # The first taker comes back late: its failure changes nothing, its success counts.
        assert mark_undelivered(session, taken, NOW + LEASE, "late", BACKOFF, LONG) == "waiting"
        assert session.scalars(select(tables.WebhookDelivery.last_error)).one() == ""
        mark_delivered(session, taken, NOW + LEASE)
    with store.session() as session:
        assert take_delivery(session, NOW + LONG) is None


def test_after_the_last_attempt_it_has_failed_and_the_subscription_goes_on(store: Store) -> None:
    with store.session() as session:
        add_webhook(session, "https://erp.example.com/", ["plan.published"], [], "tests", NOW)
        put_message(session, "plan.published", "msg_1", "", {}, NOW)
    at, outcomes = NOW, []
    for wait in (10, 20, 40):
        with store.session() as session:
            taken = take_delivery(session, at)
            assert taken is not None
            outcomes.append(mark_undelivered(session, taken, at, "answered 500", BACKOFF, LONG))
        at += wait * SECOND
    assert outcomes == ["waiting", "waiting", "failed"]
    with store.reading() as session:
        row = webhook_by_id(session, 1)
        assert (row.failing_since, row.disabled_at) == (NOW, None)


@pytest.mark.parametrize(("after", "outcome"), [(LONG - SECOND, "waiting"), (LONG, "disabled")])
def test_a_subscription_is_disabled_once_nothing_got_there_for_so_long(store: Store, after: timedelta, outcome: str) -> None:
    with store.session() as session:
        add_webhook(session, "https://erp.example.com/", ["plan.published"], [], "tests", NOW)
        put_message(session, "plan.published", "msg_1", "", {}, NOW)
    for at in (NOW, NOW + after):
        with store.session() as session:
            taken = take_delivery(session, at)
            assert taken is not None
            told = mark_undelivered(session, taken, at, "answered 500", BACKOFF, LONG)
    assert told == outcome
    with store.session() as session:
        enable_webhook(session, 1, NOW + LONG)
        taken = take_delivery(session, NOW + LONG)
        assert taken is not None
        # All its attempts lie before it again.
        assert taken.attempt == 1
        remove_webhook(session, 1)
        assert list_webhooks(session) == []
        with pytest.raises(NotFound, match="webhook 1"):
            webhook_by_id(session, 1)


def test_a_ticket_that_changed_is_told_with_what_changed_and_nothing_is_read_for_nobody(store: Store) -> None:
    with store.session() as session:
        session.add(tables.Customer(id="C-1", name="c", tier="A"))
        session.flush()
        session.add(tables.Site(id="S-1", customer_id="C-1", name="s", region="east", lat=30.0, lon=120.0))
        session.flush()
        session.add(tables.Ticket(id="E-1", site_id="S-1", severity="general", type="quality", opened_at=NOW))
        session.flush()
        assert tickets_before(session, ["E-1"]) is None
        add_webhook(session, "https://erp.example.com/", ["ticket.changed"], ["east"], "tests", NOW)
        before = tickets_before(session, ["E-1"])
        tell_changed(session, before, ["E-1"], "event 1", NOW)
        assert not is_any_due(session, NOW)
        session.get_one(tables.Ticket, "E-1").title = "other"
        session.flush()
        tell_changed(session, before, ["E-1"], "event 2", NOW)
        taken = take_delivery(session, NOW)
    assert taken is not None
    assert '"changed":["title"]' in taken.payload


def test_pages_are_read_on_both_databases(store: Store) -> None:
    with store.session() as session:
        session.add(tables.Customer(id="C-1", name="c", tier="A"))
        session.add(tables.Station(id="ST-1", name="s", region="east", lat=30.0, lon=120.0))
        session.flush()
        session.add(tables.Technician(id="T-1", name="t", station_id="ST-1"))
        session.add(tables.Site(id="S-1", customer_id="C-1", name="s", region="east", lat=30.0, lon=120.0))
        session.flush()
        # Three of the same moment: the id decides.
        for number in (1, 2, 3):
            session.add(tables.Ticket(id=f"E-{number}", site_id="S-1", severity="general", type="quality", opened_at=NOW))
    with store.reading() as session:
        first = tickets_page(session, 2, regions=["east"])
        assert [row.id for row in first] == ["E-3", "E-2"]
        assert [row.id for row in tickets_page(session, 2, (NOW, "E-2"), regions=["east"])] == ["E-1"]
        assert tickets_page(session, 2, regions=["west"]) == []
        assert [row.id for row in stations_page(session, 2, regions=["east"])] == ["ST-1"]
        assert [(row.id, region) for row, region in technicians_page(session, 2)] == [("T-1", "east")]
        assert events_page(session, 2, (NOW, 1), regions=["east"]) == []
        assert (plans_page(session, 2, 5, regions=["east"], state="draft"), plan_counts(session, [])) == ([], {})
        found = regions_of(session, tickets=["E-1", "E-9"], technicians=["T-1"], sites=["S-1"])
        assert found == {"ticket E-1": "east", "technician T-1": "east", "site S-1": "east", "station ST-1": "east"}
