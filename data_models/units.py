"""Units of sensor readings: what converts to what, and what a quantity can physically be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit: ``(value + shift) × times / over`` is the value in the base unit of its dimension."""

    dimension: str
    times: float = 1.0
    over: float = 1.0
    shift: float = 0.0


# Powers of ten are divided by, not multiplied with their inverse: 5,000 ppm is then exactly 0.5 %, and a limit is met exactly.
_UNITS = {
    "%": Unit("share"),
    "‰": Unit("share", over=10),
    "ppm": Unit("share", over=10_000),
    "ppb": Unit("share", over=10_000_000),
    "MPa": Unit("pressure"),
    "kPa": Unit("pressure", over=1_000),
    "hPa": Unit("pressure", over=10_000),
    "Pa": Unit("pressure", over=1_000_000),
    "bar": Unit("pressure", over=10),
    "mbar": Unit("pressure", over=10_000),
    "°C": Unit("temperature"),
    "℃": Unit("temperature"),
    "K": Unit("temperature", shift=-273.15),
    "°F": Unit("temperature", times=5, over=9, shift=-32),
    "m": Unit("length"),
    "cm": Unit("length", over=100),
    "mm": Unit("length", over=1_000),
}

BASE = {"share": "%", "pressure": "MPa", "temperature": "°C", "length": "m"}
"""The unit in which values of a dimension are compared."""

_POSSIBLE: dict[str, dict[str, tuple[float, float]]] = {
    "level": {"share": (0, 100), "length": (0, 100)},
    "pressure": {"pressure": (-0.101325, 200)},
    "temperature": {"temperature": (-273.15, 2_000)},
    "concentration": {"share": (0, 100)},
    "moisture": {"share": (0, 100)},
}


def unit_named(name: str) -> Unit:
    """The unit of that name. One that is not in the table is a dimension of its own and converts to itself only."""
    return _UNITS.get(name) or Unit(f"unit {name}")


def in_base(value: float, unit: Unit) -> float:
    """A value in the base unit of its dimension."""
    return (value + unit.shift) * unit.times / unit.over


def misfit(quantity: str, unit: str) -> str:
    """Why a quantity cannot be measured in a unit, with what can; empty when it can, and for quantities of a company's own."""
    if quantity not in _POSSIBLE or unit_named(unit).dimension in _POSSIBLE[quantity]:
        return ""
    fit = ", ".join(name for name, known in _UNITS.items() if known.dimension in _POSSIBLE[quantity])
    return f'{quantity} is not measured in "{unit}"; use one of {fit}'


def possible(quantity: str, dimension: str) -> tuple[float, float] | None:
    """The range in base units outside which a reading of a quantity cannot be true; None where none is known."""
    return _POSSIBLE.get(quantity, {}).get(dimension)
