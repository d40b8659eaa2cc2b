"""Scenarios: each kind of change, what it leaves alone, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_models.case import GreatCircle
from data_models.errors import BadInput
from data_models.expected import Area
from data_models.policy import clocks_for
from data_models.study import (
    AddCrew,
    CloseStation,
    Growth,
    MoveStation,
    NewCustomer,
    OpenStation,
    Scenario,
    SetKits,
    SetPeople,
    SetPromise,
    StudyStation,
)
from optimizer.scenarios import under
from tests.optimizer.studies import POLICY, crew, line_study, today, with_changes

STUDY = line_study({"S": 0, "T": 100, "U": 200}, {"a": 10}, [("a", 1)], candidates=["U"])


def test_a_candidate_opens_and_is_no_candidate_any_more() -> None:
    found = with_changes(STUDY, OpenStation("U")).study
    assert ([s.id for s in found.stations], [s.id for s in found.candidates]) == (["S", "T", "U"], [])
    assert today(STUDY).study == STUDY


def test_a_closed_station_gives_people_and_kits_to_another() -> None:
    # Both have one crew "crew" of one; S owns 2 kits, T owns 1: T has two crews under different names, and 3 kits.
    study = replace(STUDY, stations=(replace(STUDY.stations[0], kits={"k": 2}), replace(STUDY.stations[1], kits={"k": 1})))
    found = with_changes(study, CloseStation("S", people_to="T")).study
    assert [(s.id, s.people, dict(s.kits)) for s in found.stations] == [("T", 2, {"k": 3})]
    assert [c.id for c in found.stations[0].crews] == ["crew", "S/crew"]
    assert [s.id for s in found.candidates] == ["U", "S"]


def test_people_crews_and_kits_of_a_station_are_set() -> None:
    night = crew("night", 2)
    found = with_changes(STUDY, SetPeople("S", "crew", 3), AddCrew("S", night), SetKits("S", "k", 4)).study.station_by_id["S"]
    assert (found.people, found.crews[1], found.kits) == (5, night, {"k": 4})


def test_changes_are_made_in_their_order() -> None:
    found = with_changes(STUDY, OpenStation("U"), SetPeople("U", "crew", 5)).study
    assert found.station_by_id["U"].people == 5
    with pytest.raises(BadInput, match=r'changes\[0\] \(set_people\): station "U" is not open; open are "S", "T"'):
        with_changes(STUDY, SetPeople("U", "crew", 5), OpenStation("U"))


def test_a_promise_changes_for_one_tier_or_for_all() -> None:
    def hours(situation, tier):
        return clocks_for(situation.policy, "emergency", tier).on_site.minutes / 60

    one = with_changes(STUDY, SetPromise("emergency", "1 h", "A"))
    assert [hours(one, tier) for tier in "ABC"] == [1, 2, 2]
    everyone = with_changes(STUDY, SetPromise("emergency", "1 h", "A"), SetPromise("emergency", "3 h"))
    assert [hours(everyone, tier) for tier in "ABC"] == [3, 3, 3]
    assert [hours(today(STUDY), tier) for tier in "ABC"] == [2, 2, 2]


def test_every_problem_is_told_with_its_change() -> None:
    wrong = Scenario("wrong", (CloseStation("X"), OpenStation("S"), Growth(2.0), OpenStation("Y"), SetPeople("S", "night", 1)))
    with pytest.raises(BadInput) as error:
        under(STUDY, wrong, POLICY)
    assert [problem.split(": ", 1)[0] for problem in error.value.problems] == [
        'scenario "wrong", changes[0] (close_station)',
        'scenario "wrong", changes[1] (open_station)',
        'scenario "wrong", changes[3] (open_station)',
        'scenario "wrong", changes[4] (set_people)',
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (CloseStation("S", people_to="S"), "name another"),
        (OpenStation(new=StudyStation("T", "again", 0.0, 0.0, place=0)), "has the id of another"),
        (OpenStation(new=StudyStation("V", "nowhere", 0.0, 0.0)), "give its row in the travel matrix"),
        (NewCustomer(Area("a", "again", 0.0, 0.0, place=3), {"emergency": 1.0}), "is there already"),
        (AddCrew("S", crew("crew")), "use set_people"),
        (MoveStation("S", 1.0, 1.0), "open a candidate instead"),
    ],
)
def test_what_cannot_be_is_refused(change, says) -> None:
    with pytest.raises(BadInput, match=says):
        with_changes(STUDY, change)


def test_a_station_moves_where_travel_is_by_coordinates() -> None:
    study = replace(STUDY, travel=GreatCircle("great_circle", 1.3, 70.0))
    found = with_changes(study, MoveStation("S", 31.0, 121.0)).study.station_by_id["S"]
    assert (found.lat, found.lon, found.people) == (31.0, 121.0, 1)
