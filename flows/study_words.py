"""Comparisons of scenarios in sentences."""

from __future__ import annotations

from data_models.study import OpenStation, StudyStation
from flows.studio import Compared, Comparison
from optimizer.advice import reach_between
from optimizer.advice_words import formula_said, scenario_said
from optimizer.area_reach import promised_minutes
from optimizer.wording import Language, told


def scenario_sentence(row: Compared, first: Compared, language: Language = "en") -> str:
    """What a scenario brings beside the first: whom it reaches, what it costs, what the replay gave and the formula promised."""
    gained, lost = reach_between(first.situation, row.situation)
    shares = (first.figures.service["emergency"].in_time.value, row.figures.service["emergency"].in_time.value)
    site = _only_site(row)
    said = scenario_said(
        row.scenario.name if site is None else site.name,
        gained.customers,
        lost.customers,
        promised_minutes(row.situation.policy),
        row.figures.cost.stations - first.figures.cost.stations,
        shares,
        row.in_time["emergency"],
        row.formula.in_time["emergency"],
        is_site=site is not None,
    )
    return told(said, {}, row.replays[0].begins_at, language)


def formula_sentence(comparison: Comparison, language: Language = "en") -> str:
    """How far the formula is from the replay, over all scenarios."""
    errors: dict[str, tuple[float, float | None]] = {}
    for row in comparison.scenarios:
        error, half_width = row.error_points("emergency"), row.figures.service["emergency"].in_time.half_width
        if error is not None:
            errors[row.scenario.name] = error, None if half_width is None else 100 * half_width
    return told(formula_said(errors), {}, comparison.study.history.begins_at, language)


def _only_site(row: Compared) -> StudyStation | None:
    """The station that a scenario opens, where that is all that it does."""
    first, *others = row.scenario.changes or (None,)
    if others or not isinstance(first, OpenStation):
        return None
    return row.situation.study.station_by_id[first.station if first.new is None else first.new.id]
