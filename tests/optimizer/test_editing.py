"""A plan changed by hand: a day known by heart with its arithmetic, each limit, and any sequence of changes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_models.case_files import case_json, parse_case, plan_json
from data_models.case_rules import case_problems
from data_models.errors import BadInput, NotFound
from optimizer.check import check
from optimizer.edited_routes import equipped
from optimizer.editing import (
    Away,
    Desk,
    Forbid,
    LeaveOut,
    Move,
    Outcome,
    Overtime,
    Pin,
    PutIn,
    Release,
    State,
    Swap,
    TakeRemedy,
)
from optimizer.explain import explain
from optimizer.explanation import Change
from optimizer.insertion import construct
from optimizer.manual import fixed_by
from optimizer.problem import build_problem, to_plan
from optimizer.published import promises
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.solution import Schedule, Solution
from tests.optimizer.conftest import LineDay

SECOND = timedelta(seconds=1)


@pytest.fixture
def four(two_people) -> LineDay:
    """Tickets A, B, C, D at 10, 20, 30 and 40 minutes, half an hour of work each; D is promised for 09:15."""
    for name, position in (("A", 10), ("B", 20), ("C", 30)):
        two_people.ticket(name, position)
    two_people.ticket("D", 40, due=75)
    return two_people


def begun(day: LineDay, **routes: str) -> tuple[Desk, State]:
    """A desk, and the plan in which each technician makes these visits as early as possible, with the kits for them."""
    case = day.case()
    problem = build_problem(case)
    rows = [routes.get(problem.technician_ids[t], "") for t in problem.duty_technician]
    order = tuple(tuple(problem.ticket_ids.index(name) for name in row) for row in rows)
    bare = Solution(order, (frozenset(),) * len(rows), (0,) * len(rows))
    found = schedule(problem, equipped(problem, bare, {t for row in order for t in row}))
    assert isinstance(found, Schedule), found
    desk = Desk(case)
    return desk, desk.begin(to_plan(problem, found))


@pytest.fixture
def day(four) -> tuple[Desk, State]:
    """Li: A 08:10-08:40, B 08:50-09:20, home 09:40. Wang: C 08:30-09:00, D 09:10-09:40, home 10:20. 40 + 80 of driving."""
    desk, state = begun(four, Li="AB", Wang="CD")
    assert state.score.cost.total == 120
    return desk, state


def at(minutes: float):
    return LineDay.at(minutes)


def starts(outcome: Outcome) -> dict[str, float]:
    return {name: (told.start - at(0)).total_seconds() / 60 for name, told in promises(outcome.state.plan).items()}


def route(outcome: Outcome, technician: str) -> str:
    return "".join(stop.ticket for each in outcome.state.plan.routes if each.technician == technician for stop in each.stops)


def rules(outcome: Outcome) -> set[str]:
    return {violation.rule for violation in outcome.violations}


def test_a_visit_moves_to_the_cheapest_place_of_another_technician(day):
    desk, state = day
    found = desk.apply(state, Move("B", "Wang"))
    # Li drives to A and back, 20 in place of 40. Wang takes B on the way home: C 08:30, D 09:10, B 10:00-10:30, the same 80.
    assert route(found, "Wang") == "CDB"
    assert (found.cost_change["drive"], found.cost_change["total"]) == (-20, -20)
    assert starts(found) == {"A": 10, "C": 30, "D": 70, "B": 120}
    assert (found.shifted, found.became_late, found.left_out) == ((), (), ())
    assert state.plan is not found.state.plan
    assert found.state.changes == (Move("B", "Wang"),)


def test_a_time_says_where_in_the_route_and_what_becomes_late_is_told(day):
    desk, state = day
    found = desk.apply(state, Move("B", "Wang", not_before=at(20)))
    # First of Wang's: B 08:20-08:50, C 09:00-09:30, D 09:40, 25 minutes late: 100 for missing and 25; 20 of driving saved.
    assert route(found, "Wang") == "BCD"
    assert found.cost_change == {"skipped": 0, "missed": 100, "late": 25, "drive": -20, "overtime": 0, "changed": 0, "total": 105}
    assert found.became_late == ("D",)
    assert [(each.ticket, each.minutes) for each in found.shifted] == [("C", 30), ("D", 30)]
    back = desk.apply(found.state, Move("B", "Li"))
    assert (back.became_in_time, back.cost_change["total"]) == (("D",), -105)


def test_work_begins_no_sooner_than_was_said_until_a_later_move_says_otherwise(day):
    desk, state = day
    found = desk.apply(state, Move("B", not_before=at(120)))
    assert starts(found)["B"] == 120
    # Something else changes: B stays where it was put.
    assert starts(desk.apply(found.state, Move("A", "Wang")))["B"] == 120
    assert starts(desk.apply(found.state, Move("B", position=1)))["B"] == 50


@pytest.mark.parametrize(("position", "order"), [(0, "BA"), (1, "AB"), (9, "AB")])
def test_a_position_counts_the_visits_of_the_shift(day, position, order):
    desk, state = day
    assert route(desk.apply(state, Move("B", position=position)), "Li") == order


def test_two_visits_change_places(day):
    desk, state = day
    found = desk.apply(state, Swap("B", "D"))
    # Li: A 08:10-08:40, D 09:10, home 10:20: 80. Wang: C 08:30-09:00, B 09:10-09:40, home 10:00: 60.
    assert (route(found, "Li"), route(found, "Wang"), found.cost_change["total"]) == ("AD", "CB", 20)
    assert starts(found)["D"] == 70
    assert desk.apply(found.state, Swap("B", "D")).state.plan == state.plan


def test_a_ticket_is_left_out_and_put_in_again(day):
    desk, state = day
    without = desk.apply(state, LeaveOut("B"))
    # 1000 for leaving it out, 20 of driving saved.
    assert (without.left_out, without.cost_change["total"]) == (("B",), 980)
    assert [each.ticket for each in without.state.plan.unassigned] == ["B"]
    assert fixed_by(without.state.changes).left_out == {"B"}
    cheapest = desk.apply(without.state, PutIn("B"))
    # On Wang's way home it costs no driving; on Li's it would cost 20.
    assert (route(cheapest, "Wang"), cheapest.taken_in, cheapest.cost_change["total"]) == ("CDB", ("B",), -1000)
    assert set(route(desk.apply(without.state, PutIn("B", ("Li",))), "Li")) == {"A", "B"}
    assert fixed_by(cheapest.state.changes).left_out == frozenset()


def with_end(four: LineDay, end: float, overtime: float = 0) -> tuple[Desk, State]:
    """Wang's shift ends so many minutes after 08:00. With B behind D he would be home at 10:50."""
    four.technicians.pop()
    four.technician("Wang", shifts=((0, end),), overtime=overtime)
    return begun(four, Li="AB", Wang="CD")


