"""Service reports as a use case: read the store, compute the figures, write page, workbook and JSON."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from config.policies import load_policies
from data_models.errors import BadInput
from data_models.json_files import write_file
from data_models.report_figures import Period, ServiceReport
from data_models.service_report import report_dict, service_report
from data_models.snapshot import Policies
from data_models.store import Store
from data_models.store.reporting import known_regions, service_facts
from flows.papers import Paper
from maps.report_sheet import report_sheet
from maps.report_words import Language
from maps.service_report import report_page

if TYPE_CHECKING:
    from config.settings import Settings

Span = Literal["day", "week", "month"]


def period_of(span: Span, day: date, zone: ZoneInfo, at: datetime) -> Period:
    """The day, the week from Monday, or the month in which a day lies."""
    if span == "day":
        return days(day, day, zone, at)
    if span == "week":
        first = day - timedelta(days=day.weekday())
        return days(first, first + timedelta(days=6), zone, at)
    first = day.replace(day=1)
    return days(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1), zone, at)


def days(first: date, last: date, zone: ZoneInfo, at: datetime) -> Period:
    """From the first day to the last, both included. Raises `BadInput` when they are in the wrong order, too many or still to come."""
    if last < first:
        raise BadInput(f"the report ends on {last}, before it begins on {first}; give a later --to")
    if last - first > timedelta(days=366):
        raise BadInput(f"the report goes from {first} to {last}, over more than a year; give at most 366 days")
    start, end = (datetime.combine(one, time(), tzinfo=zone) for one in (first, last + timedelta(days=1)))
    if start > at:
        shown = at.astimezone(zone)
        raise BadInput(f"the report begins on {first}, after {shown:%Y-%m-%d %H:%M}; give days that have begun, or a later --at")
    return Period(start, end, at.astimezone(zone))


def make_report(store: Store, settings: Settings, period: Period, region: str = "") -> ServiceReport:
    """The figures of a period from the store, read at one unchanging moment of it.

    Raises
    ------
    BadInput
        There is no such region, or a contract names a policy that does not exist.
    """
    policies = Policies(load_policies(settings.policy_dir), settings.policy)
    with store.reading() as session:
        known = known_regions(session) if region else ()
        if region and region not in known:
            raise BadInput(f"--region {region}: no station or site is in it; known are {', '.join(known) or 'none'}")
        facts = service_facts(session, policies, period.start, period.end, period.at, region)
    return service_report(facts, period, region)


def report_json(report: ServiceReport) -> str:
    """The report as JSON text: the same figures as page and workbook."""
    return json.dumps(report_dict(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def write_report(folder: Path, report: ServiceReport, language: Language) -> tuple[Paper, ...]:
    """Write page, workbook and JSON of a report; each file appears whole or not at all. Raises `BadInput` where it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder} cannot be made: {error.strerror}; name another with --out") from None
    name = report_name(report)
    # JSON is the same in both languages.
    contents: tuple[tuple[str, str | bytes, str], ...] = (
        (f"{name}-{language}.html", report_page(report, language), "the report to read and print"),
        (f"{name}-{language}.xlsx", report_sheet(report, language), "its figures as a workbook"),
        (f"{name}.json", report_json(report), "its figures for machines"),
    )
    for file, content, _ in contents:
        write_file(folder / file, content)
    return tuple(Paper(folder / file, what) for file, _, what in contents)


def report_name(report: ServiceReport) -> str:
    """What files of a report are called: its days, and its region."""
    first, last = report.period.start.date(), (report.period.end - timedelta(days=1)).date()
    days_words = f"{first}" if first == last else f"{first}-to-{last}"
    region = re.sub(r"[^\w-]", "_", report.region)[:60]
    return f"report-{days_words}-{region}" if region else f"report-{days_words}"
