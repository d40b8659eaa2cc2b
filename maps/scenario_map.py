"""Whom a scenario reaches, as SVG: reach now and then, gained and lost, white spots, the load of stations; and shares in time by area."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from maps.flat_map import WIDTH, Frame, frame_of, ground
from maps.study_facts import AreaMark, StationMark
from maps.study_words import Language, said

_ORDER = ("white", "kept", "lost", "gained")  # what matters most is drawn last
_LABEL = 16.0


def scenario_map(areas: Sequence[AreaMark], stations: Sequence[StationMark], title: str, language: Language = "zh") -> str:
    """A map of reach: each area by what becomes of it, in its own shape, as large as its tickets; stations with their load.

    Raises
    ------
    ValueError
        There is neither an area nor a station.
    """
    frame = _frame(areas, stations)
    most = max((area.weight for area in areas), default=1.0)
    parts = []
    for state in _ORDER:
        parts += [_area(frame, area, state, most, language) for area in areas if state_of(area) == state]
    return _drawn(frame, [*parts, *_stations(frame, stations, language), *_out_of_sight(frame, areas, language)], title)


def share_map(areas: Sequence[AreaMark], stations: Sequence[StationMark], title: str, language: Language = "zh") -> str:
    """A map of emergencies in time: each area with any in the colour of its share, as large as they are many. Raises as `scenario_map`."""
    frame = _frame(areas, stations)
    asked = sorted((area for area in areas if area.asked), key=lambda area: -area.asked)
    most = max((area.asked for area in asked), default=1)
    parts = []
    for area in asked:
        x, y = frame.at(area.lat, area.lon)
        share = area.in_time / area.asked
        tip = f"{area.name}: {area.in_time:,}/{area.asked:,} {said('in_time', language)} ({share:.0%})"
        where = f'cx="{x:.1f}" cy="{y:.1f}" r="{_size(area.asked, most):.1f}"'
        parts.append(f'<circle class="{colour_of(share)}" {where}><title>{escape(tip)}</title></circle>')
    named = _stations(frame, stations, language, with_load=False)
    return _drawn(frame, [*parts, *named, *_out_of_sight(frame, asked, language)], title)


def state_of(area: AreaMark) -> str:
    """What becomes of an area: "kept", "gained", "lost", or "white", reached neither now nor then."""
    return {(True, True): "kept", (False, True): "gained", (True, False): "lost", (False, False): "white"}[area.before, area.after]


def colour_of(share: float) -> str:
    """The class of a share, `share-0` below one fifth to `share-4` from four fifths on."""
    return f"share-{min(4, max(0, math.floor(5 * share + 1e-9)))}"


def _frame(areas: Sequence[AreaMark], stations: Sequence[StationMark]) -> Frame:
    shown = [station for station in stations if station.standing != "candidate"]
    places = [(area.lat, area.lon, max(area.weight, 1e-9)) for area in areas]
    return frame_of(places, [(station.lat, station.lon) for station in shown or stations])


def _drawn(frame: Frame, parts: Sequence[str], title: str) -> str:
    label = escape(title)
    inside = "".join((*ground(frame), *parts))
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH:g} {frame.height:.0f}" role="img" aria-label="{label}"><title>{label}</title>{inside}</svg>'
    )


def _out_of_sight(frame: Frame, areas: Sequence[AreaMark], language: Language) -> Iterator[str]:
    count = sum(not frame.shows(area.lat, area.lon) for area in areas)
    if count:
        text = escape(f"{count:,} {said('out_of_sight', language)}")
        yield f'<text class="degree" x="{WIDTH - 6:g}" y="15" text-anchor="end">{text}</text>'


def _size(weight: float, most: float) -> float:
    """Radius of a mark: its area grows with the weight, and none is too small to be seen."""
    return 3.0 + 8.0 * math.sqrt(max(weight, 0.0) / most) if most > 0 else 3.0


def _area(frame: Frame, area: AreaMark, state: str, most: float, language: Language) -> str:
    x, y = frame.at(area.lat, area.lon)
    r = _size(area.weight, most)
    tip = escape(f"{area.name}: {said(state, language)}, {area.weight:,.0f} {said('tickets', language)}")
    return f'<path class="{state}" d="{mark(state, x, y, r)}"><title>{tip}</title></path>'


def mark(state: str, x: float, y: float, r: float) -> str:
    """The path of a mark, each state in a shape of its own."""
    if state == "gained":
        return f"M{x:.1f} {y - 1.3 * r:.1f}L{x + 1.3 * r:.1f} {y:.1f}L{x:.1f} {y + 1.3 * r:.1f}L{x - 1.3 * r:.1f} {y:.1f}Z"
    if state == "lost":
        return f"M{x - r:.1f} {y - r:.1f}L{x + r:.1f} {y + r:.1f}M{x - r:.1f} {y + r:.1f}L{x + r:.1f} {y - r:.1f}"
    return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0Z"


def _stations(frame: Frame, stations: Sequence[StationMark], language: Language, *, with_load: bool = True) -> Iterator[str]:
    """Squares with names; names that would lie on another one are left to the tips."""
    taken: list[tuple[float, float, float, float]] = []
    places = [(station, *frame.at(station.lat, station.lon)) for station in stations if station.standing != "candidate"]
    # Whatever a scenario changes keeps its name before all others.
    for station, x, y in sorted(places, key=lambda place: place[0].standing == "open"):
        r = 6.5 if station.standing == "open" else 8.0
        load = "" if station.load is None or not with_load else f" {station.load:.0%}"
        busy = f", {said('load', language)}{load}" if load else ""
        tip = escape(f"{station.name}: {said(station.standing, language)}{busy}")
        where = f'x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:g}" height="{2 * r:g}"'
        yield f'<rect class="{station.standing}" {where}><title>{tip}</title></rect>'
        if station.standing == "closed":
            yield f'<path class="cross" d="{mark("lost", x, y, r)}"/>'
        text = f"{_short(station.name)}{load}"
        wide = sum(_LABEL if ord(char) > 0x2E80 else 0.58 * _LABEL for char in text)
        for left, up in ((x + r + 3, y + 5), (x - r - 3 - wide, y + 5), (x - wide / 2, y - r - 4), (x - wide / 2, y + r + 15)):
            box = (left, up - _LABEL, left + wide, up + 2)
            if left >= 0 and left + wide <= WIDTH and all(_apart(box, other) for other in taken):
                taken.append(box)
                yield f'<text class="name" x="{left:.1f}" y="{up:.1f}">{escape(text)}</text>'
                break


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _apart(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
