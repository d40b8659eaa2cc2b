"""A siting case in numbers: only sites that may open, and demand points with the same choice of sites put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_models.siting import CandidateSite, SitingCase
from optimizer.siting_travel import Bits, covered_bits, drive_s

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MANY_PAIRS = 50_000_000
"""Of sites and demand points: beyond, drives are not kept all at once."""


@dataclass(frozen=True, eq=False)
class Sites:
    """The sites that must or may open, in the order of the case.

    Attributes
    ----------
    facts
        The sites themselves.
    index : (n_sites,) int64
        Where each stands in the case.
    must : (n_sites,) bool
        Those that must be open.
    cost, capacity : (n_sites,) float64
        Yearly cost, and the demand weight that each can serve, infinite without limit.
    p
        The most that may be open; None without limit.
    budget
        The most that they may cost; None without limit.
    """

    facts: tuple[CandidateSite, ...]
    index: Ints
    must: Bools
    cost: Floats
    capacity: Floats
    p: int | None
    budget: float | None

    def __len__(self) -> int:
        return len(self.facts)

    @property
    def limited(self) -> bool:
        """Whether some site cannot serve everything."""
        return bool(np.isfinite(self.capacity).any())


@dataclass(frozen=True, eq=False)
class Rows:
    """Groups of demand points that the same sites cover.

    Attributes
    ----------
    weight : (n_rows,) float64
        Of the points of each group together.
    start : (n_rows + 1,) int64
        Row `r` is covered by `sites[start[r] : start[r + 1]]`.
    sites : (n_pairs,) int64
        Indices of sites, rising within a row.
    point : (n_rows,) int64
        One demand point of each group.
    """

    weight: Floats
    start: Ints
    sites: Ints
    point: Ints

    def __len__(self) -> int:
        return len(self.weight)

    def only(self, kept: Ints) -> Rows:
        """Some of the rows, in the order given."""
        lengths = np.diff(self.start)[kept]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        entries = np.arange(start[-1]) + np.repeat(self.start[kept] - start[:-1], lengths)
        return Rows(self.weight[kept], start, self.sites[entries], self.point[kept])

    def dense(self, n_sites: int) -> NDArray[np.float32]:
        """`(n_sites, n_rows) float32`, 1 where a site covers a row."""
        matrix = np.zeros((n_sites, len(self)), np.float32)
        matrix[self.sites, self.row_of_pair] = 1
        return matrix

    def of(self, row: int) -> Ints:
        """The sites that cover a row."""
        return self.sites[self.start[row] : self.start[row + 1]]

    @cached_property
    def row_of_pair(self) -> Ints:
        """The row of each entry of `sites`, `(n_pairs,) int64`."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def sums(self, of_row: Floats, n_sites: int) -> Floats:
        """For each site the sum of a value over the rows that it covers, `(n_sites,) float64`."""
        return np.bincount(self.sites, of_row[self.row_of_pair], n_sites).astype(float)

    def counts(self, opened: Ints) -> Ints:
        """How many of the opened sites cover each row; `opened` `(n_sites,)` counts crews where several share a site."""
        return np.bincount(self.row_of_pair, opened[self.sites], len(self)).astype(np.int64)


def sites_of(case: SitingCase) -> Sites:
    """The sites of a case that may open."""
    index = np.array([i for i, site in enumerate(case.sites) if site.open != "never"], np.int64)
    facts = tuple(case.sites[i] for i in index)
    return Sites(
        facts,
        index,
        np.array([site.open == "must" for site in facts], bool),
        np.array([site.yearly_cost for site in facts], float),
        np.array([math.inf if site.capacity is None else site.capacity for site in facts], float),
        case.p,
        case.budget,
    )


def weights_of(case: SitingCase) -> Floats:
    """Weights of the demand points, `(n_demand,) float64`."""
    return np.array([point.weight for point in case.demand], float)


def covering_rows(case: SitingCase, sites: Sites) -> Rows:
    """The demand points that some site covers, in groups; a point that none covers is in no row."""
    return rows_of_bits(covered_bits(case, sites.facts), weights_of(case))


