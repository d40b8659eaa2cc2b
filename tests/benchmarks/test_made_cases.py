"""Made cases repeat, are valid, and have the shape that was asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest

from benchmarks.made_cases import NOW, SHAPES, Shape, make_case, without_crews
from data_models.case import great_circle_km
from data_models.case_files import case_json, parse_case


def test_the_same_shape_and_seed_give_the_same_case():
    shape = Shape(tickets=80)
    assert case_json(make_case(shape, 3)) == case_json(make_case(shape, 3))
    assert case_json(make_case(shape, 3)) != case_json(make_case(shape, 4))


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_a_valid_case_of_its_size(name):
    shape = replace(SHAPES[name], tickets=120)
    case = make_case(shape, 1, "made")
    assert parse_case(case_json(case)) == case  # the reader finds no contradiction
    assert len(case.tickets) == 120
    assert len(case.technicians) == round(120 * shape.people / shape.days)
    assert {len(who.shifts) for who in case.technicians} == {shape.days}
    assert {len(shift.breaks) for who in case.technicians for shift in who.shifts} == {int(shape.breaks)}
    assert {kit for ticket in case.tickets for kit in ticket.kits} <= {kit for s in case.stations for kit in s.kits} | set(_kits(shape))


def _kits(shape: Shape) -> list[str]:
    return ["leak", "purity", "moisture", "static", *(f"kit{number:02}" for number in range(4, shape.kit_types))]


def test_stations_are_as_many_and_as_far_apart_as_in_the_shared_cases():
    for tickets, stations in ((60, 10), (200, 20), (600, 36)):  # counted on day-60, day-200, day-600
        assert len(make_case(Shape(tickets=tickets), 1).stations) == pytest.approx(stations, abs=1)
    spots = make_case(Shape(tickets=600), 1).stations
    assert min(great_circle_km(a.lat, a.lon, b.lat, b.lon) for a, b in combinations(spots, 2)) >= 111


def test_shares_are_those_of_the_shared_cases():
    case = make_case(Shape(tickets=4000, emergency_share=0.306), 1)
    severity = Counter(ticket.severity for ticket in case.tickets)
    urgent = [ticket for ticket in case.tickets if ticket.severity == "emergency"]
    assert severity["emergency"] / 4000 == pytest.approx(0.306, abs=0.02)
    assert sum(ticket.crew == 2 for ticket in urgent) / len(urgent) == pytest.approx(0.25, abs=0.03)
    assert sum(ticket.crew for ticket in case.tickets) - 4000 == sum(ticket.crew == 2 for ticket in urgent)
    assert sum(bool(ticket.kits) for ticket in case.tickets) / 4000 == pytest.approx(0.31, abs=0.03)
    assert sum(bool(ticket.windows) for ticket in case.tickets) / 4000 == pytest.approx(0.14, abs=0.03)
    assert not any(ticket.windows for ticket in urgent)
    assert all(ticket.opened_at <= NOW for ticket in case.tickets)
    nearest = sorted(min(great_circle_km(t.lat, t.lon, s.lat, s.lon) for s in case.stations) for t in case.tickets[:1000])
    assert nearest[500] == pytest.approx(48, abs=8)  # km, the median of the shared cases


def test_odd_shapes_are_odd():
    city = make_case(replace(SHAPES["dense-city"], tickets=100), 1)
    spread = max(great_circle_km(t.lat, t.lon, s.lat, s.lon) for t in city.tickets for s in city.stations)
    assert len(city.stations) == 2
    assert spread < 200
    empty = make_case(replace(SHAPES["empty-provinces"], tickets=100), 1)
    assert all(station.lon < 106 for station in empty.stations)
    assert len({kit for t in make_case(replace(SHAPES["many-kits"], tickets=300), 1).tickets for kit in t.kits}) > 30


def test_without_crews_changes_nothing_else():
    case = make_case(Shape(tickets=100), 1)
    alone = without_crews(case)
    assert {ticket.crew for ticket in alone.tickets} == {1}
    assert [replace(t, crew=1) for t in case.tickets] == list(alone.tickets)
    assert alone.technicians == case.technicians
