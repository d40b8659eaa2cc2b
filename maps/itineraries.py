"""Itineraries to print: one page per technician with where, when, what to take and whom to ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from data_models.case import Case
from data_models.plan import Plan, Route
from maps.days import PlanPapers, others_of_crew, plan_papers
from maps.page import render_page
from maps.plan_map import span
from maps.visits import TicketLabel, Visit, chance_words


@dataclass(frozen=True)
class StopLines:
    """One stop as printed."""

    number: int
    name: str
    facts: tuple[tuple[str, str], ...]
    severity: str
    day: str
    arrive: str
    start: str
    finish: str
    due: str
    late: str
    doubt: str
    drive: str
    geo: str


@dataclass(frozen=True)
class TripLines:
    """One trip as printed."""

    depart: str
    origin: str
    returns: str
    home: str
    kits: str
    breaks: str
    stops: tuple[StopLines, ...]


@dataclass(frozen=True)
class SheetLines:
    """One technician's page."""

    name: str
    id: str
    station: str
    trips: tuple[TripLines, ...]


def itineraries(
    case: Case,
    plan: Plan,
    *,
    labels: Mapping[str, TicketLabel] | None = None,
    technicians: Sequence[str] | None = None,
    zone: tzinfo | None = None,
    title: str = "Itineraries",
) -> str:
    """A self-contained HTML page that prints on A4, each technician on a new sheet.

    Parameters
    ----------
    technicians
        Ids of whom to print; absent: everybody who has visits.
    zone
        In which times are written; absent: that of the case's `now`.

    Raises
    ------
    BadInput
        The plan names a technician or ticket that the case does not have.
    """
    papers = plan_papers(case, plan, labels, zone)
    days = [day for day in papers.days if technicians is None or day.technician.id in technicians]
    sheets = [
        SheetLines(
            day.technician.name or day.technician.id,
            day.technician.id,
            day.station.name or day.station.id,
            tuple(
                TripLines(
                    _day_time(trip.route.depart, papers),
                    (day.station.name or day.station.id) if trip.from_station else "where you are now",
                    _time(trip.route.returns, papers),
                    f"{_drive(trip.return_s, trip.return_km)} to {day.station.name or day.station.id}",
                    ", ".join(trip.route.kits),
                    _breaks(trip.route, papers),
                    tuple(_stop(papers, visit) for visit in trip.visits),
                )
                for trip in day.trips
            ),
        )
        for day in days
    ]
    return render_page("itineraries.html.jinja", styles=("itineraries.css",), scripts=(), title=title, subtitle=case.name, sheets=sheets)


def _stop(papers: PlanPapers, visit: Visit) -> StopLines:
    ticket, label = visit.ticket, papers.label(visit.ticket.id)
    late_s = papers.outcomes[ticket.id].late_s
    facts = (
        ("Report", label.title if label.customer else ""),
        ("Product", label.product),
        ("Site", label.site),
        ("Address", label.address),
        ("Contact", " ".join(filter(None, (label.contact, label.phone)))),
        ("Kits", ", ".join(ticket.kits)),
        ("Skills", ", ".join(f"{skill} {level}+" for skill, level in ticket.skills.items())),
        ("Together with", ", ".join(others_of_crew(papers, ticket.id, visit.technician))),
        (
            "In time",
            f"with a chance of {chance_words(label.chance)}" if label.chance is not None and not late_s and not label.doubtful else "",
        ),
        ("Note", label.note),
    )
    return StopLines(
        number=visit.number,
        name=label.customer or label.title or ticket.id,
        facts=(("Ticket", ticket.id), *((name, value) for name, value in facts if value)),
        severity=ticket.severity,
        day=f"{visit.start.astimezone(papers.zone):%a %d %b}",
        arrive=_time(visit.arrive, papers),
        start=_time(visit.start, papers),
        finish=_time(visit.finish, papers),
        due=_day_time(ticket.due, papers),
        late=span(late_s) if late_s else "",
        doubt=chance_words(label.chance) if label.doubtful and label.chance is not None else "",
        drive=_drive(visit.drive_s, visit.drive_km),
        geo=f"{ticket.lat:.5f},{ticket.lon:.5f}",
    )


def _breaks(route: Route, papers: PlanPapers) -> str:
    return ", ".join(f"{_time(pause.start, papers)} to {_time(pause.finish, papers)}" for pause in route.breaks)


def _drive(seconds: float, km: float) -> str:
    if not math.isfinite(seconds):
        return span(seconds)
    return f"{span(round(seconds / 60) * 60)}, {km:.0f} km"  # to the nearest minute: an estimate, not a promise


def _time(moment: datetime, papers: PlanPapers) -> str:
    return f"{moment.astimezone(papers.zone):%H:%M}"


def _day_time(moment: datetime, papers: PlanPapers) -> str:
    return f"{moment.astimezone(papers.zone):%a %d %b, %H:%M}"
