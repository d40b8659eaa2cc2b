"""Where and when a plan leaves people free, and how many of them could answer each area at a moment: what `readiness` counts.

Times are seconds since the epoch, drives seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_models.case import Case, TravelMatrix, current_shift
from data_models.errors import BadInput
from data_models.expected import ExpectedEmergencies
from data_models.plan import Plan
from optimizer.day import read_day
from optimizer.legs import Legs, legs_of
from optimizer.trips import Duty, Trip, drive, duties

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stand:
    """One spell of somebody being free, from `ready` until `until`, at a node.

    `left` is set on a way home: turning back at t takes t - left. `carried` is None at the home station, whose kits can be taken.
    """

    person: int
    node: int
    ready: float
    until: float
    latest: float
    carried: frozenset[str] | None
    left: float | None = None


@dataclass(frozen=True, eq=False)
class Stock:
    """A kit type: how many each station owns, and when any is lent and given back, sorted, as station × `_APART` + moment."""

    owned: Ints  # (n_stations,)
    lent: Floats
    back: Floats


_APART = 1e11
"""Seconds: more than any moment, and its multiples still leave milliseconds to a float."""


@dataclass(frozen=True, eq=False)
class World:
    """A case and a plan in numbers: P people sorted by station, S stands sorted by person, A areas, N nodes, C kinds of needs."""

    people: tuple[str, ...]
    home: Ints  # (P,) station
    stands: tuple[Stand, ...]
    person: Ints  # (S,)
    node: Ints
    ready: Floats
    until: Floats
    latest: Floats
    left: Floats  # nan where not on the way home
    at_home: Bools
    drive_s: Floats  # (N, A)
    needs: tuple[tuple[frozenset[tuple[str, int]], frozenset[str]], ...]  # (C,)
    kind: Ints  # (A,)
    skilled: Bools  # (P, C)
    equipped: Bools  # (S, C): what is carried is enough
    stock: Mapping[str, Stock]  # by kit
    promise_s: float
    legs: Legs
    first_area: int


def world_of(case: Case, plan: Plan, expected: ExpectedEmergencies, promise_minutes: float) -> World:
    """The numbers of a case, a plan and areas. Raises `BadInput` when an area has no place in the travel matrix."""
    nodes = _nodes(case)
    areas = [each.area for each in expected.areas]
    if isinstance(case.travel, TravelMatrix):
        for area in areas:
            if area.place is None or not 0 <= area.place < len(case.travel.seconds):
                raise BadInput(f"Area {area.id}: place is {area.place}; give its row in the travel matrix of the case")
    legs = legs_of(case.travel, case.rates, [*nodes, *((a.lat, a.lon, a.place) for a in areas)])
    first = len(nodes)
    drive_s = legs.between(slice(None), np.arange(first, first + len(areas)))[0].astype(float)
    stands = tuple(stands_of(case, plan))
    needs_of = [(frozenset(area.skills.items()), frozenset(area.kits)) for area in areas]
    needs = tuple(dict.fromkeys(needs_of))
    people = [case.technicians[i] for i in _order(case)]
    station = {each.id: i for i, each in enumerate(case.stations)}
    return World(
        people=tuple(who.id for who in people),
        home=np.array([station[who.station] for who in people], np.int64),
        stands=stands,
        person=np.array([s.person for s in stands], np.int64),
        node=np.array([s.node for s in stands], np.int64),
        ready=np.array([s.ready for s in stands], float),
        until=np.array([s.until for s in stands], float),
        latest=np.array([s.latest for s in stands], float),
        left=np.array([math.nan if s.left is None else s.left for s in stands], float),
        at_home=np.array([s.carried is None for s in stands], bool),
        drive_s=drive_s,
        needs=needs,
        kind=np.array([needs.index(each) for each in needs_of], np.int64),
        skilled=np.array([[all(who.skills.get(n, 0) >= least for n, least in sk) for sk, _ in needs] for who in people], bool).reshape(
            len(people), len(needs)
        ),
        equipped=np.array([[kits <= (s.carried or frozenset()) for _, kits in needs] for s in stands], bool).reshape(
            len(stands), len(needs)
        ),
        stock=_stock(case, plan),
        promise_s=60 * promise_minutes,
        legs=legs,
        first_area=first,
    )


def _order(case: Case) -> list[int]:
    """Indices of the technicians, station by station, by id."""
    station = {each.id: i for i, each in enumerate(case.stations)}
    return sorted(range(len(case.technicians)), key=lambda i: (station[case.technicians[i].station], case.technicians[i].id))


def _nodes(case: Case) -> list[tuple[float, float, int | None]]:
    """Where people can stand: the stations, the tickets, where each technician is out (their station for who is not)."""
    outs = [who.start or case.station_by_id[who.station] for who in case.technicians]
    return [(thing.lat, thing.lon, thing.place) for thing in (*case.stations, *case.tickets, *outs)]


def _stock(case: Case, plan: Plan) -> dict[str, Stock]:
    lent = read_day(case, plan).lent
    stock = {}
    for kit in {kit for station in case.stations for kit in station.kits}:
        spells = [(i * _APART, spell) for i, station in enumerate(case.stations) for spell in lent.get((station.id, kit), ())]
        stock[kit] = Stock(
            np.array([station.kits.get(kit, 0) for station in case.stations], np.int64),
            np.sort([base + spell[0] for base, spell in spells]),
            np.sort([base + min(spell[1], _APART / 2) for base, spell in spells]),  # no road home: never back
        )
    return stock


def stands_of(case: Case, plan: Plan) -> Iterator[Stand]:
    """All stands, by person in the order of `_order` and by time."""
    found = {(duty.technician.id, duty.index): duty for duty in duties(case, plan)}
    station = {each.id: i for i, each in enumerate(case.stations)}
    ticket = {each.id: len(case.stations) + i for i, each in enumerate(case.tickets)}
    for person, index in enumerate(_order(case)):
        who = case.technicians[index]
        out_node = len(case.stations) + len(case.tickets) + index
        current = current_shift(who, case.now)
        for number, shift in enumerate(who.shifts):
            begin, end = max(case.now.timestamp(), shift.start.timestamp()), shift.end.timestamp()
            duty = found.get((who.id, number))
            latest = end + 60 * shift.overtime_minutes
            home = station[who.station]
            pieces = [*_on_the_way_back(case, index, out_node)] if number == current and who.start and not _goes_on(duty) else []
            free = pieces[-1][2] if pieces else begin
            for trip in duty.trips if duty else ():
                origin = home if trip.out is None else out_node
                carried = None if trip.out is None else trip.kits
                free = free if trip.out is None else max(free, trip.out.at.timestamp())
                pieces.append((origin, free, trip.depart, carried, None))
                pieces += _of_trip(trip, origin, ticket)
                free = trip.returns
            pieces.append((home, free, end, None, None))
            rests = [(r.start.timestamp(), r.finish.timestamp()) for trip in (duty.trips if duty else ()) for r in trip.route.breaks]
            for node, start, until, kits, left in pieces:
                for a, b in _without(max(start, begin), min(until, end), rests):
                    yield Stand(person, node, a, b, latest, kits, left)


_Piece = tuple[int, float, float, frozenset[str] | None, float | None]
"""Node, from, until, carried kits (None: those of the station), and when the way home began."""


def _goes_on(duty: Duty | None) -> bool:
    return duty is not None and duty.trips[0].out is not None


def _on_the_way_back(case: Case, index: int, node: int) -> Iterator[_Piece]:
    """Somebody out without a route drives home when free."""
    who = case.technicians[index]
    if who.start is not None:
        at = who.start.at.timestamp()
        seconds = drive(case.travel, who.start, case.station_by_id[who.station]).seconds
        yield node, at, at + seconds, frozenset(who.start.kits), at


def _of_trip(trip: Trip, origin: int, ticket: Mapping[str, int]) -> Iterator[_Piece]:
    node, free = origin, trip.depart
    for visit in trip.visits:
        yield node, free, visit.arrive - visit.leg.seconds, trip.kits, None
        node = ticket[visit.ticket.id]
        yield node, visit.arrive, visit.start, trip.kits, None
        free = visit.finish
    leaves = max(free, trip.returns - trip.home.seconds)
    yield node, free, leaves, trip.kits, None
    yield node, leaves, trip.returns, trip.kits, leaves


def _without(start: float, until: float, rests: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The parts of a spell that lie in no rest; none that has no length."""
    for rest_start, rest_end in sorted(rests):
        if rest_end <= start or rest_start >= until:
            continue
        if rest_start > start:
            yield start, rest_start
        start = max(start, rest_end)
    if until > start:
        yield start, until


