"""Reading what OSRM's table service answers, the same over HTTP and embedded: trust nothing, then judge the snapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_models.datum import Point
from data_models.travel.provider import FloatMatrix, label, listed

_NUMBERS = {int, float}
_MOST = 1e8
"""Three years in seconds, 100,000 km in metres: what is more is no drive."""

_NEIGHBOURS_M = 1000.0


@dataclass(frozen=True, eq=False)
class RoadTable:
    """One answer. `seconds` and `metres` are `(n_from, n_to)`, infinite where no road joins the pair; `snap_from_m` `(n_from,)` and
    `snap_to_m` `(n_to,)` say how far each place is from the road that it was moved to."""

    seconds: FloatMatrix
    metres: FloatMatrix
    snap_from_m: FloatMatrix
    snap_to_m: FloatMatrix


def read_table(answer: Any, n_from: int, n_to: int) -> RoadTable:
    """The table in a decoded answer. Raises `ValueError` with what is wrong with it."""
    if not isinstance(answer, Mapping):
        raise ValueError("the answer is not a JSON object")
    seconds = _grid(answer, "durations", n_from, n_to)
    # OSRM gives small negative distances between neighbours on one road (osrm-backend issue 5306), seen here as -0.3 m.
    metres = np.maximum(_grid(answer, "distances", n_from, n_to, least=-_NEIGHBOURS_M), 0.0)
    unreachable = np.isnan(seconds) | np.isnan(metres)
    # Up to whole seconds: a drive must never be planned shorter than it takes.
    np.ceil(seconds, out=seconds)
    seconds[unreachable] = np.inf
    metres[unreachable] = np.inf
    return RoadTable(seconds, metres, _snaps(answer, "sources", n_from), _snaps(answer, "destinations", n_to))


def strand(table: RoadTable, origins: Sequence[Point], destinations: Sequence[Point], snap_limit_m: float) -> tuple[str, ...]:
    """Make each place farther than `snap_limit_m` from any road unreachable, in place; gives the note on them.

    OSRM moves a place to the nearest road however far that is, and answers for that road: a customer outside the road data
    would seem to live at its border.
    """
    far_from, far_to = table.snap_from_m > snap_limit_m, table.snap_to_m > snap_limit_m
    for grid in (table.seconds, table.metres):
        grid[far_from, :] = np.inf
        grid[:, far_to] = np.inf
    far = _named(origins, far_from, table.snap_from_m) | _named(destinations, far_to, table.snap_to_m)
    if not far:
        return ()
    names = [f"{name} ({metres / 1000:.1f} km off)" for name, metres in far.items()]
    return (f"Unreachable, more than {snap_limit_m:,.0f} m from any road in the road data: {listed(names)}",)


def _named(places: Sequence[Point], chosen: NDArray[np.bool_], snap_m: FloatMatrix) -> dict[str, float]:
    return {label(places[index]): float(snap_m[index]) for index in np.flatnonzero(chosen).tolist()}


def _grid(answer: Mapping[str, Any], name: str, n_from: int, n_to: int, least: float = 0.0) -> FloatMatrix:
    """`(n_from, n_to) float64`, not a number where the answer has null."""
    rows = answer.get(name)
    if not isinstance(rows, list) or len(rows) != n_from or not all(isinstance(row, list) and len(row) == n_to for row in rows):
        raise ValueError(f"{name} is not a table of {n_from} × {n_to}")
    if not all(set(map(type, row)) <= _NUMBERS | {type(None)} for row in rows):
        raise ValueError(f"{name} holds something that is neither a number nor null")
    try:
        grid = np.array(rows, dtype=np.float64)
    except OverflowError as error:
        raise ValueError(f"{name} holds a number that is no travel") from error
    if not np.all(np.isnan(grid) | ((grid >= least) & (grid <= _MOST))):
        raise ValueError(f"{name} holds a number that is no travel")
    return grid


def _snaps(answer: Mapping[str, Any], name: str, n: int) -> FloatMatrix:
    waypoints = answer.get(name)
    if not isinstance(waypoints, list) or len(waypoints) != n:
        raise ValueError(f"{name} is not a list of {n} places")
    metres = [waypoint.get("distance") if isinstance(waypoint, dict) else None for waypoint in waypoints]
    if not all(isinstance(value, int | float) and 0 <= value < _MOST for value in metres):
        raise ValueError(f"{name} does not say how far each place is from its road")
    return np.array(metres, dtype=np.float64)
