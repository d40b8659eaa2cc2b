"""Compensation: which clocks pay, how much, what limits it, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from data_models.clock_rules import CompensationRule
from data_models.clocks import Milestones, Pause, WatchedTicket
from data_models.compensation import Compensation, compensation_owed, ticket_compensation
from data_models.policy import CostRules, ServicePolicy, SeverityCosts
from tests.data_models.clock_tickets import SECOND, at, changed, ticket

DUE = at("02 12:00")
LATER = at("20 10:00")


def paying(price_share: float = 0.0, **rule: object) -> ServicePolicy:
    costs = CostRules(SeverityCosts(), SeverityCosts(), SeverityCosts(), price_share_per_hour_late=price_share, order_price=999)
    return changed(costs=costs, compensation=CompensationRule(**rule))  # type: ignore[arg-type]


def late(by: timedelta, policy: ServicePolicy, **said: object) -> WatchedTicket:
    reached = Milestones(contacted_at=at("02 10:01"), on_site_at=DUE + by, solved_at=DUE + by, closed_at=DUE + by)
    return ticket(policy=policy, **{"milestones": reached, **said})


def owed(one: WatchedTicket, now: datetime = LATER) -> list[float | None]:
    return [found.amount for found in ticket_compensation(one, now)]


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(("by", "amounts"), [(-SECOND, []), (timedelta(), []), (HOURS / 2, [50.0]), (3 * HOURS, [300.0])])
def test_each_hour_late_pays_and_in_time_nothing(by: timedelta, amounts: list[float]) -> None:
    assert owed(late(by, paying(per_hour=100))) == amounts


@pytest.mark.parametrize(
    ("hours", "by", "amount"),
    [
        ("begun", SECOND, 100.0),
        ("begun", HOURS, 100.0),
        ("begun", HOURS + SECOND, 200.0),
        ("whole", HOURS - SECOND, 0.0),
        ("whole", HOURS, 100.0),
        ("exact", timedelta(seconds=1), 0.03),
    ],
)
def test_parts_of_an_hour_count_as_the_policy_says(hours: str, by: timedelta, amount: float) -> None:
    assert owed(late(by, paying(per_hour=100, hours=hours))) == [amount]


def test_a_share_of_the_price_needs_the_orders_own_price() -> None:
    policy = paying(price_share=0.05)
    assert owed(late(2 * HOURS, policy, order_value=30_000)) == [3000.0]
    (unknown,) = ticket_compensation(late(2 * HOURS, policy), LATER)
    assert unknown.amount is None
    assert unknown.why == "2 h × 0.05 of the price by policy; the order's price is not known: give it"


def test_the_contract_wins_over_the_policy() -> None:
    policy = paying(price_share=0.05, per_hour=100, cap_share=0.5)
    assert owed(late(2 * HOURS, policy, late_compensation_per_hour=70)) == [140.0]
    assert owed(late(2 * HOURS, policy, late_compensation_per_hour=0)) == []
    assert owed(late(2 * HOURS, paying(), late_compensation_per_hour=70)) == [140.0]


def test_caps_limit_one_clock() -> None:
    assert owed(late(9 * HOURS, paying(per_hour=100, cap=500))) == [500.0]
    share = paying(price_share=0.05, cap_share=0.2, cap=10_000)
    assert owed(late(9 * HOURS, share, order_value=1000)) == [200.0]
    assert owed(late(9 * HOURS, share, order_value=1_000_000)) == [10_000.0]
    (found,) = ticket_compensation(late(9 * HOURS, share, order_value=1000), LATER)
    assert found.capped
    assert found.why == "9 h × 0.05 of the price 1000.00 by policy, at most 200.00 CNY"


def test_a_clock_that_still_runs_owes_so_far() -> None:
    one = ticket(policy=paying(per_hour=100))
    (found,) = ticket_compensation(one, at("02 13:30"))
    assert found == Compensation(
        "T-17", "on_site", 0, DUE, 1.5 * HOURS, 1.5, 150.0, "CNY", is_final=False, capped=False, why="1.5 h × 100.00 by policy"
    )
    assert owed(one, DUE) == []


def test_it_is_the_clock_that_a_visit_is_due_by_unless_the_policy_names_others() -> None:
    def clocks(severity: str, policy: ServicePolicy) -> list[str]:
        return [found.clock for found in ticket_compensation(ticket(severity, policy), LATER)]

    assert clocks("emergency", paying(per_hour=1)) == ["on_site"]
    assert clocks("important", paying(per_hour=1)) == ["solution"]
    assert clocks("general", paying(per_hour=1)) == ["closing"]
    assert clocks("emergency", paying(per_hour=1, clocks=("contact", "solution"))) == ["contact", "solution"]
    assert clocks("general", paying(per_hour=1, clocks=("contact", "solution"))) == []


def test_waiting_for_the_customer_is_not_paid_for() -> None:
    reached = Milestones(on_site_at=DUE + 4 * HOURS, pauses=(Pause(DUE + HOURS, DUE + 2 * HOURS, "storm"),))
    assert owed(late(HOURS, paying(per_hour=100), milestones=reached)) == [300.0]


def test_cancelling_ends_what_is_owed() -> None:
    reached = Milestones(cancelled_at=DUE + HOURS)
    (found,) = ticket_compensation(late(HOURS, paying(per_hour=100), milestones=reached), LATER)
    assert (found.amount, found.is_final) == (100.0, True)


def test_the_list_sums_what_is_known_and_counts_what_is_not() -> None:
    known, share = paying(per_hour=100), paying(price_share=0.05)
    tickets = [
        replace(late(2 * HOURS, known), id="B"),
        replace(late(HOURS, share), id="C"),
        replace(late(HOURS / 3, known), id="A"),
        replace(late(-HOURS, known), id="D"),
    ]
    listed = compensation_owed(tickets, LATER)
    assert [(one.ticket, one.amount) for one in listed.owed] == [("A", 33.33), ("B", 200.0), ("C", None)]
    assert (listed.total, listed.unknown) == ({"CNY": 233.33}, 1)
    assert compensation_owed([], LATER).owed == ()


def test_the_usual_price_that_plans_reckon_with_is_owed_to_nobody() -> None:
    assert owed(late(HOURS, paying(price_share=0.05))) == [None]
