"""Sending the people of a first answer: a new published plan in one transaction, everything else kept in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from data_models import tables
from data_models.errors import Conflict, Infeasible
from data_models.store import open_store
from flows import sending
from flows.dispatch import read_plan
from flows.sending import send
from tests.flows.test_responding import KM, Town, at, minutes_of, two_stations


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_store(f"sqlite:///{tmp_path / 'town.sqlite'}") as store:
        town = two_stations(Town(store))
        town.ticket("t", 30)
        town.publish()
        town.ticket("x", -40, due=140, severity="emergency", opened_at=at(10))
        yield town


def planned(town: Town, number: int) -> dict[str, list[tuple[str, int]]]:
    plan = read_plan(town.store, number).judged.plan
    return {
        route.technician: [(stop.ticket, round(minutes_of(stop.start))) for stop in route.stops] for route in plan.routes if route.stops
    }


def test_who_was_offered_goes_and_the_order_of_the_rest_stays(town: Town) -> None:
    # a1 works at t from 30 to 60 and is at x 70 minutes later; b1 would be there at 150.
    sent = send(town.store, town.settings, "x", ["a1"], by="李娜", at=at(10), seen_plan=1)
    assert (sent.plan, round(minutes_of(sent.start)), sent.given_up) == (2, 130, ())
    assert planned(town, 2) == {"a1": [("t", 30), ("x", 130)]}
    kept = read_plan(town.store, 2)
    assert kept.state == "published"
    assert kept.judged.violations == ()
    assert [decision["by"] for decision in kept.decisions] == ["李娜", "李娜"]
    with town.store.reading() as session:
        assert session.scalar(select(tables.Ticket.state).where(tables.Ticket.id == "x")) == "planned"
        assert session.scalar(select(tables.Plan.state).where(tables.Plan.id == 1)) == "superseded"


def test_others_may_be_sent_than_the_best(town: Town) -> None:
    send(town.store, town.settings, "x", ["b1"], by="李娜", at=at(10), seen_plan=1)
    assert planned(town, 2) == {"a1": [("t", 30)], "b1": [("x", 150)]}


def test_an_answer_from_before_another_plan_is_refused_and_nothing_changes(town: Town) -> None:
    send(town.store, town.settings, "x", ["b1"], by="李娜", at=at(10), seen_plan=1)
    with pytest.raises(Conflict, match="Plan 2 was published since"):
        send(town.store, town.settings, "x", ["a1"], by="周明", at=at(11), seen_plan=1)
    with town.store.reading() as session:
        assert session.scalars(select(tables.Plan.id)).all() == [1, 2]


def test_people_who_cannot_are_not_sent(town: Town) -> None:
    town.technician("c1", "A", shift=(300, 600))
    with pytest.raises(Infeasible, match="cannot take it"):
        send(town.store, town.settings, "x", ["a1", "b1"], by="李娜", at=at(10), seen_plan=1)
    with pytest.raises(Infeasible, match="not open"):
        send(town.store, town.settings, "nothing", ["a1"], by="李娜", at=at(10), seen_plan=1)


def test_what_cannot_be_kept_any_more_is_left_to_others_and_told(town: Town) -> None:
    town.ticket("u", 60, due=120, window_start=at(100), window_end=at(110), only=["a1"])
    number = town.publish(1)
    # a1 is told to be free 300 km away at minute 20, and gets to u by minute 260.
    town.add(tables.Position(technician_id="a1", lat=0, lon=-240 * KM, free_at=at(20), kits=[]))
    sent = send(town.store, town.settings, "x", ["b1"], by="李娜", at=at(20), seen_plan=number)
    assert "u" in sent.given_up
    kept = read_plan(town.store, sent.plan)
    assert "u" in {item.ticket for item in kept.judged.plan.unassigned}


def test_a_failure_before_the_end_leaves_no_half_plan(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Conflict("the outbox is gone")

    monkeypatch.setattr(sending, "publish_and_tell", fail)
    with pytest.raises(Conflict):
        send(town.store, town.settings, "x", ["a1"], by="李娜", at=at(10), seen_plan=1)
    with town.store.reading() as session:
        assert session.scalars(select(tables.Plan.id)).all() == [1]
