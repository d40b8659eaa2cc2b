"""What a ticket has reached, from what happened to it."""

from __future__ import annotations

from datetime import datetime

from data_models.clocks import Milestones, Pause, Reopened
from data_models.milestones import Happening, milestones_of
from tests.data_models.clock_tickets import AFTER, at, changed, clock, ticket


def happened(kind: str, when: str, **said: object) -> Happening:
    return Happening(kind, at(when), **said)  # type: ignore[arg-type]


def of(*happenings: Happening, crew: int = 1) -> Milestones:
    return milestones_of(happenings, crew)


def test_an_ordinary_ticket() -> None:
    assert of(
        happened("ticket_opened", "02 10:00"),
        happened("ticket_contacted", "02 10:05"),
        happened("technician_accepted", "02 10:06", technician="K"),
        happened("technician_driving", "02 10:10", technician="K"),
        happened("technician_arrived", "02 11:00", technician="K"),
        happened("ticket_diagnosed", "02 11:10"),
        happened("technician_finished", "02 12:00", technician="K", result="resolved"),
        happened("ticket_closed", "02 15:00", satisfaction=5),
    ) == Milestones(
        assigned_at=at("02 10:06"),
        contacted_at=at("02 10:05"),
        diagnosed_at=at("02 11:10"),
        on_site_at=at("02 11:00"),
        solved_at=at("02 12:00"),
        closed_at=at("02 15:00"),
        recorded={"call_back": at("02 15:00")},
    )


def test_the_first_time_counts() -> None:
    reached = of(happened("ticket_contacted", "02 10:05"), happened("ticket_contacted", "02 11:05"))
    assert reached.contacted_at == at("02 10:05")
    kept = of(happened("clock_kept", "02 10:05", clock="told"), happened("clock_kept", "02 11:05", clock="told"))
    assert kept.recorded == {"told": at("02 10:05")}


def test_a_crew_is_on_site_with_its_last_and_has_solved_it_when_all_are_done() -> None:
    both = [
        happened("technician_arrived", "02 11:00", technician="K"),
        happened("technician_arrived", "02 11:00", technician="K"),
        happened("technician_arrived", "02 11:30", technician="L"),
        happened("technician_finished", "02 12:00", technician="K", result="resolved"),
    ]
    assert of(*both[:2], crew=2).on_site_at is None
    assert of(*both, crew=2).on_site_at == at("02 11:30")
    assert of(*both, crew=2).solved_at is None
    done = happened("technician_finished", "02 12:30", technician="L", result="resolved")
    assert of(*both, done, crew=2).solved_at == at("02 12:30")


def test_work_that_did_not_help_solves_nothing() -> None:
    visit = happened("technician_arrived", "02 11:00", technician="K")
    assert of(visit, happened("technician_finished", "02 12:00", technician="K", result="unresolved")).solved_at is None


def test_pauses_begin_and_end_and_another_reason_begins_another() -> None:
    reached = of(
        happened("ticket_resumed", "02 10:00"),
        happened("ticket_waiting", "02 10:30", reason="customer"),
        happened("ticket_waiting", "02 11:00", reason="storm"),
        happened("ticket_resumed", "02 12:00"),
        happened("ticket_resumed", "02 12:30"),
        happened("ticket_waiting", "02 13:00", reason="customer"),
    )
    assert reached.pauses == (
        Pause(at("02 10:30"), at("02 11:00"), "customer"),
        Pause(at("02 11:00"), at("02 12:00"), "storm"),
        Pause(at("02 13:00"), None, "customer"),
    )


def test_a_reopening_keeps_what_was_reached_before_and_gets_what_comes_after() -> None:
    reached = of(
        happened("ticket_waiting", "02 10:10", reason="storm"),
        happened("ticket_closed", "02 11:00", satisfaction=1),
        happened("ticket_reopened", "02 11:00"),
        happened("ticket_solved", "03 11:00"),
        happened("ticket_closed", "04 11:00", satisfaction=4),
        happened("ticket_reopened", "05 11:00"),
    )
    assert (reached.solved_at, reached.closed_at) == (at("02 11:00"), at("02 11:00"))
    assert reached.reopened == (Reopened(at("02 11:00"), at("03 11:00"), at("04 11:00")), Reopened(at("05 11:00")))
    assert reached.pauses == (Pause(at("02 10:10"), at("02 11:00"), "storm"),)


def test_reopened_when_solved_but_not_closed_its_closing_comes_later() -> None:
    reached = of(happened("ticket_solved", "02 11:00"), happened("ticket_reopened", "02 12:00"), happened("ticket_closed", "03 09:00"))
    assert reached.closed_at == at("03 09:00")
    assert reached.reopened == (Reopened(at("02 12:00"), at("03 09:00"), at("03 09:00")),)


def test_a_cancelled_ticket_that_comes_back_goes_on_with_its_first_clocks() -> None:
    reached = of(happened("ticket_cancelled", "02 10:05"), happened("ticket_reopened", "02 10:20"))
    assert reached == Milestones()


def test_a_low_score_leads_to_a_clock_that_the_next_solution_keeps() -> None:
    def state(*more: Happening, now: datetime) -> str:
        reached = of(happened("ticket_closed", "02 11:00", satisfaction=1), happened("ticket_reopened", "02 11:00"), *more)
        return clock(ticket(policy=changed(after_closing=AFTER), milestones=reached), "handled_again", now, 1).state

    assert state(now=at("05 10:00")) == "running"
    assert state(now=at("05 17:31")) == "missed"
    assert state(happened("ticket_solved", "05 17:30"), now=at("09 10:00")) == "met"
