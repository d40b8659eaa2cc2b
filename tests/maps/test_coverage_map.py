"""The coverage map in a real Chromium, held to a computation that shares nothing with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from data_models.case import Case, GreatCircle, Shift, Station, Technician, TravelMatrix
from data_models.errors import BadInput
from maps.coverage_map import DemandPoint, coverage_map

Open = Callable[..., Any]

TRAVEL = GreatCircle("great_circle", 1.3, 70.0)


def haversine_km(one: Any, other: Any) -> float:
    lat, lon, to_lat, to_lon = map(math.radians, (one.lat, one.lon, other.lat, other.lon))
    half = math.sin((to_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(to_lat) * math.sin((to_lon - lon) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def expected(
    stations: Sequence[Station], technicians: Sequence[Technician], demand: Sequence[DemandPoint], *,
    skill: str | None = None, level: int = 1, kit: str | None = None, moment: datetime | None = None, minutes: float = 120,
) -> dict[str, int]:  # fmt: skip
    """Counts by the definition: a point is reached when any station that can send somebody is near enough by road."""
    home = {
        t.station for t in technicians
        if (skill is None or t.skills.get(skill, 0) >= level) and (moment is None or any(s.start <= moment < s.end for s in t.shifts))
    }  # fmt: skip
    able = [s for s in stations if s.id in home and (kit is None or s.kits.get(kit, 0) > 0)]
    reached = {d.id for d in demand if any(math.ceil(haversine_km(s, d) * 1.3 / 70 * 3600) <= minutes * 60 for s in able)}
    promised = {d.id for d in demand if any(haversine_km(s, d) <= 300 for s in stations)}
    points = {d.id for d in demand}
    return {
        "promised": len(promised),
        "reached": len(reached),
        "broken": len(promised - reached),
        "neither": len(points - promised - reached),
    }


@pytest.fixture
def network(small_case: Case) -> tuple[tuple[Station, ...], tuple[Technician, ...], tuple[DemandPoint, ...]]:
    """Six stations in a row, twelve people on three kinds of shift, ninety customers scattered far beyond the stations."""
    now = small_case.now
    stations = tuple(Station(f"S{i}", f"站{i}", 30.0 + i % 2, 112.0 + 1.3 * i, {"leak": i % 2, "purity": i % 3}) for i in range(6))
    starts = (now, now + timedelta(hours=8), now + timedelta(hours=16))
    technicians = tuple(
        Technician(
            f"T{i}",
            f"技师{i}",
            f"S{i % 6}",
            {"safety": 1 + i % 3, "process": i % 4},
            (Shift(starts[i % 3], starts[i % 3] + timedelta(hours=8)),),
        )
        for i in range(12)
    )
    demand = tuple(DemandPoint(f"D{i}", f"客户{i}", 27.0 + (i * 7 % 30) / 4, 108.0 + (i * 11 % 53) / 4, "ABC"[i % 3]) for i in range(90))
    return stations, technicians, demand


@pytest.fixture
def opened(open_map: Open, network: Any, small_case: Case) -> Any:
    return open_map(coverage_map(*network, TRAVEL, now=small_case.now))


def counts(page: Any) -> Any:
    return page.evaluate("coverageMap.counts()")


def test_the_page_asks_the_network_for_nothing_and_complains_about_nothing(opened: Any) -> None:
    opened.page.select_option("#skill", "0")
    opened.page.click("#list .row >> nth=0")
    assert [url[:8] for url in opened.requests] == ["file:///"]
    assert opened.complaints == []


def test_promise_and_road_are_counted_by_their_definitions(opened: Any, network: Any) -> None:
    assert counts(opened.page) == expected(*network)
    assert expected(*network)["broken"] > 0 < expected(*network)["neither"]  # the example has something to show
    assert opened.page.inner_text("#broken").split() == [
        str(expected(*network)["broken"]),
        f"{expected(*network)['broken'] / 0.9:.1f}",
        "%",
    ]


def test_skill_kit_and_standard_change_the_counts_as_computed_apart(opened: Any, network: Any) -> None:
    choices: list[dict[str, Any]] = [
        {"skill": "safety", "level": 3}, {"skill": "process", "level": 3}, {"kit": "leak"}, {"minutes": 240}, {"minutes": 30},
        {"kit": "purity", "skill": "safety", "level": 2, "minutes": 90},
    ]  # fmt: skip
    for choice in choices:
        opened.page.select_option("#skill", label=choice.get("skill", "any"))
        opened.page.select_option("#kit", label=choice.get("kit", "none needed"))
        opened.page.select_option("#standard", str(choice.get("minutes", 120) * 60))
        if "level" in choice:
            opened.page.select_option("#level", str(choice["level"]))
        assert counts(opened.page) == expected(*network, **choice) != expected(*network), choice


def test_at_an_hour_only_people_on_shift_count(opened: Any, network: Any, small_case: Case) -> None:
    opened.page.check("#by-hour")
    for hour in (0, 7, 8, 15, 16, 23):  # both sides of each change of shift
        opened.page.evaluate("hour => { slider.value = hour; slider.dispatchEvent(new Event('input')); }", hour)
        assert opened.page.inner_text("#moment").endswith(f"{(8 + hour) % 24:02d}:00")
        assert counts(opened.page) == expected(*network, moment=small_case.now + timedelta(hours=hour)) != expected(*network), hour


def test_a_drive_of_exactly_the_standard_reaches_and_a_second_more_does_not(open_map: Open, small_case: Case) -> None:
    station = Station("S", "站", 30.0, 120.0, place=0)
    technician = replace(small_case.technicians[0], station="S")
    demand = tuple(DemandPoint(f"D{i}", "客户", 30.5, 120.0 + i / 10, place=i) for i in (1, 2, 3))
    travel = TravelMatrix("matrix", ((0, 7200, 7200.5, math.inf),) + ((0,) * 4,) * 3, ((0.0,) * 4,) * 4)
    page = open_map(coverage_map((station,), (technician,), demand, travel, now=small_case.now)).page
    assert page.evaluate("coverageMap.kinds()") == ["reached", "broken", "broken"]
    assert not page.is_visible("#road-choice")  # a matrix has no circle to draw


def test_the_list_names_who_is_not_reached_and_a_click_tells_why(opened: Any, network: Any) -> None:
    total = expected(*network)
    assert opened.page.locator("#list li").count() == total["broken"] + total["neither"]
    opened.page.select_option("#which", "broken")
    assert opened.page.locator("#list li").count() == total["broken"]
    opened.page.click("#list .row >> nth=0")
    text = opened.page.locator(".leaflet-popup-content").inner_text()
    assert "Inside the promise, not reached by road" in text
    assert "inside a promised circle" in text


def test_names_of_customers_and_skills_are_never_run(open_map: Open, network: Any, small_case: Case) -> None:
    nasty = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u2028"
    stations, technicians, demand = network
    stations = tuple(replace(station, name=nasty, kits={nasty: 1}) for station in stations)
    technicians = tuple(replace(technician, skills={nasty: 1}) for technician in technicians)
    demand = tuple(replace(point, name=nasty) for point in demand)
    opened = open_map(coverage_map(stations, technicians, demand, TRAVEL, now=small_case.now, title=nasty))
    opened.page.click("#list .row >> nth=0")
    opened.page.evaluate("void coverageMap.map.eachLayer(layer => layer.openPopup && layer.openPopup())")
    assert opened.page.evaluate("window.hacked") is None
    assert opened.page.evaluate("document.querySelectorAll('img').length") == 0
    assert opened.complaints == []


def test_a_phone_shows_the_page_without_running_over_the_edge(open_map: Open, network: Any, small_case: Case) -> None:
    page = open_map(coverage_map(*network, TRAVEL, now=small_case.now), width=390, height=780).page
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_network_without_stations_is_refused(small_case: Case) -> None:
    with pytest.raises(BadInput, match="at least one station"):
        coverage_map((), (), (DemandPoint("D", "客户", 30.0, 120.0),), TRAVEL, now=small_case.now)
