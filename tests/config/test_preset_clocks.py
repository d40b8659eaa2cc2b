"""The presets while clocks run: what the studies state of satisfaction, alarms and compensation, and examples that hold together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from config.policies import load_policies
from data_models.case import SEVERITIES, TIERS
from data_models.clocks import ClockState, Milestones, Pause, Reopened, WatchedTicket, clock_states, watch
from data_models.compensation import compensation_owed
from data_models.escalations import escalations_due
from data_models.policy import ServicePolicy
from data_models.promises import parse_promise
from data_models.satisfaction import reopening

OPENED = datetime.fromisoformat("2026-03-02T10:00:00+08:00")  # a Monday
SECOND = timedelta(seconds=1)
PRESETS = ("e-jiao", "ethanol", "lead-ingot", "liquid-oxygen", "terpinene")


@pytest.fixture(scope="module")
def presets() -> dict[str, ServicePolicy]:
    return load_policies()


def ticket(policy: ServicePolicy, severity: str, tier: str = "B", kind: str = "", **said: object) -> WatchedTicket:
    return WatchedTicket("T-1", policy, severity, tier, OPENED, kind, "phone", **said)  # type: ignore[arg-type]


def state(one: WatchedTicket, clock: str, now: datetime) -> ClockState:
    return next(found for found in clock_states(one, now) if found.clock == clock)


# preset, severity, tier, type, clock, seconds after opening: in time then, missed a second later.
DUE = [
    ("ethanol", "emergency", "B", "leak", "contact", 600),
    ("ethanol", "emergency", "B", "leak", "diagnosis", 1800),
    ("ethanol", "emergency", "B", "leak", "on_site", 7200),
    ("ethanol", "important", "B", "purity", "contact", 3600),
    ("ethanol", "important", "B", "purity", "solution", 4 * 3600),
    ("ethanol", "important", "B", "purity", "follow_up", 24 * 3600),
    ("ethanol", "general", "B", "question", "closing", 3 * 86400 + 7 * 3600 + 1800),
    ("terpinene", "emergency", "A", "leak", "contact", 3600),
    ("terpinene", "important", "C", "quality", "contact", 4 * 3600),
    ("terpinene", "general", "B", "question", "solution", 72 * 3600),
    ("liquid-oxygen", "emergency", "B", "supply-cut", "backup_source", 1800),
    ("liquid-oxygen", "emergency", "B", "supply-cut", "transport", 3600),
    ("liquid-oxygen", "emergency", "B", "supply-cut", "customer_told", 7200),
    ("liquid-oxygen", "emergency", "B", "quality-accident", "test_report", 4 * 3600),
    ("lead-ingot", "emergency", "A", "line-stopped", "on_site", 7200),
    ("lead-ingot", "general", "B", "question", "contact", 12 * 3600),
    ("e-jiao", "general", "B", "delivery", "contact", 10),
    ("e-jiao", "important", "B", "quality", "solution", 72 * 3600),
]


@pytest.mark.parametrize(("preset", "severity", "tier", "kind", "clock", "seconds"), DUE)
def test_a_clock_of_a_preset_is_missed_one_second_after_what_the_study_promises(
    presets: dict[str, ServicePolicy], preset: str, severity: str, tier: str, kind: str, clock: str, seconds: int
) -> None:
    one = ticket(presets[preset], severity, tier, kind)
    assert state(one, clock, OPENED + timedelta(seconds=seconds)).state in ("running", "at_risk")
    assert state(one, clock, OPENED + timedelta(seconds=seconds + 1)).state == "missed"


def test_every_report_of_liquid_oxygen_has_its_number_once_it_is_a_ticket(presets: dict[str, ServicePolicy]) -> None:
    assert state(ticket(presets["liquid-oxygen"], "general"), "numbered", OPENED + timedelta(days=1)).state == "met"


def test_liquid_oxygen_calls_back_and_handles_again_as_the_study_promises(presets: dict[str, ServicePolicy]) -> None:
    policy = presets["liquid-oxygen"]
    closed = datetime.fromisoformat("2026-03-06T16:00:00+08:00")  # a Friday: the third working day is Wednesday
    assert reopening(policy, "T-1", 3, closed) is None
    found = reopening(policy, "T-1", 2, closed)
    assert found is not None
    assert found.due_at == datetime.fromisoformat("2026-03-11T17:30:00+08:00")
    one = ticket(policy, "important", milestones=Milestones(closed_at=closed, reopened=(Reopened(closed),)))
    assert state(one, "call_back", closed).due_at == closed + timedelta(hours=24)
    assert state(one, "handled_again", closed).due_at == found.due_at


def test_a_call_back_is_owed_where_a_study_promises_one(presets: dict[str, ServicePolicy]) -> None:
    closed = Milestones(closed_at=OPENED + timedelta(hours=1))
    now = OPENED + timedelta(hours=2)
    having = {
        name
        for name in PRESETS
        if "call_back" in {found.clock for found in clock_states(ticket(presets[name], "general", milestones=closed), now)}
    }
    assert having == {"liquid-oxygen", "e-jiao"}


def test_an_overdue_ticket_of_lead_ingots_raises_an_alarm(presets: dict[str, ServicePolicy]) -> None:
    for severity in SEVERITIES:
        for tier in TIERS:
            one = ticket(presets["lead-ingot"], severity, tier)
            for clock in clock_states(one, OPENED):
                found = escalations_due(one, clock.due_at, ())
                assert (clock.clock, "overdue") in {(message.state.clock, message.step) for message in found}


def test_each_hour_late_of_lead_ingots_costs_a_twentieth_of_the_price(presets: dict[str, ServicePolicy]) -> None:
    reached = Milestones(on_site_at=OPENED + timedelta(hours=5))
    late = ticket(presets["lead-ingot"], "emergency", "A", milestones=reached, order_value=40_000)
    now = OPENED + timedelta(days=9)
    assert [one.amount for one in compensation_owed([late], now).owed] == [3 * 2000]
    assert compensation_owed([replace(late, order_value=None)], now).unknown == 1
    forever = replace(late, milestones=Milestones())
    assert [one.amount for one in compensation_owed([forever], now).owed] == [40_000]


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "lead-ingot"])
def test_no_other_study_promises_compensation(presets: dict[str, ServicePolicy], preset: str) -> None:
    assert compensation_owed([ticket(presets[preset], "emergency", order_value=1e6)], OPENED + timedelta(days=9)).owed == ()


@pytest.mark.parametrize("preset", PRESETS)
def test_waiting_for_the_customer_stops_the_solution_but_never_contact_nor_an_emergency(
    presets: dict[str, ServicePolicy], preset: str
) -> None:
    policy = presets[preset]
    for reason in policy.pauses:
        waiting = Milestones(pauses=(Pause(OPENED, None, reason),))
        for severity in SEVERITIES:
            for found in clock_states(ticket(policy, severity, milestones=waiting), OPENED + timedelta(seconds=5)):
                may = severity != "emergency" and found.clock not in ("contact", "diagnosis")
                assert found.state != "paused" or may
    waiting = Milestones(pauses=(Pause(OPENED, None, "waiting_for_customer"),))
    states = clock_states(ticket(policy, "general", milestones=waiting), OPENED + timedelta(days=30))
    assert any(found.state == "paused" and found.clock in ("solution", "closing") for found in states)


@pytest.mark.parametrize("preset", PRESETS)
def test_nobody_is_flooded_by_a_ticket_that_nobody_touches(presets: dict[str, ServicePolicy], preset: str) -> None:
    one, sent = ticket(presets[preset], "emergency"), set[str]()
    for minute in range(0, 48 * 60, 5):
        now = OPENED + timedelta(minutes=minute)
        sent |= {message.key for message in escalations_due(one, now, sent)}
    clocks = {found.clock for found in watch([one], OPENED + timedelta(hours=48))}
    assert 0 < len(sent) <= 14 * len(clocks)


@pytest.mark.parametrize("preset", PRESETS)
def test_below_three_of_five_a_ticket_of_every_preset_reopens(presets: dict[str, ServicePolicy], preset: str) -> None:
    rule = presets[preset].after_closing
    assert (rule.scale, rule.reopen_below, rule.handled_again) == (5, 3, parse_promise("3 working days"))
