"""Locked work that insertion finds no place for: kept when it can be, and the fewest names when it cannot."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from optimizer.insertion import LocksCannotHold, construct
from optimizer.locks import Contradiction, Kept, keep_locks
from optimizer.problem import build_problem


def routes_of(problem, schedule) -> dict[str, str]:
    """Who visits what, as strings."""
    names = [problem.technician_ids[w] for w in problem.tables.technician]
    return {names[d]: "".join(problem.ticket_ids[t] for t in route) for d, route in enumerate(schedule.solution.routes) if route}


def test_two_that_contradict_each_other_are_named_and_an_innocent_one_is_not(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, windows=((20, 30),))
    line_day.ticket("b", 60, windows=((60, 70),))  # a ends at 50 at the earliest, and the way takes 40
    line_day.ticket("c", 10, windows=((200, 300),))
    line_day.ticket("d", 10)
    for ticket, who in (("a", "A"), ("b", "A"), ("c", "A"), ("d", "B")):
        line_day.commit(ticket, who, locked=True)
    with pytest.raises(LocksCannotHold) as caught:
        construct(build_problem(line_day.case()))
    assert caught.value.tickets == ("a", "b")


def test_locks_at_the_limit_hold(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, windows=((20, 30),))
    line_day.ticket("b", 60, windows=((60, 90),))  # 20 + 30 + 40 = 90
    line_day.commit("a", "A", locked=True)
    line_day.commit("b", "A", locked=True)
    problem = build_problem(line_day.case())
    assert routes_of(problem, construct(problem)) == {"A": "ab"}


def test_one_that_cannot_hold_at_all_is_named_alone(line_day):
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("a", 20, skills={"leak": 1})
    line_day.ticket("b", 20)
    line_day.commit("a", "A", locked=True)
    line_day.commit("b", "A", locked=True)
    with pytest.raises(LocksCannotHold) as caught:
        construct(build_problem(line_day.case()))
    assert caught.value.tickets == ("a",)


def kit_day(line_day, until: int) -> None:
    """Two who need the station's one kit one after the other; insertion never waits for a kit."""
    line_day.station("S", k=1)
    line_day.technician("A", shifts=((0, 100),))
    line_day.technician("B", shifts=((0, until),))
    line_day.ticket("a", 20, kits=("k",))
    line_day.ticket("b", 20, kits=("k",))
    line_day.commit("a", "A", locked=True)
    line_day.commit("b", "B", locked=True)


def test_locks_that_must_wait_for_a_kit_hold(line_day):
    kit_day(line_day, 140)  # A is back at 70, B departs then and is back at 140
    problem = build_problem(line_day.case())
    day = construct(problem)
    assert routes_of(problem, day) == {"A": "a", "B": "b"}
    assert day.solution.wait_until[1] == 70 * 60


def test_locks_that_want_the_same_kit_at_once_are_both_named(line_day):
    kit_day(line_day, 139)
    with pytest.raises(LocksCannotHold) as caught:
        construct(build_problem(line_day.case()))
    assert caught.value.tickets == ("a", "b")


def test_crews_that_would_wait_for_each_other_are_named(line_day):
    line_day.station("S")
    for name in "ABC":
        line_day.technician(name)
    line_day.ticket("a", 20, crew=2, windows=((20, 25), (300, 300)))
    line_day.ticket("b", 20, crew=2, windows=((20, 25),))
    line_day.ticket("c", 20, crew=2, windows=((290, 310),))  # a can be neither beside b nor beside c, whose work ends after 300
    line_day.commit("a", "A", "B", locked=True)
    line_day.commit("b", "B", "C", locked=True)
    line_day.commit("c", "A", "C", locked=True)
    with pytest.raises(LocksCannotHold) as caught:
        construct(build_problem(line_day.case()))
    assert caught.value.tickets == ("a", "b", "c")


@pytest.mark.parametrize("number", range(30))
def test_a_contradiction_is_one_and_a_smallest_one(line_day, number):
    def day(left: str):
        again = random.Random(number)
        made = type(line_day)()
        made.station("S", k=1)
        for name in "ABC":
            made.technician(name, shifts=((0, again.randint(150, 300)),))
        for name in "abcdef":
            begin = again.randint(0, 150)
            crew = again.sample("ABC", 1 + (again.random() < 0.3))
            kits = ("k",) if again.random() < 0.4 else ()
            if name in left:
                made.ticket(name, again.randint(0, 60), windows=((begin, begin + 60),), crew=len(crew), kits=kits)
                made.commit(name, *crew, locked=True)
            else:
                again.randint(0, 60)
        return build_problem(made.case())

    problem = day("abcdef")
    found = keep_locks(problem)
    assert found is not None
    if isinstance(found, Kept):
        assert {t for route in found.schedule.solution.routes for t in route} == set(range(6))
        return
    assert found.smallest
    names = "".join(problem.ticket_ids[t] for t in found.tickets)
    assert isinstance(keep_locks(day(names)), Contradiction)
    for fewer in combinations(names, len(names) - 1):
        assert not isinstance(keep_locks(day("".join(fewer))), Contradiction)


def test_two_among_many_are_found(line_day):
    line_day.station("S", k=1)
    for name in "ABCD":
        line_day.technician(name, shifts=((0, 1000),))
    for number in range(20):
        line_day.ticket(f"t{number}", 10, windows=((30 * number, 30 * number + 60),), service=10, kits=("k",) if number < 4 else ())
        line_day.commit(f"t{number}", "ABCD"[number % 4], locked=True)
    line_day.ticket("x", 90, windows=((20 * 30 + 100, 20 * 30 + 100),))
    line_day.ticket("y", 10, windows=((20 * 30 + 150, 20 * 30 + 209),))  # x ends at 730, and the way takes 80: 810 at the earliest
    line_day.commit("x", "C", locked=True)
    line_day.commit("y", "C", locked=True)
    problem = build_problem(line_day.case())
    found = keep_locks(problem)
    assert isinstance(found, Contradiction)
    assert found.smallest
    assert [problem.ticket_ids[t] for t in found.tickets] == ["x", "y"]


@pytest.mark.parametrize(
    ("facts", "committed", "said"),
    [
        ({"crew": 2}, ("A",), "needs 2 people and is committed to A"),
        ({"banned": ("A",)}, ("A",), "is committed to A, who may not go there"),
        ({"skills": {"x": 2}}, ("A",), "needs x at level 2, which A cannot do"),
        ({"windows": ((0, 5),)}, ("A",), "cannot be kept with its technicians within skills, kits, windows and shifts"),
    ],
)
def test_a_lock_that_cannot_hold_says_what_stands_against_it(line_day, facts, committed, said):
    line_day.station("S")
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("a", 20, **facts)
    line_day.commit("a", *committed, locked=True)
    with pytest.raises(LocksCannotHold, match=f"Locked ticket a: {said}; unlock it"):
        construct(build_problem(line_day.case()))
