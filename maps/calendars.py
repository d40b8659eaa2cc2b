"""One technician's plan as an iCalendar file, for the calendar on the phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from icalendar import Calendar, Event, vGeo

from data_models.case import Case
from data_models.plan import Plan
from maps.days import PlanPapers, TechnicianDay, others_of_crew, plan_papers
from maps.visits import TicketLabel, Visit


def calendars(case: Case, plan: Plan, *, labels: Mapping[str, TicketLabel] | None = None, version: int = 0) -> dict[str, bytes]:
    """An iCalendar file (RFC 5545) per technician id, for those who have visits.

    An event keeps its UID from plan to plan (same technician, same ticket), so that importing a newer plan moves it in place of adding a
    second one. Times are UTC, which every calendar shows in its own zone.

    Parameters
    ----------
    version
        Of the plan; a higher one replaces a lower one (`SEQUENCE`).

    Raises
    ------
    BadInput
        The plan names a technician or ticket that the case does not have.
    """
    papers = plan_papers(case, plan, labels)
    return {day.technician.id: _calendar(papers, day, case.now, version) for day in papers.days}


def _calendar(papers: PlanPapers, day: TechnicianDay, stamp: datetime, version: int) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//twohour//dispatch//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _line(f"{day.technician.name or day.technician.id}, {day.station.name or day.station.id}"))
    for trip in day.trips:
        for visit in trip.visits:
            calendar.add_component(_event(papers, visit, stamp, version))
    text: bytes = calendar.to_ical()
    return text


def _event(papers: PlanPapers, visit: Visit, stamp: datetime, version: int) -> Event:
    ticket, label = visit.ticket, papers.label(visit.ticket.id)
    event = Event()
    event.add("uid", _uid(visit))
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("sequence", version)
    event.add("dtstart", visit.start.astimezone(UTC))
    event.add("dtend", visit.finish.astimezone(UTC))
    event.add("summary", _line(f"{visit.number}. {label.customer or label.title or ticket.id} ({ticket.severity})"))
    event.add("location", _line(", ".join(filter(None, (label.site, label.address))) or f"{ticket.lat:.5f}, {ticket.lon:.5f}"))
    event.add("geo", vGeo((ticket.lat, ticket.lon)))
    event.add("description", _clean("\n".join(_description(papers, visit))))
    event.add("priority", {"emergency": 1, "important": 5, "general": 9}[ticket.severity])
    return event


def _description(papers: PlanPapers, visit: Visit) -> Iterator[str]:
    ticket, label = visit.ticket, papers.label(visit.ticket.id)
    colleagues = ", ".join(others_of_crew(papers, ticket.id, visit.technician))
    facts = {
        "Ticket": ticket.id,
        "Report": label.title,
        "Product": label.product,
        "Arrive": f"{visit.arrive.astimezone(papers.zone):%Y-%m-%d %H:%M}",
        "Due on site": f"{ticket.due.astimezone(papers.zone):%Y-%m-%d %H:%M}",
        "Kits": ", ".join(ticket.kits),
        "Together with": colleagues,
        "Contact": " ".join(filter(None, (label.contact, label.phone))),
        "Note": label.note,
    }
    yield from (f"{name}: {value}" for name, value in facts.items() if value)


def _uid(visit: Visit) -> str:
    """Stable and free of what ids may contain: a hash over both, each with its length so that no two pairs run together."""
    pair = f"{len(visit.technician)}:{visit.technician}{visit.ticket.id}"
    return f"{sha256(pair.encode()).hexdigest()[:32]}@twohour"


def _line(text: str) -> str:
    """The text on one line, for properties that have no more than one."""
    return _clean(text).replace("\n", " ")


def _clean(text: str) -> str:
    """Control characters, which iCalendar does not allow, as spaces; line ends stay and are escaped when written."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(" " if (ord(c) < 32 and c not in "\n\t") or c in "\x7f\u0085\u2028\u2029" else c for c in text)