def test_a_return_exactly_at_the_end_is_taken_and_one_second_later_refused(four):
    desk, state = with_end(four, 170)
    assert desk.apply(state, Move("B", "Wang", position=2)).accepted


def test_one_second_over_the_shift_is_refused_with_the_times(four):
    desk, state = with_end(four, 170 - 1 / 60)
    found = desk.apply(state, Move("B", "Wang", position=2))
    assert found.state is state
    (violation,) = found.violations
    assert (violation.rule, violation.technician, violation.size) == ("shift", "Wang", 1)
    assert violation.what == "Wang is back at 10:50; shift and overtime end at 10:49:59"
    assert found.tried is not None
    assert found.cost_change["drive"] == -20


def test_overtime_makes_room_and_costs(four):
    desk, state = with_end(four, 140)
    assert rules(desk.apply(state, Move("B", "Wang", position=2))) == {"shift"}
    longer = desk.apply(state, Overtime("Wang", 0, 29)).state
    assert rules(desk.apply(longer, Move("B", "Wang", position=2))) == {"shift"}
    found = desk.apply(desk.apply(longer, Overtime("Wang", 0, 1)).state, Move("B", "Wang", position=2))
    # Half an hour at 120 an hour.
    assert (found.accepted, found.cost_change["overtime"]) == (True, 60)


