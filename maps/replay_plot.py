"""Policies compared on replayed days, as one SVG picture without scripts, fonts or anything else to load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, PANEL, ROW, LEFT = 900, 300, 44, 130
COLOURS = ("#8a8f98", "#d08a2e", "#1f6f8b", "#6b4c9a")


def comparison_svg(title: str, series: Mapping[str, Sequence[tuple[int, float, float]]]) -> str:
    """Two panels, cost and emergencies in time: a dot for each day, a bar up to the mean.

    Parameters
    ----------
    series
        By policy: (seed, cost, percent of emergencies in time) of each day.
    """
    height = 90 + ROW * len(series) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/><text x="16" y="28" font-size="17">{escape(title)}: policies on the same '
        "days</text>",
    ]
    costs = {policy: [cost for _, cost, _ in days] for policy, days in series.items()}
    shares = {policy: [share for _, _, share in days] for policy, days in series.items()}
    most = max((cost for days in costs.values() for cost in days), default=0.0) or 1.0
    parts += _panel(LEFT, "cost", costs, most, "{:,.0f}")
    parts += _panel(LEFT + PANEL + 130, "emergencies in time, %", shares, 100.0, "{:.1f}")
    for row, policy in enumerate(series):
        parts.append(f'<text x="{LEFT - 12}" y="{90 + ROW * row + 5}" text-anchor="end">{escape(policy)}</text>')
    parts.append(f'<text x="16" y="{height - 12}" fill="#666">bars: mean; dots: one replayed day each</text></svg>')
    return "\n".join(parts) + "\n"


def _panel(left: float, title: str, values: Mapping[str, Sequence[float]], most: float, shown: str) -> list[str]:
    parts = [f'<text x="{left}" y="58" fill="#666">{escape(title)}</text>']
    for row, days in enumerate(values.values()):
        y, mean, colour = 90 + ROW * row, sum(days) / max(len(days), 1), COLOURS[row % len(COLOURS)]
        wide = PANEL * mean / most
        parts.append(f'<rect x="{left}" y="{y - 13}" width="{wide:.1f}" height="26" fill="{colour}" fill-opacity="0.45"/>')
        parts += [f'<circle cx="{left + PANEL * day / most:.1f}" cy="{y}" r="4" fill="{colour}"/>' for day in days]
        parts.append(f'<text x="{left + max(wide, PANEL * max(days, default=0) / most) + 10:.1f}" y="{y + 5}">{shown.format(mean)}</text>')
    return parts
