"""Everything that is published of a plan, written into one folder: maps, dispatch sheet, itineraries, calendars, the plan itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from data_models.case import GreatCircle, Station, TravelMatrix
from data_models.case_files import case_json, plan_json, write_file
from data_models.context import Context
from flows.planning import JudgedPlan
from maps.calendars import calendars
from maps.coverage_map import DemandPoint, coverage_map
from maps.dispatch_sheet import dispatch_sheet
from maps.itineraries import itineraries
from maps.plan_map import plan_map
from maps.visits import TicketLabel
from optimizer.wording import Language, told, word


@dataclass(frozen=True)
class Paper:
    """One file that was written, and what it is for."""

    path: Path
    what: str


@dataclass(frozen=True)
class Coverage:
    """What the coverage map shows: stations and demand points with the travel between them, and the promise."""

    stations: tuple[Station, ...]
    demand: tuple[DemandPoint, ...]
    travel: GreatCircle | TravelMatrix
    promise_km: float
    standard_minutes: float


def labels_of(context: Context, judged: JudgedPlan, language: Language = "en") -> dict[str, TicketLabel]:
    """What maps, papers and pages show of each ticket, by id; reasons and remedies in the language."""
    names, now = context.planning.names, judged.case.now
    explained = {item.ticket: item for item in judged.explanation.tickets} if judged.explanation else {}
    likely = judged.chances.tickets if judged.chances else {}
    labels: dict[str, TicketLabel] = {}
    for ticket, facts in context.tickets.items():
        why = explained.get(ticket)
        labels[ticket] = TicketLabel(
            title=facts.title,
            customer=facts.customer,
            site=facts.site,
            address=facts.address,
            contact=facts.contact,
            phone=facts.phone,
            product=facts.product,
            note=facts.description,
            clocks=facts.clocks,
            reasons=tuple(told(reason.said, names, now, language, otherwise=reason.text) for reason in why.reasons) if why else (),
            blame=word("blame", why.verdict.blame, language) if why else "",
            remedies=tuple(told(remedy.said, names, now, language, otherwise=remedy.text) for remedy in why.remedies) if why else (),
            chance=likely[ticket].in_time if ticket in likely else None,
            arrive_by=likely[ticket].arrive_by if ticket in likely else None,
            doubtful=ticket in judged.doubtful,
        )
    return labels


def write_papers(
    folder: Path,
    judged: JudgedPlan,
    *,
    labels: Mapping[str, TicketLabel],
    coverage: Coverage,
    zone: tzinfo,
    version: int,
    currency: str = "",
    notes: Iterable[str] = (),
) -> tuple[Paper, ...]:
    """Write all papers of a plan; each file appears whole or not at all.

    Parameters
    ----------
    coverage
        Without stations or demand points there is no coverage map.
    zone
        In which times are written.
    version
        Of the plan: calendars with a higher one replace those with a lower one.
    currency
        Of the plan's cost, such as "CNY".
    notes
        What to know about the travel times, shown under the title of the map.
    """
    case, plan = judged.case, judged.plan
    cost = judged.score.cost.total
    said = " · ".join(note for note in (case.name, *notes) if note)
    contents: list[tuple[str, str | bytes, str]] = [
        ("plan-map.html", plan_map(case, plan, labels=labels, subtitle=said, cost=cost, currency=currency, zone=zone), "the plan on a map"),
        ("dispatch-sheet.xlsx", dispatch_sheet(case, plan, labels=labels, zone=zone, cost=cost), "the dispatch sheet"),
        ("itineraries.html", itineraries(case, plan, labels=labels, zone=zone), "itineraries to print"),
        ("plan.json", plan_json(plan), "the plan as a file"),
        ("case.json", case_json(case), "the case that it was made from"),
    ]
    if coverage.stations and coverage.demand:
        page = coverage_map(
            coverage.stations,
            case.technicians,
            coverage.demand,
            coverage.travel,
            now=case.now.astimezone(zone),
            promise_km=coverage.promise_km,
            standard_minutes=coverage.standard_minutes,
        )
        contents.insert(1, ("coverage-map.html", page, "what the stations reach in time"))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content, what in contents:
        write_file(folder / name, content)
        written.append(Paper(folder / name, what))
    by_technician = calendars(case, plan, labels=labels, version=version)
    (folder / "calendars").mkdir(exist_ok=True)
    for technician, content in by_technician.items():
        write_file(folder / "calendars" / f"{_file_name(technician)}.ics", content)
    written.append(Paper(folder / "calendars", f"a calendar for each of {len(by_technician)} technicians"))
    return tuple(written)


def _file_name(technician: str) -> str:
    """A technician's id as a file name: what could be a path or a device is replaced."""
    return re.sub(r"[^\w-]", "_", technician)[:80] or "_"
