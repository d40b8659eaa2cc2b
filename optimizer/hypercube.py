"""How often servers are busy together: Larson's correction for queues with many servers, and Erlang's loss formula for kits.

Larson (1975), doi 10.1287/opre.23.5.845.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

MOST_BUSY = 0.98
"""Beyond this a queue has no steady state that would say anything."""

Table = npt.NDArray[np.float64]


def larson(servers: int, busy: float, most: int) -> Table:
    """Q(N, rho, j) for j = 0 … most - 1: of j + 1 servers asked in turn, j busy and the next one idle, against independent ones.

    Parameters
    ----------
    servers
        N, all of them alike.
    busy
        rho, the share of the time in which one is busy; not more than `MOST_BUSY` counts.
    most
        How many values; from j = N on they are one.

    Returns
    -------
    (most,) float
    """
    table = np.ones(most)
    if servers <= 1 or busy <= 0:
        return table
    log_rho = math.log(min(busy, MOST_BUSY))
    steps, coefficients = _coefficients(servers, min(most, servers))
    top = np.exp(coefficients + steps * log_rho).sum(axis=1)
    k = np.arange(servers)
    full = servers * (math.log(servers) + log_rho) - math.lgamma(servers + 1)
    terms = k * (math.log(servers) + log_rho) - np.array([math.lgamma(i + 1) for i in range(servers)])
    table[: len(top)] = top / ((1 - math.exp(log_rho)) * np.exp(terms).sum() + math.exp(full))
    return table


@lru_cache(maxsize=512)
def _coefficients(servers: int, most: int) -> tuple[Table, Table]:
    """Of the sum over k = j … N - 1 that is Q's numerator: the power of rho and the logarithm of the rest, (most, servers) each."""
    log_n, gamma = math.log(servers), [math.lgamma(i + 1) for i in range(servers + 1)]
    steps, logs = np.zeros((most, servers)), np.full((most, servers), -math.inf)
    for j in range(most):
        for k in range(j, servers):
            steps[j, k] = k - j
            logs[j, k] = gamma[servers - j - 1] - gamma[k - j] + math.log(servers - k) + k * log_n - gamma[servers]
    return steps, logs


def all_out(owned: Table, load: Table) -> Table:
    """Erlang's loss formula for `owned` kits and so many in use on average, one after the other: the share of the time without any."""
    found = np.ones(len(owned))
    for count in range(1, int(owned.max()) + 1):
        next_one = load * found / (count + load * found)
        found = np.where(owned >= count, next_one, found)
    return found