@pytest.mark.parametrize(("closes", "fits"), [(120, True), (120 - 1 / 60, False)])
def test_a_window_holds_to_the_second(two_people, closes, fits):
    two_people.ticket("A", 10)
    two_people.ticket("B", 20, windows=((0, closes),))
    two_people.ticket("C", 30)
    two_people.ticket("D", 40)
    desk, state = begun(two_people, Li="AB", Wang="CD")
    found = desk.apply(state, Move("B", "Wang", position=2))  # begins at 10:00
    assert found.accepted is fits
    if not fits:
        assert [(v.rule, v.ticket) for v in found.violations] == [("window", "B")]
        assert "B starts at 10:00; access only 08:00 to 09:59:59" in found.violations[0].what


def test_everything_that_stands_against_a_change_is_named(two_people):
    two_people.ticket("A", 10, skills={"leak": 2}, kits=("analyser",), banned=("Wang",))
    two_people.technicians[0] = two_people.technicians[0].__class__("Li", "Li", "S", {"leak": 2}, two_people.technicians[0].shifts)
    two_people.stations[0] = replace(two_people.stations[0], kits={"analyser": 1})
    desk, state = begun(two_people, Li="A")
    found = desk.apply(state, Move("A", "Wang"))
    assert {(v.rule, v.ticket) for v in found.violations} == {("skill", "A"), ("technician", "A")}
    assert "Wang is banned at A" in {v.what for v in found.violations}


def test_a_kit_goes_with_the_visit(two_people):
    two_people.stations[0] = replace(two_people.stations[0], kits={"k": 1})
    two_people.ticket("A", 10, kits=("k",))
    two_people.ticket("B", 20, kits=("k",))
    desk, state = begun(two_people, Li="AB")
    moved = desk.apply(state, Move("B", "Wang"))
    # There is one kit: Wang waits until Li is back at 08:50 with it, and begins at 09:10.
    assert [(r.technician, r.kits) for r in moved.state.plan.routes] == [("Li", ("k",)), ("Wang", ("k",))]
    assert starts(moved) == {"A": 10, "B": 70}
    assert not check(moved.state.case, moved.state.plan)
    together = desk.apply(moved.state, Move("A", "Wang"))
    assert [(r.technician, r.kits) for r in together.state.plan.routes] == [("Wang", ("k",))]
    assert starts(together) == {"A": 10, "B": 50}


def test_a_pin_keeps_people_and_time(day):
    desk, state = day
    pinned = desk.apply(state, Pin("B", ("Li",), at(60), at(90)))
    assert starts(pinned)["B"] == 60
    refused = desk.apply(pinned.state, Move("B", "Wang"))
    assert (rules(refused), refused.state) == ({"technician"}, pinned.state)
    # At 09:30 it may still begin, a second later not.
    assert desk.apply(pinned.state, Move("B", not_before=at(90))).accepted
    assert rules(desk.apply(pinned.state, Move("B", not_before=at(90) + SECOND))) == {"window"}
    released = desk.apply(pinned.state, Release("B"))
    assert starts(released)["B"] == 50
    assert desk.apply(released.state, Move("B", "Wang")).accepted


def test_a_pin_to_others_moves_the_visit(day):
    desk, state = day
    found = desk.apply(state, Pin("B", ("Wang",)))
    assert route(found, "Wang") == "CDB"
    assert found.state.case.ticket_by_id["B"].only == ("Wang",)


