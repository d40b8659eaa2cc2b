"""Random factors on drives and work that belong to people and tickets, so that two plans can be compared on the same days."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How far reality strays from plans.

    Attributes
    ----------
    drive, service
        Standard deviation of the logarithm of (actual / planned): with 0.2, two of three drives take between 82 % and 122 % of
        their planned time. 0 means that all goes as planned.
    correlation
        Between the logarithms of two drives, or of two works, of one technician in one shift: 0 to 1.
    """

    drive: float = 0.2
    service: float = 0.3
    correlation: float = 0.5


class Draws:
    """Factors on planned times: (n_samples,) float64 each, with median 1.

    Each is drawn from a stream of its own, which its names and the seed choose: Philox counts, so that a stream costs no more to begin
    anywhere (Salmon and others 2011, doi 10.1145/2063384.2063405).
    """

    def __init__(self, problem: Problem, spread: Spread, samples: int, seed: int) -> None:
        self.problem, self.spread, self.samples, self.seed = problem, spread, samples, seed
        self._shared: dict[tuple[str, int, int], Floats] = {}
        self._service: dict[int, Floats] = {}

    def drive(self, technician: int, shift: int, place: str) -> Floats:
        """The factor of a technician's drive to a ticket, or home when `place` is empty."""
        if self.spread.drive == 0:
            return np.ones(self.samples)
        own = self._normal("drive", self.problem.technician_ids[technician], place or f"\0{shift}")
        return self._factor(self.spread.drive, self._common("drive", technician, shift), own)

    def service(self, ticket: int, technicians: Sequence[int]) -> Floats:
        """The factor of the work on a ticket, the same for its whole crew; that of a crew takes a share of each of them."""
        if self.spread.service == 0:
            return np.ones(self.samples)
        if ticket in self._service:
            return self._service[ticket]
        common = sum((self._common("work", who, 0) for who in technicians), np.zeros(self.samples)) / math.sqrt(len(technicians))
        factor = self._factor(self.spread.service, common, self._normal("work", self.problem.ticket_ids[ticket]))
        if len(technicians) > 1:  # each of the crew asks for it
            self._service[ticket] = factor
        return factor

    def _factor(self, spread: float, common: Floats, own: Floats) -> Floats:
        share = self.spread.correlation
        return np.asarray(np.exp(spread * (math.sqrt(share) * common + math.sqrt(1 - share) * own)))

    def _common(self, what: str, technician: int, shift: int) -> Floats:
        key = (what, technician, shift)
        if key not in self._shared:
            self._shared[key] = self._normal("day", what, self.problem.technician_ids[technician], str(shift))
        return self._shared[key]

    def _normal(self, *names: str) -> Floats:
        text = "\0\0".join((str(self.seed), *names))
        key = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "little")
        return np.random.Generator(np.random.Philox(key=key)).standard_normal(self.samples)
