"""Sensor readings as facts, and what can come of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Flaw = Literal["late", "future", "not a number", "absurd", "stuck"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sensor of a site measured, as it was sent. `at` is aware event time; the same `key` of the same series again is a double."""

    site: str
    sensor: str
    quantity: str
    value: float
    unit: str
    at: datetime
    key: str = ""
    product: str = ""

    @property
    def own_key(self) -> str:
        """The key; without one, a reading is known by its time and value."""
        return self.key or f"{self.at.astimezone(UTC).isoformat()} {self.value!r} {self.unit}"


@dataclass(frozen=True, slots=True)
class Flag:
    """A reading that is kept but was not believed, and why."""

    reading: Reading
    flaw: Flaw
    says: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reading that is not kept, by its place in what was sent (from 0), and why."""

    position: int
    says: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket to be opened: `at` is the reading that completed the rule's condition, `since` the first that met it."""

    ticket: str
    site: str
    rule: str
    sensor: str
    quantity: str
    product: str
    value: float
    at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """A ticket that a reading which came late shows to be opened for nothing: a person decides about it."""

    ticket: str
    site: str
    rule: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A sensor that is stuck or silent, told once."""

    site: str
    sensor: str
    quantity: str
    kind: Literal["stuck", "silent"]
    since: datetime


@dataclass(slots=True)
class Taken:
    """What came of some readings: all of them are either doubles, refused, or kept; of those kept some are flagged."""

    kept: list[Reading] = field(default_factory=list)
    doubles: int = 0
    flags: list[Flag] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
