"""The rest of a plan made better around what people fixed."""

from __future__ import annotations

import pytest

from optimizer.editing import Improve, LeaveOut, Move, Pin
from optimizer.improving import fixed_case, improved, without_left_out
from optimizer.published import promises
from optimizer.replanning import NO_PRICE, replan
from optimizer.result import Stop
from tests.optimizer.test_editing import begun, rules

pytestmark = pytest.mark.usefixtures("compiled_search")


@pytest.fixture
def four(two_people):
    """Li: A, B. Wang: C, D. B is on the way home of Wang, so that 20 of driving are saved when he takes it."""
    for name, position in (("A", 10), ("B", 20), ("C", 30), ("D", 40)):
        two_people.ticket(name, position)
    return two_people


def searched(state):
    found = replan(fixed_case(state), without_left_out(state), Stop(iterations=400), 1, NO_PRICE)
    return improved(state, found.plan, Improve())


def test_what_nobody_fixed_is_made_cheaper(four):
    _, state = begun(four, Li="AB", Wang="CD")
    found = searched(state)
    # One of them drives to D and back for all four: 80 in place of 120.
    assert (found.accepted, found.cost_change["total"]) == (True, -40)
    assert found.state.changes == (Improve(),)


def test_what_was_placed_by_hand_stays_with_its_people_and_what_was_left_out_stays_out(four):
    desk, state = begun(four, Li="AB", Wang="CD")
    placed = desk.apply(desk.apply(state, Move("B", position=1)).state, Pin("D", ("Wang",))).state
    found = searched(placed)
    who = {ticket: promise.technicians for ticket, promise in promises(found.state.plan).items()}
    # Both must drive, Li to B and Wang to D: 120 is the least.
    assert (who["B"], who["D"], found.cost_change["total"]) == (("Li",), ("Wang",), 0)
    assert found.state is placed  # nothing better was found, and nothing is changed
    out = desk.apply(placed, LeaveOut("C")).state
    again = searched(out)
    assert "C" not in promises(again.state.plan)
    assert [each.ticket for each in again.state.plan.unassigned] == ["C"]
    assert not rules(again)


def test_a_visit_that_was_placed_is_kept_even_where_leaving_it_out_is_cheaper(two_people):
    two_people.ticket("A", 100, skip_cost=150.0)
    desk, state = begun(two_people, Li="A")
    # 200 of driving for a ticket that may be left out for 150.
    assert searched(state).left_out == ("A",)
    pinned = desk.apply(state, Pin("A", ("Li",))).state
    found = replan(fixed_case(pinned), without_left_out(pinned), Stop(iterations=400), 1, NO_PRICE)
    assert promises(found.plan)["A"].technicians == ("Li",)
