"""Satisfaction after closing: who is content, who is not, and when it is to be put right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_models.clocks import Milestones, Reopened
from data_models.errors import BadInput
from data_models.policy import AfterClosing
from data_models.promises import parse_promise
from data_models.satisfaction import Reopening, reopening
from tests.data_models.clock_tickets import AFTER, POLICY, at, changed, clock, ticket

FRIDAY = at("06 16:00")


@pytest.mark.parametrize(("score", "reopens"), [(1, True), (2, True), (3, False), (4, False), (5, False), (None, False)])
def test_a_score_below_the_threshold_reopens(score: int | None, reopens: bool) -> None:
    assert (reopening(changed(after_closing=AFTER), "T-17", score, FRIDAY) is not None) == reopens


def test_a_reopening_is_due_by_its_own_promise_over_the_weekend() -> None:
    policy = changed(after_closing=AFTER)
    due_at = at("11 17:30")
    assert reopening(policy, "T-17", 2, FRIDAY) == Reopening("T-17", FRIDAY, 2, 3, due_at)
    again = ticket(policy=policy, milestones=Milestones(closed_at=FRIDAY, reopened=(Reopened(FRIDAY),)))
    assert clock(again, "handled_again", FRIDAY, 1).due_at == due_at


@pytest.mark.parametrize("again", [None, parse_promise("none")])
def test_a_reopening_without_a_promise_is_never_due(again: object) -> None:
    found = reopening(changed(after_closing=replace(AFTER, handled_again=again)), "T-17", 1, FRIDAY)
    assert found is not None
    assert found.due_at is None


def test_a_policy_that_reopens_nothing_takes_any_score() -> None:
    assert reopening(POLICY, "T-17", 1, FRIDAY) is None


@pytest.mark.parametrize("score", [0, 6, -1, True, 2.5])
def test_a_score_off_the_scale_is_refused(score: int) -> None:
    with pytest.raises(BadInput, match=r"Ticket T-17: satisfaction .* give a whole number from 1 to 5"):
        reopening(changed(after_closing=AFTER), "T-17", score, FRIDAY)


def test_a_longer_scale_takes_higher_scores() -> None:
    policy = changed(after_closing=AfterClosing(scale=10, reopen_below=6))
    assert reopening(policy, "T-17", 5, FRIDAY) is not None
    assert reopening(policy, "T-17", 10, FRIDAY) is None
