"""The report about scenarios for a board: one page, without a script, its maps and plots drawn as SVG in the page itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from maps.page import render_page
from maps.scenario_map import mark, scenario_map, share_map
from maps.study_facts import Interval, ScenarioFacts, StudyReport
from maps.study_plots import amount, frontier_plot, response_curves, week_heat
from maps.study_words import Language, said

MOST_MAPS = 8
"""Further scenarios have their rows in the tables and no map of their own."""

_DASH = "–"


def study_page(report: StudyReport, language: Language = "zh") -> str:
    """The page: sentences, the table of scenarios, maps of reach, response times, hours, areas, loads, frontier.

    It asks the network for nothing, runs no code, prints on A4 and fits a phone. Text from outside is escaped.
    """
    first, others = report.scenarios[0], report.scenarios[1:]
    any_emergency = any(row.in_time is not None for row in report.scenarios)
    return render_page(
        "study_report.html.jinja",
        styles=("service_report.css", "study_report.css"),
        scripts=(),
        language={"zh": "zh-CN", "en": "en"}[language],
        said=lambda key: said(key, language),
        title=said("title", language),
        study=report.study,
        facts=_facts(report, language),
        sentences=[row.sentence for row in others if row.sentence],
        formula=report.formula_sentence,
        rows=[_row(row, row is first, language) for row in report.scenarios],
        costs=[_costs(row, first, language) for row in report.scenarios],
        maps=[_map(row, row is first, language) for row in report.scenarios[: MOST_MAPS + 1]],
        marks={state: _key(state) for state in ("kept", "gained", "lost", "white")},
        any_emergency=any_emergency,
        curves=_markup(
            response_curves(
                report.minutes,
                [(_name(row, row is first, language), row.curve) for row in report.scenarios],
                report.promised_minutes,
                language,
            )
        ),
        lines=[(number % 6, _name(row, row is first, language)) for number, row in enumerate(report.scenarios)],
        weeks=_pictures(report, language) if any_emergency else [],
        loads=_loads(report.scenarios, language),
        names=[_name(row, row is first, language) for row in report.scenarios],
        frontier=_markup(frontier_plot(report.frontier, language)) if report.frontier else "",
    )


def _facts(report: StudyReport, language: Language) -> str:
    parts = [
        f"{said('history', language)} {report.period}",
        f"{report.areas:,} {said('areas', language)} · {report.tickets:,} {said('tickets', language)}",
        f"{said('policy', language)} {report.policy}",
        f"{said('replayed_by', language)} {report.dispatcher}",
    ]
    if report.replays > 1:
        parts.append(f"{report.replays} {said('futures' if report.futures else 'replays', language)}")
    return " · ".join(parts)


def _name(row: ScenarioFacts, is_first: bool, language: Language) -> str:
    return said("today", language) if is_first else row.name


def _row(row: ScenarioFacts, is_first: bool, language: Language) -> list[str]:
    """Of the table of service: name, replay, difference, formula, error, customers, times."""
    error = row.error_points
    return [
        _name(row, is_first, language),
        _DASH if row.in_time is None else _interval(row.in_time, "{:.1f} %"),
        _DASH if is_first or row.difference is None else _interval(row.difference, "{:+.1f}"),
        f"{100 * row.formula:.1f} %",
        _DASH if error is None else f"{error:+.1f}".replace("-", "−"),
        _DASH if is_first else _change(row.gained, row.lost),
        _span(row.median_minutes),
        _span(row.nine_in_ten_minutes),
    ]


def _interval(estimate: Interval, shown: str) -> str:
    half = "" if estimate.half_width is None else f" ± {100 * estimate.half_width:.1f}"
    return shown.format(100 * estimate.value).replace("-", "−") + half


def _change(gained: int, lost: int) -> str:
    return " ".join(text for text in (f"+{gained:,}" if gained else "", f"−{lost:,}" if lost else "") if text) or "0"


def _span(minutes: float | None) -> str:
    if minutes is None:
        return _DASH
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest:02}" if hours else f"{rest} min"


def _costs(row: ScenarioFacts, first: ScenarioFacts, language: Language) -> list[str]:
    """Of the table of costs: name, each kind, their sum, and how it differs."""
    parts = (row.stations_cost, row.running_cost, row.failing_cost, row.total_cost)
    more = row.total_cost - first.total_cost
    sign = "+" if more >= 0 else "−"
    change = _DASH if row is first else f"{sign}{amount(abs(more), language)}"
    return [_name(row, row is first, language), *(amount(part, language) for part in parts), change]


def _map(row: ScenarioFacts, is_first: bool, language: Language) -> tuple[str, str, Markup]:
    name = _name(row, is_first, language)
    return name, row.note, _markup(scenario_map(row.areas, row.stations, name, language))


def _pictures(report: StudyReport, language: Language) -> list[tuple[str, Markup, Markup]]:
    """Hours and areas of today and of the scenario with most emergencies in time, if that is another one."""
    first, *others = report.scenarios
    best = max(others, key=lambda row: row.in_time.value if row.in_time else 0.0, default=first)
    chosen = [first] if best is first else [first, best]
    found = []
    for row in chosen:
        name = _name(row, row is first, language)
        heat = week_heat(row.week, f"{said('hours', language)}: {name}", language)
        shares = share_map(row.areas, row.stations, f"{said('by_area', language)}: {name}", language)
        found.append((name, _markup(heat), _markup(shares)))
    return found


def _loads(scenarios: Sequence[ScenarioFacts], language: Language) -> list[tuple[str, list[tuple[str, int]]]]:
    """Each station with its load in each scenario and a level for its colour; a dash where it is not open."""
    names = list(dict.fromkeys(s.name for row in scenarios for s in row.stations if s.standing in ("open", "opened")))
    of = [{s.name: s.load for s in row.stations if s.standing in ("open", "opened")} for row in scenarios]
    return [(name, [_load(loads.get(name)) for loads in of]) for name in names]


def _load(load: float | None) -> tuple[str, int]:
    if load is None or not math.isfinite(load):
        return _DASH, -1
    return f"{load:.0%}", sum(load >= limit for limit in (0.15, 0.3, 0.5))


def _key(state: str) -> Markup:
    return Markup('<svg viewBox="0 0 16 16" aria-hidden="true"><path class="{}" d="{}"/></svg>').format(state, mark(state, 8, 8, 5))


def _markup(drawn: str) -> Markup:
    return Markup(drawn)  # noqa: S704  drawn by our own rooms, which escape what comes from outside
