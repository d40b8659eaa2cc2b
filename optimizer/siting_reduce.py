"""What a covering problem can do without: rows that follow from others, sites of which another covers all and more.

Both are the classic reductions of location set covering (Toregas & ReVelle 1973, Geographical Analysis 5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.siting_problem import Rows, Sites

MOST_WORK = 4e9
"""Multiplications that a reduction may take; a larger problem is solved as it is."""


def needed_rows(rows: Rows, n_sites: int) -> Rows:
    """The rows whose covering implies that of the others: a row falls when all sites of another row are among its own."""
    n = len(rows)
    if n * n * n_sites > MOST_WORK or n < 2:
        return rows
    matrix = rows.dense(n_sites)
    common = matrix.T @ matrix
    size = np.diag(common)
    # contains[i, k]: all sites of row k cover row i too; equal rows were put together, so that none falls for its equal.
    contains = common >= size[None, :]
    np.fill_diagonal(contains, False)
    return rows.only(np.flatnonzero(~contains.any(axis=1)))


def needed_sites(sites: Sites, rows: Rows) -> NDArray[np.bool_]:
    """`(n_sites,)`: sites that no other replaces. One falls when another covers all that it covers; of equals the first stays.

    Holds where every site counts the same: not with a budget or capacities.
    """
    n = len(sites)
    if n * n * len(rows) > MOST_WORK or n < 2:
        return np.ones(n, bool)
    matrix = rows.dense(n)
    common = matrix @ matrix.T
    size = np.diag(common)
    contained = common >= size[:, None]  # [j, k]: k covers all that j covers
    order = np.arange(n)
    first = (size[None, :] > size[:, None]) | (order[None, :] < order[:, None]) | (sites.must[None, :] & ~sites.must[:, None])
    np.fill_diagonal(contained, False)
    return np.asarray(sites.must | ~(contained & first).any(axis=1))
