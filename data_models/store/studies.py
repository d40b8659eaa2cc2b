"""The company and its past out of the database, as a study to begin with."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.case import GreatCircle, Rates, Severity, Tier
from data_models.errors import NotFound
from data_models.expected import Area, History, PastTicket
from data_models.store.facts import demand_sites, load_facts
from data_models.study import Study, StudyStation
from data_models.weekly_hours import crews_of

_ROTA = timedelta(days=14)
_TIERS: dict[str, Tier] = {"A": "A", "B": "B", "C": "C"}
_SEVERITIES: dict[str, Severity] = {"emergency": "emergency", "important": "important", "general": "general"}


def study_of_company(
    session: Session,
    now: datetime,
    *,
    days: float,
    zone: str,
    policy: str,
    travel: GreatCircle,
    rates: Rates,
    region: str = "",
    name: str = "",
    person_cost: float = 0.0,
    station_cost: float = 0.0,
) -> Study:
    """Stations with their people as crews, sites as areas, and the tickets of the last `days` before `now`, cancelled ones left out.

    The history begins no sooner than the first ticket: of the time before it nothing is known.

    Parameters
    ----------
    person_cost, station_cost
        What one of the people, and a station without them, costs a year.
    region
        Only this region's stations, sites and tickets; empty for the whole company.

    Raises
    ------
    NotFound
        There is no ticket in these days.
    """
    facts = load_facts(session, now, _ROTA, region)
    clock = ZoneInfo(zone)
    sites = demand_sites(session, region)
    tier_of = {row.id: _TIERS[row.tier] for row in session.scalars(select(tables.Customer))}
    areas = tuple(Area(s.id, s.name, s.lat, s.lon, s.region, tier=tier_of[s.customer]) for s in sites)
    tickets = _tickets(session, now, days, {area.id for area in areas})
    if not tickets:
        raise NotFound(f"No ticket was opened in the {days:g} days before {now.isoformat()}; name more days, or import the company's past")
    begins = max(now - timedelta(days=days), tickets[0].opened_at.replace(hour=0, minute=0, second=0, microsecond=0))
    stations = tuple(
        StudyStation(
            station.id,
            station.name,
            station.lat,
            station.lon,
            {stock.kit: stock.owned for stock in station.kits},
            crews_of([person for person in facts.technicians if person.station == station.id], clock, person_cost),
            station_cost,
            station.region,
        )
        for station in facts.stations
    )
    title = name or (f"{region}, {now.astimezone(clock):%Y-%m-%d}" if region else f"company, {now.astimezone(clock):%Y-%m-%d}")
    return Study(title, zone, policy, stations, History(begins, now, areas, tickets), travel, rates=rates)


def _tickets(session: Session, now: datetime, days: float, sites: set[str]) -> tuple[PastTicket, ...]:
    ticket = tables.Ticket
    query = (
        select(ticket.site_id, ticket.opened_at, ticket.severity, ticket.type, ticket.product, ticket.service_minutes)
        .where(ticket.state != "cancelled", ticket.opened_at >= now - timedelta(days=days), ticket.opened_at < now)
        .order_by(ticket.opened_at, ticket.id)
    )
    return tuple(
        PastTicket(row.site_id, row.opened_at, _SEVERITIES[row.severity], row.type, row.product, row.service_minutes)
        for row in session.execute(query)
        if row.site_id in sites
    )
