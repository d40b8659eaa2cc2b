"""People who wait at their stations, and where they would better stand: the arithmetic of `readiness.stand_by`.

Each waiting person has one place, their station or an area's; all may answer what they reach from there within the promise. The places
are chosen one by one, each time the pair of person and place that adds most expected coverage; as that is submodular, what comes out is
at least half of the best (Fisher, Nemhauser and Wolsey 1978, doi 10.1007/BFb0121195).

Times are seconds since the epoch; indices are those of `stands.World`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data_models.errors import BadInput
from optimizer.stands import Bools, Floats, Ints, World, in_stock


def all_busy(q: float, counts: Ints) -> Floats:
    """The probability that none of n can answer: q^n, which is 1 for nobody also where q is 0."""
    return np.power(float(q), counts)


def expected_answered(counts: Ints, rate: Floats, q: float) -> float:
    """Emergencies that are answered, of `rate` (n_areas,) expected, where `counts` (n_areas,) people could answer each area."""
    return float(rate @ (1 - all_busy(q, counts)))


def home_now(world: World, t: float) -> Bools:
    """Which stands are spells at the own station that `t` lies in: (n_stands,)."""
    return world.at_home & (world.ready <= t) & (t < world.until)


def waiting_at(world: World, t: float, names: Sequence[str] | None) -> Ints:
    """People who wait at their station at `t`, by their index; those of the names, if given.

    Raises `BadInput` when one of them is not known, or does not wait there at that moment.
    """
    present = np.unique(world.person[home_now(world, t)])
    if names is None:
        return present
    index = {name: i for i, name in enumerate(world.people)}
    for name in names:
        if name not in index:
            raise BadInput(f"Technician {name} is not in the case; name one of it")
        if index[name] not in present:
            raise BadInput(f"Technician {name} does not wait at the station at that moment; leave them out")
    return np.array(sorted({index[name] for name in names}), np.int64)


def _holders(world: World, t: float, people: Ints, kind: int) -> Ints:
    """Who of the waiting people can answer needs of a kind: of those with the skills, as many a station as it has kits."""
    able = [p for p in people.tolist() if world.skilled[p, kind]]
    kits = world.needs[kind][1]
    if not kits:
        return np.array(able, np.int64)
    homes = np.unique(world.home[able])
    left = dict(zip(homes.tolist(), in_stock(world, kits, homes, np.full(len(homes), t)).tolist(), strict=True))
    chosen = []
    for p in able:
        if left[int(world.home[p])] > 0:
            left[int(world.home[p])] -= 1
            chosen.append(p)
    return np.array(chosen, np.int64)


def dealt(world: World, t: float, people: Ints) -> Bools:
    """Who may answer which area, wherever they stand: (n_waiting, n_areas)."""
    of_kind = [np.isin(people, _holders(world, t, people, kind)) for kind in range(len(world.needs))]
    return np.array(of_kind, bool).reshape(len(world.needs), len(people)).T[:, world.kind]


def reserved(world: World, t: float, people: Ints, n_stations: int) -> Ints:
    """Kits that the waiting people hold: (n_stations, n_kinds)."""
    held = np.zeros((n_stations, len(world.needs)), np.int64)
    for kind in range(len(world.needs)):
        np.add.at(held[:, kind], world.home[_holders(world, t, people, kind)], 1)
    return held


def place_nodes(world: World, n_stations: int) -> Ints:
    """The nodes where people may be sent: the stations, then the areas."""
    return np.concatenate((np.arange(n_stations), world.first_area + np.arange(len(world.kind))))


def reach_from(t: float, places: Floats, promise_s: float, ends: Floats, may: Bools, sent: Bools) -> tuple[Bools, Ints]:
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


def gains_of(reach: Bools, counts: Ints, rate: Floats, q: float) -> Floats:
    """What one more person adds at each place: (n_alike, n_places), each area worth rate (1 - q) q^n."""
    return np.asarray(reach @ (rate * (1 - q) * all_busy(q, counts)))


def placed_greedily(reach: Bools, like: Ints, homes: Ints, others: Ints, rate: Floats, q: float) -> Ints:
    """The place of each person: pair by pair, that of most gain; among equal ones the own station, then the first."""
    chosen, left, counts = homes.copy(), list(range(len(homes))), others.copy()
    while left:
        gains = gains_of(reach, counts, rate, q)[like[left]]  # (n_left, n_places)
        gains[np.arange(len(left)), homes[left]] += 1e-12
        row, place = np.unravel_index(int(gains.argmax()), gains.shape)
        who = left.pop(int(row))
        chosen[who] = place
        counts = counts + reach[like[who], place]
    return chosen


def settled(reach: Bools, like: Ints, homes: Ints, chosen: Ints, others: Ints, rate: Floats, q: float) -> Floats:
    """What each move gains given the others, (n_waiting,); who gains nothing by it stays at home, changed in `chosen`."""
    gains = np.zeros(len(homes))
    for w in np.flatnonzero(chosen != homes):
        counts = others + reach[like, chosen].sum(axis=0) - reach[like[w], chosen[w]]
        gain = gains_of(reach, counts, rate, q)[like[w]]
        gains[w] = gain[chosen[w]] - gain[homes[w]]
        if gains[w] <= 1e-12:
            chosen[w], gains[w] = homes[w], 0.0
    return gains
