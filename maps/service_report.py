"""The service report as a page: self-contained, without a script, its plots drawn as SVG in the page itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from data_models.report_figures import DIMENSIONS, Group, People, ServiceReport, Share, Times
from maps.page import render_page
from maps.report_words import Language, named, share_words, span_words, word

MOST_ROWS = 30
"""A longer list of groups is cut here, those with most misses first: the workbook has all."""

_PLOT_WIDTH, _PLOT_HEIGHT = 720.0, 130.0


@dataclass(frozen=True)
class Bar:
    """One clock as a bar of 100 units: how much of it is kept, and its numbers."""

    label: str
    width: float
    percent: str
    numbers: str
    is_good: bool


@dataclass(frozen=True)
class Column:
    """A slice of the course: kept at the bottom, missed above, in plot units; `tip` is its text for readers and pointers."""

    x: float
    width: float
    kept_y: float
    kept_height: float
    missed_y: float
    missed_height: float
    label: str
    tip: str


@dataclass(frozen=True)
class Cell:
    """A share in a table, `level` 0 (bad) to 3 (good), -1 without anything to tell."""

    percent: str
    numbers: str
    level: int


def report_page(report: ServiceReport, language: Language = "zh") -> str:
    """The page: figures, the three worst, shares by clock and group, course, times, quality, people, kits, compensation.

    It asks the network for nothing, runs no code, prints on A4 and fits a phone. Text from outside is escaped.
    """

    def said(key: str) -> str:
        return word(key, language)

    clocks = tuple(report.clocks)
    kept, due = sum(one.n for one in report.clocks.values()), sum(one.of for one in report.clocks.values())
    return render_page(
        "service_report.html.jinja",
        styles=("service_report.css",),
        scripts=(),
        language={"zh": "zh-CN", "en": "en"}[language],
        said=said,
        title=f"{said('title')} {_days(report)}",
        where=report.region or said("whole"),
        as_known=f"{said('as_known')} {report.period.at:%Y-%m-%d %H:%M}",
        figures=_figures(report, language, kept, due),
        worst=_worst(report, language),
        any_due=bool(due),
        bars=[_bar(said(clock), share, language) for clock, share in report.clocks.items()],
        columns=_columns(report, language),
        top=max((sum(share.of for share in one.clocks.values()) for one in report.course), default=0),
        plot=(_PLOT_WIDTH, _PLOT_HEIGHT),
        times=[(said(key), *_times(times, language)) for key, times in _speeds(report)],
        quality=_quality(report, language),
        scores=_scores(report),
        clock_names=[said(clock) for clock in clocks],
        tables=[_table(report, dimension, clocks, language) for dimension in DIMENSIONS],
        people=[_person(one, language) for one in (*report.people, report.everybody)],
        kits=[
            (one.kit, one.owned, one.broken, one.uses, _hours(one.out_s), _percent(one.used)) for one in report.kits
        ],
        owed=_owed(report, language),
    )  # fmt: skip


def _days(report: ServiceReport) -> str:
    first, last = report.period.start, report.period.end - timedelta(days=1)
    return f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d}\u2009–\u2009{last:%Y-%m-%d}".replace("-", "\u2011")


def _speeds(report: ServiceReport) -> tuple[tuple[str, Times], ...]:
    return ("response", report.response), ("arrival", report.on_site), ("solution_time", report.solution)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f}"


def _figures(report: ServiceReport, language: Language, kept: int, due: int) -> list[tuple[str, str, str]]:
    first, scores = report.first_visit, report.satisfaction
    money = " + ".join(f"{amount:,.0f} {currency}" for currency, amount in report.owed.total.items()) or "0"
    return [
        (word("kept", language), _percent(Share(kept, due).share), share_words(kept, due, language)),
        (word("opened", language), f"{report.opened:,}", f"{word('done', language)} {report.done:,}"),
        (word("open_at_end", language), f"{report.open_at_end:,}", f"{word('cancelled', language)} {report.cancelled:,}"),
        (word("first_visit", language), _percent(first.share), share_words(first.n, first.of, language)),
        (
            word("satisfaction", language),
            "–" if scores.mean is None else f"{scores.mean:.2f}",
            f"{word('answers', language)}{scores.count:,}",
        ),
        (word("owed", language), money, f"{report.owed.count:,} {word('owed_count', language)}"),
    ]


def _worst(report: ServiceReport, language: Language) -> list[tuple[str, str, str]]:
    told = []
    for one in report.worst:
        facts = [
            f"{word('missed', language)} {share_words(one.missed.n, one.missed.of, language)}",
            f"{word('late_median', language)} {span_words(one.late_s, language)}",
        ]
        # Less than half a promise says nothing.
        if one.excess >= 0.5:
            facts.append(
                f"{word('beyond', language)} {one.excess:.1f}" if language == "zh" else f"{one.excess:.1f} {word('beyond', language)}"
            )
        if one.still_open:
            facts.append(f"{one.still_open:,} {word('still_open', language)}")
        where = f"{word(one.dimension, language)} {named(one.dimension, one.id, one.name, language)}"
        told.append((word(one.clock, language), where, " · ".join(facts)))
    return told


def _bar(label: str, share: Share, language: Language) -> Bar:
    part = share.share or 0.0
    return Bar(label, round(100 * part, 2), _percent(share.share), share_words(share.n, share.of, language), part >= 0.9)


def _columns(report: ServiceReport, language: Language) -> list[Column]:
    sums = [
        (one.start, sum(share.n for share in one.clocks.values()), sum(share.of for share in one.clocks.values())) for one in report.course
    ]
    top = max((of for _, _, of in sums), default=0) or 1
    step = _PLOT_WIDTH / max(len(sums), 1)
    hourly = len(sums) > 1 and sums[1][0].date() == sums[0][0].date()
    # So that labels keep clear of each other: at most about twelve.
    each = max(1, -(-len(sums) // 12))
    columns = []
    for number, (start, kept, of) in enumerate(sums):
        low, high = _PLOT_HEIGHT * kept / top, _PLOT_HEIGHT * (of - kept) / top
        when = f"{start:%H:%M}" if hourly else f"{start:%m-%d}"
        tip = f"{when}: {kept:,} {word('kept_words', language)}, {of - kept:,} {word('missed_words', language)}"
        columns.append(
            Column(
                round(number * step + step * 0.12, 2), round(step * 0.76, 2), round(_PLOT_HEIGHT - low, 2), round(low, 2),
                round(_PLOT_HEIGHT - low - high, 2), round(high, 2), when if number % each == 0 else "", tip,
            )
        )  # fmt: skip
    return columns


def _times(times: Times, language: Language) -> tuple[str, str, str]:
    return span_words(times.median_s, language), span_words(times.p90_s, language), f"{times.count:,}"


def _quality(report: ServiceReport, language: Language) -> list[tuple[str, str]]:
    return [
        (word("first_visit", language), _both(report.first_visit, language)),
        (word("reopened", language), _both(report.reopened, language)),
        (word("reopenings", language), f"{report.reopenings:,}"),
        (word("stopped", language), f"{report.stopped:,}"),
    ]


def _both(share: Share, language: Language) -> str:
    return f"{_percent(share.share)} ({share_words(share.n, share.of, language)})" if share.of else "–"


def _scores(report: ServiceReport) -> list[tuple[int, int, float]]:
    most = max(report.satisfaction.scores.values(), default=0) or 1
    return [(score, count, round(100 * count / most, 2)) for score, count in sorted(report.satisfaction.scores.items(), reverse=True)]


def _table(
    report: ServiceReport, dimension: str, clocks: Sequence[str], language: Language
) -> tuple[str, list[tuple[str, str, list[Cell], str, str]], int]:
    own = [group for group in report.groups if group.dimension == dimension]
    if len(own) > MOST_ROWS:
        own = sorted(own, key=lambda group: (-_misses(group.clocks), -group.opened, group.id))
    rows = [
        (
            named(dimension, group.id, group.name, language),
            f"{group.opened:,}",
            list(_cells(group, clocks, language)),
            span_words(group.response.median_s, language),
            span_words(group.solution.median_s, language),
        )
        for group in own[:MOST_ROWS]
    ]
    return word(dimension, language), rows, len(own) - len(rows)


def _misses(clocks: Mapping[str, Share]) -> int:
    return sum(share.of - share.n for share in clocks.values())


def _cells(group: Group, clocks: Sequence[str], language: Language) -> Iterator[Cell]:
    for clock in clocks:
        share = group.clocks.get(clock, Share(0, 0))
        part = share.share
        level = -1 if part is None else sum(part >= limit for limit in (0.6, 0.8, 0.9))
        yield Cell(_percent(part), share_words(share.n, share.of, language) if share.of else "", level)


def _person(one: People, language: Language) -> tuple[str, str, str, str, str, str, str, str, bool]:
    return (
        one.name or word("everybody", language), f"{one.on_shift:,}", f"{one.sent_out:,}", _hours(one.shift_s), _hours(one.work_s),
        _hours(one.drive_s), _hours(one.overtime_s), _percent(one.busy), not one.station,
    )  # fmt: skip


def _owed(report: ServiceReport, language: Language) -> list[str]:
    owed = report.owed
    lines = [f"{amount:,.2f} {currency}" for currency, amount in owed.total.items()]
    lines.append(f"{owed.count:,} {word('owed_count', language)}")
    lines += [f"{count:,} {word(key, language)}" for key, count in (("unknown", owed.unknown), ("growing", owed.growing)) if count]
    return lines