def rows_of_bits(bits: Bits, weight: Floats) -> Rows:
    """Groups of equal columns of `bits`, `(n_sites, ceil(n_demand / 8)) uint8`; columns without any site are left out."""
    columns = _columns(bits, len(weight))
    if not len(weight) or not columns.shape[1]:
        return Rows(np.zeros(0), np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    keys = columns.view(np.dtype((np.void, columns.shape[1]))).ravel()
    _, point, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(point)  # in the order of the case, so that nothing depends on how bytes sort
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    sums = np.bincount(rank[group.ravel()], weight, len(order)).astype(float)
    point = point[order]
    covered = np.unpackbits(columns[point], axis=1, count=bits.shape[0]).astype(bool)
    some = covered.any(axis=1)
    covered, sums, point = covered[some], sums[some], point[some]
    start = np.concatenate([[0], np.cumsum(covered.sum(axis=1))]).astype(np.int64)
    return Rows(sums, start, np.nonzero(covered)[1].astype(np.int64), point.astype(np.int64))


def rows_of_mask(covered: Bools, weight: Floats) -> Rows:
    """Groups of equal columns of `covered`, `(n_sites, n_demand) bool`; columns without any site make one empty row."""
    keys, point, group = np.unique(np.packbits(covered, axis=0), axis=1, return_index=True, return_inverse=True)
    columns = covered[:, point].T
    start = np.concatenate([[0], np.cumsum(columns.sum(axis=1))]).astype(np.int64)
    sums = np.bincount(group.ravel(), weight, keys.shape[1]).astype(float)
    return Rows(sums, start, np.nonzero(columns)[1].astype(np.int64), point.astype(np.int64))


def _columns(bits: Bits, n_demand: int) -> Bits:
    """The same bits by demand point: `(n_demand, ceil(n_sites / 8)) uint8`."""
    columns = np.zeros((n_demand, (len(bits) + 7) // 8), np.uint8)
    for first in range(0, len(bits), 8):  # eight sites make a byte of each point
        block = np.unpackbits(bits[first : first + 8], axis=1, count=n_demand)
        columns[:, first // 8] = np.packbits(block, axis=0)[0]
    return columns


def nearest(case: SitingCase, opened: Sequence[int], reach_s: Floats | None) -> tuple[Ints, Floats]:
    """For each demand point the nearest open site and the drive in seconds.

    Parameters
    ----------
    opened
        Indices into `case.sites`, each once.
    reach_s
        `(n_demand,)`: a site that is farther serves nobody. None: any that can be reached.

    Returns
    -------
    site : (n_demand,) int64
        Index into `case.sites`, of equally near ones the first; -1 where none is in reach.
    seconds : (n_demand,) float64
        Infinite there.
    """
    n_demand = len(case.demand)
    site, best = np.full(n_demand, -1, np.int64), np.full(n_demand, np.inf)
    step = max(1, 5_000_000 // max(1, n_demand))
    for first in range(0, len(opened), step):
        block = opened[first : first + step]
        seconds = drive_s(case.travel, [case.sites[i] for i in block], case.demand)
        if reach_s is not None:
            seconds[seconds > reach_s] = np.inf
        nearer = np.argmin(seconds, axis=0)
        drive = seconds[nearer, np.arange(n_demand)]
        better = drive < best
        site[better], best[better] = np.array(block, np.int64)[nearer[better]], drive[better]
    return site, best


def grain(amounts: Floats) -> float:
    """The greatest number of which all amounts are whole multiples, down to thousandths; 0 when there is none.

    A sum of some of the amounts is a whole multiple too: a bound may be rounded to the next one.
    """
    for parts in (1, 10, 100, 1000):
        scaled = amounts * parts
        whole = np.round(scaled)
        if np.all(np.abs(scaled - whole) <= 1e-9 * np.maximum(1, np.abs(scaled))) and np.abs(whole).sum() < 2**50:
            return int(np.gcd.reduce(whole.astype(np.int64))) / parts if len(whole) else 0.0
    return 0.0
