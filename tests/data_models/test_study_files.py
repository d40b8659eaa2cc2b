"""Study and scenario files: what is written is read again, and what is wrong is told with item, value and remedy."""

from __future__ import annotations

import json

import pytest

from data_models.case import GreatCircle
from data_models.errors import BadInput
from data_models.expected import Area
from data_models.study import (
    AddCrew,
    CloseStation,
    CrewFacts,
    DailyShift,
    Growth,
    MoveStation,
    NewCustomer,
    OpenStation,
    Scenario,
    SetKits,
    SetPeople,
    SetPromise,
    SlowRoads,
    StudyStation,
)
from data_models.study_files import parse_scenario, parse_study, read_scenario, scenario_json, study_json
from tests.optimizer.studies import line_study

CREW = CrewFacts("夜班", 2, {"process": 3}, (DailyShift("20:00", 12.0, (1, 2), 30.0),), 2e5, 4.0)
STATION = StudyStation("V", "西安", 34.3, 108.9, {"k": 1}, (CREW,), 5e5, "NW")


def test_every_kind_of_change_is_read_as_it_was_written() -> None:
    changes = (
        OpenStation("U"),
        OpenStation(new=STATION),
        CloseStation("S", "T"),
        MoveStation("S", 31.0, 121.0),
        SetPeople("S", "day", 3),
        AddCrew("S", CREW),
        SetKits("S", "k", 0),
        SetPromise("emergency", "1 h", "A"),
        Growth(1.2, "NW", "general", "anhydrous"),
        NewCustomer(Area("n", "<b>new</b>", 1.0, 2.0), {"emergency": 3.0}),
        SlowRoads(30.0, 120.0, 50.0),
    )
    scenario = Scenario("Xi'an", changes, "why")
    assert parse_scenario(scenario_json(scenario)) == scenario


def test_a_study_is_read_as_it_was_written() -> None:
    study = line_study({"S": 0, "U": 5}, {"a": 60}, [("a", 9)], candidates=["U"])
    assert parse_study(study_json(study)) == study


def _study(**changed: object) -> str:
    document = json.loads(study_json(line_study({"S": 0, "U": 5}, {"a": 60}, [("a", 9)], candidates=["U"])))
    return json.dumps(document | changed)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"format": "study/2"}, r'format is "study/2"; give "study/1"'),
        ({"zone": "Mars/Olympus"}, r'zone is "Mars/Olympus"; give an IANA name'),
        ({"zone": "../../etc/passwd"}, r"give an IANA name"),
        ({"stations": [], "candidates": []}, r"give at least one station"),
        ({"travel": {"kind": "great_circle", "detour": 1.3, "speed_kmh": 0.0}}, r"speed_kmh 0 .* give above 0"),
        ({"travel": {"kind": "matrix", "seconds": [[0.0]], "metres": [[0.0]]}}, r'"U": place is 1; .* give its row, 0 to 0'),
        ({"travel": {"kind": "matrix", "seconds": [[0.0, 1.0]], "metres": [[0.0]]}}, r"no square matrix"),
        ({"surprise": 1}, r'"surprise" is not a field here'),
    ],
)
def test_a_wrong_study_is_told(changed, says) -> None:
    with pytest.raises(BadInput, match=says):
        parse_study(_study(**changed))


@pytest.mark.parametrize(
    ("station", "says"),
    [
        ({"lat": 95.0}, r'station "S": lies at 95.0, 0.0; give degrees'),
        ({"yearly_cost": -1.0}, r"yearly_cost is -1; give 0 or more"),
        ({"kits": {"k": -1}}, r'kits of "k" are -1; give 0 or more'),
        ({"crews": [{"id": "c", "people": -1, "skills": {}, "shifts": []}]}, r'crew "c": people is -1; give 0 to 1000'),
        ({"crews": [{"id": "c", "people": 1, "skills": {"s": 4}, "shifts": []}]}, r'skill "s" is 4; give a level from 1 to 3'),
        ({"crews": [{"id": "c", "people": 1, "skills": {}, "shifts": [{"begins": "8 am", "hours": 8}]}]}, r'begins at "8 am"; give a time'),
        ({"crews": [{"id": "c", "people": 1, "skills": {}, "shifts": [{"begins": "08:00", "hours": 25}]}]}, r"lasts 25 hours"),
        ({"crews": [{"id": "c", "people": 1, "skills": {}, "shifts": [{"begins": "08:00", "hours": 8, "days": [0]}]}]}, r"has days \[0\]"),
        ({"crews": [{"id": "c", "people": 1, "skills": {}, "shifts": []}] * 2}, r'crew "c" stands in it 2 times'),
        ({"id": "U"}, r'station "U" stands among stations and candidates 2 times'),
    ],
)
def test_a_wrong_station_is_told(station, says) -> None:
    document = json.loads(_study())
    document["stations"][0] |= station
    with pytest.raises(BadInput, match=says):
        parse_study(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "open_station"}, r"changes\[0\] \(open_station\): give either station"),
        (
            {"kind": "open_station", "station": "U", "new": {"id": "V", "name": "", "lat": 1, "lon": 1}},
            "give either",
        ),
        ({"kind": "burn_down"}, r'kind is "burn_down"; give one of "open_station"'),
        ({"kind": "promise", "severity": "emergency", "on_site": "soon"}, r'on_site is "soon"; a promise is one of'),
        ({"kind": "promise", "severity": "emergency", "on_site": "none"}, r"give how soon somebody must be there"),
        ({"kind": "growth", "factor": -0.5}, r"factor is -0.5; give 0 to 100"),
        ({"kind": "slow_roads", "lat": 1, "lon": 1, "km": 0}, r"km is 0 and factor null; give both above 0"),
        ({"kind": "set_people", "station": "S", "crew": "c", "people": 5000}, r"people is 5000; give 0 to 1000"),
        ({"kind": "set_kits", "station": "S", "kit": "k", "count": -1}, r"count is -1; give 0 or more"),
        ({"kind": "move_station", "station": "S", "lat": 91, "lon": 1}, r"moves to 91.0, 1.0; give degrees"),
        (
            {"kind": "new_customer", "area": {"id": "n", "name": "n", "lat": 1, "lon": 1}, "per_year": {"urgent": 1}},
            r'per_year of "urgent" is 1; give emergency, important, general',
        ),
    ],
)
def test_a_wrong_change_is_told(change, says) -> None:
    with pytest.raises(BadInput, match=says):
        parse_scenario(json.dumps({"format": "scenario/1", "name": "x", "changes": [change]}))


def test_a_scenario_has_a_name_and_complaints_name_the_file(tmp_path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"format": "scenario/1", "name": " ", "changes": []}))
    with pytest.raises(BadInput, match=r's.json: name is " "; give the scenario a name'):
        read_scenario(path)


def test_great_circles_need_no_places() -> None:
    document = json.loads(_study(travel={"kind": "great_circle", "detour": 1.3, "speed_kmh": 70.0}))
    assert parse_study(json.dumps(document)).travel == GreatCircle("great_circle", 1.3, 70.0)
