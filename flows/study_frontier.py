"""The frontier of a siting choice, to be drawn in the report of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_models.errors import BadInput
from data_models.json_files import load_json, read_bytes
from data_models.reading import Problems, read_fact, shown
from maps.study_facts import FrontierPoint


@dataclass(frozen=True)
class _Point:
    yearly_cost: float
    covered: float
    open: tuple[str, ...]


def frontier_points(path: Path) -> tuple[FrontierPoint, ...]:
    """The points of a siting-choice/1 file.

    Raises
    ------
    BadInput
        It is no siting choice, or one without points: those of the model `frontier` have them.
    """
    problems = Problems()
    value = load_json(read_bytes(path), problems)
    problems.raise_any()
    if not isinstance(value, dict) or value.get("format") != "siting-choice/1":
        given = value.get("format") if isinstance(value, dict) else value
        raise BadInput(f'{path}: format is {shown(given)}; give a "siting-choice/1", as `twohour locate` writes it')
    points = value.get("points")
    if not isinstance(points, list) or not points:
        raise BadInput(f"{path}: has no points; give a choice of the model frontier")
    found = [read_fact(_Point, point, problems) for point in points]
    problems.raise_any()
    return tuple(FrontierPoint(point.yearly_cost, point.covered, point.open) for point in found)
