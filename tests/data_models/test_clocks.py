"""Clocks of tickets: each state at, one second before and one second after; pauses; predictions; the order of urgency."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_models.clock_rules import WarningRule
from data_models.clocks import Milestones, Pause, Prediction, Reopened, WatchedTicket, clock_states, watch
from data_models.policy import Clocks, ClockTable, SeverityClocks
from data_models.promises import parse_promise
from tests.data_models.clock_tickets import AFTER, EXTRA, OPENED, POLICY, SECOND, at, changed, clock, ticket

DUE = at("02 12:00")  # on site, two hours after opening
SILENT = changed(warning=WarningRule())


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


# --- one clock, state by state ---


@pytest.mark.parametrize(("now", "state"), [(DUE - SECOND, "running"), (DUE, "running"), (DUE + SECOND, "missed")])
def test_a_clock_is_missed_one_second_after_it_was_due(now: datetime, state: str) -> None:
    assert clock(ticket(policy=SILENT), "on_site", now).state == state


@pytest.mark.parametrize(("reached", "state"), [(DUE - SECOND, "met"), (DUE, "met"), (DUE + SECOND, "missed")])
def test_a_clock_that_was_kept_is_judged_by_the_moment_it_was_kept(reached: datetime, state: str) -> None:
    found = clock(ticket(milestones=Milestones(on_site_at=reached)), "on_site", at("09 10:00"))
    assert (found.state, found.met_at, found.is_open) == (state, reached, False)
    assert found.left == DUE - reached
    assert found.late == max(reached - DUE, timedelta())


@pytest.mark.parametrize(("cancelled", "state"), [(DUE - SECOND, "stopped"), (DUE, "stopped"), (DUE + SECOND, "missed")])
def test_cancelling_stops_what_was_not_missed_before(cancelled: datetime, state: str) -> None:
    found = clock(ticket(milestones=Milestones(cancelled_at=cancelled)), "on_site", at("09 10:00"))
    assert (found.state, found.met_at, found.ended_at) == (state, None, cancelled)


def test_cancelling_leaves_what_was_kept_before() -> None:
    reached = Milestones(contacted_at=at("02 10:05"), cancelled_at=at("02 11:00"))
    assert clock(ticket(milestones=reached), "contact", at("02 12:00")).state == "met"


def test_what_is_reached_after_cancelling_keeps_nothing() -> None:
    reached = Milestones(cancelled_at=at("02 10:05"), contacted_at=at("02 10:06"))
    assert clock(ticket(milestones=reached), "contact", at("02 12:00")).state == "stopped"


# A quarter of two hours is 30 minutes, less than the hour that the policy names.
@pytest.mark.parametrize(
    ("now", "state"), [(at("02 11:30") - SECOND, "running"), (at("02 11:30"), "running"), (at("02 11:30") + SECOND, "at_risk")]
)
def test_without_a_prediction_a_clock_is_at_risk_when_less_than_the_share_is_left(now: datetime, state: str) -> None:
    assert clock(ticket(), "on_site", now).state == state


# A quarter of 24 hours is more than the hour that the policy names.
@pytest.mark.parametrize(("now", "state"), [(at("03 09:00"), "running"), (at("03 09:00") + SECOND, "at_risk")])
def test_the_smaller_of_share_and_time_warns(now: datetime, state: str) -> None:
    assert clock(ticket(), "closing", now).state == state


@pytest.mark.parametrize(("predicted", "state"), [(DUE - SECOND, "running"), (DUE, "running"), (DUE + SECOND, "at_risk")])
@pytest.mark.parametrize("now", [at("02 10:01"), at("02 11:59")])
def test_a_prediction_tells_risk_whatever_time_is_left(predicted: datetime, state: str, now: datetime) -> None:
    found = clock(ticket(predicted=Prediction(on_site_at=predicted)), "on_site", now)
    assert (found.state, found.predicted_at) == (state, predicted)


def test_a_prediction_that_has_passed_says_nothing() -> None:
    late = ticket(predicted=Prediction(on_site_at=at("02 11:40")))
    assert clock(late, "on_site", at("02 11:40")).state == "running"
    found = clock(late, "on_site", at("02 11:40") + SECOND)
    assert (found.state, found.predicted_at) == ("at_risk", None)


def test_a_solution_is_at_risk_when_the_finish_is_late_or_already_the_arrival() -> None:
    finish_late = Prediction(at("02 11:00"), at("02 18:00") + SECOND)
    arrival_late = Prediction(at("02 18:00") + SECOND)
    assert clock(ticket(predicted=finish_late), "solution", at("02 10:30")).state == "at_risk"
    assert clock(ticket(predicted=arrival_late), "solution", at("02 10:30")).state == "at_risk"
    assert clock(ticket(predicted=Prediction(at("02 11:00"), at("02 18:00"))), "solution", at("02 10:30")).state == "running"


def test_a_finish_in_time_does_not_speak_for_the_closing() -> None:
    found = ticket(predicted=Prediction(at("03 09:10"), at("03 09:30")))
    assert clock(found, "closing", at("03 08:59")).state == "running"
    assert clock(found, "closing", at("03 09:01")).state == "at_risk"


@pytest.mark.parametrize(("reason", "name", "state"), [("storm", "on_site", "paused"), ("customer", "on_site", "running")])
def test_a_clock_is_paused_for_reasons_that_the_policy_names(reason: str, name: str, state: str) -> None:
    waiting = ticket(milestones=Milestones(pauses=(Pause(at("02 10:30"), None, reason),)))
    assert clock(waiting, name, at("02 10:30")).state == state
    assert clock(waiting, name, at("02 10:30") - SECOND).state == "running"


def test_a_reason_that_no_policy_names_pauses_nothing() -> None:
    waiting = ticket(milestones=Milestones(pauses=(Pause(at("02 10:30"), None, "lunch"),)))
    assert all(state.state != "paused" for state in clock_states(waiting, at("02 11:00")))


def test_emergencies_run_on_unless_the_policy_says_otherwise() -> None:
    waiting = Milestones(pauses=(Pause(at("02 10:30"), None, "customer"),))
    assert clock(ticket("emergency", milestones=waiting), "solution", at("02 11:00")).state == "running"
    assert clock(ticket("important", milestones=waiting), "solution", at("02 11:00")).state == "paused"


# --- what comes later shows what came before ---


def test_standing_there_shows_contact_and_solving_shows_diagnosis() -> None:
    there = ticket(milestones=Milestones(on_site_at=at("02 10:08")))
    assert clock(there, "contact", at("02 11:00")).met_at == at("02 10:08")
    solved = ticket("important", milestones=Milestones(solved_at=at("02 10:40")))
    assert {state.clock: state.state for state in clock_states(solved, at("02 11:00"))} == {
        "contact": "met",
        "diagnosis": "met",
        "solution": "met",
    }


def test_the_earlier_moment_counts_when_the_record_came_late() -> None:
    reached = Milestones(contacted_at=at("02 11:00"), on_site_at=at("02 10:09"))
    assert clock(ticket(milestones=reached), "contact", at("02 12:00")).met_at == at("02 10:09")


def test_closing_shows_the_solution() -> None:
    assert clock(ticket(milestones=Milestones(closed_at=at("02 17:00"))), "solution", at("04 10:00")).state == "met"


@pytest.mark.parametrize(("solved", "state"), [(DUE, "stopped"), (DUE + SECOND, "missed")])
def test_nobody_need_come_any_more_once_it_is_solved(solved: datetime, state: str) -> None:
    found = clock(ticket(milestones=Milestones(solved_at=solved)), "on_site", at("04 10:00"))
    assert (found.state, found.ended_at, found.met_at) == (state, solved, None)


def test_coming_after_it_was_solved_does_not_make_it_late() -> None:
    reached = Milestones(solved_at=at("02 11:00"), on_site_at=at("02 15:00"))
    assert clock(ticket(milestones=reached), "on_site", at("02 16:00")).state == "stopped"


# --- as it was known at a moment ---


def test_what_comes_later_is_not_known_yet() -> None:
    reached = Milestones(contacted_at=at("02 10:05"), on_site_at=DUE, pauses=(Pause(at("02 13:00"), at("02 14:00"), "storm"),))
    assert clock(ticket(milestones=reached), "contact", at("02 10:04")).state == "running"
    assert clock(ticket(milestones=reached), "on_site", at("02 11:00")).state == "running"
    assert clock_states(ticket(milestones=reached), OPENED - SECOND) == ()


def test_a_pause_that_ends_later_still_lasts() -> None:
    reached = Milestones(pauses=(Pause(at("02 10:30"), at("02 11:30"), "storm"),))
    assert clock(ticket(milestones=reached), "on_site", at("02 11:30") - SECOND).state == "paused"
    assert clock(ticket(milestones=reached), "on_site", at("02 11:30")).state == "running"


def test_moments_are_in_utc() -> None:
    found = clock(ticket(due_at=at("02 13:00")), "on_site", at("02 11:00"))
    assert found.due_at.tzinfo is UTC
    assert found.promised_at.tzinfo is UTC


# --- pauses ---


def due_after(*pauses: Pause, severity: str = "emergency", name: str = "on_site", now: datetime = at("31 10:00")) -> datetime:  # noqa: B008
    return clock(ticket(severity, milestones=Milestones(pauses=pauses)), name, now).due_at


def test_elapsed_time_shifts_by_the_elapsed_pause() -> None:
    assert due_after(Pause(at("02 10:30"), at("02 11:15"), "storm")) == at("02 12:45")


def test_pauses_that_overlap_touch_or_lie_in_each_other_count_once() -> None:
    one = Pause(at("02 10:30"), at("02 11:00"), "storm")
    for other in (
        Pause(at("02 10:45"), at("02 11:15"), "storm"),
        Pause(at("02 11:00"), at("02 11:15"), "storm"),
        Pause(at("02 10:30"), at("02 11:15"), "storm"),
    ):
        assert due_after(one, other) == due_after(other, one) == at("02 12:45")
    assert due_after(one, Pause(at("02 10:40"), at("02 10:50"), "storm")) == at("02 12:30")


def test_a_pause_that_begins_when_the_clock_is_due_comes_too_late() -> None:
    assert due_after(Pause(DUE, at("02 14:00"), "storm")) == DUE
    assert due_after(Pause(DUE - SECOND, at("02 14:00"), "storm")) == at("02 14:00") + SECOND


def test_a_pause_may_begin_in_time_that_an_earlier_one_gave() -> None:
    assert due_after(Pause(at("02 11:00"), at("02 12:00"), "storm"), Pause(at("02 12:30"), at("02 13:00"), "storm")) == at("02 13:30")


def test_a_pause_before_the_ticket_was_opened_counts_from_the_opening() -> None:
    assert due_after(Pause(at("02 09:00"), at("02 09:30"), "storm")) == DUE
    assert due_after(Pause(at("02 09:00"), at("02 10:30"), "storm")) == at("02 12:30")


def test_a_pause_that_ends_before_it_begins_does_nothing() -> None:
    assert due_after(Pause(at("02 11:00"), at("02 10:30"), "storm")) == DUE


def test_an_open_pause_holds_the_time_that_is_left() -> None:
    waiting = ticket(milestones=Milestones(pauses=(Pause(at("02 11:00"), None, "storm"),)))
    for now in (at("02 11:00"), at("02 13:00"), at("20 03:00")):
        found = clock(waiting, "on_site", now)
        assert (found.state, found.left) == ("paused", hours(1))


def test_a_pause_after_the_clock_was_kept_changes_nothing() -> None:
    reached = Milestones(on_site_at=at("02 11:00"), pauses=(Pause(at("02 11:00"), at("02 15:00"), "storm"),))
    found = clock(ticket(milestones=reached), "on_site", at("03 10:00"))
    assert (found.state, found.due_at) == ("met", DUE)


def test_waiting_after_the_due_moment_does_not_make_it_later_still() -> None:
    reached = Milestones(on_site_at=at("02 16:00"), pauses=(Pause(at("02 13:00"), at("02 15:00"), "storm"),))
    found = clock(ticket(milestones=reached), "on_site", at("03 10:00"))
    assert (found.state, found.due_at, found.late) == ("missed", DUE, hours(2))


# Important: solved within 8 working hours, which is Tuesday at 09:00 after 7.5 hours on Monday.
def test_working_time_shifts_by_the_working_part_of_a_pause() -> None:
    def due(*pauses: Pause) -> datetime:
        return due_after(*pauses, severity="important", name="solution")

    assert due() == at("03 09:00")
    assert due(Pause(at("02 11:00"), at("02 12:00"), "customer")) == at("03 10:00")
    assert due(Pause(at("02 17:30"), at("03 08:30"), "customer")) == at("03 09:00")
    # From 17:00 on Monday to 08:45 on Tuesday are three quarters of an hour of work.
    assert due(Pause(at("02 17:00"), at("03 08:45"), "customer")) == at("03 09:45")
    # Over a weekend: nothing but the half hour of Friday, with half an hour left for Monday.
    assert due(Pause(at("03 08:30"), at("06 17:30"), "customer")) == at("09 09:00")
    assert due(Pause(at("03 08:30"), at("08 12:00"), "customer")) == at("09 09:00")


def test_working_days_shift_by_working_time_and_the_day_of_opening_does_not_count() -> None:
    def due(*pauses: Pause) -> datetime:
        return due_after(*pauses, severity="general", name="closing")

    assert due() == at("05 17:30")
    assert due(Pause(at("02 11:00"), at("02 16:00"), "customer")) == at("05 17:30")
    assert due(Pause(at("02 11:00"), at("03 09:30"), "customer")) == at("06 09:30")
    # Two whole working days end with the second closing time, over the weekend.
    assert due(Pause(at("03 08:30"), at("04 17:30"), "customer")) == at("09 17:30")
    assert clock(
        ticket("general", milestones=Milestones(pauses=(Pause(at("02 11:00"), None, "customer"),))), "closing", at("02 12:00")
    ).state == ("paused")


def test_a_promise_over_the_weekend_warns_in_working_time() -> None:
    # Opened on Friday at 09:00: 8 working hours end at 17:00; opened at 13:00 on Monday at 12:00.
    friday = ticket("important", opened_at=at("06 13:00"))
    due = at("09 12:00")
    assert clock(friday, "solution", at("06 14:00")).due_at == due
    # The policy's hour is less than a quarter of eight.
    assert clock(friday, "solution", at("06 17:29")).state == "running"
    assert clock(friday, "solution", at("08 12:00")).state == "running"
    assert clock(friday, "solution", at("09 11:00")).state == "running"
    assert clock(friday, "solution", at("09 11:00") + SECOND).state == "at_risk"
    # Due on Monday at 09:00: of the time left on Saturday half an hour is worked.
    early = ticket("important", opened_at=at("06 10:00"))
    assert clock(early, "solution", at("06 17:00")).state == "running"
    assert clock(early, "solution", at("06 17:00") + SECOND).state == "at_risk"
    assert clock(early, "solution", at("07 10:00")).state == "at_risk"


def test_daylight_saving_neither_gives_nor_takes_elapsed_time() -> None:
    berlin = changed(calendar=replace(POLICY.calendar, timezone="Europe/Berlin"))
    opened = datetime.fromisoformat("2026-03-29T01:30:00+01:00")
    found = clock(ticket(policy=berlin, opened_at=opened), "on_site", opened)
    assert found.due_at == datetime.fromisoformat("2026-03-29T04:30:00+02:00")


# --- contracts, clocks beside the five, reopening ---


def test_a_contract_and_the_tickets_own_moment_win() -> None:
    assert clock(ticket(on_site_minutes=90), "on_site", OPENED).due_at == at("02 11:30")
    assert clock(ticket(on_site_minutes=90, due_at=at("02 15:00")), "on_site", OPENED).due_at == at("02 15:00")
    assert clock(ticket("general", due_at=at("02 15:00")), "on_site", OPENED).due_at == at("02 15:00")
    assert clock(ticket(due_at=at("02 09:00")), "on_site", OPENED).state == "missed"


def test_a_clock_beside_the_five_is_kept_by_its_record_or_by_what_shows_it() -> None:
    policy = changed(extra_clocks=EXTRA)
    assert clock(ticket(policy=policy), "numbered", at("05 10:00")).state == "met"
    assert clock(ticket(policy=policy), "told", at("02 12:00") + SECOND).state == "missed"
    told = Milestones(recorded={"told": at("02 12:00")})
    assert clock(ticket(policy=policy, milestones=told), "told", at("05 10:00")).state == "met"
    assert clock(ticket(policy=policy, milestones=told), "told", at("02 11:59")).met_at is None
    # What the log wrongly records for one of the five does not count.
    assert clock(ticket(milestones=Milestones(recorded={"contact": OPENED})), "contact", at("02 10:05")).met_at is None


def test_a_clock_starts_with_the_moment_that_it_counts_from() -> None:
    policy = changed(extra_clocks=EXTRA, after_closing=AFTER)
    assert {"call", "call_back"}.isdisjoint(state.clock for state in clock_states(ticket(policy=policy), at("02 11:00")))
    assigned = ticket(policy=policy, milestones=Milestones(assigned_at=at("02 10:30"), on_site_at=at("02 12:30")))
    assert clock(assigned, "call", at("02 12:00")).due_at == at("02 12:30")
    assert clock(assigned, "call", at("02 13:00")).state == "met"
    closed = ticket(policy=policy, milestones=Milestones(closed_at=at("02 16:00"), recorded={"call_back": at("03 16:00") + SECOND}))
    assert clock(closed, "call_back", at("02 17:00")).due_at == at("03 16:00")
    assert clock(closed, "call_back", at("04 17:00")).state == "missed"


def test_a_reopened_ticket_has_a_clock_of_its_own_for_each_reopening_and_keeps_its_first_ones() -> None:
    reopened = (Reopened(at("04 10:00"), solved_at=at("09 17:30")), Reopened(at("10 10:00")))
    reached = Milestones(on_site_at=at("02 11:00"), closed_at=at("03 09:00"), reopened=reopened)
    again = ticket(policy=changed(after_closing=AFTER), milestones=reached)
    assert clock(again, "closing", at("12 10:00")).state == "met"
    first, second = clock(again, "handled_again", at("12 10:00"), 1), clock(again, "handled_again", at("12 10:00"), 2)
    assert (first.due_at, first.state) == (at("09 17:30"), "met")
    assert (second.due_at, second.state) == (at("13 17:30"), "running")
    assert clock(again, "handled_again", at("13 17:30") + SECOND, 2).state == "missed"
    assert clock(again, "handled_again", at("05 10:00"), 1).state == "running"
    assert [state.reopening for state in watch([again], at("05 10:00"))] == [0, 1]  # the call back, still to be made, and this


def test_a_policy_that_promises_nothing_gives_no_clock() -> None:
    none = parse_promise("none")
    policy = changed(
        clocks=ClockTable(SeverityClocks(contact=none), SeverityClocks(), SeverityClocks(B=Clocks())),
        after_closing=replace(AFTER, call_back=none, handled_again=none),
    )
    reached = Milestones(closed_at=at("02 16:00"), reopened=(Reopened(at("03 16:00")),))
    assert clock_states(ticket(policy=policy, milestones=reached), at("04 16:00")) == ()


# --- many tickets ---


def test_the_watch_lists_what_is_to_be_done_at_risk_first_then_by_time_left() -> None:
    def named(name: str, severity: str = "emergency", **said: object) -> WatchedTicket:
        return replace(ticket(severity, **said), id=name)

    done = Milestones(contacted_at=OPENED, solved_at=at("02 11:00"), closed_at=at("02 11:00"))
    contacted = Milestones(contacted_at=OPENED)
    tickets = [
        named("closed", milestones=done),
        named("cancelled", milestones=Milestones(cancelled_at=OPENED)),
        named("late", milestones=contacted, predicted=Prediction(at("02 12:30"), at("02 13:00"))),
        named("missed"),
        named("waits", "general", milestones=Milestones(pauses=(Pause(at("02 11:00"), None, "customer"),))),
    ]
    now = at("02 11:20")
    listed = [(state.ticket, state.clock, state.state) for state in watch(tickets, now)]
    assert listed == [
        ("late", "on_site", "at_risk"),
        ("missed", "contact", "missed"),
        ("missed", "on_site", "running"),
        ("late", "solution", "running"),
        ("missed", "solution", "running"),
        ("late", "closing", "running"),
        ("missed", "closing", "running"),
        ("waits", "closing", "paused"),
    ]
    assert watch(reversed(tickets), now) == watch(tickets, now)


def test_a_watch_tells_the_same_as_each_ticket_alone() -> None:
    tickets = [
        replace(ticket(severity, on_site_minutes=minutes), id=f"{severity}-{minutes}")
        for severity in ("emergency", "important", "general")
        for minutes in (None, 30, 90)
    ]
    now = at("02 11:00")
    alone = {state for one in tickets for state in clock_states(one, now) if state.is_open}
    assert set(watch(tickets, now)) == alone


def test_ten_thousand_tickets_are_watched_at_once() -> None:
    tickets = [
        replace(ticket(("emergency", "important", "general")[number % 3], opened_at=OPENED + SECOND * number), id=str(number))
        for number in range(10_000)
    ]
    assert {state.ticket for state in watch(tickets, at("02 13:00"))} == {one.id for one in tickets}


# --- properties ---

moments = st.integers(-600, 20_000).map(lambda minutes: OPENED + timedelta(minutes=minutes))
lasting = st.tuples(moments, st.one_of(st.none(), moments), st.sampled_from(["customer", "storm", "lunch"])).map(lambda it: Pause(*it))
spells = st.lists(lasting, max_size=5).map(tuple)
severities = st.sampled_from(["emergency", "important", "general"])
maybe = st.one_of(st.none(), moments)
reached = st.builds(
    Milestones,
    contacted_at=maybe,
    on_site_at=maybe,
    solved_at=maybe,
    closed_at=maybe,
    cancelled_at=maybe,
    pauses=spells,
    reopened=st.lists(moments.map(Reopened), max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(severities, reached, lasting, moments)
def test_one_more_pause_never_makes_a_due_moment_earlier(severity: str, milestones: Milestones, pause: Pause, now: datetime) -> None:
    policy = changed(after_closing=AFTER)
    before = clock_states(ticket(severity, policy, milestones=milestones), now)
    more = replace(milestones, pauses=(*milestones.pauses, pause))
    after = clock_states(ticket(severity, policy, milestones=more), now)
    for one, other in zip(before, after, strict=True):
        assert other.due_at >= one.due_at >= one.promised_at
        assert not (one.state == "met" and other.state == "missed")
        assert other.late <= one.late


@settings(max_examples=150, deadline=None)
@given(severities, reached, moments, st.integers(0, 30_000))
def test_what_is_met_or_stopped_stays_so_and_what_is_missed_stays_missed(
    severity: str, milestones: Milestones, now: datetime, later: int
) -> None:
    one = ticket(severity, changed(after_closing=AFTER), milestones=milestones)
    after = {(state.clock, state.reopening): state for state in clock_states(one, now + timedelta(minutes=later))}
    for state in clock_states(one, now):
        then = after[state.clock, state.reopening]
        assert then.due_at >= state.due_at
        if state.state in ("met", "stopped", "missed"):
            assert then.state == state.state
        if state.ended_at is not None:
            assert then.ended_at == state.ended_at


@settings(max_examples=100, deadline=None)
@given(severities, reached, moments)
def test_every_state_is_whole(severity: str, milestones: Milestones, now: datetime) -> None:
    for state in clock_states(ticket(severity, milestones=milestones), now):
        assert (state.state in ("met", "stopped")) <= (not state.is_open)
        assert (state.state in ("running", "at_risk", "paused")) <= (state.is_open and state.left >= timedelta())
        assert (state.state == "missed") == (state.left < timedelta())
        assert state.met_at in (None, state.ended_at)
