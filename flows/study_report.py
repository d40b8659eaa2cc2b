"""The report of a comparison for the board: the facts that `maps.study_report` draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from data_models.study import StudyStation
from flows.studio import Compared, Comparison
from flows.study_words import formula_sentence, scenario_sentence
from maps.study_facts import AreaMark, FrontierPoint, Interval, ScenarioFacts, StationMark, StudyReport
from maps.study_report import study_page
from optimizer.advice import reach_between, reached_areas
from optimizer.area_reach import PROMISED_KM, promised_minutes
from optimizer.history_figures import Estimate
from optimizer.history_tables import area_table, response_curve, week_table
from optimizer.wording import Language

_CURVE_TO = 3.0
"""Response curves end at so many times the promise, on a whole hour."""

_CURVE_STEPS = 120


def report_html(comparison: Comparison, language: Language = "zh", frontier: Sequence[FrontierPoint] = ()) -> str:
    """The report as one page of HTML.

    Parameters
    ----------
    frontier
        Every efficient choice of sites, where one was computed (`points` of a siting-choice/1).
    """
    study, first = comparison.study, comparison.scenarios[0]
    promised, history = promised_minutes(first.situation.policy), comparison.study.history
    hours = max(1, round(_CURVE_TO * promised / 60))
    minutes = [60 * hours * step / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    zone = ZoneInfo(study.zone)
    area = first.situation.policy.service_area
    return study_page(
        StudyReport(
            study.name,
            f"{history.begins_at.astimezone(zone):%Y-%m-%d} – {history.ends_at.astimezone(zone):%Y-%m-%d}",
            len(history.tickets),
            len(history.areas),
            study.policy,
            comparison.policy,
            len(comparison.seeds),
            comparison.future,
            PROMISED_KM if area is None else area.km,
            promised,
            minutes,
            formula_sentence(comparison, language),
            [_facts(row, first, minutes, zone, language) for row in comparison.scenarios],
            frontier,
        ),
        language,
    )


def _facts(row: Compared, first: Compared, minutes: Sequence[float], zone: ZoneInfo, language: Language) -> ScenarioFacts:
    service, cost = row.figures.service["emergency"], row.figures.cost
    gained, lost = reach_between(first.situation, row.situation)
    asked, in_time = week_table(row.replays, "emergency", zone)
    return ScenarioFacts(
        row.scenario.name,
        row.scenario.note,
        "" if row is first else scenario_sentence(row, first, language),
        _interval(service.in_time) if service.tickets else None,
        _interval(row.in_time["emergency"]) if service.tickets else None,
        row.formula.in_time["emergency"],
        row.error_points("emergency"),
        gained.customers,
        lost.customers,
        service.median_minutes,
        service.nine_in_ten_minutes,
        cost.stations,
        cost.driving + cost.overtime,
        cost.failing,
        _areas(row, first),
        _stations(row, first),
        response_curve(row.replays, "emergency", minutes).tolist(),
        [[(int(a), int(b)) for a, b in zip(*day, strict=True)] for day in zip(asked, in_time, strict=True)],
    )


def _interval(estimate: Estimate) -> Interval:
    return Interval(estimate.value, estimate.half_width)


def _areas(row: Compared, first: Compared) -> list[AreaMark]:
    """Areas with their tickets; those that only this scenario has were not reached before."""
    before = dict(zip((area.id for area in first.situation.areas), reached_areas(first.situation), strict=True))
    areas = row.situation.areas
    weight = Counter(outcome.area for replay in row.replays for outcome in replay.outcomes)
    asked, in_time = area_table(row.replays, "emergency", [area.id for area in areas])
    return [
        AreaMark(area.name, area.lat, area.lon, weight[area.id], bool(before.get(area.id, False)), bool(now), int(a), int(b))
        for area, now, a, b in zip(areas, reached_areas(row.situation), asked, in_time, strict=True)
    ]


def _stations(row: Compared, first: Compared) -> list[StationMark]:
    """Stations that are open under the scenario, those that it closes where they were, and candidates that stay ones."""
    study, before = row.situation.study, first.situation.study
    found = []
    for station in study.stations:
        old = before.station_by_id.get(station.id)
        moved = old is not None and (old.lat, old.lon) != (station.lat, station.lon)
        use = row.figures.stations.get(station.id)
        load = use.use if use is not None and use.duty_hours else None
        found.append(StationMark(station.name, station.lat, station.lon, "open" if old is not None and not moved else "opened", load))
        if old is not None and moved:
            found.append(_gone(old))
    return found + [_gone(station) for station in before.stations if station.id not in study.station_by_id]


def _gone(station: StudyStation) -> StationMark:
    return StationMark(station.name, station.lat, station.lon, "closed")
