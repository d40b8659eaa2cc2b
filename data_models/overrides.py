"""Which advice people overruled, why, and how it went: pure arithmetic on facts.

Whether somebody was right cannot be known, since only one of two days happens. What can be said: what the advice promised, what was decided
in its place, and what then happened; and how the visits went that nobody touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean
from typing import Any, Literal

from data_models.report_figures import Share

Verdict = Literal["gained", "kept", "lost", "no_better", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("gained", "kept", "lost", "no_better", "unknown")


@dataclass(frozen=True)
class Advised:
    """What a plan said of a ticket: who comes, and when work begins and ends."""

    technicians: tuple[str, ...]
    start: datetime
    finish: datetime


@dataclass(frozen=True)
class Happened:
    """How a visit went, as far as it was told: when the crew stood there, and when it was done."""

    due: datetime
    on_site_at: datetime | None = None
    done_at: datetime | None = None

    @property
    def in_time(self) -> bool | None:
        """Whether the crew came by the promised moment; None while nobody has told."""
        return None if self.on_site_at is None else self.on_site_at <= self.due

    @property
    def work_minutes(self) -> float | None:
        """How long the work took; None while nobody has told."""
        if self.on_site_at is None or self.done_at is None or self.done_at < self.on_site_at:
            return None
        return (self.done_at - self.on_site_at).total_seconds() / 60


@dataclass(frozen=True)
class Override:
    """One change by hand that went out, about one ticket, or about a technician when `ticket` is "".

    `advised` is None where the draft did not plan the ticket, `decided` where the published plan does not; `happened` where the ticket is
    not known or there is none.
    """

    plan: int
    number: int
    kind: str
    reason: str
    note: str
    by: str
    at: datetime
    ticket: str = ""
    technician: str = ""
    advised: Advised | None = None
    decided: Advised | None = None
    happened: Happened | None = None

    @property
    def verdict(self) -> Verdict:
        """What came of it, against what the advice promised.

        `gained`: in time, where the advice was late or left the ticket out; `kept`: in time, as advised; `lost`: late, where the advice
        was in time; `no_better`: late, as advised; `unknown`: nobody has told, or nothing was to happen.
        """
        in_time = self.happened.in_time if self.happened is not None else None
        if self.happened is None or in_time is None:
            return "unknown"
        advised = self.advised is not None and self.advised.start <= self.happened.due
        if in_time:
            return "kept" if advised else "gained"
        return "lost" if advised else "no_better"

    @property
    def work_minutes_beyond(self) -> float | None:
        """By how many minutes the work took longer than the advice had planned; None where one of them is not known."""
        took = self.happened.work_minutes if self.happened is not None else None
        if took is None or self.advised is None:
            return None
        return took - (self.advised.finish - self.advised.start).total_seconds() / 60


@dataclass(frozen=True)
class Row:
    """Overrides that are alike: how many, what came of them, and by how much longer the work took than advised, on average."""

    name: str
    count: int
    verdicts: Mapping[Verdict, int]
    in_time: Share
    mean_work_minutes_beyond: float | None


@dataclass(frozen=True)
class OverridesReport:
    """The changes by hand of a period that went out, and the visits of the same plans that nobody touched.

    `cost_change` is what all of them made the plans dearer by their own cost, the search's improvements afterwards not counted.
    """

    start: datetime
    end: datetime
    overrides: tuple[Override, ...]
    by_reason: tuple[Row, ...]
    by_kind: tuple[Row, ...]
    untouched: Share
    cost_change: float
    plans: int = field(default=0)


def overrides_report(
    start: datetime, end: datetime, overrides: Sequence[Override], untouched: Iterable[Happened], cost_change: float
) -> OverridesReport:
    """The figures of overrides; `untouched` are the visits of the same plans that no override is about."""
    known = [each.in_time for each in untouched if each.in_time is not None]
    return OverridesReport(
        start,
        end,
        tuple(overrides),
        _rows(overrides, lambda each: each.reason),
        _rows(overrides, lambda each: each.kind),
        Share(sum(known), len(known)),
        round(cost_change, 2),
        len({each.plan for each in overrides}),
    )


def overrides_dict(report: OverridesReport) -> dict[str, Any]:
    """The report as plain data for JSON."""

    def plain(value: Any) -> Any:
        return None if value is None else {k: list(v) if isinstance(v, tuple) else _moment(v) for k, v in vars(value).items()}

    def row(each: Row) -> dict[str, Any]:
        return {
            "name": each.name,
            "count": each.count,
            "verdicts": dict(each.verdicts),
            "in_time": {"n": each.in_time.n, "of": each.in_time.of},
            "mean_work_minutes_beyond": each.mean_work_minutes_beyond,
        }

    return {
        "start": report.start.isoformat(),
        "end": report.end.isoformat(),
        "plans": report.plans,
        "cost_change": report.cost_change,
        "untouched": {"n": report.untouched.n, "of": report.untouched.of},
        "by_reason": [row(each) for each in report.by_reason],
        "by_kind": [row(each) for each in report.by_kind],
        "overrides": [
            {
                **{name: _moment(getattr(each, name)) for name in _PLAIN},
                **{name: plain(getattr(each, name)) for name in ("advised", "decided", "happened")},
                "verdict": each.verdict,
                "work_minutes_beyond": each.work_minutes_beyond,
            }
            for each in report.overrides
        ],
    }


_PLAIN = ("plan", "number", "kind", "reason", "note", "by", "at", "ticket", "technician")


def _moment(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _rows(overrides: Iterable[Override], name: Callable[[Override], str]) -> tuple[Row, ...]:
    groups: dict[str, list[Override]] = defaultdict(list)
    for each in overrides:
        groups[name(each)].append(each)
    return tuple(_row(key, groups[key]) for key in sorted(groups, key=lambda key: (-len(groups[key]), key)))


def _row(name: str, alike: Sequence[Override]) -> Row:
    verdicts = {verdict: sum(each.verdict == verdict for each in alike) for verdict in VERDICTS}
    beyond = [each.work_minutes_beyond for each in alike if each.work_minutes_beyond is not None]
    known = len(alike) - verdicts["unknown"]
    return Row(name, len(alike), verdicts, Share(verdicts["gained"] + verdicts["kept"], known), round(fmean(beyond), 1) if beyond else None)
