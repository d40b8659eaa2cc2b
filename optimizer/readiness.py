"""Who is left for the next emergency, hour by hour, while a plan is carried out.

A *stand* is a spell in which the plan leaves somebody free at a place: at the station, at a site before work begins or before
setting out again, or on the way home, from where they go on to the station or turn back, whichever is sooner. Somebody answers an
area at moment t when the wait for a stand and the drive from it are together within the promise, the skills fit, the kits are
carried or lie at the station, and the arrival is before the end of the shift and its overtime.

Expected coverage (MEXCLP: Daskin 1983, doi 10.1287/trsc.17.1.48): each who could answer is busy otherwise with probability q, so
that the k-th adds (1 - q) q^(k-1), and n of them make 1 - q^n.

Times are seconds since the epoch; promises and drives seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from data_models.case import Case, TravelMatrix, current_shift
from data_models.errors import BadInput
from data_models.expected import ExpectedEmergencies
from data_models.plan import Plan
from optimizer.day import read_day
from optimizer.legs import Legs, legs_of
from optimizer.score import score
from optimizer.trips import Duty, Trip, drive, duties

PROMISE_MINUTES = 120.0
MOST_DRIVE_MINUTES = 120.0
"""Nobody is sent further to stand by, unless said otherwise."""

MOMENTS = 4
"""Moments of an hour that are looked at: its quarters."""

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


@dataclass(frozen=True)
class AreaAt:
    """An area in an hour: expected emergencies, and the expected coverage as planned and with everyone at home."""

    area: str
    emergencies: float
    covered: float
    covered_at_home: float


@dataclass(frozen=True)
class Hour:
    """One hour; shares are of the expected emergencies, None where none are expected or no area is known.

    Attributes
    ----------
    emergencies
        Expected number, everywhere.
    free
        People free at once, on average over the hour.
    within
        Share within the promise of at least one who is free and equipped.
    covered
        Share by expected coverage.
    within_at_home, covered_at_home
        The same if all who are on duty were idle at their stations.
    barest
        The area with the lowest coverage, of equal ones that with most emergencies.
    loses_most
        The area that loses most expected coverage against everyone at home; None when none loses any.
    """

    begins_at: datetime
    emergencies: float
    free: float
    within: float | None
    covered: float | None
    within_at_home: float | None
    covered_at_home: float | None
    barest: AreaAt | None
    loses_most: AreaAt | None


@dataclass(frozen=True, eq=False)
class Readiness:
    """What a plan leaves for emergencies.

    Attributes
    ----------
    busy
        The probability q that was reckoned with.
    areas
        Ids, the columns of the arrays.
    rate, covered, covered_at_home : (n_hours, n_areas) float64
        Expected emergencies, expected coverage as planned, and with everyone at home.
    """

    promise_minutes: float
    busy: float
    hours: tuple[Hour, ...]
    areas: tuple[str, ...]
    rate: Floats
    covered: Floats
    covered_at_home: Floats

    @property
    def emergencies(self) -> float:
        """Expected number over all hours."""
        return float(self.rate.sum())

    @property
    def answered(self) -> float:
        """Expected number over all hours that somebody answers within the promise."""
        return float((self.rate * self.covered).sum())

    @property
    def lost(self) -> dict[str, float]:
        """By area, the emergencies over all hours that everyone at home would answer in time and the plan does not; may be negative."""
        lost = (self.rate * (self.covered_at_home - self.covered)).sum(axis=0)
        return dict(zip(self.areas, lost.tolist(), strict=True))


@dataclass(frozen=True)
class Suggestion:
    """Somebody who waits at the station would better stand at `place`, a station or an area; `gain` is in emergencies per hour."""

    technician: str
    place: str
    lat: float
    lon: float
    gain: float
    drive_s: float
    cost: float


@dataclass(frozen=True)
class StandBy:
    """Where those who wait would stand best.

    Expected emergencies per hour answered in time: `before`, `after` following all suggestions, and `at_most` by any way to place
    the same people. `guarantee` is the share of the best that greedy placing cannot fall below, of what those who wait can add.
    """

    at: datetime
    suggestions: tuple[Suggestion, ...]
    before: float
    after: float
    at_most: float
    guarantee: float = 0.5


@dataclass(frozen=True)
class Choice:
    """Which of several plans is best by cost - weight × emergencies answered; a row for each plan, in the order given."""

    index: int
    costs: tuple[float, ...]
    answered: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Stock:
    """A kit type: how many each station owns, and when any is lent and given back, sorted, as station × `_APART` + moment."""

    owned: Ints  # (n_stations,)
    lent: Floats
    back: Floats


_APART = 1e11
"""Seconds: more than any moment, and its multiples still leave milliseconds to a float."""


@dataclass(frozen=True, eq=False)
class _World:
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
    stock: Mapping[str, _Stock]  # by kit
    promise_s: float
    legs: Legs
    first_area: int


def readiness(
    case: Case,
    plan: Plan,
    expected: ExpectedEmergencies,
    *,
    promise_minutes: float = PROMISE_MINUTES,
    hours: int = 24,
    busy: float | None = None,
) -> Readiness:
    """Hour by hour from `case.now`, which share of the expected emergencies somebody free and equipped can answer within the promise.

    Parameters
    ----------
    expected
        With a travel matrix every area needs its `place` in it.
    hours
        How many to look at; the first is the one that `now` lies in, from `now` on.
    busy
        The probability q that somebody who could answer is busy otherwise; None: the share of the time on duty in which the plan
        has people driving or working.

    Raises
    ------
    BadInput
        `promise_minutes`, `hours` or `busy` is out of its range, or an area has no place in the matrix.
    """
    _must_be_in_range(promise_minutes, hours, busy)
    world = _world(case, plan, expected, promise_minutes)
    idle = replace(case, technicians=tuple(replace(who, start=None) for who in case.technicians))
    at_home = _world(idle, Plan(case.name, ()), expected, promise_minutes)
    q = busy_share(case, plan) if busy is None else busy
    rows = [_hour(world, at_home, expected, q, moments, begins) for begins, moments in _hours(case.now, expected, hours)]
    n_areas = len(expected.areas)
    rate, covered, free_cover = (np.array([row[k] for row in rows]).reshape(hours, n_areas) for k in (1, 2, 3))
    return Readiness(promise_minutes, q, tuple(row[0] for row in rows), _ids(expected), rate, covered, free_cover)


def busy_share(case: Case, plan: Plan) -> float:
    """The share of the time on duty, from `now` on, in which the plan has people driving to work, working or resting; 0 without any."""
    now = case.now.timestamp()
    spans = [(max(now, s.start.timestamp()), s.end.timestamp()) for who in case.technicians for s in who.shifts]
    on_duty = math.fsum(max(0.0, end - start) for start, end in spans)
    free = math.fsum(stand.until - stand.ready for stand in _stands(case, plan))
    return min(1.0, max(0.0, 1 - free / on_duty)) if on_duty > 0 else 0.0


def stand_by(
    case: Case,
    plan: Plan,
    expected: ExpectedEmergencies,
    at: datetime,
    waiting: Sequence[str] | None = None,
    *,
    promise_minutes: float = PROMISE_MINUTES,
    most_drive_minutes: float = MOST_DRIVE_MINUTES,
    busy: float | None = None,
) -> StandBy:
    """Where people who wait at their station at a moment would best stand: at which station or area, greedily by gain.

    Ground set: pairs of a waiting person and a place, their own station among them, one pair a person (a partition matroid).
    Objective: expected emergencies per hour answered, which is monotone and submodular in the pairs, so that greedy reaches half
    of the best at least (Fisher, Nemhauser, Wolsey 1978, doi 10.1007/BFb0121195). `at_most` adds to what was reached the best
    single gain that each person would still have, which no placing can exceed either, and is often far closer. Kits at a station
    are dealt to those who wait there in the order of their ids, and go with them.

    Parameters
    ----------
    at
        The moment; people are taken to stand there already.
    waiting
        Ids of who may be sent; None: everyone whom the plan leaves free at the station at that moment.
    most_drive_minutes
        Nobody is sent to a place further than this from their station.

    Raises
    ------
    BadInput
        As `readiness`; or somebody is not known, or does not wait at the station at that moment.
    """
    _must_be_in_range(promise_minutes, 1, busy)
    world = _world(case, plan, expected, promise_minutes)
    t, q = at.timestamp(), busy_share(case, plan) if busy is None else busy
    people = _waiting(world, t, waiting)
    rate = _rates(expected, at)
    places = np.concatenate((world.drive_s[: len(case.stations)], world.drive_s[world.first_area :]))  # (n_places, n_areas)
    until = {world.person[s]: world.latest[s] for s in np.flatnonzero(_home_now(world, t))}
    ends = np.array([until[p] for p in people], float)
    sent = world.legs.between(world.home[people], _place_nodes(world, len(case.stations)))[0] <= 60 * most_drive_minutes
    reach, like = _reach(t, places, world.promise_s, ends, _dealt(world, t, people), sent)
    others = _counts(world, t, without=people, reserved=_reserved(world, t, people, len(case.stations)))
    homes = world.home[people]

    def answered(where: Ints) -> float:
        return _answered(others + reach[like, where].sum(axis=0), rate, q)

    chosen = _greedy(reach, like, homes, others, rate, q)
    before = answered(homes)
    if answered(chosen) <= before + 1e-12:
        chosen = homes.copy()
    gains = _settle(reach, like, homes, chosen, others, rate, q)
    after, alone = answered(chosen), _answered(others, rate, q)
    best = _gains(reach, others + reach[like, chosen].sum(axis=0), rate, q).max(axis=1, initial=0.0)
    at_most = min(float(rate.sum()), after + float(best[like].sum()), alone + 2 * (after - alone))
    moved = [_suggestion(case, world, expected, people[w], chosen[w], gains[w]) for w in np.flatnonzero(chosen != homes)]
    moved.sort(key=lambda one: (-one.gain, one.technician))
    return StandBy(at, tuple(moved), before, after, max(after, at_most))


def choose(
    case: Case,
    plans: Sequence[Plan],
    expected: ExpectedEmergencies,
    weight: float,
    *,
    promise_minutes: float = PROMISE_MINUTES,
    hours: int = 24,
    busy: float = 0.3,
) -> Choice:
    """Which of several plans of a case is best by cost - `weight` × expected emergencies answered in time over the hours.

    A choice among plans that are there, from other seeds or runs; no search looks for readiness. Plans that are equal keep
    their order. `busy` is one number for all of them, since the share of time that each takes would judge it by another measure.

    Parameters
    ----------
    weight
        Money that one emergency answered in time is worth.

    Raises
    ------
    BadInput
        There is no plan, `weight` is negative or no number, or as `readiness`.
    """
    if not plans:
        raise BadInput("There is no plan to choose from; give one at least")
    if not (math.isfinite(weight) and weight >= 0):
        raise BadInput(f"Weight is {weight}; give money per emergency, 0 or more")
    costs = [score(case, plan).cost.total for plan in plans]
    answered = [readiness(case, plan, expected, promise_minutes=promise_minutes, hours=hours, busy=busy).answered for plan in plans]
    values = [cost - weight * each for cost, each in zip(costs, answered, strict=True)]
    return Choice(values.index(min(values)), tuple(costs), tuple(answered), tuple(values))


def _must_be_in_range(promise_minutes: float, hours: int, busy: float | None) -> None:
    if not (math.isfinite(promise_minutes) and promise_minutes > 0):
        raise BadInput(f"The promise is {promise_minutes} minutes; give a number above 0")
    if not 1 <= hours <= 24 * 14:
        raise BadInput(f"Hours are {hours}; give a number from 1 to {24 * 14}")
    if busy is not None and not 0 <= busy <= 1:
        raise BadInput(f"The probability to be busy is {busy}; give a number from 0 to 1")


def _ids(expected: ExpectedEmergencies) -> tuple[str, ...]:
    return tuple(each.area.id for each in expected.areas)


def _rates(expected: ExpectedEmergencies, at: datetime) -> Floats:
    """Emergencies per hour at a moment: (n_areas,)."""
    hour = at.astimezone(expected.zone).hour
    return np.array([each.per_hour[hour] for each in expected.areas], float)


def _hours(now: datetime, expected: ExpectedEmergencies, hours: int) -> Iterator[tuple[datetime, list[datetime]]]:
    """Each hour with the moments of it that are looked at; of the first those from `now` on."""
    local = now.astimezone(expected.zone)
    first = now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    for number in range(hours):
        begins = first + timedelta(hours=number)
        moments = [begins + timedelta(hours=1) * (k / MOMENTS) for k in range(MOMENTS)]
        yield max(begins, now), [moment for moment in moments if moment >= now] or [now]


def _hour(
    world: _World, at_home: _World, expected: ExpectedEmergencies, q: float, moments: Sequence[datetime], begins: datetime
) -> tuple[Hour, Floats, Floats, Floats]:
    seconds = [moment.timestamp() for moment in moments]
    counts = np.array([_counts(world, t) for t in seconds])
    idle = np.array([_counts(at_home, t) for t in seconds])
    rate = _rates(expected, begins)
    within, within_home = (counts > 0).mean(axis=0), (idle > 0).mean(axis=0)
    covered, covered_home = (1 - _all_busy(q, counts)).mean(axis=0), (1 - _all_busy(q, idle)).mean(axis=0)
    free = float(np.mean([len(set(world.person[(world.ready <= t) & (t < world.until)].tolist())) for t in seconds]))

    def area(index: int) -> AreaAt:
        return AreaAt(expected.areas[index].area.id, float(rate[index]), float(covered[index]), float(covered_home[index]))

    lost = rate * (covered_home - covered)
    barest = min(range(len(rate)), key=lambda a: (round(covered[a], 9), -rate[a]), default=None)
    loser = int(lost.argmax()) if len(lost) and lost.max() > 1e-12 else None
    hour = Hour(
        begins_at=begins,
        emergencies=float(rate.sum()),
        free=free,
        within=_share(rate, within),
        covered=_share(rate, covered),
        within_at_home=_share(rate, within_home),
        covered_at_home=_share(rate, covered_home),
        barest=None if barest is None else area(barest),
        loses_most=None if loser is None else area(loser),
    )
    return hour, rate, covered, covered_home


def _share(rate: Floats, part: Floats) -> float | None:
    total = rate.sum()
    return float(rate @ part / total) if total > 0 else None


def _all_busy(q: float, counts: Ints) -> Floats:
    """The probability that none of n can answer: q^n, which is 1 for nobody also where q is 0."""
    return np.power(float(q), counts)


def _answered(counts: Ints, rate: Floats, q: float) -> float:
    return float(rate @ (1 - _all_busy(q, counts)))


def _world(case: Case, plan: Plan, expected: ExpectedEmergencies, promise_minutes: float) -> _World:
    nodes = _nodes(case)
    areas = [each.area for each in expected.areas]
    if isinstance(case.travel, TravelMatrix):
        for area in areas:
            if area.place is None or not 0 <= area.place < len(case.travel.seconds):
                raise BadInput(f"Area {area.id}: place is {area.place}; give its row in the travel matrix of the case")
    legs = legs_of(case.travel, case.rates, [*nodes, *((a.lat, a.lon, a.place) for a in areas)])
    first = len(nodes)
    drive_s = legs.between(slice(None), np.arange(first, first + len(areas)))[0].astype(float)
    stands = tuple(_stands(case, plan))
    needs_of = [(frozenset(area.skills.items()), frozenset(area.kits)) for area in areas]
    needs = tuple(dict.fromkeys(needs_of))
    people = [case.technicians[i] for i in _order(case)]
    station = {each.id: i for i, each in enumerate(case.stations)}
    return _World(
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


def _stock(case: Case, plan: Plan) -> dict[str, _Stock]:
    lent = read_day(case, plan).lent
    stock = {}
    for kit in {kit for station in case.stations for kit in station.kits}:
        spells = [(i * _APART, spell) for i, station in enumerate(case.stations) for spell in lent.get((station.id, kit), ())]
        stock[kit] = _Stock(
            np.array([station.kits.get(kit, 0) for station in case.stations], np.int64),
            np.sort([base + spell[0] for base, spell in spells]),
            np.sort([base + min(spell[1], _APART / 2) for base, spell in spells]),  # no road home: never back
        )
    return stock


def _stands(case: Case, plan: Plan) -> Iterator[Stand]:
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


def _in_stock(world: _World, kits: frozenset[str], stations: Ints, moments: Floats) -> Ints:
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


def _counts(world: _World, t: float, without: Ints | None = None, reserved: Ints | None = None) -> Ints:
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
        spare = np.where(world.at_home[rows], _in_stock(world, kits, stations, ready[rows]), 0)
        if reserved is not None:
            spare = np.maximum(spare - reserved[stations, kind], 0)
        usable = here & (spare > 0)[:, None]
        able = np.logical_or.reduceat(usable, first, axis=0) & ~with_kits
        most = np.maximum.reduceat(usable * spare[:, None], station_rows, axis=0)
        by_station = np.add.reduceat(able.astype(np.int64), station_people, axis=0)
        counts[columns] += np.minimum(by_station, most).sum(axis=0)  # one kit serves one person
    return counts


def _home_now(world: _World, t: float) -> Bools:
    return world.at_home & (world.ready <= t) & (t < world.until)


def _waiting(world: _World, t: float, names: Sequence[str] | None) -> Ints:
    """People who wait at their station at `t`, in the order of `_order`; those of the names, if given."""
    present = np.unique(world.person[_home_now(world, t)])
    if names is None:
        return present
    index = {name: i for i, name in enumerate(world.people)}
    for name in names:
        if name not in index:
            raise BadInput(f"Technician {name} is not in the case; name one of it")
        if index[name] not in present:
            raise BadInput(f"Technician {name} does not wait at the station at that moment; leave them out")
    return np.array(sorted({index[name] for name in names}), np.int64)


def _holders(world: _World, t: float, people: Ints, kind: int) -> Ints:
    """Who of the waiting people can answer needs of a kind: of those with the skills, as many a station as it has kits."""
    able = [p for p in people.tolist() if world.skilled[p, kind]]
    kits = world.needs[kind][1]
    if not kits:
        return np.array(able, np.int64)
    homes = np.unique(world.home[able])
    left = dict(zip(homes.tolist(), _in_stock(world, kits, homes, np.full(len(homes), t)).tolist(), strict=True))
    chosen = []
    for p in able:
        if left[int(world.home[p])] > 0:
            left[int(world.home[p])] -= 1
            chosen.append(p)
    return np.array(chosen, np.int64)


def _dealt(world: _World, t: float, people: Ints) -> Bools:
    """Who may answer which area, wherever they stand: (n_waiting, n_areas)."""
    of_kind = [np.isin(people, _holders(world, t, people, kind)) for kind in range(len(world.needs))]
    return np.array(of_kind, bool).reshape(len(world.needs), len(people)).T[:, world.kind]


def _reserved(world: _World, t: float, people: Ints, n_stations: int) -> Ints:
    """Kits that the waiting people hold: (n_stations, n_kinds)."""
    held = np.zeros((n_stations, len(world.needs)), np.int64)
    for kind in range(len(world.needs)):
        np.add.at(held[:, kind], world.home[_holders(world, t, people, kind)], 1)
    return held


def _place_nodes(world: _World, n_stations: int) -> Ints:
    """The nodes where people may be sent: the stations, then the areas."""
    return np.concatenate((np.arange(n_stations), world.first_area + np.arange(len(world.kind))))


def _reach(t: float, places: Floats, promise_s: float, ends: Floats, may: Bools, sent: Bools) -> tuple[Bools, Ints]:
    """Which areas are answered from which place, (n_alike, n_places, n_areas), and the row of each waiting person: many are alike.

    `ends` (n_waiting,) is when their overtime ends, `may` (n_waiting, n_areas) whom they can serve, `sent` (n_waiting, n_places)
    where they may be.
    """
    alike: dict[tuple[float, bytes, bytes], int] = {}
    keys = [(float(ends[w]), may[w].tobytes(), sent[w].tobytes()) for w in range(len(ends))]
    like = np.array([alike.setdefault(key, len(alike)) for key in keys], np.int64)
    firsts = [keys.index(key) for key in alike]
    near = places <= promise_s
    reach = [near & (t + places <= ends[w]) & may[w] & sent[w][:, None] for w in firsts]
    return np.array(reach, bool).reshape(len(firsts), *places.shape), like


def _gains(reach: Bools, counts: Ints, rate: Floats, q: float) -> Floats:
    """What one more person adds at each place: (n_alike, n_places), each area worth rate (1 - q) q^n."""
    return np.asarray(reach @ (rate * (1 - q) * _all_busy(q, counts)))


def _greedy(reach: Bools, like: Ints, homes: Ints, others: Ints, rate: Floats, q: float) -> Ints:
    """The place of each person: pair by pair, that of most gain; among equal ones the own station, then the first."""
    chosen, left, counts = homes.copy(), list(range(len(homes))), others.copy()
    while left:
        gains = _gains(reach, counts, rate, q)[like[left]]  # (n_left, n_places)
        gains[np.arange(len(left)), homes[left]] += 1e-12
        row, place = np.unravel_index(int(gains.argmax()), gains.shape)
        who = left.pop(int(row))
        chosen[who] = place
        counts = counts + reach[like[who], place]
    return chosen


def _settle(reach: Bools, like: Ints, homes: Ints, chosen: Ints, others: Ints, rate: Floats, q: float) -> Floats:
    """What each move gains given the others, (n_waiting,); who gains nothing by it stays at home, changed in `chosen`."""
    gains = np.zeros(len(homes))
    for w in np.flatnonzero(chosen != homes):
        counts = others + reach[like, chosen].sum(axis=0) - reach[like[w], chosen[w]]
        gain = _gains(reach, counts, rate, q)[like[w]]
        gains[w] = gain[chosen[w]] - gain[homes[w]]
        if gains[w] <= 1e-12:
            chosen[w], gains[w] = homes[w], 0.0
    return gains


def _suggestion(case: Case, world: _World, expected: ExpectedEmergencies, person: int, place: int, gain: float) -> Suggestion:
    n_stations = len(case.stations)
    where = case.stations[place] if place < n_stations else expected.areas[place - n_stations].area
    node = place if place < n_stations else world.first_area + place - n_stations
    home = int(world.home[person])
    seconds = world.legs.seconds_of(home, node)
    return Suggestion(world.people[person], where.id, where.lat, where.lon, float(gain), float(seconds), world.legs.money_of(home, node))
