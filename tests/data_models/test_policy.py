"""Clocks, needs and costs that follow from a policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_models.calendars import WorkCalendar
from data_models.errors import BadInput
from data_models.policy import (
    Clocks,
    ClockTable,
    CostCell,
    CostRules,
    ExtraClock,
    Needs,
    ServicePolicy,
    SeverityClocks,
    SeverityCosts,
    SourceRule,
    TicketCosts,
    TicketNeeds,
    TicketType,
    TierRule,
    Tiers,
    clocks_for,
    costs_for,
    due_times,
    extra_clocks_for,
    needs_for,
    tier_for,
    visit_due,
    with_contract,
)
from data_models.promises import NOTHING, Promise, due, parse_promise, promise_text

OPENED = datetime.fromisoformat("2026-03-02T10:00:00+08:00")  # a Monday


def hours(number: float) -> Promise:
    return Promise(timedelta(hours=number))


POLICY = ServicePolicy(
    name="test",
    clocks=ClockTable(
        emergency=SeverityClocks(contact=hours(1), on_site=hours(2), solution=hours(24), B=Clocks(on_site=hours(3))),
        important=SeverityClocks(solution=hours(8)),
        general=SeverityClocks(closing=parse_promise("3 working days")),
    ),
    costs=CostRules(
        emergency=SeverityCosts(miss=100, late_per_hour=10, skip=5000, downtime_share=0.5, B=CostCell(miss=70)),
        important=SeverityCosts(miss=10, late_per_hour=1, skip=1),
        general=SeverityCosts(),
        price_share_per_hour_late=0.05,
        order_price=1000,
        downtime_per_hour=40,
        skip_hours=24,
    ),
    extra_clocks={"numbered": ExtraClock(hours(0.1)), "told": ExtraClock(hours(2), types=("leak",), tiers=("A", "B"))},
    sources={"phone": SourceRule(Clocks(contact=Promise(timedelta(seconds=10))))},
    tiers=Tiers(A=TierRule(tonnes_above=1000), B=TierRule(tonnes_from=500)),
    defaults=Needs(severity="general", service_minutes=30, skills={"process": 1}),
    ticket_types={
        "leak": TicketType(
            severity="emergency",
            service_minutes=90,
            skills={"safety": 2},
            kits=("leak-kit",),
            crew=2,
            load=1.5,
            clocks=Clocks(contact=hours(0.5), solution=NOTHING),
            products={"fuel": Needs(crew=3, kits=())},
        )
    },
)


def test_a_tier_changes_its_own_clocks_only() -> None:
    assert clocks_for(POLICY, "emergency", "A").on_site == hours(2)
    assert clocks_for(POLICY, "emergency", "B").on_site == hours(3)
    assert clocks_for(POLICY, "emergency", "B").contact == hours(1)


def test_a_type_wins_over_the_tier_and_a_source_over_the_type() -> None:
    assert clocks_for(POLICY, "emergency", "B", "leak").contact == hours(0.5)
    assert clocks_for(POLICY, "emergency", "B", "leak", "phone").contact == Promise(timedelta(seconds=10))
    assert clocks_for(POLICY, "emergency", "B", "leak", "web").contact == hours(0.5)


def test_a_withdrawn_promise_is_no_promise() -> None:
    assert clocks_for(POLICY, "emergency", "A", "leak").solution is None
    assert clocks_for(POLICY, "emergency", "A", "else").solution == hours(24)


def test_clocks_start_when_the_ticket_is_opened() -> None:
    times = due_times(POLICY, clocks_for(POLICY, "emergency", "A"), OPENED)
    assert times == {
        "contact": OPENED + timedelta(hours=1),
        "on_site": OPENED + timedelta(hours=2),
        "solution": OPENED + timedelta(hours=24),
    }
    assert all(moment.tzinfo is UTC for moment in times.values())


def test_a_visit_is_due_when_promised_on_site_whatever_the_solution() -> None:
    assert visit_due(POLICY, clocks_for(POLICY, "emergency", "A"), OPENED, 9999) == OPENED + timedelta(hours=2)


def test_a_visit_without_a_promise_on_site_leaves_time_to_finish_by_the_solution() -> None:
    clocks = clocks_for(POLICY, "important", "A")
    assert visit_due(POLICY, clocks, OPENED, 60) == OPENED + timedelta(hours=7)
    assert visit_due(POLICY, clocks, OPENED, 480) == OPENED
    assert visit_due(POLICY, clocks, OPENED, 481) == OPENED


def test_a_visit_with_a_closing_only_leaves_time_to_finish_by_it() -> None:
    closing = datetime.fromisoformat("2026-03-05T17:30:00+08:00")
    assert visit_due(POLICY, clocks_for(POLICY, "general", "A"), OPENED, 45) == closing - timedelta(minutes=45)


def test_clocks_that_promise_no_visit_are_refused() -> None:
    with pytest.raises(ValueError, match="neither on_site nor solution nor closing"):
        visit_due(POLICY, Clocks(contact=hours(1)), OPENED, 60)


def test_a_contract_replaces_the_promise_on_site_only() -> None:
    clocks = clocks_for(POLICY, "emergency", "A")
    assert with_contract(clocks, None) == clocks
    assert with_contract(clocks, 90) == replace(clocks, on_site=Promise(timedelta(minutes=90)))


def test_extra_clocks_hold_where_every_list_that_is_not_empty_has_the_ticket() -> None:
    assert set(extra_clocks_for(POLICY, "emergency", "A", "leak")) == {"numbered", "told"}
    assert set(extra_clocks_for(POLICY, "emergency", "C", "leak")) == {"numbered"}
    assert set(extra_clocks_for(POLICY, "emergency", "A", "question")) == {"numbered"}


@pytest.mark.parametrize(("tonnes", "tier"), [(1001, "A"), (1000, "B"), (500, "B"), (499.9, "C"), (None, "C")])
def test_tiers_follow_their_limits_above_without_and_from_with_the_limit(tonnes: float | None, tier: str) -> None:
    assert tier_for(POLICY, tonnes) == tier


def test_needs_are_those_of_the_product_within_the_type_within_the_defaults() -> None:
    assert needs_for(POLICY, "leak") == TicketNeeds("emergency", 90, 2, {"safety": 2}, ("leak-kit",), 1.5)
    assert needs_for(POLICY, "leak", "fuel") == TicketNeeds("emergency", 90, 3, {"safety": 2}, (), 1.5)
    assert needs_for(POLICY, "leak", "perfume") == needs_for(POLICY, "leak")
    assert needs_for(POLICY, "unheard of") == TicketNeeds("general", 30, 1, {"process": 1}, (), 0)


def test_an_hour_late_costs_the_table_the_compensation_and_a_share_of_the_downtime() -> None:
    # 10 + 5 % of 1,000 + half of 40 = 80; a day late: 100 + 24 × 80 = 2,020 < 5,000
    assert costs_for(POLICY, "emergency", "A") == TicketCosts(100, 80, 5000)
    # 10 + 200 of the contract + half of 1,000 = 710; leaving it out costs a day late: 100 + 24 × 710
    assert costs_for(POLICY, "emergency", "A", 1000, 200) == TicketCosts(100, 710, 100 + 24 * 710)
    assert costs_for(POLICY, "emergency", "B").miss_cost == 70


def test_what_the_customer_pays_nothing_for_is_not_taken_for_unknown() -> None:
    assert costs_for(POLICY, "emergency", "A", 0, 0).late_cost_per_hour == 10


def test_a_promise_in_working_time_starts_at_the_next_opening() -> None:
    evening = datetime.fromisoformat("2026-03-02T20:00:00+08:00")
    assert due(parse_promise("4 working h"), evening, WorkCalendar()) == datetime.fromisoformat("2026-03-03T12:30:00+08:00")
    assert due(parse_promise("4 h"), evening, WorkCalendar()) == datetime.fromisoformat("2026-03-03T00:00:00+08:00")


@pytest.mark.parametrize("promise", ["3 working days", "4 working h", "24 h"])
def test_a_moment_past_the_last_year_is_refused_by_name(promise: str) -> None:
    with pytest.raises(BadInput, match=r"9999-12-31.*past the year 9999"):
        due(parse_promise(promise), datetime(9999, 12, 31, 23, tzinfo=UTC), WorkCalendar())


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        due(hours(1), datetime(2026, 3, 2), WorkCalendar())  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "2h30",
        "-2 h",
        "2 hours",
        "2 H",
        "h",
        "1e9 h",
        "nan h",
        "2 weeks",
        "1.5 working days",
        "999999 d",
        "٢ h",
        2,
        2.0,
        None,
        ["2 h"],
    ],
)
def test_what_is_no_promise_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"promise|working days are whole"):
        parse_promise(text)


@pytest.mark.parametrize(
    ("text", "minutes", "counts"),
    [
        ("10 s", 1 / 6, "elapsed"),
        ("30min", 30, "elapsed"),
        ("1.5 h", 90, "elapsed"),
        ("3 d", 4320, "elapsed"),
        ("4 working h", 240, "working_time"),
        ("1 working day", 1440, "working_days"),
        ("none", 0, "nothing"),
        ("0 min", 0, "elapsed"),
    ],
)
def test_promises_are_read(text: str, minutes: float, counts: str) -> None:
    promise = parse_promise(text)
    assert promise.minutes == pytest.approx(minutes)
    assert promise.counts == counts


promises = st.one_of(
    st.integers(0, 999_999).map(lambda seconds: Promise(timedelta(seconds=seconds))),
    st.integers(0, 999_999).map(lambda seconds: Promise(timedelta(seconds=seconds), "working_time")),
    st.integers(0, 3650).map(lambda days: Promise(timedelta(days=days), "working_days")),
    st.just(NOTHING),
)


@given(promises)
def test_a_promise_written_and_read_is_the_same(promise: Promise) -> None:
    assert parse_promise(promise_text(promise)) == promise


@given(
    promises.filter(lambda promise: promise.counts != "nothing"),
    st.integers(0, 63_000_000).map(lambda seconds: OPENED - timedelta(seconds=seconds)),
)
def test_a_promise_is_never_due_before_it_starts(promise: Promise, opened_at: datetime) -> None:
    short = Promise(min(promise.length, timedelta(days=20)), promise.counts)
    assert due(short, opened_at, WorkCalendar()) >= opened_at
