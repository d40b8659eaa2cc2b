"""Days on a line, small enough to know by heart."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_models.case import Break, Case, Commitment, OutAt, Rates, Shift, Station, Technician, Ticket, TimeWindow, TravelMatrix

SHARED = Path(__file__).parents[3] / "shared"
EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)


class LineDay:
    """A case on a straight road: positions in minutes of driving, 1 km a minute; times in minutes after 08:00, which is now.

    Driving costs 60 an hour (1 a minute), an hour late 60 (1 a minute), overtime 120 an hour (2 a minute); missing costs 100,
    skipping 1000, another technician than promised 50. All ids are letters and numbers as given.
    """

    def __init__(self) -> None:
        self.stations: list[Station] = []
        self.technicians: list[Technician] = []
        self.tickets: list[Ticket] = []
        self.committed: list[Commitment] = []
        self.positions: list[float] = []

    @staticmethod
    def at(minutes: float) -> datetime:
        return EIGHT + timedelta(minutes=minutes)

    def place(self, position: float) -> int:
        self.positions.append(position)
        return len(self.positions) - 1

    def station(self, name: str, position: float = 0, **kits: int) -> None:
        self.stations.append(Station(name, name, 0.0, 0.0, kits, self.place(position)))

    def technician(self, name, station="S", *, shifts=((0, 480),), overtime=0, breaks=(), skills=None, out=None, capacity=None) -> None:
        rests = tuple(Break(self.at(a), self.at(b), m) for a, b, m in breaks)
        spells = tuple(Shift(self.at(a), self.at(b), overtime, rests) for a, b in shifts)
        start = None if out is None else OutAt(0.0, 0.0, self.at(out[1]), tuple(out[2]), self.place(out[0]))
        self.technicians.append(Technician(name, name, station, skills or {}, spells, capacity, start))

    def ticket(self, name, position, *, due=480, service=30, opened=0, windows=(), **more) -> None:
        spells = tuple(TimeWindow(self.at(a), self.at(b)) for a, b in windows)
        facts = {"miss_cost": 100.0, "late_cost_per_hour": 60.0, "skip_cost": 1000.0} | more
        self.tickets.append(
            Ticket(
                name, 0.0, 0.0, "general", "C", self.at(opened), self.at(due), service, windows=spells, place=self.place(position), **facts
            )
        )

    def commit(self, ticket: str, *technicians: str, locked: bool = False) -> None:
        self.committed.append(Commitment(ticket, technicians, locked))

    def case(self) -> Case:
        minutes = [[abs(a - b) for b in self.positions] for a in self.positions]
        seconds = tuple(tuple(60.0 * m for m in row) for row in minutes)
        metres = tuple(tuple(1000.0 * m for m in row) for row in minutes)
        return Case(
            "line day", EIGHT, TravelMatrix("matrix", seconds, metres), tuple(self.stations), tuple(self.technicians), tuple(self.tickets),
            Rates(60.0, 0.0, 120.0, 50.0), tuple(self.committed),
        )  # fmt: skip


@pytest.fixture
def line_day() -> LineDay:
    """An empty day on a line; its methods add to it."""
    return LineDay()


@pytest.fixture
def two_people(line_day):
    """Station at 0, Li and Wang from 08:00 to 16:00."""
    line_day.station("S")
    line_day.technician("Li")
    line_day.technician("Wang")
    return line_day


@pytest.fixture(scope="module")
def judge():
    """The stand-alone judge of plans."""
    path = SHARED / "tools" / "score_plan.py"
    if not path.exists():
        pytest.skip(f"{path} is absent: it judges plans in these tests")
    spec = importlib.util.spec_from_file_location("score_plan", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judge