def test_a_pin_against_the_tickets_own_limits_is_refused(two_people):
    two_people.ticket("A", 10, only=("Li",))
    two_people.ticket("B", 20, windows=((0, 60),))
    desk, state = begun(two_people, Li="AB")
    assert rules(desk.apply(state, Pin("A", ("Wang",)))) == {"technician"}
    assert desk.apply(state, Pin("B", (), at(60), at(90))).accepted
    assert rules(desk.apply(state, Pin("B", (), at(60) + SECOND, at(90)))) == {"window"}


def test_a_ban_sends_the_cheapest_other_or_nobody(day):
    desk, state = day
    found = desk.apply(state, Forbid("B", "Li"))
    assert route(found, "Wang") == "CDB"
    nobody = desk.apply(found.state, Forbid("B", "Wang"))
    assert nobody.left_out == ("B",)
    assert rules(desk.apply(nobody.state, PutIn("B", ("Li",)))) == {"technician"}


@pytest.mark.parametrize(("since", "stays"), [(90, "C"), (90 - 1 / 60, "")])
def test_who_is_away_is_home_by_then(day, since, stays):
    desk, state = day
    # C ends at 09:00 and Wang is home at 09:30. He works again from 15:00 to 16:00: D would take until 16:50.
    found = desk.apply(state, Away("Wang", at(since), at(420)))
    assert route(found, "Wang") == stays
    assert found.left_out == (("D",) if stays else ("C", "D"))
    assert not check(found.state.case, found.state.plan)


def test_what_does_not_fit_before_an_absence_is_made_after_it(day):
    desk, state = day
    found = desk.apply(state, Away("Wang", at(90), at(200)))
    # C as before; D after 11:20, when Wang leaves again, at 12:00: 165 minutes late, 265; two ways of 60 and 80 in place of 80.
    assert starts(found)["D"] == 240
    assert (found.became_late, found.cost_change["total"]) == (("D",), 100 + 165 + 60)


def test_a_pinned_visit_is_not_lost_to_an_absence(day):
    desk, state = day
    pinned = desk.apply(state, Pin("D", ("Wang",), None, at(75))).state
    found = desk.apply(pinned, Away("Wang", at(60), at(480)))
    assert found.state is pinned
    assert [v.what for v in found.violations] == ["D is pinned to Wang and would not be planned any more; release it first"]


def test_one_of_a_crew_is_replaced_and_the_crew_still_starts_together(two_people):
    two_people.technician("Zhao")
    two_people.ticket("A", 10, crew=2)
    two_people.ticket("B", 20)
    desk, state = begun(two_people, Li="A", Wang="A", Zhao="B")
    found = desk.apply(state, Move("A", "Zhao", instead_of="Wang", position=1))
    # Zhao ends B at 08:50 and is at A at 09:00; Li waits.
    assert promises(found.state.plan)["A"].technicians == ("Li", "Zhao")
    assert starts(found) == {"B": 20, "A": 60}
    with pytest.raises(BadInput, match="say whom of them Zhao replaces"):
        desk.apply(state, Move("A", "Zhao"))


def test_crews_that_wait_for_each_other_are_refused(two_people):
    two_people.ticket("A", 10, crew=2)
    two_people.ticket("B", 20, crew=2)
    desk, state = begun(two_people, Li="AB", Wang="AB")
    found = desk.apply(state, Move("A", "Li", position=1))
    assert not found.accepted or not check(found.state.case, found.state.plan)


def test_what_was_put_off_on_purpose_stays_put_off(day):
    desk, state = day
    # A plan made again holds visits at the times that people were told: Li goes to B at 10:00 although he could at 08:50.
    told, other = state.plan.routes
    late = replace(told.stops[1], arrive=at(50), start=at(120), finish=at(150))
    begin = desk.begin(replace(state.plan, routes=(replace(told, stops=(told.stops[0], late), returns=at(170)), other)))
    assert not check(begin.case, begin.plan)
    # Without A Li could begin at 08:20.
    assert starts(desk.apply(begin, LeaveOut("A"))) == {"B": 120, "C": 30, "D": 70}
    assert starts(desk.apply(begin, Swap("C", "D")))["B"] == 120
    # Whoever moves B itself, or releases it, says that it need not wait.
    assert starts(desk.apply(begin, Move("B", position=1)))["B"] == 50
    assert starts(desk.apply(begin, Release("B")))["B"] == 50


