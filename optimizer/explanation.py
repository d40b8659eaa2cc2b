"""The facts of an explanation: why a ticket is not served in time, who or what is to blame, and what would help.

Everything here is data: a code with its values, never a sentence alone, so that a page can be shown in another
language (`wording` holds the sentences) and a remedy can be applied by a button. Moments among the values are ISO 8601
texts in the case's own offset, durations are minutes, money is in the case's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from data_models.context import ExpiredCertificate as ExpiredCertificate
from data_models.context import PlanningContext as PlanningContext

Value = str | int | float | tuple[str, ...]
"""What a reason or a remedy may carry under a name."""

Status = Literal["unplanned", "late"]

Blame = Literal[
    "promise", "access", "distance", "rules", "skills", "kits", "load", "coverage", "hours", "locked", "capacity", "cost", "plan"
]
"""What to blame, the first of these that holds.

Let *nearest* be an idle crew with every skill and kit, waiting at the nearest station from `now` on.

promise
    `due` lies before `now` or before the ticket was opened: nobody could have kept it.
access
    The windows or `not_before` allow no start by `due`, or none that *nearest* could make, though it could without them.
distance
    Not even *nearest*, let in at any time, arrives by `due`, or going there, working and coming back takes it longer than the
    longest shift.
rules, skills, kits, load
    The whole company, at any hour and wherever it is, holds no crew that is large enough within `only` and `banned`, that has
    the skills, that has the kits at its station, that can carry the load. Or such a crew exists too far away, and one from
    near enough would fit if this demand were dropped.
coverage
    Such a crew exists, but no one of it is stationed near enough, and no single demand is the cause.
hours
    They are near enough, but not on duty then, or not long enough.
locked
    They are on duty and idle they would arrive by `due`, but not after their locked work.
capacity
    They would arrive by `due` if they were idle: they are busy, or the kit is out with others.
cost
    The plan has room for it, and serving it in time costs more than the plan does now.
plan
    The plan has room for it, and serving it in time costs less: solving longer helps.
"""

ChangeKind = Literal[
    "replan", "overtime", "earlier_shift", "on_call", "certificate", "allow", "window", "due", "kit", "skill", "technician"
]


@dataclass(frozen=True)
class Said:
    """A sentence as data: a code of `wording.SENTENCES` and what fills its template."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """One binding reason: a code of `wording.SENTENCES`, its values, and the sentence in English."""

    code: str
    values: Mapping[str, Value]
    text: str

    @property
    def said(self) -> tuple[Said, ...]:
        """The sentence for `wording.told`."""
        return (Said(self.code, self.values),)


@dataclass(frozen=True)
class Verdict:
    """Distance or capacity: who could have been there when.

    `nearest_at`: an idle crew with all skills and kits, waiting at the nearest station from `now` on, could begin;
    `own_people_at`: the company's own fitting people could begin, idle and on duty all the time, each from their station;
    `on_duty_at`: the same people, idle, in their real shifts; `free_at`: the people as the plan leaves them, no other ticket
    suffering. None where it is impossible or where no such people or stations exist.
    """

    blame: Blame
    station: str | None
    drive_minutes: float | None
    nearest_at: datetime | None
    own_people_at: datetime | None
    on_duty_at: datetime | None
    free_at: datetime | None


@dataclass(frozen=True)
class Change:
    """One change of a case, as `remedies.apply_change` makes it. Fields that a kind does not name are None or empty.

    replan
        Nothing changes: the plan already has room.
    overtime
        `technician` may work `minutes` more overtime in `shift`.
    earlier_shift
        `shift` of `technician` begins at `start`.
    on_call
        `technician` gets another shift from `start` to `end`.
    certificate, skill
        `technician` has `skill` at `level` (renewed, or learnt).
    allow
        `technician` is allowed at `ticket` (`only` or `banned` is lifted for that person).
    window
        Work at `ticket` may also start between `start` and `end`.
    due
        `ticket` is promised for `end` instead.
    kit
        `station` owns `count` more of `kit`.
    technician
        One more person, `technician`, at `station` with `skills`, on duty from `start` to `end`.
    """

    kind: ChangeKind
    technician: str | None = None
    station: str | None = None
    ticket: str | None = None
    shift: int | None = None
    minutes: int | None = None
    skill: str | None = None
    level: int | None = None
    kit: str | None = None
    count: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Remedy:
    """A change that was confirmed: with it, `technicians` start the ticket at `start`, and no other ticket suffers.

    `effort` is what ranks remedies (see `remedies.Effort`); `cost_change` is what the plan then costs more (or less,
    negative) than now, the price of the change itself not counted.
    """

    change: Change
    start: datetime
    technicians: tuple[str, ...]
    effort: float
    cost_change: float
    text: str

    @property
    def said(self) -> tuple[Said, ...]:
        """What is changed and what that does, for `wording.told`."""
        return said_of_remedy(self.change, self.start, self.technicians)


def said_of_remedy(change: Change, start: datetime, technicians: tuple[str, ...]) -> tuple[Said, ...]:
    """A change as data for a sentence, and that with it `technicians` begin at `start`."""
    named = {"technician": change.technician, "station": change.station, "skill": change.skill, "kit": change.kit}
    numbers = {"extra_minutes": change.minutes, "new_level": change.level, "more_count": change.count}
    moments = {name: moment.isoformat() for name, moment in (("start_at", change.start), ("end_at", change.end)) if moment is not None}
    values: dict[str, Value] = {name: value for name, value in {**named, **numbers, **moments}.items() if value is not None}
    values["skills"] = tuple(f"{skill} {level}" for skill, level in change.skills.items())
    return Said(f"change_{change.kind}", values), Said("served", {"technicians": technicians, "start_at": start.isoformat()})


@dataclass(frozen=True)
class TicketExplanation:
    """Why one ticket is unplanned or late; `earliest_at` is the earliest promise that the plan can keep without harm to others."""

    ticket: str
    status: Status
    late_minutes: float | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    remedies: tuple[Remedy, ...]
    earliest_at: datetime | None


@dataclass(frozen=True)
class Explanation:
    """Every ticket that is unplanned or late, in the order of the case; tickets in time need none."""

    case: str
    tickets: tuple[TicketExplanation, ...]
