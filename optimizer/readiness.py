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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from data_models.case import Case
from data_models.errors import BadInput
from data_models.expected import ExpectedEmergencies
from data_models.plan import Plan
from optimizer.placing import (
    all_busy,
    dealt,
    expected_answered,
    gains_of,
    home_now,
    place_nodes,
    placed_greedily,
    reach_from,
    reserved,
    settled,
    waiting_at,
)
from optimizer.score import score
from optimizer.stands import Floats, Ints, World, counts_of, stands_of, world_of

PROMISE_MINUTES = 120.0
MOST_DRIVE_MINUTES = 120.0
"""Nobody is sent further to stand by, unless said otherwise."""

MOMENTS = 4
"""Moments of an hour that are looked at: its quarters."""


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
    world = world_of(case, plan, expected, promise_minutes)
    idle = replace(case, technicians=tuple(replace(who, start=None) for who in case.technicians))
    at_home = world_of(idle, Plan(case.name, ()), expected, promise_minutes)
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
    free = math.fsum(stand.until - stand.ready for stand in stands_of(case, plan))
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
    world = world_of(case, plan, expected, promise_minutes)
    t, q = at.timestamp(), busy_share(case, plan) if busy is None else busy
    people = waiting_at(world, t, waiting)
    rate = _rates(expected, at)
    places = np.concatenate((world.drive_s[: len(case.stations)], world.drive_s[world.first_area :]))  # (n_places, n_areas)
    until = {world.person[s]: world.latest[s] for s in np.flatnonzero(home_now(world, t))}
    ends = np.array([until[p] for p in people], float)
    sent = world.legs.between(world.home[people], place_nodes(world, len(case.stations)))[0] <= 60 * most_drive_minutes
    sent[np.arange(len(people)), world.home[people]] = True
    reach, like = reach_from(t, places, world.promise_s, ends, dealt(world, t, people), sent)
    others = counts_of(world, t, without=people, reserved=reserved(world, t, people, len(case.stations)))
    homes = world.home[people]

    def answered(where: Ints) -> float:
        return expected_answered(others + reach[like, where].sum(axis=0), rate, q)

    chosen = placed_greedily(reach, like, homes, others, rate, q)
    before = answered(homes)
    if answered(chosen) <= before + 1e-12:
        chosen = homes.copy()
    gains = settled(reach, like, homes, chosen, others, rate, q)
    after, alone = answered(chosen), expected_answered(others, rate, q)
    best = gains_of(reach, others + reach[like, chosen].sum(axis=0), rate, q).max(axis=1, initial=0.0)
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
    world: World, at_home: World, expected: ExpectedEmergencies, q: float, moments: Sequence[datetime], begins: datetime
) -> tuple[Hour, Floats, Floats, Floats]:
    seconds = [moment.timestamp() for moment in moments]
    counts = np.array([counts_of(world, t) for t in seconds])
    idle = np.array([counts_of(at_home, t) for t in seconds])
    rate = _rates(expected, begins)
    within, within_home = (counts > 0).mean(axis=0), (idle > 0).mean(axis=0)
    covered, covered_home = (1 - all_busy(q, counts)).mean(axis=0), (1 - all_busy(q, idle)).mean(axis=0)
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


def _suggestion(case: Case, world: World, expected: ExpectedEmergencies, person: int, place: int, gain: float) -> Suggestion:
    n_stations = len(case.stations)
    where = case.stations[place] if place < n_stations else expected.areas[place - n_stations].area
    node = place if place < n_stations else world.first_area + place - n_stations
    home = int(world.home[person])
    seconds = world.legs.seconds_of(home, node)
    return Suggestion(world.people[person], where.id, where.lat, where.lon, float(gain), float(seconds), world.legs.money_of(home, node))
