"""The paper side of a plan: one technician's day, ready to be printed, sent or written into a sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from data_models.case import Case, Station, Technician
from data_models.plan import Plan
from maps.visits import TicketLabel, TicketOutcome, Trip, ticket_outcomes, trips


@dataclass(frozen=True)
class TechnicianDay:
    """Everything one technician does in a plan, trip by trip in the order of departure."""

    technician: Technician
    station: Station
    trips: tuple[Trip, ...]


@dataclass(frozen=True)
class PlanPapers:
    """A plan laid out for papers: `days` in the order of the case (only who has visits), `outcomes` by ticket id.

    `names` holds what technicians are called, by id.
    """

    days: tuple[TechnicianDay, ...]
    outcomes: Mapping[str, TicketOutcome]
    labels: Mapping[str, TicketLabel]
    zone: tzinfo | None
    names: Mapping[str, str]

    def label(self, ticket: str) -> TicketLabel:
        """What people call the ticket; an empty label when nobody said."""
        return self.labels.get(ticket, TicketLabel())


def plan_papers(case: Case, plan: Plan, labels: Mapping[str, TicketLabel] | None = None, zone: tzinfo | None = None) -> PlanPapers:
    """The plan laid out by technician.

    Parameters
    ----------
    labels
        By ticket id, what people call the tickets.
    zone
        In which times are written; absent: that of the case's `now`.

    Raises
    ------
    BadInput
        The plan names a technician or ticket that the case does not have.
    """
    journeys = trips(case, plan)
    outcomes = ticket_outcomes(case, plan, journeys)
    days = []
    for technician in case.technicians:
        own = tuple(journey for journey in journeys if journey.route.technician == technician.id and journey.visits)
        if own:
            days.append(TechnicianDay(technician, case.station_by_id[technician.station], own))
    names = {technician.id: technician.name for technician in case.technicians}
    by_ticket = {item.ticket.id: item for item in outcomes}
    return PlanPapers(tuple(days), by_ticket, labels or {}, zone or case.now.tzinfo, names)


def others_of_crew(papers: PlanPapers, ticket: str, technician: str) -> tuple[str, ...]:
    """The colleagues who meet the technician at the ticket, as "name (id)"; the id alone when there is no name."""
    others = (visit.technician for visit in papers.outcomes[ticket].visits if visit.technician != technician)
    return tuple(f"{papers.names[other]} ({other})" if papers.names.get(other) else other for other in others)
