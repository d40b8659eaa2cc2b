"""Visits of one technician and photos of tickets, in both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect

from data_models import tables
from data_models.errors import NotFound
from data_models.store import Store
from data_models.store.attachments import (
    NewAttachment,
    add_attachment,
    attachment_by_id,
    attachment_of_key,
    attachments_of,
    count_attachments,
)
from data_models.store.visits import LOOKED_BACK, contacts_at, last_planned, published_visits

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def company(store: Store) -> Store:
    """Two technicians; T-1 goes to A, then with T-2 to B. An earlier plan, superseded, sent T-1 to C."""
    with store.session() as session:
        session.add(tables.Customer(id="C", name="客户", tier="A", segment=""))
        session.add(tables.Station(id="ST", name="站", lat=31.0, lon=121.0))
        session.flush()
        session.add(tables.Site(id="S", customer_id="C", name="厂区", lat=31.2, lon=121.4))
        for who in ("T-1", "T-2"):
            session.add(tables.Technician(id=who, name=f"王{who}", station_id="ST"))
        session.flush()
        for ticket in ("A", "B", "C"):
            session.add(tables.Ticket(id=ticket, site_id="S", severity="general", type="fault", opened_at=NOW, state="planned"))
        session.add(tables.Snapshot(id=1, taken_at=NOW, digest="d", case_json="{}", context_json="{}"))
        session.flush()
        for number, state in ((1, "superseded"), (2, "published")):
            session.add(_plan(number, state))
        session.flush()
        _route(session, 1, "T-1", [("C", 0)])
        _route(session, 2, "T-1", [("A", 1), ("B", 3)])
        _route(session, 2, "T-2", [("B", 3)])
    return store


def _plan(number: int, state: str) -> tables.Plan:
    return tables.Plan(
        id=number, snapshot_id=1, name="day", version=number, state=state, created_at=NOW, published_at=NOW, seed=1, iterations=1,
        settings={}, versions={}, score={}, violations=0, plan_json="{}", explanation_json="",
    )  # fmt: skip


def _route(session, plan: int, who: str, stops: list[tuple[str, int]]) -> None:
    visits = [
        tables.Visit(
            position=position, ticket_id=ticket, arrives_at=NOW + hours * HOUR, starts_at=NOW + hours * HOUR,
            finishes_at=NOW + (hours + 1) * HOUR,
        )
        for position, (ticket, hours) in enumerate(stops)
    ]  # fmt: skip
    session.add(tables.Route(plan_id=plan, technician_id=who, departs_at=NOW, returns_at=NOW + 9 * HOUR, kits=["leak-kit"], visits=visits))
    session.flush()


def test_visits_come_in_order_with_their_drive_and_who_else_comes(company: Store) -> None:
    with company.reading() as session:
        first, second = published_visits(session, "T-1", NOW, NOW + 24 * HOUR)
    assert (first.ticket, first.leaves_at, first.crew, first.carried) == ("A", NOW, (), ("leak-kit",))
    # The drive to the second begins when the first ends, at 3:00.
    assert (second.ticket, second.leaves_at, second.crew) == ("B", NOW + 2 * HOUR, ("王T-2",))


def test_a_visit_belongs_to_the_days_that_it_touches(company: Store) -> None:
    with company.reading() as session:
        seen = [
            [visit.ticket for visit in published_visits(session, "T-1", begin, end)]
            for begin, end in (
                (NOW + 2 * HOUR, NOW + 3 * HOUR),  # A ends as it begins, B begins as it ends
                (NOW + 2 * HOUR + timedelta(seconds=1), NOW + 3 * HOUR + timedelta(seconds=1)),
            )
        ]
    assert seen == [["A"], ["B"]]


def test_what_an_earlier_plan_gave_somebody_is_theirs_for_a_while(company: Store) -> None:
    with company.reading() as session:
        assert set(last_planned(session, "T-1", ["A", "B", "C", "nothing"], NOW + LOOKED_BACK)) == {"A", "B", "C"}
        assert last_planned(session, "T-1", ["C"], NOW + LOOKED_BACK + timedelta(seconds=1)) == {}
        assert set(last_planned(session, "T-2", ["A", "B", "C"], NOW)) == {"B"}


def test_those_of_the_site_are_called_before_those_for_everything(company: Store) -> None:
    with company.session() as session:
        session.add(tables.Contact(id="K-1", customer_id="C", name="总机", phone="1"))
        session.flush()
        assert contacts_at(session, "S") == (("总机", "1"),)
        session.add(tables.Contact(id="K-2", customer_id="C", site_id="S", name="班长", phone="2"))
        session.flush()
        assert contacts_at(session, "S") == (("班长", "2"),)


def test_a_photo_is_kept_once_and_listed_without_its_content(company: Store) -> None:
    new = NewAttachment("phone T-1 1", "A", "T-1", "", "王", "image/jpeg", 4, 3, b"\x00\xff" * 500)
    with company.session() as session:
        number, is_new = add_attachment(session, new, NOW)
    with company.session() as session:
        assert (is_new, add_attachment(session, new, NOW + HOUR)) == (True, (number, False))
    with company.reading() as session:
        (row,) = attachments_of(session, "A")
        assert "content" in inspect(row).unloaded
        assert (row.size, row.arrived_at, count_attachments(session, "A"), count_attachments(session, "B")) == (1000, NOW, 1, 0)
        assert attachment_by_id(session, number).content == new.content
        assert attachment_of_key(session, "phone T-1 2") is None
        with pytest.raises(NotFound, match="Photo 99"):
            attachment_by_id(session, 99)