def in_stock(world: World, kits: frozenset[str], stations: Ints, moments: Floats) -> Ints:
    """How many times all of the kits lie at each station at its moment: (n,), for `stations` and `moments` of that shape."""
    spare: Ints = np.full(len(stations), np.iinfo(np.int64).max)
    keys = stations * _APART + moments
    for kit in kits:
        stock = world.stock.get(kit)
        if stock is None:
            return np.zeros(len(stations), np.int64)
        # What other stations lent before is given back before, in this order, and cancels out.
        out = np.searchsorted(stock.lent, keys, "right") - np.searchsorted(stock.back, keys, "right")
        spare = np.minimum(spare, stock.owned[stations] - out)
    return np.maximum(spare, 0)


def counts_of(world: World, t: float, without: Ints | None = None, reserved: Ints | None = None) -> Ints:
    """How many different people could answer each area at `t`: (n_areas,).

    `without` are people not counted, `reserved` how many kits they hold, [station, kind of needs].
    """
    counts = np.zeros(len(world.kind), np.int64)
    ready = np.maximum(t, world.ready)
    wait = (ready - t) + np.where(np.isnan(world.left), 0.0, ready - world.left)
    use = (world.until > t) & (wait <= world.promise_s)
    if without is not None:
        use &= ~np.isin(world.person, without)
    rows = np.flatnonzero(use)
    if not len(rows) or not len(counts):
        return counts
    total = wait[rows, None] + world.drive_s[world.node[rows]]
    fits = (total <= world.promise_s) & (t + total <= world.latest[rows, None])
    people, first = np.unique(world.person[rows], return_index=True)
    stations = world.home[world.person[rows]]
    station_rows = np.unique(stations, return_index=True)[1]
    station_people = np.unique(world.home[people], return_index=True)[1]
    for kind, (_, kits) in enumerate(world.needs):
        columns = world.kind == kind
        here = fits[:, columns] & world.skilled[world.person[rows], kind, None]
        if not kits:
            counts[columns] = np.logical_or.reduceat(here, first, axis=0).sum(axis=0)
            continue
        with_kits = np.logical_or.reduceat(here & world.equipped[rows, kind, None], first, axis=0)
        counts[columns] = with_kits.sum(axis=0)
        spare = np.where(world.at_home[rows], in_stock(world, kits, stations, ready[rows]), 0)
        if reserved is not None:
            spare = np.maximum(spare - reserved[stations, kind], 0)
        usable = here & (spare > 0)[:, None]
        able = np.logical_or.reduceat(usable, first, axis=0) & ~with_kits
        most = np.maximum.reduceat(usable * spare[:, None], station_rows, axis=0)
        by_station = np.add.reduceat(able.astype(np.int64), station_people, axis=0)
        counts[columns] += np.minimum(by_station, most).sum(axis=0)  # one kit serves one person
    return counts
