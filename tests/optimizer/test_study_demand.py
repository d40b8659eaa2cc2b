"""Demand under scenarios: growth, new customers, sampled futures, and that scenarios see the same draws."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from data_models.expected import Area
from data_models.study import Growth, NewCustomer
from optimizer.study_demand import sampled_future, tickets_under
from tests.optimizer.studies import MONDAY, line_study, today, with_changes

YEAR = line_study({"S": 0}, {"a": 10, "b": 20}, [("a" if n % 3 else "b", 4.0 * n + 9) for n in range(2000)], days=365)


def test_without_growth_the_history_is_as_it_was() -> None:
    assert tickets_under(today(YEAR), 1) == YEAR.history.tickets


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.5, 3.0])
def test_growth_makes_so_many_tickets_of_each(factor) -> None:
    # A part p of 2000 by chance: standard deviation sqrt(2000 p (1 - p)) <= 22.4; four of them.
    found = tickets_under(with_changes(YEAR, Growth(factor)), 1)
    assert abs(len(found) - 2000 * factor) <= (90 if factor % 1 else 0)
    assert all(YEAR.history.begins_at <= t.opened_at < YEAR.history.ends_at for t in found)
    assert list(found) == sorted(found, key=lambda t: (t.opened_at, t.site))


def test_more_growth_keeps_the_tickets_of_less() -> None:
    some = set(tickets_under(with_changes(YEAR, Growth(1.3)), 1))
    more = set(tickets_under(with_changes(YEAR, Growth(1.6)), 1))
    assert set(YEAR.history.tickets) < some < more


def test_growth_holds_where_it_says() -> None:
    study = line_study({"S": 0}, {"a": 10}, [("a", n) for n in range(100)])
    assert len(tickets_under(with_changes(study, Growth(2.0, severity="general")), 1)) == 100
    assert len(tickets_under(with_changes(study, Growth(2.0, region="north")), 1)) == 100
    assert len(tickets_under(with_changes(study, Growth(2.0, severity="emergency"), Growth(2.0)), 1)) == 400


def test_copies_fall_on_the_same_weekday_near_the_same_hour() -> None:
    # All tickets on Wednesdays at 09:00: every copy on another Wednesday of the year between 07:30 and 10:30.
    study = line_study({"S": 0}, {"a": 10}, [("a", 24.0 * (2 + 7 * week) + 9) for week in range(52)], days=364)
    extra = [t.opened_at for t in tickets_under(with_changes(study, Growth(3.0)), 1) if t not in study.history.tickets]
    assert len(extra) == 104
    assert {at.isoweekday() for at in extra} == {3}
    assert all(7.5 <= at.hour + at.minute / 60 <= 10.5 for at in extra)


def test_a_new_customer_brings_its_yearly_tickets() -> None:
    # 365 days of 400 a year: Poisson of mean 399.7, standard deviation 20; four of them.
    change = NewCustomer(Area("new", "new", 0.0, 0.0, place=1), {"emergency": 400.0})
    found = [t for t in tickets_under(with_changes(YEAR, change), 1) if t.site == "new"]
    assert abs(len(found) - 400) < 80
    assert {t.severity for t in found} == {"emergency"}
    assert {t.opened_at.hour for t in found} <= {t.opened_at.hour for t in YEAR.history.tickets}


def test_scenarios_see_the_same_draws_and_seeds_differ() -> None:
    change = NewCustomer(Area("new", "new", 0.0, 0.0, place=1), {"emergency": 50.0})
    alone, with_growth = with_changes(YEAR, change), with_changes(YEAR, Growth(1.5), change)
    new = [t for t in tickets_under(alone, 1) if t.site == "new"]
    assert new == [t for t in tickets_under(with_growth, 1) if t.site == "new"]
    assert new != [t for t in tickets_under(alone, 2) if t.site == "new"]


def test_a_sampled_future_is_made_of_days_of_the_same_season() -> None:
    # In March only a has tickets, in September only b: none of a's can come up in September, nor b's in March.
    march = [("a", 24.0 * day + 9) for day in range(28)]
    september = [("b", 24.0 * day + 15) for day in range(180, 210)]
    study = line_study({"S": 0}, {"a": 10, "b": 20}, march + september, days=365)
    found = sampled_future(study.history, ZoneInfo("UTC"), 7)
    assert found.tickets != study.history.tickets
    assert sampled_future(study.history, ZoneInfo("UTC"), 7) == found
    assert {t.opened_at.month for t in found.tickets if t.site == "a"} <= {2, 3, 4}
    assert {t.opened_at.month for t in found.tickets if t.site == "b"} <= {8, 9, 10}
    assert {(t.site, t.opened_at.hour) for t in found.tickets} <= {("a", 9), ("b", 15)}


def test_what_happened_together_stays_together_in_a_sampled_future() -> None:
    pairs = [(site, 24.0 * day + 9 + hour) for day in range(0, 365, 5) for site, hour in (("a", 0), ("b", 1))]
    study = line_study({"S": 0}, {"a": 10, "b": 20}, pairs, days=365)
    found = sampled_future(study.history, ZoneInfo("UTC"), 3).tickets
    first = [t for t in found if t.site == "a"]
    assert len(first) > 20
    assert [t.opened_at + timedelta(hours=1) for t in first] == [t.opened_at for t in found if t.site == "b"]
    assert all((t.opened_at - MONDAY) // timedelta(days=365) == 0 for t in found)