def test_a_crew_that_an_absence_leaves_no_common_time_is_left_out(line_day):
    line_day.station("S")
    line_day.technician("Li", shifts=((0, 60),))
    line_day.technician("Wang")
    line_day.ticket("A", 10, crew=2)
    desk, state = begun(line_day, Li="A", Wang="A")
    # Wang alone could begin at 09:10; by then Li is home.
    found = desk.apply(state, Away("Wang", at(0), at(60)))
    assert (found.accepted, found.left_out, found.state.plan.routes) == (True, ("A",), ())


def test_a_shift_cut_short_has_no_overtime(four):
    four.technicians.pop()
    four.technician("Wang", overtime=60)
    desk, state = begun(four, Li="AB", Wang="CD")
    assert desk.apply(state, Away("Wang", at(90 - 1 / 60), at(480))).left_out == ("C", "D")
    # From the very end of the shift on: the overtime is gone, the shift is whole.
    late = desk.apply(state, Away("Wang", at(480), at(600))).state
    assert [(shift.end, shift.overtime_minutes) for shift in late.case.technician_by_id["Wang"].shifts] == [(at(480), 0)]


def test_who_swaps_a_visit_away_leaves_its_kit_at_the_station(two_people):
    two_people.stations[0] = replace(two_people.stations[0], kits={"k": 1})
    two_people.ticket("A", 10, kits=("k",))
    two_people.ticket("B", 20)
    desk, state = begun(two_people, Li="A", Wang="B")
    found = desk.apply(state, Swap("A", "B"))
    assert {each.technician: each.kits for each in found.state.plan.routes} == {"Li": (), "Wang": ("k",)}
    assert starts(found) == {"A": 10, "B": 20}


def test_somebody_called_in_early_has_shifts_in_order_of_time(line_day):
    line_day.station("S")
    line_day.technician("Li", shifts=((300, 480),))
    line_day.ticket("A", 10, due=60)
    line_day.ticket("B", 20)
    desk, state = begun(line_day, Li="B")
    found = desk.apply(state, TakeRemedy("A", Change("on_call", technician="Li", start=at(0), end=at(60))))
    assert [shift.start for shift in found.state.case.technicians[0].shifts] == [at(0), at(300)]
    assert starts(found) == {"A": 10, "B": 320}
    assert {each.shift for each in found.state.plan.routes} == {0, 1}
    assert not list(case_problems(found.state.case))
    assert not check(found.state.case, found.state.plan)


def test_a_remedy_is_taken_in_one_step(four):
    four.technicians.pop()
    four.technician("Wang", shifts=((0, 140),))
    desk, state = begun(four, Li="A", Wang="CD")
    case = state.case
    ask = explain(case, state.plan, tickets=["B"]).tickets[0]
    for remedy in ask.remedies:
        taken = desk.apply(state, TakeRemedy("B", remedy.change))
        assert taken.accepted
        assert taken.taken_in == ("B",)
        assert promises(taken.state.plan)["B"].technicians == remedy.technicians
        assert taken.state.score.cost.total - state.score.cost.total == pytest.approx(remedy.cost_change)


