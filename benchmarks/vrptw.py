"""Solomon and Gehring-Homberger instances (VRPTW) as dispatch cases, and plans back as routes with their gap to the best known.

Distances follow the DIMACS convention of the best-known solutions: Euclidean, truncated to one decimal. A unit of distance or time is a
minute, so that a tenth is six whole seconds and nothing is rounded: windows and service are whole minutes, driving costs 60 an hour,
that is the distance, and nothing else costs anything but leaving a customer out. Vehicles are technicians with one shift as long as the
depot is open, customers tickets whose access window is hard and whose `due` never passes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_models.case import Case, Rates, Shift, Station, Technician, Ticket, TimeWindow, TravelMatrix
from data_models.plan import Plan

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SKIP_COST = 1e6  # more than any tour of these instances costs


@dataclass(frozen=True)
class Instance:
    """One instance; index 0 is the depot. Times and distances in the instance's own units.

    Attributes
    ----------
    places
        (x, y) of depot and customers; so read `demand`, `opens`, `closes`, `service` too.
    vehicles, capacity
        How many, and what each holds.
    """

    name: str
    vehicles: int
    capacity: int
    places: tuple[tuple[int, int], ...]
    demand: tuple[int, ...]
    opens: tuple[int, ...]
    closes: tuple[int, ...]
    service: tuple[int, ...]

    def tenths(self) -> NDArray[np.int64]:
        """Distances in tenths of a unit, truncated: (n_places, n_places)."""
        xy = np.array(self.places, np.int64)
        squared = ((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2)
        # Exact: the square root of a whole number times 100, rounded down, has no floating-point error in it.
        unique, where = np.unique(squared, return_inverse=True)
        return np.array([math.isqrt(100 * int(each)) for each in unique], np.int64)[where.reshape(squared.shape)]


def read_instance(path: Path) -> Instance:
    """An instance from a Solomon `.txt` or a VRPLIB `.vrp` file."""
    text = path.read_text(encoding="utf-8")
    return _solomon(path.stem, text) if path.suffix == ".txt" else _vrplib(path.stem, text)


def _solomon(name: str, text: str) -> Instance:
    rows = [[int(word) for word in line.split()] for line in text.splitlines() if re.fullmatch(r"[\s\d]+", line) and line.strip()]
    (vehicles, capacity), *places = rows
    _, x, y, demand, opens, closes, service = zip(*places, strict=True)
    return Instance(name, vehicles, capacity, tuple(zip(x, y, strict=True)), demand, opens, closes, service)


def _vrplib(name: str, text: str) -> Instance:
    facts = dict(re.findall(r"^(\w+)\s*:\s*(\S+)", text, re.MULTILINE))

    def section(title: str) -> list[tuple[int, ...]]:
        block = text.split(f"{title}_SECTION", 1)[1]
        lines = (re.fullmatch(r"\s*\d+((\s+-?\d+)+)\s*", line) for line in block.splitlines()[1:])
        rows = []
        for match in lines:
            if match is None:
                break
            rows.append(tuple(int(word) for word in match.group(1).split()))
        return rows

    places, demand, windows = section("NODE_COORD"), section("DEMAND"), section("TIME_WINDOW")
    service = int(facts["SERVICE_TIME"])
    return Instance(
        name,
        int(facts["VEHICLES"]),
        int(facts["CAPACITY"]),
        tuple((x, y) for x, y in places),
        tuple(row[0] for row in demand),
        tuple(row[0] for row in windows),
        tuple(row[1] for row in windows),
        (0, *([service] * (len(places) - 1))),
    )


def read_best_known(path: Path) -> tuple[list[list[int]], float]:
    """Routes of customer numbers, and the cost that a `.sol` file states."""
    text = path.read_text(encoding="utf-8")
    routes = [[int(word) for word in line.split()] for line in re.findall(r"^Route #\d+:(.*)$", text, re.MULTILINE)]
    return routes, float(re.findall(r"^Cost\s+([\d.]+)", text, re.MULTILINE)[0])


def case_of(instance: Instance) -> Case:
    """The instance as a dispatch case."""
    closing = _moment(instance.closes[0])
    seconds = tuple(tuple(float(6 * tenth) for tenth in row) for row in instance.tenths().tolist())
    shift = Shift(NOW, closing)
    people = tuple(
        Technician(f"V{number:03}", f"vehicle {number}", "depot", {}, (shift,), float(instance.capacity))
        for number in range(instance.vehicles)
    )
    tickets = tuple(
        Ticket(
            id=f"C{i:04}",
            lat=0.0,
            lon=0.0,
            severity="general",
            tier="C",
            opened_at=NOW,
            due=closing,
            service_minutes=float(instance.service[i]),
            miss_cost=0.0,
            late_cost_per_hour=0.0,
            skip_cost=SKIP_COST,
            load=float(instance.demand[i]),
            windows=(TimeWindow(_moment(instance.opens[i]), _moment(instance.closes[i])),),
            place=i,
        )
        for i in range(1, len(instance.places))
    )
    travel = TravelMatrix("matrix", seconds, seconds)
    return Case(instance.name, NOW, travel, (Station("depot", "depot", 0.0, 0.0, place=0),), people, tickets, Rates(drive_per_hour=60))


def _moment(units: int) -> datetime:
    return NOW + timedelta(minutes=units)


def routes_of(plan: Plan) -> list[list[int]]:
    """Customer numbers of a plan's routes."""
    return [[int(stop.ticket[1:]) for stop in route.stops] for route in plan.routes if route.stops]


def cost_of(instance: Instance, routes: list[list[int]]) -> float:
    """The distance of routes, checked independently of the optimizer.

    Raises
    ------
    ValueError
        A route is too long, too late or overloaded, there are too many of them, or a customer is not visited exactly once.
    """
    tenths, total = instance.tenths().tolist(), 0
    visited = sorted(customer for route in routes for customer in route)
    if visited != list(range(1, len(instance.places))):
        raise ValueError(f"{instance.name}: every customer must be visited once, {len(visited)} visits to {len(set(visited))} are planned")
    if len(routes) > instance.vehicles:
        raise ValueError(f"{instance.name}: {len(routes)} routes, {instance.vehicles} vehicles")
    for route in routes:
        at, clock = 0, 0
        if sum(instance.demand[customer] for customer in route) > instance.capacity:
            raise ValueError(f"{instance.name}: the route {route} is overloaded")
        for customer in [*route, 0]:
            total += tenths[at][customer]
            clock = max(clock + 10 * instance.service[at] + tenths[at][customer], 10 * instance.opens[customer])
            if clock > 10 * instance.closes[customer]:
                raise ValueError(f"{instance.name}: the route {route} reaches {customer} too late")
            at = customer
    return total / 10
