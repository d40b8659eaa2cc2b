"""Siting by hand: three sites, four demand points, every answer worked out in the comments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from data_models.case import GreatCircle
from data_models.errors import Infeasible
from data_models.siting import CandidateSite, DemandPoint, SitingCase, SitingChoice
from optimizer.siting import locate
from optimizer.siting_check import check_siting, siting_figures
from tests.optimizer.siting_cases import by_matrix

# Minutes from a site to a point; within 60 min: A covers 1 2, B covers 2 3, C covers 3 4. The weights of 1 to 4 are 4, 3, 2, 1.
#
#         1    2    3    4
#    A   10   50   70   90
#    B   80   20   30  100
#    C   95   65   40   15
MINUTES = [[10, 50, 70, 90], [80, 20, 30, 100], [95, 65, 40, 15]]
WEIGHTS = [4, 3, 2, 1]
COSTS = [5, 2, 3]


def asked(model: str, **given: Any) -> SitingCase:
    return by_matrix(MINUTES, WEIGHTS, COSTS, model=model, **given)


def located(model: str, **given: Any) -> SitingChoice:
    case = asked(model, **given)
    choice = locate(case)
    assert check_siting(case, choice) == ()
    assert choice.proven
    assert choice.bound == pytest.approx(choice.objective)
    return choice


def refused(model: str, **given: Any) -> str:
    with pytest.raises(Infeasible) as refusal:
        locate(asked(model, **given))
    return str(refusal.value)


def test_fewest_sites_that_cover_everything() -> None:
    # 1 needs A, 4 needs C, and these two cover 2 and 3 as well.
    choice = located("lscp")
    assert (choice.open, choice.objective) == (("A", "C"), 2)
    assert choice.serves == {"1": "A", "2": "A", "3": "C", "4": "C"}


def test_most_weight_covered() -> None:
    # One site: A 4 + 3 = 7, B 3 + 2 = 5, C 2 + 1 = 3. Two: A B 9, A C 10, B C 6.
    assert (located("mclp", p=1).open, located("mclp", p=1).objective) == (("A",), 7)
    assert located("mclp", p=2).objective == 10
    assert located("mclp", p=1).serves == {"1": "A", "2": "A", "3": None, "4": None}


def test_most_weight_covered_within_a_budget() -> None:
    # 5 buys A alone (7) or B C (6); 4 only one of B (5) and C (3); 7 buys A B (9), 8 A C (10).
    assert [located("mclp", budget=money).objective for money in (4, 5, 7, 8)] == [5, 7, 9, 10]


def test_standards_of_their_own() -> None:
    # With 15 minutes for 1 and 39 for 3 nothing changes for A and B, but C no longer covers 3: A C cover 4 + 3 + 1 = 8, A B 9.
    choice = located("mclp", p=2, standards={"1": 15.0, "3": 39.0})
    assert (choice.open, choice.objective) == (("A", "B"), 9)


def test_exactly_at_the_standard() -> None:
    # A reaches 2 in 50 minutes: covered at 50, no longer at 49.99.
    assert located("mclp", p=1, minutes=50.0).objective == 7
    assert located("mclp", p=1, minutes=49.99).objective == 5  # B: 3 + 2


def test_least_weighted_drive() -> None:
    # One site: A 4×10 + 3×50 + 2×70 + 1×90 = 420, B 320 + 60 + 60 + 100 = 540, C 380 + 195 + 80 + 15 = 670.
    # Two: A B 40 + 60 + 60 + 90 = 250, A C 40 + 150 + 80 + 15 = 285, B C 320 + 60 + 60 + 15 = 455.
    assert (located("pmedian", p=1).open, located("pmedian", p=1).objective) == (("A",), 420)
    assert (located("pmedian", p=2).open, located("pmedian", p=2).objective) == (("A", "B"), 250)
    # All three: 40 + 60 + 60 + 15.
    assert located("pmedian", p=3).objective == 175


def test_least_weighted_drive_within_a_budget() -> None:
    # 5 buys A (420) or B C (455).
    assert located("pmedian", budget=5).open == ("A",)


def test_least_longest_drive() -> None:
    # One site: A 90, B 100, C 95. Two: A B max(10, 20, 30, 90) = 90, A C max(10, 50, 40, 15) = 50, B C max(80, 20, 30, 15) = 80.
    assert (located("pcenter", p=1).open, located("pcenter", p=1).objective) == (("A",), 90)
    assert (located("pcenter", p=2).open, located("pcenter", p=2).objective) == (("A", "C"), 50)
    assert located("pcenter", p=3).objective == 30


def test_most_weight_covered_twice() -> None:
    # 2 is covered by A and B, 3 by B and C: A B 3, B C 2, A C nothing; all three 5.
    assert (located("backup", p=2).open, located("backup", p=2).objective) == (("A", "B"), 3)
    assert located("backup", p=3).objective == 5
    assert located("backup", p=1).objective == 0


def test_expected_coverage_of_crews_that_may_be_busy() -> None:
    # Half the time busy: one crew counts 0.5, two count 0.75, three 0.875 of the weight.
    # Two crews: A A 0.75 × 7 = 5.25; A B 4 × 0.5 + 3 × 0.75 + 2 × 0.5 = 5.25; A C 0.5 × 10 = 5; B B 3.75.
    assert located("mexclp", p=2, busy=0.5).objective == 5.25
    # Three: A A B 4 × 0.75 + 3 × 0.875 + 2 × 0.5 = 6.625; A A C 0.75 × 7 + 0.5 × 3 = 6.75; A B C 2 + 2.25 + 1.5 + 0.5 = 6.25;
    # A A A 0.875 × 7 = 6.125; A B B 2 + 2.625 + 1.5 = 6.125.
    choice = located("mexclp", p=3, busy=0.5)
    assert (choice.open, choice.objective) == (("A", "A", "C"), 6.75)
    # Never busy: as maximal covering. Always busy: nothing counts.
    assert located("mexclp", p=2, busy=0.0).objective == 10
    assert located("mexclp", p=2, busy=1.0).objective == 0


def test_every_efficient_point() -> None:
    # Cost and coverage: nothing 0 0, B 2 5, C 3 3, A 5 7, B C 5 6, A B 7 9, A C 8 10, all 10 10. C, B C and all are beaten.
    choice = located("frontier")
    assert [(point.yearly_cost, point.covered, point.open) for point in choice.points] == [
        (0, 0, ()),
        (2, 5, ("B",)),
        (5, 7, ("A",)),
        (7, 9, ("A", "B")),
        (8, 10, ("A", "C")),
    ]
    assert (choice.open, choice.objective) == (("A", "C"), 10)
    assert [point.yearly_cost for point in located("frontier", budget=7).points] == [0, 2, 5, 7]
    # C must be open: C 3 3, B C 5 6, A C 8 10.
    forced = located("frontier", opening={"C": "must"})
    assert [(point.yearly_cost, point.covered) for point in forced.points] == [(3, 3), (5, 6), (8, 10)]


def test_sites_that_must_and_never_open() -> None:
    assert located("mclp", p=1, opening={"C": "must"}).open == ("C",)
    assert located("mclp", p=2, opening={"A": "never"}).open == ("B", "C")
    assert located("pmedian", p=2, opening={"C": "must"}).objective == 285  # A C
    assert located("lscp", opening={"B": "must"}).objective == 3
    assert located("mexclp", p=2, busy=0.5, opening={"B": "must"}).open == ("A", "B")


def test_capacities() -> None:
    # A serves at most 4: 1 alone (4) or 2 alone (3); B takes 2 and 3 (5). A B 9, as without; A C serve 4 + 2 + 1 = 7.
    assert located("mclp", p=1, capacity={"A": 4.0}).open == ("B",)  # 5 against 4
    assert located("mclp", p=2, capacity={"A": 4.0}).objective == 9
    # Nobody is served in part: with 6 A serves 1 or 2, not both.
    assert located("mclp", p=1, capacity={"A": 6.0, "B": 3.0}).objective == 4
    # Everybody: 1 by A, 4 by C, 2 does not fit in A any more, so B opens.
    assert located("lscp", capacity={"A": 4.0}).objective == 3
    # The least drive with A and B, where A may serve 4 only: 4 goes to B, 100 in place of 90.
    assert located("pmedian", p=2, capacity={"A": 4.0}).objective == 260
    # A B: 4 with B, 100; A C: 1 with A, the rest with C, 65; B C: 80.
    assert located("pcenter", p=2, capacity={"A": 4.0}).objective == 65
    # A B with A full of 1: 2 is served by B and has A besides.
    assert located("backup", p=2, capacity={"A": 4.0}).objective == 3
    # Nothing, B 5, B C 6, A B 9, all three 10. A alone covers 4 and is beaten by B, A C covers 7 for more than A B.
    points = located("frontier", capacity={"A": 4.0}).points
    assert [(point.yearly_cost, point.covered) for point in points] == [(0, 0), (2, 5), (5, 6), (7, 9), (10, 10)]


def test_more_sites_than_there_are() -> None:
    assert refused("mclp", p=4) == "p is 4, but there are only 3 sites to open; give p at most 3, or more sites"
    assert "only 2 sites to open, as 1 of the 3 never may; give p at most 2" in refused("pmedian", p=3, opening={"A": "never"})


def test_fewer_sites_than_must_open() -> None:
    message = refused("mclp", p=1, opening={"A": "must", "B": "must"})
    assert message == "p is 1, but 2 sites must be open (A, B); the least p that would do is 2"


def test_no_site_may_open() -> None:
    assert "none of the 3 sites may open" in refused("mclp", p=1, opening=dict.fromkeys("ABC", "never"))


def test_a_budget_below_one_station() -> None:
    assert refused("mclp", budget=1.5) == "budget is 1.50, below the cheapest site, B; the least that would do is 2 a year"
    assert "the sites that must be open cost 5 a year; the least that would do is 5" in refused("mclp", budget=4, opening={"A": "must"})


def test_a_budget_that_cannot_cover_everything() -> None:
    # Only A C cover everything, for 8.
    assert refused("lscp", budget=7).endswith("covers every demand point; the least that would do is 8 a year")
    assert located("lscp", budget=8).open == ("A", "C")


def test_a_point_that_no_site_covers() -> None:
    message = refused("lscp", opening={"A": "never"})
    assert message == (
        "demand[0] (1): no site that may open covers it within 60 min; the nearest that may open, B, is 80 min away: "
        "the least standard that would do is 80 min"
    )
    assert located("lscp", opening={"A": "never"}, minutes=80.0).objective == 2


def test_isolated_islands() -> None:
    far = float("inf")
    islands = by_matrix([[10, 20, far], [20, 10, far], [far, far, 5]], [1, 1, 1], [1, 1, 1], model="pmedian", p=1)
    with pytest.raises(Infeasible, match="lie on 2 islands without a road between them; the least p that would do is 2"):
        locate(islands)
    assert locate(replace(islands, p=2)).objective == 35  # 10 + 20 + 5
    alone = by_matrix([[10, far]], [1, 1], [1], model="pcenter", p=1)
    with pytest.raises(Infeasible, match=r"demand\[1\] \(2\): no site that may open can reach it"):
        locate(alone)


def test_capacities_that_do_not_suffice() -> None:
    # 1 weighs 4 and fits nowhere: A 3, B 5, C 3 serve 2 (3), 3 (2) and 4 (1), so 6 of 10.
    message = refused("lscp", capacity={"A": 3.0, "B": 5.0, "C": 3.0})
    assert "of a weight of 10, at most 6 can be served" in message


def test_by_great_circle() -> None:
    # One degree of latitude is 111.195 km: 1.3 × 111.195 / 70 h = 2.06506 h = 7,434.2 s, rounded up to 7,435 s = 123.92 min.
    site = CandidateSite("S", "S", 30, 110, "may", 1)
    case = SitingCase("circle", GreatCircle("great_circle", 1.3, 70), (site,), (DemandPoint("D", 31, 110, 1),), 7435 / 60, "mclp", p=1)
    assert locate(case).objective == 1
    assert locate(replace(case, minutes=7434.9 / 60)).objective == 0
    assert locate(replace(case, model="pcenter")).objective == pytest.approx(7435 / 60)


def test_the_check_finds_what_a_choice_breaks() -> None:
    case = asked("mclp", p=2)
    choice = locate(case)

    def broken(**changes: Any) -> str:
        return "\n".join(check_siting(case, replace(choice, **changes)))

    assert "nobody serves it, though an open site covers it" in broken(serves={**choice.serves, "1": None})
    assert "serves it in 70 min, but its standard is 60" in broken(serves={**choice.serves, "3": "A"})
    assert "is not open" in broken(serves={**choice.serves, "3": "B"})
    assert "serves does not name it" in broken(serves={})
    assert "3 sites are open, but p is 2" in broken(open=("A", "B", "C"))
    assert "only 1 sites are open" in broken(open=("A",), serves={**choice.serves, "3": None, "4": None})
    assert "is no site of the case" in broken(open=("A", "Z"))
    assert "objective is said to be 11, but is 10" in broken(objective=11.0)
    assert "the objective of 10 passes" in broken(bound=9.0)
    assert "a gap" in broken(bound=12.0)
    assert "is closed, but must be open" in "\n".join(check_siting(asked("mclp", p=2, opening={"B": "must"}), choice))
    assert "never may be" in "\n".join(check_siting(asked("mclp", p=2, opening={"A": "never"}), choice))
    assert "more than the budget of 7" in "\n".join(check_siting(replace(case, budget=7.0), choice))
    full = asked("mclp", p=2, capacity={"A": 6.0})
    assert "site A: serves a weight of 7, more than its capacity of 6" in check_siting(full, choice)


def test_figures_of_a_choice() -> None:
    case = asked("mclp", p=2)
    figures = siting_figures(case, locate(case))  # A C: drives of 10, 50, 40, 15
    assert (figures.sites, figures.yearly_cost, figures.in_standard, figures.weighted_minutes) == (2, 8, 10, 285)
    assert (figures.worst_minutes, figures.load) == (50, {"A": 7, "C": 3})
