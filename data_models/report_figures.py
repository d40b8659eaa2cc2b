"""What a service report says: its period and its figures, as facts without arithmetic beyond a quotient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from data_models.compensation import Compensation

Dimension = Literal["severity", "tier", "region", "station", "product"]
DIMENSIONS: tuple[Dimension, ...] = ("severity", "tier", "region", "station", "product")


@dataclass(frozen=True)
class Period:
    """From `start` to before `end`, looked at from `at`; all aware, in the zone of the company."""

    start: datetime
    end: datetime
    at: datetime

    def holds(self, moment: datetime | None) -> bool:
        """Whether something at this moment belongs to the period and has happened."""
        return moment is not None and self.start <= moment < self.end and moment <= self.at

    @property
    def until(self) -> datetime:
        """The end of what can be known of it."""
        return min(self.end, max(self.at, self.start))


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    n: int
    of: int

    @property
    def share(self) -> float | None:
        """The quotient; None of nothing."""
        return self.n / self.of if self.of else None


@dataclass(frozen=True)
class Times:
    """How long something took: over `count` tickets, in seconds; None without any.

    `p90_s` is the shortest that at least nine of ten did not exceed.
    """

    count: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True)
class Group:
    """Tickets that are alike in one thing: what was kept by clock, and how fast they were served."""

    dimension: Dimension
    id: str
    name: str
    opened: int
    clocks: Mapping[str, Share]
    response: Times
    solution: Times


@dataclass(frozen=True)
class Missed:
    """One promise that was not kept; `is_open` while it still is not."""

    ticket: str
    clock: str
    reopening: int
    due_at: datetime
    late_s: float
    is_open: bool
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Trouble:
    """A group whose clock was missed most beyond what the company's own share of misses would give: `excess` misses.

    `late_s` is the median lateness of the missed ones, `still_open` how many of them are not kept yet.
    """

    dimension: Dimension
    id: str
    name: str
    clock: str
    missed: Share
    excess: float
    late_s: float
    still_open: int


@dataclass(frozen=True)
class Bucket:
    """An hour of a day, or a day of a longer period: tickets opened, promises that fell due, and how many were kept."""

    start: datetime
    opened: int
    clocks: Mapping[str, Share]


@dataclass(frozen=True)
class People:
    """The people of a station (`station` "" is everybody): seconds on shift, driving, at work and of overtime, by the published plans."""

    station: str
    name: str
    on_shift: int
    sent_out: int
    shift_s: float
    work_s: float
    drive_s: float
    overtime_s: float

    @property
    def busy(self) -> float | None:
        """Of the time on shift, the share at work or driving; overtime may bring it above one. None without a shift."""
        return (self.work_s + self.drive_s) / self.shift_s if self.shift_s else None


@dataclass(frozen=True)
class Kits:
    """The kits of a type: how often and how long they were out, of the time that all of them could have been."""

    kit: str
    owned: int
    broken: int
    uses: int
    out_s: float
    available_s: float

    @property
    def used(self) -> float | None:
        """Out of the station, as a share; None without a kit or before the period begins."""
        return self.out_s / self.available_s if self.available_s else None


@dataclass(frozen=True)
class Owed:
    """What missed clocks pay: `total` by currency over known amounts, `unknown` counts those without one, `growing` those not final."""

    count: int
    total: Mapping[str, float]
    unknown: int
    growing: int
    items: tuple[Compensation, ...]


@dataclass(frozen=True)
class Satisfaction:
    """What customers said: how many, the mean (None of nobody), and how often each score of the scale was given."""

    count: int
    mean: float | None
    scores: Mapping[int, int]


@dataclass(frozen=True)
class ServiceReport:
    """All figures of a period.

    `open_at_end` are tickets that wait at the end of it (or at `period.at`), `stopped` clocks that came to nothing in time, such as
    those of cancelled tickets: they are in no share.
    """

    period: Period
    region: str
    opened: int
    done: int
    cancelled: int
    open_at_end: int
    clocks: Mapping[str, Share]
    stopped: int
    groups: tuple[Group, ...]
    response: Times
    on_site: Times
    solution: Times
    first_visit: Share
    reopenings: int
    reopened: Share
    satisfaction: Satisfaction
    people: tuple[People, ...]
    everybody: People
    kits: tuple[Kits, ...]
    owed: Owed
    worst: tuple[Trouble, ...]
    course: tuple[Bucket, ...]
    missed: tuple[Missed, ...]
