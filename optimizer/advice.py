"""What to change first, by the formula: the next best sites, the worth of what is there, and the choice that goes wrong least.

Each option is a list of changes to a situation, judged by `optimizer.expected_service` and by whom the open stations reach on the road.
Options that differ in little share what does not change between them, so that hundreds take seconds. What is advised here is worth a
replay (`flows.studio.compare_scenarios`) before anybody builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from data_models.case import Severity
from data_models.expected import History
from data_models.study import Change, CloseStation, OpenStation, Scenario, SetKits, SetPeople, StudyStation
from optimizer.area_reach import drive_minutes, promised_minutes
from optimizer.expected_service import Solved, solved
from optimizer.scenarios import Situation, under
from optimizer.study_rates import rates_of

Kind = Literal["open", "close", "person", "kit"]
Told = Callable[[int, int], None]
"""Is called with the options that are done and all of them."""

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Covered:
    """Areas within the promised minutes by road, the customers in them, and the tickets a year to expect there."""

    areas: int
    customers: int
    tickets: float


@dataclass(frozen=True)
class Option:
    """One thing that could be done, beside the situation in which it would be done.

    Attributes
    ----------
    kind, station, what
        What it is: a station by its id, and the crew or the type of kit that gets one more.
    changes
        To the situation, as in a scenario.
    gained, lost
        What comes within the promise by road, and what is no longer.
    before, after
        Expected share in time by severity, by formula.
    yearly_cost
        What it adds to the cost of stations and people a year; a kit's price is not known and not in it.
    """

    kind: Kind
    station: str
    what: str
    changes: tuple[Change, ...]
    gained: Covered
    lost: Covered
    before: Mapping[Severity, float]
    after: Mapping[Severity, float]
    yearly_cost: float

    @property
    def points(self) -> float:
        """Percentage points of emergencies in time that it brings."""
        return 100 * (self.after["emergency"] - self.before["emergency"])

    @property
    def cost_per_point(self) -> float | None:
        """What a point costs a year, or saves when both are below zero; None where it brings less than a hundredth of a point."""
        return self.yearly_cost / self.points if abs(self.points) >= 0.01 else None


@dataclass(frozen=True)
class Advice:
    """All that is advised for a situation; each list with the best first.

    Attributes
    ----------
    in_time
        Expected share in time today, by severity.
    sites
        Every candidate as the next station.
    sequence
        The best site, the best one beside it, and so on.
    closures
        Every open station, closed: those first that are missed least.
    people, kits
        One more of each crew, and of each type of kit that its station owns or the policy asks for somewhere.
    """

    in_time: Mapping[Severity, float]
    promised_minutes: float
    sites: tuple[Option, ...]
    sequence: tuple[Option, ...]
    closures: tuple[Option, ...]
    people: tuple[Option, ...]
    kits: tuple[Option, ...]


@dataclass(frozen=True)
class Future:
    """A way in which things may come: another history, changes to it, or both."""

    name: str
    history: History | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class RobustChoice:
    """Options against futures.

    Attributes
    ----------
    in_time
        Expected share of emergencies in time: (n_options, n_futures).
    regret
        Points by which an option stays behind the best one of the same future: (n_options, n_futures).
    worst
        Largest regret of each option: (n_options,).
    best
        Index of the option whose worst regret is least (Savage 1951, doi 10.1080/01621459.1951.10500768); of equals the one with the
        highest mean, then the first.
    """

    options: tuple[str, ...]
    futures: tuple[str, ...]
    yearly_cost: tuple[float, ...]
    in_time: Table
    regret: Table
    worst: Table
    best: int


def advise(situation: Situation, *, stations: int = 3, on_option: Told = lambda _done, _all: None) -> Advice:
    """Everything at once.

    Parameters
    ----------
    stations
        How many sites the sequence has, at most.
    """
    base = solved(situation)
    study = situation.study
    kits = len(_kit_options(situation))
    count = len(study.candidates) + len(study.stations) + sum(len(station.crews) for station in study.stations) + kits
    done = 0

    def told(_done: int, _all: int) -> None:
        nonlocal done
        done += 1
        on_option(done, count)

    sites = next_sites(situation, base, on_option=told)
    return Advice(
        base.service.in_time,
        promised_minutes(situation.policy),
        sites,
        best_sequence(situation, stations, base, first=sites),
        worth_of_stations(situation, base, on_option=told),
        worth_of_people(situation, base, on_option=told),
        worth_of_kits(situation, base, on_option=told),
    )


def next_sites(situation: Situation, base: Solved | None = None, *, on_option: Told = lambda _done, _all: None) -> tuple[Option, ...]:
    """Every candidate as the next station, by points, then customers, then cost: by the formula no other does better than the first."""
    asked: list[_Asked] = [("open", site.id, "", (OpenStation(site.id),)) for site in situation.study.candidates]
    return tuple(sorted(_options(situation, base, asked, on_option), key=_best_first))


def best_sequence(
    situation: Situation, count: int, base: Solved | None = None, *, first: Sequence[Option] | None = None
) -> tuple[Option, ...]:
    """The best site, then the best one beside it, and so on: `before` of each is `after` of the one before.

    A site is not asked again as long as another brings more than it did in the round before (lazy greedy choice; Minoux 1978,
    doi 10.1007/BFb0006528): exact where sites gain less the more there are, which busy people and shared kits can break a little.

    Parameters
    ----------
    first
        What `next_sites` found, when that is known.
    """
    base = solved(situation) if base is None else base
    waiting = list(next_sites(situation, base) if first is None else first)
    chosen: list[Option] = []
    while waiting and len(chosen) < count:
        if chosen:
            waiting = _asked_again(situation, base, waiting)
        best, *waiting = waiting
        chosen.append(best)
        situation = _changed(situation, best.changes)
        base = solved(situation, base.model.rates, base)
    return tuple(chosen)


def _asked_again(situation: Situation, base: Solved, waiting: Sequence[Option]) -> list[Option]:
    """Sites, the best first, of which those are judged anew that could be the best one."""
    fresh: list[Option] = []
    for old in waiting:
        if fresh and _best_first(old) >= min(map(_best_first, fresh)):
            fresh.append(old)
        else:
            fresh += _options(situation, base, [("open", old.station, "", old.changes)])
    return sorted(fresh, key=_best_first)


def worth_of_stations(
    situation: Situation, base: Solved | None = None, *, on_option: Told = lambda _done, _all: None
) -> tuple[Option, ...]:
    """Every open station closed, people and kits with it: those that are missed least come first."""
    asked: list[_Asked] = [("close", station.id, "", (CloseStation(station.id),)) for station in situation.study.stations]
    return tuple(sorted(_options(situation, base, asked, on_option), key=_best_first))


def worth_of_people(situation: Situation, base: Solved | None = None, *, on_option: Told = lambda _done, _all: None) -> tuple[Option, ...]:
    """One more person in every crew that keeps hours."""
    asked: list[_Asked] = [
        ("person", station.id, crew.id, (SetPeople(station.id, crew.id, crew.people + 1),))
        for station in situation.study.stations
        for crew in station.crews
    ]
    return tuple(sorted(_options(situation, base, asked, on_option), key=_best_first))


def worth_of_kits(situation: Situation, base: Solved | None = None, *, on_option: Told = lambda _done, _all: None) -> tuple[Option, ...]:
    """One more kit of every type that is owned somewhere, at every station."""
    return tuple(sorted(_options(situation, base, _kit_options(situation), on_option), key=_best_first))


def robust_choice(
    situation: Situation,
    options: Sequence[Scenario],
    futures: Sequence[Future],
    *,
    on_option: Told = lambda _done, _all: None,
) -> RobustChoice:
    """Options judged in every future, and the one that goes wrong least.

    Parameters
    ----------
    options
        Each with its changes to the situation; at least one.
    futures
        At least one; their changes are made before those of an option.

    Raises
    ------
    ValueError
        There is no option or no future.
    BadInput
        Changes do not fit.
    """
    if not options or not futures:
        raise ValueError("a robust choice needs at least one option and one future")
    found = np.zeros((len(options), len(futures)))
    costs = [_changed(situation, option.changes).study.yearly_cost - situation.study.yearly_cost for option in options]
    for column, future in enumerate(futures):
        study = situation.study if future.history is None else replace(situation.study, history=future.history)
        coming = _changed(replace(situation, study=study), future.changes)
        rates, near = rates_of(coming), None
        for row, option in enumerate(options):
            near = solved(_changed(coming, option.changes), None if _moves_demand(option) else rates, near)
            found[row, column] = near.service.in_time["emergency"]
            on_option(column * len(options) + row + 1, found.size)
    return regrets(tuple(option.name for option in options), tuple(future.name for future in futures), costs, found)


def regrets(options: tuple[str, ...], futures: tuple[str, ...], yearly_cost: Sequence[float], in_time: Table) -> RobustChoice:
    """The robust choice that a table of shares in time gives."""
    regret = 100 * (in_time.max(axis=0) - in_time)
    worst = regret.max(axis=1)
    best = min(range(len(options)), key=lambda row: (round(float(worst[row]), 9), -float(in_time[row].mean()), row))
    return RobustChoice(options, futures, tuple(yearly_cost), in_time, regret, worst, best)


def reached_areas(situation: Situation) -> npt.NDArray[np.bool_]:
    """Areas within the promised minutes of a station with people, by road: (n_areas,)."""
    works = [_works(station) for station in situation.study.stations]
    return np.asarray((drive_minutes(situation)[works] <= promised_minutes(situation.policy)).any(axis=0), bool)


def reach_between(before: Situation, after: Situation) -> tuple[Covered, Covered]:
    """What comes within the promise by road and what is no longer; each is judged by its own policy, areas by those of `after`.

    Tickets are those to expect under `after`. A customer that only `after` has is gained when it is reached.
    """
    old = reached_areas(before)
    then = dict(zip((area.id for area in before.areas), old, strict=True))
    was = np.array([then.get(area.id, False) for area in after.areas], bool)
    now, tickets = reached_areas(after), rates_of(after).per_year.sum(axis=0)
    return _covered(after, now & ~was, tickets), _covered(after, was & ~now, tickets)


_Asked = tuple[Kind, str, str, tuple[Change, ...]]


def _options(
    situation: Situation, base: Solved | None, asked: Sequence[_Asked], on_option: Told = lambda _done, _all: None
) -> Iterator[Option]:
    base = solved(situation) if base is None else base
    reached = reached_areas(situation)
    tickets = base.model.rates.per_year.sum(axis=0)
    for number, (kind, station, what, changes) in enumerate(asked):
        changed = _changed(situation, changes)
        after = solved(changed, base.model.rates, base).service
        now = reached if kind in ("person", "kit") else reached_areas(changed)
        yield Option(
            kind, station, what, changes, _covered(situation, now & ~reached, tickets), _covered(situation, reached & ~now, tickets),
            base.service.in_time, after.in_time, changed.study.yearly_cost - situation.study.yearly_cost,
        )  # fmt: skip
        on_option(number + 1, len(asked))


def _kit_options(situation: Situation) -> list[_Asked]:
    stations = situation.study.stations
    types = sorted({kit for station in stations for kit, count in station.kits.items() if count > 0})
    return [("kit", s.id, kit, (SetKits(s.id, kit, s.kits.get(kit, 0) + 1),)) for s in stations if _works(s) for kit in types]


def _works(station: StudyStation) -> bool:
    return any(crew.people and crew.shifts for crew in station.crews)


def _changed(situation: Situation, changes: tuple[Change, ...]) -> Situation:
    """The situation with more changes, made after its own; it keeps its demand, promises and roads."""
    more = under(situation.study, Scenario(situation.scenario.name, changes), situation.policy)
    return replace(
        more,
        scenario=replace(situation.scenario, changes=(*situation.scenario.changes, *changes)),
        growth=(*situation.growth, *more.growth),
        new_customers=(*situation.new_customers, *more.new_customers),
        roads=(*situation.roads, *more.roads),
    )


def _moves_demand(option: Scenario) -> bool:
    """Whether an option changes what is to be expected or promised."""
    return any(change.kind in ("growth", "new_customer", "promise") for change in option.changes)


def _covered(situation: Situation, which: npt.NDArray[np.bool_], tickets: Table) -> Covered:
    chosen = [area for area, there in zip(situation.areas, which, strict=True) if there]
    return Covered(len(chosen), sum(area.customers for area in chosen), float(tickets[which].sum()))


def _best_first(option: Option) -> tuple[float, int, float, str, str]:
    """Points to a millionth, so that noise of the formula does not decide; then customers, then cost, then names."""
    return -round(option.points, 6), option.lost.customers - option.gained.customers, option.yearly_cost, option.station, option.what
