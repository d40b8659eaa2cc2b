"""The report about scenarios: what it says, what its maps and plots show, hostile names, and how it looks in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from maps.flat_map import WIDTH, frame_of
from maps.scenario_map import colour_of, scenario_map, share_map
from maps.study_facts import AreaMark, FrontierPoint, Interval, ScenarioFacts, StationMark, StudyReport
from maps.study_plots import frontier_plot, response_curves, week_heat
from maps.study_report import study_page
from maps.study_words import WEEKDAYS, WORDS

EVIL = "</style><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"
AREAS = (
    AreaMark("kept <1>", 31.0, 118.0, 40, True, True, 20, 20),
    AreaMark("gained", 32.0, 119.0, 20, False, True, 10, 5),
    AreaMark("lost", 33.0, 120.0, 10, True, False, 5, 0),
    AreaMark("white", 34.0, 121.0, 5, False, False, 0, 0),
)
STATIONS = (
    StationMark("南京站", 31.0, 118.1, "open", 0.234),
    StationMark("new", 32.0, 119.1, "opened", 0.5),
    StationMark("old", 33.0, 120.1, "closed"),
    StationMark("could be", 60.0, 10.0, "candidate"),
)
WEEK = [[(hour % 3, min(1, hour % 3)) for hour in range(24)] for _ in range(7)]


def scenario(name: str, **facts: object) -> ScenarioFacts:
    usual: dict[str, object] = {
        "name": name, "note": "", "sentence": f"{name} does it.", "in_time": Interval(0.712, 0.021), "difference": Interval(0.071, 0.015),
        "formula": 0.734, "error_points": 2.2, "gained": 12, "lost": 3, "median_minutes": 75.0, "nine_in_ten_minutes": None,
        "stations_cost": 5.2e6, "running_cost": 2e5, "failing_cost": 9.1e6, "areas": AREAS, "stations": STATIONS, "curve": (0.0, 0.5, 0.7),
        "week": WEEK,
    }  # fmt: skip
    return ScenarioFacts(**(usual | facts))  # type: ignore[arg-type]


def report(scenarios: Sequence[ScenarioFacts], frontier: Sequence[FrontierPoint] = ()) -> StudyReport:
    return StudyReport(
        "study", "2025", 1234, 4, "ethanol", "nearest", 1, False, 300.0, 120.0, (0.0, 120.0, 360.0), "Off by 2.2.", scenarios, frontier
    )  # fmt: skip


TODAY = scenario("today", sentence="", gained=0, lost=0)


def test_the_page_says_replay_difference_formula_error_and_costs() -> None:
    page = study_page(report([TODAY, scenario("open it")]), "en")
    cells = re.findall(r"<td>([^<]*)</td>", page)
    assert cells[:8] == ["today", "71.2 % ± 2.1", "–", "73.4 %", "+2.2", "–", "1 h 15", "–"]
    assert cells[8:16] == ["open it", "71.2 % ± 2.1", "+7.1 ± 1.5", "73.4 %", "+2.2", "+12 −3", "1 h 15", "–"]
    assert cells[16:22] == ["today", "5.20 M", "0.20 M", "9.10 M", "14.50 M", "–"]
    assert "open it does it." in page
    assert "Off by 2.2." in page


def test_a_page_is_in_the_language_that_was_asked_for() -> None:
    page = study_page(report([TODAY, scenario("甲")]))
    assert '<html lang="zh-CN">' in page
    assert "520 万" in page
    assert "What it comes to" not in page
    assert 'lang="en"' in study_page(report([TODAY]), "en")
    for both in (*WORDS.values(), *WEEKDAYS):
        assert any("\u4e00" <= char <= "\u9fff" for char in both.zh)
        assert not any("\u4e00" <= char <= "\u9fff" for char in both.en)


def test_a_map_draws_each_area_by_what_becomes_of_it_and_candidates_not_at_all() -> None:
    drawn = scenario_map(AREAS, STATIONS, "t", "en")
    for state in ("kept", "gained", "lost", "white"):
        assert len(re.findall(rf'<path class="{state}"', drawn)) == 1
    assert "<title>kept &lt;1&gt;: reached now and then, 40 tickets</title>" in drawn
    assert re.findall(r'<rect class="(\w+)"', drawn) == ["opened", "closed", "open"]
    assert ">南京站 23%</text>" in drawn
    assert "could be" not in drawn
    assert 'class="land"' in drawn


def test_shares_by_area_leave_out_areas_without_an_emergency() -> None:
    drawn = share_map(AREAS, STATIONS, "t", "en")
    assert sorted(re.findall(r'<circle class="(share-\d)"', drawn)) == ["share-0", "share-2", "share-4"]
    assert "gained: 5/10 in time (50%)" in drawn
    assert [colour_of(share) for share in (0.0, 0.199, 0.2, 0.6, 0.8, 1.0)] == [
        "share-0",
        "share-0",
        "share-1",
        "share-3",
        "share-4",
        "share-4",
    ]


def test_one_slip_of_a_sign_does_not_shrink_the_map() -> None:
    many = [AreaMark(f"a{n}", 30 + n % 10, -100 + n % 13, 1.0, True, True) for n in range(300)]
    slipped = AreaMark("slipped", 35.0, 100.0, 1.0, True, True)
    frame = frame_of([(area.lat, area.lon, area.weight) for area in [*many, slipped]])
    assert all(frame.shows(area.lat, area.lon) for area in many)
    assert not frame.shows(slipped.lat, slipped.lon)
    assert "1 areas lie outside the map" in scenario_map([*many, slipped], (), "t", "en")
    # A station is in sight wherever it is, and so is what is not rare.
    assert frame_of([(30.0, 100.0, 1.0)] * 300, [(30.0, 10.0)]).shows(30.0, 10.0)
    assert frame_of([(30.0, 100.0, 1.0)] * 50 + [(30.0, 10.0, 1.0)] * 50).shows(30.0, 10.0)


def test_a_frame_of_one_place_has_it_in_the_middle() -> None:
    frame = frame_of([(31.0, 121.0, 1.0)])
    x, y = frame.at(31.0, 121.0)
    assert (x, y) == (pytest.approx(WIDTH / 2), pytest.approx(frame.height / 2))


def test_curves_pass_through_their_shares() -> None:
    drawn = response_curves((0.0, 120.0, 240.0), [("a<b", (0.0, 0.5, 1.0))], 120.0, "en")
    # The plot is 48 to 704 wide and 14 to 280 high.
    assert 'points="48.0,280.0 376.0,147.0 704.0,14.0"' in drawn
    assert '<line class="promise" x1="376.0"' in drawn
    assert "<title>a&lt;b</title>" in drawn


def test_hours_show_how_many_there_were_and_none_where_none_was() -> None:
    drawn = week_heat(WEEK, "t", "en")
    assert drawn.count('class="empty"') == 7 * 8
    assert "<title>Mon 01:00: 1/1 in time</title>" in drawn
    assert "<title>Sun 23:00: 1/2 in time</title>" in drawn


def test_a_frontier_is_a_staircase_with_every_choice_in_its_tip() -> None:
    points = [FrontierPoint(2e6, 90.0, ("B", "A<")), FrontierPoint(1e6, 60.0, ("A<",))]
    drawn = frontier_plot(points, "en")
    assert drawn.count('<circle class="point"') == 2
    assert "<title>2.00 M: 90 covered; B, A&lt;</title>" in drawn
    assert "Coverage against yearly cost" in study_page(report([TODAY], points), "en")
    assert "Coverage against yearly cost" not in study_page(report([TODAY]), "en")
    with pytest.raises(ValueError, match="no points"):
        frontier_plot([])


def test_a_replay_without_emergencies_says_so() -> None:
    quiet = replace(TODAY, in_time=None, difference=None, error_points=None)
    page = study_page(report([quiet]), "en")
    assert "No emergency was replayed." in page


def test_no_name_can_become_markup_and_nothing_is_asked_of_the_network(open_map: Callable[..., Any]) -> None:
    evil_areas = [replace(area, name=EVIL) for area in AREAS]
    evil = scenario(EVIL, note=EVIL, sentence=EVIL, areas=evil_areas, stations=[replace(station, name=EVIL) for station in STATIONS])
    facts = replace(report([TODAY, evil], [FrontierPoint(1e6, 60.0, (EVIL,))]), study=EVIL, formula_sentence=EVIL, policy=EVIL)
    opened = open_map(study_page(facts, "en"))
    assert opened.complaints == []
    assert len(opened.requests) == 1
    assert opened.page.locator("script, img").count() == 0
    assert EVIL in opened.page.locator("h1").inner_text()


@pytest.mark.parametrize("width", [1366, 390])
def test_the_page_never_scrolls_sideways_as_a_whole(open_map: Callable[..., Any], width: int) -> None:
    opened = open_map(
        study_page(report([TODAY, *(scenario(f"scenario with a rather long name {n}") for n in range(5))]), "en"), width=width
    )
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.complaints == []


def test_it_prints_without_cutting_anything_off(open_map: Callable[..., Any]) -> None:
    opened = open_map(study_page(report([TODAY, scenario("one"), scenario("two")]), "en"), width=700)
    opened.page.emulate_media(media="print")
    wide = opened.page.evaluate("[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth)")
    assert max(wide) <= 1
