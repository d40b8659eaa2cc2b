"""Advice worked by hand on a line where position is minutes of driving, and that sharing what does not change changes nothing."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from data_models.case import Severity
from data_models.study import AddCrew, CloseStation, DailyShift, Growth, OpenStation, Scenario, SetKits, SetPeople, Study
from optimizer.advice import (
    Future,
    Option,
    advise,
    best_sequence,
    next_sites,
    reach_between,
    regrets,
    robust_choice,
    worth_of_kits,
    worth_of_people,
    worth_of_stations,
)
from optimizer.advice_words import FORMULA_WITHIN, formula_said, option_said, robust_said, scenario_said
from optimizer.expected_service import expected_service
from optimizer.history_figures import Estimate
from optimizer.wording import told
from tests.optimizer.studies import MONDAY, crew, line_study, today, with_changes

# S reaches a (30 min) and b (60); c is 170 min away, d 400. U reaches c and b, and misses a by a minute; V reaches d, W nobody.
STATIONS = {"S": 0, "U": 151, "V": 390, "W": 900}
AREAS = {"a": 30, "b": 60, "c": 170, "d": 400}


def study(each: dict[str, int] | None = None, cost: float = 0.0) -> Study:
    """So many emergencies of each area in 100 days, days apart, so that hardly anybody is ever busy."""
    counts = {"a": 20, "b": 20, "c": 40, "d": 20} if each is None else each
    tickets = [(area, 24.0 * (n + 0.013 * k) * 100 / max(count, 1)) for k, (area, count) in enumerate(counts.items()) for n in range(count)]
    return line_study(STATIONS, AREAS, by_time(tickets), candidates=["U", "V", "W"], days=100, crews=(crew(cost=cost),))


def by_time(tickets: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(tickets, key=lambda ticket: ticket[1])


def test_the_next_site_is_that_of_the_most_tickets_that_nobody_reaches() -> None:
    # Out of 100 emergencies 40 are in c and 20 in d; a station costs 100 and its one person 50 a year.
    sites = next_sites(today(study(cost=50.0)))
    assert [site.station for site in sites] == ["U", "V", "W"]
    best = sites[0]
    assert best.points == pytest.approx(40, abs=3)
    assert (best.gained.areas, best.gained.customers, best.lost.customers) == (1, 1, 0)
    assert best.gained.tickets == pytest.approx(40 * 3.6525, rel=0.1)
    assert best.yearly_cost == 150.0
    assert best.cost_per_point == pytest.approx(150 / best.points)
    # W reaches nobody in time, and only takes over what others would be out for long with.
    assert (sites[2].gained.areas, sites[2].points < 1) == (0, True)


def test_sites_one_after_the_other_each_stand_beside_those_before() -> None:
    first, second, third = best_sequence(today(study()), 5)
    assert [first.station, second.station, third.station] == ["U", "V", "W"]
    assert second.before == first.after
    assert third.after["emergency"] > 0.95
    assert best_sequence(today(study()), 1) == (first,)


def test_two_sites_for_the_same_customers_are_not_both_chosen() -> None:
    # U and V both reach c, W reaches d: the second site is W, though V alone would bring more.
    stations, areas = {"S": 0, "U": 200, "V": 205, "W": 600}, {"a": 10, "c": 210, "d": 610}
    tickets = [(area, 25.0 * n + hour) for n in range(40) for area, hour in (("a", 1), ("c", 9), ("c", 17))] + [
        ("d", 50.0 * n) for n in range(20)
    ]
    twins = line_study(stations, areas, by_time(tickets), candidates=["U", "V", "W"], days=42)
    alone = {site.station: site.points for site in next_sites(today(twins))}
    assert alone["V"] > alone["W"]
    assert [site.station for site in best_sequence(today(twins), 2)][1] == "W"


def test_a_station_is_worth_what_closing_it_loses() -> None:
    both = with_changes(study(), OpenStation("U"))
    least, most = worth_of_stations(both)
    # Without S nobody reaches a; U reaches b (91 min) and c. Without U nobody reaches c.
    assert (least.station, most.station) == ("S", "U")
    assert least.lost.areas == 1
    # Those of a, and some of b and c that come while U's person is on one of the long drives to a.
    assert 20 < -least.points < 30
    assert -most.points == pytest.approx(40, abs=3)
    assert least.yearly_cost == -100.0


def test_the_last_station_can_be_judged_and_is_worth_everything() -> None:
    (only,) = worth_of_stations(today(study()))
    assert only.after["emergency"] == 0.0
    assert (only.lost.areas, only.gained.areas) == (2, 0)


def test_one_more_person_is_worth_most_where_people_are_busy() -> None:
    # An emergency every three hours at S, who needs two for each, and one a day at U.
    tickets = [("a", 3.0 * n) for n in range(240)] + [("c", 24.0 * n + 1) for n in range(30)]
    busy = line_study({"S": 0, "U": 300}, {"a": 30, "c": 310}, by_time(tickets), days=30, crews=(crew(cost=9.0),))
    first, second = worth_of_people(today(busy))
    assert (first.station, first.what, first.yearly_cost) == ("S", "crew", 9.0)
    assert first.points > 5 > second.points >= 0


def test_one_more_kit_of_each_type_that_is_owned_is_asked_at_each_station_with_people() -> None:
    facts = with_changes(study(), OpenStation("U"), SetKits("S", "leak-kit", 1), SetPeople("U", "crew", 0))
    (kit,) = worth_of_kits(facts)
    assert (kit.station, kit.what, kit.changes) == ("S", "leak-kit", (SetKits("S", "leak-kit", 2),))


def test_advice_is_what_each_option_gives_by_itself() -> None:
    # Whatever options share to be quick, a situation made and judged from nothing says the same.
    situation = with_changes(study(), OpenStation("U"), AddCrew("S", crew("late", 1, (DailyShift("12:00", 8.0, (1, 2, 3)),))), Growth(8.0))
    found = advise(situation, stations=2)
    options = [*found.sites, *found.closures, *found.people, *found.kits]
    assert len(options) == 2 + 2 + 3 + 0
    for option in options:
        alone = expected_service(with_changes(study(), *situation.scenario.changes, *option.changes))
        assert option.after["emergency"] == pytest.approx(alone.in_time["emergency"], abs=5e-4)


def test_every_option_is_told_of() -> None:
    seen: list[tuple[int, int]] = []
    advise(today(study()), on_option=lambda done, count: seen.append((done, count)))
    assert seen == [(number, 5) for number in range(1, 6)]  # three candidates, one station, one crew


def test_regret_is_how_far_an_option_is_behind_the_best_of_its_future() -> None:
    #          f1   f2              best of each: 0.9, 0.7
    # one     0.9  0.5  regret 0 and 20 points, worst 20
    # two     0.8  0.7  regret 10 and 0, worst 10: the choice, though `one` has the better day
    # three   0.5  0.6  regret 40 and 10
    choice = regrets(("one", "two", "three"), ("f1", "f2"), (0.0, 1.0, 2.0), np.array([[0.9, 0.5], [0.8, 0.7], [0.5, 0.6]]))
    assert choice.regret.round(9).tolist() == [[0, 20], [10, 0], [40, 10]]
    assert choice.worst.round(9).tolist() == [20, 10, 40]
    assert choice.options[choice.best] == "two"
    equal = regrets(("a", "b"), ("f1", "f2"), (0.0, 0.0), np.array([[0.5, 0.6], [0.6, 0.5]]))
    assert equal.best == 0


def test_the_robust_site_is_not_that_of_the_history_alone() -> None:
    # In the history c has the most tickets; a future in which they move to d, and one with ten times as many in region "east" of c.
    facts = study({"a": 20, "b": 20, "c": 40, "d": 30})
    moved = study({"a": 20, "b": 20, "c": 2, "d": 70}).history
    options = [Scenario("U", (OpenStation("U"),)), Scenario("V", (OpenStation("V"),))]
    choice = robust_choice(today(facts), options, [Future("history"), Future("d grows", moved)])
    assert choice.in_time.shape == (2, 2)
    assert choice.in_time[0, 0] > choice.in_time[1, 0]
    assert choice.in_time[1, 1] > choice.in_time[0, 1]
    assert choice.options[choice.best] == "V"
    assert choice.yearly_cost == (100.0, 100.0)
    assert told(robust_said(choice), {}, MONDAY) == (
        f"V goes wrong least: at worst {choice.worst[1]:.1f} points behind the best choice, in history."
    )


def test_a_future_of_changes_is_judged_with_its_own_demand() -> None:
    facts = study()
    (row,) = robust_choice(today(facts), [Scenario("as it is")], [Future("now"), Future("much more", changes=(Growth(200.0),))]).in_time
    assert row[1] < row[0] - 0.05
    with pytest.raises(ValueError, match="at least one option"):
        robust_choice(today(facts), [], [Future("now")])


def test_reach_between_two_situations_counts_what_is_gained_and_lost() -> None:
    gained, lost = reach_between(today(study()), with_changes(study(), OpenStation("U"), CloseStation("S")))
    assert (gained.areas, lost.areas) == (1, 1)  # c is gained, a is lost, b is reached from U


def option(**facts: object) -> Option:
    usual = {
        "kind": "open", "station": "XA", "what": "", "changes": (), "gained": None, "lost": None, "before": {"emergency": 0.71},
        "after": {"emergency": 0.78}, "yearly_cost": 830_000.0,
    }  # fmt: skip
    return Option(**(usual | facts))  # type: ignore[arg-type]


def test_a_scenario_is_told_with_replay_and_formula_in_both_languages() -> None:
    said = scenario_said("Xi'an", 41, 0, 120.0, 830_000.0, (0.71, 0.78), Estimate(0.07, 0.015), 0.77, is_site=True)
    assert told(said, {}, MONDAY) == (
        "Xi'an covers 41 customers more within 2 h, for 0.83 M a year; "
        "replay: emergencies in time from 71.0 % to 78.0 % (+/- 1.5); formula: 77.0 %."
    )
    assert told(said, {}, MONDAY, "zh") == (
        "Xi'an：2 小时内多覆盖 41 家客户，每年 83 万；回放：紧急工单按时率 71.0 % → 78.0 %（± 1.5）；公式：77.0 %。"
    )
    less = scenario_said("close", 1, 3, 60.0, -5_000.0, (0.5, 0.4), Estimate(-0.1, None), 0.5)
    assert told(less, {}, MONDAY) == (
        "close: 1 customers more within 1 h, 3 fewer, and saves 5,000 a year; replay: emergencies in time from 50.0 % to 40.0 %; "
        "formula: 50.0 %."
    )


def test_a_person_and_a_kit_are_told_by_name() -> None:
    person = option(kind="person", what="day", yearly_cost=200_000.0)
    assert told(option_said(person, 120.0), {"XA": "西安"}, MONDAY, "zh").startswith("西安的班组 day 增加一人，每年 20 万；公式：")
    kit = option(kind="kit", what="leak-kit", yearly_cost=0.0)
    assert told(option_said(kit, 120.0), {}, MONDAY) == "One more leak-kit at XA; formula: emergencies in time from 71.0 % to 78.0 %."


def test_a_formula_that_is_far_off_is_warned_of_and_one_at_the_limit_is_not() -> None:
    assert [said.code for said in formula_said({"a": (-FORMULA_WITHIN, None)})] == ["study_formula_off"]
    far = formula_said({"a": (1.0, None), "b": (-FORMULA_WITHIN - 0.01, FORMULA_WITHIN)})
    assert [said.code for said in far] == ["study_formula_off", "study_formula_far"]
    assert far[0].values["scenario"] == "b"
    # Where chance alone moves the replay as much, it is no fault of the formula's.
    assert [said.code for said in formula_said({"b": (-4.0, 4.0)})] == ["study_formula_off", "study_formula_thin"]
    assert formula_said({}) == ()


def test_severities_that_nobody_asked_for_are_in_time() -> None:
    shares: dict[Severity, float] = dict(advise(today(study())).in_time)
    assert shares["general"] == 1.0
    assert study().history.ends_at - study().history.begins_at == timedelta(days=100)
