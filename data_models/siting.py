"""Where stations could stand, and the choice among them, as facts: the dataclasses mirror `siting-case/1` and `siting-choice/1`.

`siting_files` reads and writes them; whoever holds a `SitingCase` may trust that it was validated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from data_models.case import GreatCircle, TravelMatrix

SitingModel = Literal["lscp", "mclp", "pmedian", "pcenter", "backup", "mexclp", "frontier"]
Opening = Literal["must", "may", "never"]

SITING_MODELS: tuple[SitingModel, ...] = get_args(SitingModel)


@dataclass(frozen=True)
class CandidateSite:
    """A place where a station must, may or may never be open; `capacity` is the demand weight that it can serve, None without limit."""

    id: str
    name: str
    lat: float
    lon: float
    open: Opening
    yearly_cost: float
    capacity: float | None = None
    place: int | None = None


@dataclass(frozen=True)
class DemandPoint:
    """A place that may need somebody; `weight` is what it counts for, `minutes` its own standard where it has one."""

    id: str
    lat: float
    lon: float
    weight: float
    minutes: float | None = None
    place: int | None = None


@dataclass(frozen=True)
class SitingCase:
    """One question of where stations belong.

    Attributes
    ----------
    minutes
        The standard: a site covers a demand point when the drive to it takes at most so long.
    model
        `lscp`: fewest sites that cover everything; `mclp`: most weight covered; `pmedian`: least weighted drive; `pcenter`: least
        worst drive; `backup`: most weight covered twice; `mexclp`: most expected coverage by crews that may be busy; `frontier`:
        every efficient point of coverage against yearly cost.
    p
        How many sites are opened, or for `mexclp` how many crews there are.
    busy
        Probability that a crew is busy, for `mexclp`.
    budget
        The most that the open sites may cost in a year.
    """

    name: str
    travel: GreatCircle | TravelMatrix
    sites: tuple[CandidateSite, ...]
    demand: tuple[DemandPoint, ...]
    minutes: float
    model: SitingModel
    p: int | None = None
    busy: float | None = None
    budget: float | None = None
    format: Literal["siting-case/1"] = "siting-case/1"

    @cached_property
    def site_by_id(self) -> dict[str, CandidateSite]:
        """Sites by id."""
        return {site.id: site for site in self.sites}

    @cached_property
    def demand_by_id(self) -> dict[str, DemandPoint]:
        """Demand points by id."""
        return {point.id: point for point in self.demand}

    def standard_of(self, point: DemandPoint) -> float:
        """The standard of a demand point in minutes: its own, or else that of the case."""
        return self.minutes if point.minutes is None else point.minutes


@dataclass(frozen=True)
class FrontierPoint:
    """A choice that none covers as much for less: its yearly cost, the weight covered and the sites that are open."""

    yearly_cost: float
    covered: float
    open: tuple[str, ...]


@dataclass(frozen=True)
class SitingChoice:
    """The answer to a siting case.

    Attributes
    ----------
    case
        The name of the case.
    open
        Ids of the open sites in the order of the case, for `mexclp` once for each crew.
    serves
        For each demand point the open site that serves it, None where none does.
    objective
        What the model counts: sites (`lscp`), weight (`mclp`, `backup`, `mexclp`), weight × minutes (`pmedian`), minutes (`pcenter`), the
        most weight that can be covered (`frontier`).
    bound
        No choice has a better objective than this.
    proven
        The objective is the best there is; for `frontier`, that `points` are all efficient points.
    seconds
        How long it took.
    points
        For `frontier`: by rising cost, the choice that opens nothing but what must be open first.
    """

    case: str
    open: tuple[str, ...]
    serves: Mapping[str, str | None]
    objective: float
    bound: float
    proven: bool
    seconds: float
    points: tuple[FrontierPoint, ...] = field(default=())
    format: Literal["siting-choice/1"] = "siting-choice/1"
