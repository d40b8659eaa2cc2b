"""Plots of a study as SVG: response times, emergencies by hour of the week, and the frontier of coverage against cost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from maps.scenario_map import colour_of
from maps.study_facts import FrontierPoint
from maps.study_words import WEEKDAYS, Language, said

_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 16.0, 14.0, 40.0
_WIDTH, _HEIGHT = 720.0, 320.0
_CELL = 27.5


def response_curves(
    minutes: Sequence[float], curves: Sequence[tuple[str, Sequence[float]]], promised: float, language: Language = "zh"
) -> str:
    """Share of the emergencies at which work had begun within t, a line for each scenario, with the promise as an upright line.

    Parameters
    ----------
    minutes
        Where curves are read, growing.
    curves
        Name and shares of each, the first drawn broader.
    """
    last = minutes[-1]

    def at(minute: float, share: float) -> tuple[float, float]:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * minute / last, _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)

    parts = [_across(at(0, share)[1], f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)]
    step = 60 if last <= 12 * 60 else 240
    parts += [_below(at(minute, 0)[0], f"{minute // 60} h") for minute in range(0, int(last) + 1, step)]
    x, _ = at(min(promised, last), 0)
    parts.append(f'<line class="promise" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
    parts.append(f'<text x="{x + 4:.1f}" y="{_TOP + 11}">{escape(said("promise", language))}</text>')
    for number, (name, shares) in reversed(list(enumerate(curves))):
        points = " ".join("{:.1f},{:.1f}".format(*at(minute, share)) for minute, share in zip(minutes, shares, strict=True))
        parts.append(f'<polyline class="line line-{number % 6}" points="{points}"><title>{escape(name)}</title></polyline>')
    return _plot(_HEIGHT, parts, said("curves", language))


def week_heat(week: Sequence[Sequence[tuple[int, int]]], title: str, language: Language = "zh") -> str:
    """Emergencies in time by weekday and hour: the colour is the share, the number how many there were; empty cells had none."""
    parts = [f'<text x="{_LEFT + _CELL * (hour + 0.5):.1f}" y="11" text-anchor="middle">{hour}</text>' for hour in range(0, 24, 3)]
    for day, hours in enumerate(week):
        y = 18 + _CELL * day
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 18:.1f}" text-anchor="end">{WEEKDAYS[day].of(language)}</text>')
        for hour, (asked, in_time) in enumerate(hours):
            x = _LEFT + _CELL * hour
            look = colour_of(in_time / asked) if asked else "empty"
            tip = f"{WEEKDAYS[day].of(language)} {hour:02}:00: {in_time:,}/{asked:,} {said('in_time', language)}"
            where = f'x="{x:.1f}" y="{y:.1f}" width="{_CELL - 1.5}" height="{_CELL - 1.5}"'
            parts.append(f'<rect class="{look}" {where}><title>{escape(tip)}</title></rect>')
            if asked:
                ink = " dark" if look in ("share-0", "share-4") else ""
                parts.append(
                    f'<text class="count{ink}" x="{x + _CELL / 2 - 0.7:.1f}" y="{y + 17.5:.1f}" text-anchor="middle">{asked}</text>'
                )
    return _plot(24 + 7 * _CELL, parts, title)


def frontier_plot(points: Sequence[FrontierPoint], language: Language = "zh") -> str:
    """What is covered against what it costs a year: each point is a choice that none beats at its cost. Raises `ValueError` without one."""
    if not points:
        raise ValueError("a frontier of no points")
    ordered = sorted(points, key=lambda point: point.yearly_cost)
    most_cost, most = max(point.yearly_cost for point in ordered) or 1.0, max(point.covered for point in ordered) or 1.0

    def at(point: FrontierPoint) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT - 10) * point.yearly_cost / most_cost
        return x, _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - point.covered / most)

    corner = at(FrontierPoint(0.0, 0.0, ()))
    parts = [_across(at(FrontierPoint(0, most * share, ()))[1], f"{most * share:,.0f}") for share in (0, 0.25, 0.5, 0.75, 1)]
    parts += [
        _below(at(FrontierPoint(most_cost * share, 0, ()))[0], amount(most_cost * share, language)) for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    # A choice holds until the next one can be paid: steps, not a slope.
    path = f"M{corner[0]:.1f} {corner[1]:.1f}" + "".join("H{:.1f}V{:.1f}".format(*at(point)) for point in ordered)
    parts.append(f'<path class="line line-0" d="{path}"/>')
    for point in ordered:
        x, y = at(point)
        tip = f"{amount(point.yearly_cost, language)}: {point.covered:,.0f} {said('covered', language)}; {', '.join(point.open)}"
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(tip)}</title></circle>')
    return _plot(_HEIGHT, parts, said("frontier", language))


def amount(value: float, language: Language) -> str:
    """Money in millions, in Chinese in ten thousands."""
    return f"{value / 1e4:,.0f} 万" if language == "zh" else f"{value / 1e6:,.2f} M"


def _across(y: float, text: str) -> str:
    return (
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    )


def _below(x: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="middle">{escape(text)}</text>'


def _plot(height: float, parts: Sequence[str], title: str) -> str:
    label = escape(title)
    return f'<svg class="plot" viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
