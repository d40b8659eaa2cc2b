"""Escalation steps: when they are due, to whom, how often, and what a watcher that slept catches up with."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_models.clock_rules import EscalationStep, StepMoment, parse_step_moment
from data_models.clocks import Milestones, Pause, Prediction, clock_states
from data_models.escalations import escalation_key, escalations_due
from data_models.promises import parse_promise
from tests.data_models.clock_tickets import OPENED, SECOND, at, step, ticket, with_steps

DUE = at("02 12:00")
ON_SITE = ("on_site",)


def names(steps: dict[str, EscalationStep], now: datetime, sent: set[str] = frozenset(), **said: object) -> list[tuple[str, int]]:  # type: ignore[assignment]
    found = escalations_due(ticket(policy=with_steps(**steps), **said), now, sent)
    return [(one.step, one.repetition) for one in found]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("-15 min", StepMoment("relative", -timedelta(minutes=15))),
        ("+30 min", StepMoment("relative", timedelta(minutes=30))),
        ("0 min", StepMoment("relative")),
        ("+ 2 h", StepMoment("relative", timedelta(hours=2))),
        ("at_risk", StepMoment("at_risk")),
        ("none", StepMoment("nothing")),
    ],
)
def test_moments_of_steps_are_read(text: str, moment: StepMoment) -> None:
    assert parse_step_moment(text) == moment


@pytest.mark.parametrize("text", ["", "15 min", "--15 min", "- working", "+2 working h", "+1 working day", "-none", 15, None, ["0 min"]])
def test_what_is_no_moment_of_a_step_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match='a step is one of: "-15 min"'):
        parse_step_moment(text)


@pytest.mark.parametrize(("when", "moment"), [("-15 min", at("02 11:45")), ("0 min", DUE), ("+30 min", at("02 12:30"))])
def test_a_step_is_due_at_its_moment_and_not_a_second_before(when: str, moment: datetime) -> None:
    steps = {"tell": step(when, clocks=ON_SITE)}
    assert names(steps, moment - SECOND) == []
    assert names(steps, moment) == [("tell", 0)]


def test_a_step_goes_out_once() -> None:
    policy = with_steps(tell=step("0 min", clocks=ON_SITE))
    first = escalations_due(ticket(policy=policy), DUE, ())
    assert [one.key for one in first] == ["T-17/on_site/0/tell/0"]
    assert escalations_due(ticket(policy=policy), at("03 10:00"), {first[0].key}) == ()


def test_a_step_repeats_at_its_interval_so_many_times_in_all() -> None:
    steps = {"tell": step("+30 min", clocks=ON_SITE, again=parse_promise("30 min"), times=3)}
    assert names(steps, at("02 12:59")) == [("tell", 0)]
    assert names(steps, at("02 13:00")) == [("tell", 1)]
    assert names(steps, at("02 13:30")) == names(steps, at("09 13:30")) == [("tell", 2)]
    policy = with_steps(**steps)
    sent = {escalation_key("T-17", "on_site", 0, "tell", number) for number in range(3)}
    assert escalations_due(ticket(policy=policy), at("09 10:00"), sent) == ()


def test_what_was_missed_is_caught_up_with_the_latest_only() -> None:
    steps = {
        "reminder": step("-15 min", "technician", clocks=ON_SITE),
        "overdue": step("0 min", "technician", "coordinator", clocks=ON_SITE),
        "still": step("+30 min", "technician", "coordinator", clocks=ON_SITE, again=parse_promise("30 min"), times=9),
    }
    policy = with_steps(**steps)
    (only,) = escalations_due(ticket(policy=policy), at("02 14:10"), ())
    assert (only.step, only.repetition, only.due_at) == ("still", 3, at("02 14:00"))
    assert escalations_due(ticket(policy=policy), at("02 14:11"), {only.key}) == ()


def test_who_was_told_nothing_later_is_still_told() -> None:
    steps = {
        "boss": step("0 min", "director", clocks=ON_SITE),
        "reminder": step("-15 min", "technician", clocks=ON_SITE, again=parse_promise("10 min"), times=9),
    }
    assert names(steps, at("02 12:10")) == [("boss", 0), ("reminder", 2)]


@pytest.mark.parametrize(
    "reached",
    [
        Milestones(on_site_at=DUE - SECOND),
        Milestones(on_site_at=DUE + SECOND),
        Milestones(cancelled_at=at("02 11:00")),
        Milestones(pauses=(Pause(at("02 11:00"), None, "storm"),)),
    ],
)
def test_nobody_is_told_about_clocks_that_ended_or_stand_still(reached: Milestones) -> None:
    assert names({"tell": step("-1 h", clocks=ON_SITE)}, at("02 12:10"), milestones=reached) == []


def test_a_pause_puts_steps_off_but_sends_none_twice() -> None:
    policy = with_steps(reminder=step("-15 min", clocks=ON_SITE), overdue=step("0 min", clocks=ON_SITE))
    waited = ticket(policy=policy, milestones=Milestones(pauses=(Pause(at("02 11:50"), at("02 13:00"), "storm"),)))
    sent = {escalation_key("T-17", "on_site", 0, "reminder", 0)}
    assert escalations_due(waited, at("02 13:09"), sent) == ()
    assert [one.step for one in escalations_due(waited, at("02 13:10"), sent)] == ["overdue"]


def test_a_step_before_its_clock_starts_is_left_out() -> None:
    # Contact is promised within ten minutes: a quarter of an hour before that nothing was open.
    assert names({"tell": step("-15 min", clocks=("contact",))}, at("02 10:09")) == []
    assert names({"tell": step("-10 min", clocks=("contact",))}, OPENED) == [("tell", 0)]


def test_a_step_at_risk_goes_out_once_as_soon_as_the_prediction_is_late() -> None:
    steps = {"risk": step("at_risk", clocks=ON_SITE)}
    late = Prediction(on_site_at=DUE + SECOND)
    assert names(steps, at("02 10:01")) == []
    assert names(steps, at("02 10:01"), predicted=late) == [("risk", 0)]
    assert names(steps, at("02 10:02"), sent={"T-17/on_site/0/risk/0"}, predicted=late) == []
    assert names(steps, DUE + SECOND) == []


def test_any_other_message_to_the_same_people_says_more_than_at_risk() -> None:
    steps = {"risk": step("at_risk", clocks=ON_SITE), "reminder": step("-1 h", clocks=ON_SITE)}
    assert names(steps, at("02 11:50")) == [("reminder", 0)]


def test_steps_are_for_the_tickets_that_their_lists_name() -> None:
    steps = {
        "a": step("0 min", clocks=ON_SITE, tiers=("A",)),
        "b": step("0 min", clocks=ON_SITE, tiers=("B",), severities=("emergency",)),
        "c": step("0 min", "customer", clocks=ON_SITE, severities=("general",)),
        "gone": step("none", "director"),
    }
    assert names(steps, DUE) == [("b", 0)]


def test_a_step_without_clocks_is_for_each_of_them() -> None:
    policy = with_steps(tell=step("0 min"))
    found = escalations_due(ticket(policy=policy), at("04 12:00"), ())
    assert [one.state.clock for one in found] == ["contact", "on_site", "solution", "closing"]


def test_keys_tell_apart_ids_that_hold_the_separator() -> None:
    assert escalation_key("T/1", "x", 0, "s", 0) != escalation_key("T", "1/x", 0, "s", 0)
    assert escalation_key("T%2F1", "x", 0, "s", 0) != escalation_key("T/1", "x", 0, "s", 0)
    assert escalation_key("工单-1", "on_site", 0, "提醒", 2) == "工单-1/on_site/0/提醒/2"


def test_clocks_that_the_caller_has_are_not_computed_again() -> None:
    one = ticket(policy=with_steps(tell=step("0 min")))
    assert escalations_due(one, DUE, (), clock_states(one, DUE)) == escalations_due(one, DUE, ())
    assert escalations_due(one, DUE, (), ()) == ()


STEPS = {
    "risk": step("at_risk"),
    "reminder": step("-15 min", "technician"),
    "overdue": step("0 min", "technician", "coordinator", again=parse_promise("20 min"), times=3),
    "boss": step("+1 h", "director"),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=25))
def test_however_often_one_asks_nothing_goes_out_twice_and_each_role_gets_one_message_a_time(gaps: list[int]) -> None:
    one, now, sent = ticket(policy=with_steps(**STEPS)), OPENED, set[str]()
    for minutes in gaps:
        now += timedelta(minutes=minutes)
        found = escalations_due(one, now, sent)
        assert len({message.key for message in found}) == len(found)
        for name in {message.state.clock for message in found}:
            latest = [message for message in found if message.state.clock == name]
            assert len(latest) <= len({role for message in latest for role in message.whom})
        sent |= {message.key for message in found}
        assert escalations_due(one, now, sent) == ()