def test_a_remedy_that_helps_no_more_is_refused(day):
    desk, state = day
    busy = desk.apply(state, LeaveOut("B")).state
    found = desk.apply(busy, TakeRemedy("B", Change("allow", technician="Wang", ticket="A")))
    assert found.accepted or rules(found) == {"forgotten"}
    with pytest.raises(BadInput, match="has to be arranged first"):
        desk.apply(busy, TakeRemedy("B", Change("certificate", technician="Wang", skill="leak", level=2)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (Move("Z"), NotFound, "no ticket Z"),
        (Move("A", "Nobody"), NotFound, "no technician Nobody"),
        (Swap("A", "A"), BadInput, "with itself"),
        (PutIn("A"), BadInput, "planned already"),
        (Move("A", position=-1), BadInput, "below 0"),
        (Move("A", not_before=LineDay.at(0).replace(tzinfo=None)), BadInput, "without an offset"),
        (Away("Li", LineDay.at(10), LineDay.at(10)), BadInput, "away until"),
        (Overtime("Li", 0, 0), BadInput, "overtime of 0"),
        (Overtime("Li", 7, 30), BadInput, "no shift 7"),
        (Pin("A"), BadInput, "nothing is said"),
        (Pin("A", ("Li", "Wang")), BadInput, "needs 1"),
        (Pin("A", (), LineDay.at(60), LineDay.at(30)), BadInput, "before"),
    ],
)
def test_what_contradicts_itself_is_said(day, change, error, words):
    desk, state = day
    with pytest.raises(error, match=words):
        desk.apply(state, change)


CHANGES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=6)


def drawn(state: State, kind: int, one: int, other: int):
    """A change by numbers; None where the plan has nothing for it."""
    case = state.case
    planned = sorted(promises(state.plan))
    left = [t.id for t in case.tickets if t.id not in planned]
    who = case.technicians[one % len(case.technicians)].id
    if kind == 0 or not planned:
        return PutIn(left[one % len(left)], not_before=at(other) if other % 2 else None) if left else None
    ticket = planned[other % len(planned)]
    crew = promises(state.plan)[ticket].technicians
    options = [
        None,
        Move(ticket, who, None if who in crew else crew[one % len(crew)]),
        Move(ticket, who, None if who in crew else crew[one % len(crew)], not_before=at(one)),
        Move(ticket, not_before=at(one)),
        Move(ticket, position=one % 3) if len(crew) == 1 else None,
        Swap(ticket, planned[one % len(planned)]) if planned[one % len(planned)] != ticket else None,
        LeaveOut(ticket),
        Pin(ticket, crew),
        Pin(ticket, (), at(one), at(one + other)),
        Release(ticket),
        Forbid(ticket, who),
        Away(who, at(one), at(one + 1 + other)),
        Overtime(who, other % len(case.technician_by_id[who].shifts), 1 + one) if case.technician_by_id[who].shifts else None,
    ]
    return options[kind]


@settings(max_examples=150)
@given(seed=st.integers(0, 10_000), numbers=CHANGES)
def test_every_accepted_state_keeps_every_rule_and_can_be_read_again(judge, seed, numbers):
    line = _random_line_day(seed)
    case = line.case()
    problem = build_problem(case, trips=2)
    start = to_plan(problem, construct(problem))
    desk = Desk(case)
    state = desk.begin(start)
    for number in numbers:
        change = drawn(state, *number)
        if change is None:
            continue
        found = desk.apply(state, change)
        if not found.accepted:
            assert found.state is state
            continue
        after = found.state
        assert not check(after.case, after.plan)
        assert not list(case_problems(after.case))
        assert parse_case(case_json(after.case)) == after.case
        told = judge(json.loads(case_json(after.case)), json.loads(plan_json(after.plan)))
        assert told["violations"] == []
        assert told["cost"]["total"] == pytest.approx(score(after.case, after.plan).cost.total)
        assert found.cost_change["total"] == pytest.approx(after.score.cost.total - state.score.cost.total, abs=0.006)
        # The same changes again, from the beginning, lead to the same case.
        assert State(case, after.changes, after.plan).case == after.case
        state = after


def _random_line_day(seed: int) -> LineDay:
    from tests.optimizer.days import random_day

    line = LineDay()
    random_day(line, random.Random(seed))
    return line
