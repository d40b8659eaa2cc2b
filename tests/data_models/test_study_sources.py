"""Where studies come from: tables of incidents, lists of sites, cities, and the company's own rota and tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.policies import load_policy
from config.settings import Settings
from data_models.candidate_sites import cities_above, read_sites, usual_crews, usual_kits
from data_models.case import GreatCircle, Rates
from data_models.domain import ShiftFacts, SkillHeld, TechnicianFacts
from data_models.errors import BadInput, NotFound
from data_models.expected import Area
from data_models.incident_files import history_of, read_incidents
from data_models.store import Store
from data_models.store.studies import study_of_company
from data_models.study import DailyShift, StudyStation
from data_models.study_files import parse_study, study_json
from data_models.weekly_hours import crews_of
from flows.intake import import_table

CHICAGO = ZoneInfo("America/Chicago")
LIKE = StudyStation("", "", 0.0, 0.0, {"k": 1}, (), 5e5)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_incidents_are_read_by_the_names_of_their_columns(tmp_path) -> None:
    text = "Date,Latitude,LONG,commodity,cost\n2010-03-01 11:50,37.1,-100.8,CRUDE,5\n2010-02-16T07:42:00Z,41.9,-88.2,LPG,6\n"
    first, second = read_incidents(write(tmp_path / "i.csv", text), CHICAGO)
    assert (first.product, first.at) == ("LPG", datetime(2010, 2, 16, 7, 42, tzinfo=UTC))
    assert (second.at, second.severity) == (datetime(2010, 3, 1, 11, 50, tzinfo=CHICAGO), "emergency")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,lat\n2010-01-01,1\n", "it lacks lon: lon, long, lng, longitude"),
        ("time,lat,lon\n", "holds no incident"),
        ("time,lat,lon\nyesterday,1,2\n", 'line 2: time is "yesterday"; give one such as'),
        ("time,lat,lon\n2010-01-01,91,2\n", 'line 2: place is "91", "2"; give degrees'),
        ("time,lat,lon\n2010-01-01,nan,2\n", 'place is "nan", "2"'),
        ("time,lat,lon,severity\n2010-01-01,1,2,urgent\n", 'severity is "urgent"; give emergency, important, general'),
    ],
)
def test_wrong_incidents_are_told_by_line(tmp_path, text, says) -> None:
    with pytest.raises(BadInput, match=says):
        read_incidents(write(tmp_path / "i.csv", text), CHICAGO)


def test_incidents_near_each_other_are_one_area(tmp_path) -> None:
    # 0.01 degrees are 1.1 km: one square of 50 km, at the mean place. The third is 1 degree away.
    rows = "time,lat,lon,state\n2010-01-02,40.10,-90.10,IL\n2010-01-03 10:00,40.12,-90.10,IL\n2010-01-05,41.20,-90.10,IA\n"
    history = history_of(read_incidents(write(tmp_path / "i.csv", rows), CHICAGO), 50.0)
    assert [(area.region, area.lat) for area in history.areas] == [("IL", 40.11), ("IA", 41.2)]
    assert [ticket.site for ticket in history.tickets] == ["A0001", "A0001", "A0002"]
    assert (history.begins_at, history.days) == (datetime(2010, 1, 2, tzinfo=CHICAGO), 4.0)


def test_sites_are_read_and_get_what_a_candidate_would(tmp_path) -> None:
    path = write(tmp_path / "s.csv", "id,lat,lon,name,yearly_cost\nA,31,121,上海,7\nB,32,120,,\n")
    first, second = read_sites(path, LIKE)
    assert (first.name, first.yearly_cost, first.kits) == ("上海", 7.0, {"k": 1})
    assert (second.name, second.yearly_cost) == ("B", 5e5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,lat\nA,1\n", "lacks the columns lon"),
        ("id,lat,lon\nA,north,1\n", 'line 2: id "A", lat "north"'),
        ("id,lat,lon\n,1,1\n", 'id ""'),
        ("id,lat,lon,yearly_cost\nA,1,1,-5\n", 'yearly_cost "-5"'),
        ("id,lat,lon\nA,1,1\nA,2,2\n", 'id "A" stands 2 times'),
    ],
)
def test_wrong_sites_are_told(tmp_path, text, says) -> None:
    with pytest.raises(BadInput, match=says):
        read_sites(write(tmp_path / "s.csv", text), LIKE)


def test_large_cities_near_areas_are_candidates_unless_there_is_a_station() -> None:
    area = Area("a", "near Shanghai", 31.2, 121.0)
    every = cities_above(5_000_000, [area], LIKE)
    assert every[0].name.startswith("上海")
    assert not any("北京" in city.name for city in every)  # more than 300 km away
    assert [city.id for city in every[:2]] == ["C-001", "C-002"]
    station = StudyStation("S", "S", every[0].lat, every[0].lon)
    assert every[0].name not in [city.name for city in cities_above(5_000_000, [area], LIKE, [station])]


def test_a_usual_station_has_who_and_what_the_policy_asks_for() -> None:
    policy = load_policy("ethanol")
    day, night = usual_crews(policy, 5, 2e5)
    assert (day.people, night.people, day.skills["safety"]) == (3, 2, 2)
    assert set(usual_kits(policy)) == {"leak-kit", "purity-analyser", "moisture-meter", "static-tester"}


def person(name: str, *begins: datetime, hours: float = 8.0, level: int = 2) -> TechnicianFacts:
    shifts = tuple(ShiftFacts(at, at + timedelta(hours=hours), 60.0) for at in begins)
    return TechnicianFacts(name, name, "S", (SkillHeld("process", level),), shifts)


def test_people_with_equal_skills_and_hours_are_a_crew() -> None:
    # Monday to Wednesday at 08:00 in Shanghai; Thursday to Sunday are like Wednesday, the last known day before them.
    shanghai = ZoneInfo("Asia/Shanghai")
    days = [datetime(2025, 3, 3 + n, 8, tzinfo=shanghai) for n in range(3)]
    late = [at + timedelta(hours=8) for at in days[:2]]
    people = [person("A", *days), person("B", *days), person("C", *late), person("D", *days, level=3)]
    crews = crews_of(people, shanghai, 1e5)
    assert [(crew.people, dict(crew.skills)) for crew in crews] == [(2, {"process": 2}), (1, {"process": 2}), (1, {"process": 3})]
    assert crews[0].shifts == (DailyShift("08:00", 8.0, (1, 2, 3, 4, 5, 6, 7), 60.0),)
    assert crews[1].shifts == (DailyShift("16:00", 8.0, (1, 2), 60.0),)
    assert crews[0].yearly_cost_each == 1e5


def test_of_a_long_rota_the_last_week_stands_for_all() -> None:
    first = [datetime(2025, 3, 3 + n, 8, tzinfo=UTC) for n in range(7)]
    second = [at + timedelta(days=7, hours=4) for at in first]
    (crew,) = crews_of([person("A", *first, *second)], ZoneInfo("UTC"))
    assert [shift.begins for shift in crew.shifts] == ["12:00"]
    assert crews_of([person("A")], ZoneInfo("UTC"))[0].shifts == ()


def test_the_company_is_a_study(store: Store, small_company, tmp_path) -> None:
    at = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    for table, path in small_company(tmp_path / "tables", at):
        import_table(store, Settings(), table, path, now=at)

    def study(now: datetime):
        with store.reading() as session:
            return study_of_company(
                session,
                now,
                days=30,
                zone="Asia/Shanghai",
                policy="ethanol",
                travel=GreatCircle("great_circle", 1.3, 70.0),
                rates=Rates(),
                person_cost=1.0,
                station_cost=10.0,
            )

    found = study(at)
    assert parse_study(study_json(found)) == found
    # Two stations of two people each; the shifts began an hour ago, at 07:00 in Shanghai.
    assert [(s.id, s.people, s.cost_with_people) for s in found.stations] == [("ST-1", 2, 12.0), ("ST-2", 2, 12.0)]
    assert found.stations[0].crews[0].shifts[0].begins == "07:00"
    assert {ticket.type for ticket in found.history.tickets} == {"purity", "question", "equipment-failure", "equipment-fault", "leak"}
    assert {area.tier for area in found.history.areas} == {"A"}
    with pytest.raises(NotFound, match="name more days"):
        study(at - timedelta(days=1))
