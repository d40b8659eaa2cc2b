"""The plan on a map: who goes where and when, what is late, what is not planned, at any moment of the day."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from data_models.case import SEVERITIES, Case, Technician
from data_models.plan import Plan
from maps.page import asset, render_page
from maps.visits import (
    Place,
    Spell,
    TicketLabel,
    TicketOutcome,
    Trip,
    chance_words,
    expected_in_time,
    severity_figures,
    ticket_outcomes,
    trips,
)

ROUTE_COLOURS = ("#0072b2", "#117733", "#882255", "#332288", "#2a9d8f", "#5b8fd9", "#aa4499")
"""After Paul Tol's and Okabe and Ito's colour-blind-safe sets; nothing near the vermilion that marks lateness."""


def plan_map(
    case: Case,
    plan: Plan,
    *,
    labels: Mapping[str, TicketLabel] | None = None,
    title: str = "Dispatch plan",
    subtitle: str | None = None,
    cost: float | None = None,
    currency: str = "",
    zone: tzinfo | None = None,
) -> str:
    """A self-contained HTML page showing the plan of a case.

    Parameters
    ----------
    case, plan
        The plan need not be complete: tickets that it does not mention are drawn as unplanned.
    labels
        By ticket id, what people call the tickets; absent ones show the id only.
    subtitle
        Under the title; absent: the name of the case.
    cost
        In the case's currency; absent: the solver's, if it told.
    currency
        Written behind money, such as "CNY".
    zone
        In which times are shown; absent: that of the case's `now`.

    Returns
    -------
    str
        HTML that opens from a file, asks the network for nothing and never runs what a ticket's text contains.

    Raises
    ------
    BadInput
        The plan names a technician or ticket that the case does not have.
    """
    if zone is not None:
        case = replace(case, now=case.now.astimezone(zone))
    journeys = trips(case, plan)
    outcomes = ticket_outcomes(case, plan, journeys)
    if cost is None and plan.solver is not None:
        cost = plan.solver.cost
    return render_page(
        "plan_map.html.jinja",
        styles=("leaflet.css", "page.css", "plan_map.css"),
        scripts=("leaflet.js", "base_map.js", "plan_layers.js", "plan_popups.js", "plan_map.js"),
        data={"base": base_map_data(), **_page_data(case, journeys, outcomes, labels or {})},
        title=title,
        subtitle=subtitle if subtitle is not None else case.name,
        now=_moment(case.now),
        severities=severity_figures(outcomes),
        expected=expected_in_time(outcomes, labels or {}),
        late=sum(item.outcome == "late" for item in outcomes),
        unplanned=sum(item.outcome == "unplanned" for item in outcomes),
        worst_late=span(max((item.late_s for item in outcomes), default=0.0)),
        tickets=len(outcomes),
        technicians_out=len({journey.route.technician for journey in journeys if journey.visits}),
        technicians=len(case.technicians),
        drive_h=_drive_h(journeys),
        cost=None if cost is None else f"{cost:,.0f} {currency}".strip(),
    )


def plan_data(case: Case, plan: Plan, labels: Mapping[str, TicketLabel]) -> dict[str, Any]:
    """What a script draws a plan from: times in seconds since `epoch`, technicians, stations and tickets by index, places as [lat, lon].

    Raises `BadInput` when the plan names what the case does not have.
    """
    journeys = trips(case, plan)
    return _page_data(case, journeys, ticket_outcomes(case, plan, journeys), labels)


def base_map_data() -> dict[str, Any]:
    """Outlines and city names of the offline base map, as `assets/SOURCE.txt` describes them."""
    return {"provinces": json.loads(asset("provinces.json")), "cities": json.loads(asset("cities.json"))}


def span(seconds: float) -> str:
    """A duration in words, such as `2 h 05 min`; up to the whole minute, so that a second late is not 0."""
    if not math.isfinite(seconds):
        return "no road"
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def _moment(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"


def _drive_h(journeys: Iterable[Trip]) -> float:
    seconds = (leg_s for journey in journeys for leg_s in (*(visit.drive_s for visit in journey.visits), journey.return_s))
    return sum(leg_s for leg_s in seconds if math.isfinite(leg_s)) / 3600


def _page_data(
    case: Case, journeys: Sequence[Trip], outcomes: Sequence[TicketOutcome], labels: Mapping[str, TicketLabel]
) -> dict[str, Any]:
    epoch = int(case.now.timestamp()) // 3600 * 3600
    technician_index = {technician.id: index for index, technician in enumerate(case.technicians)}
    station_index = {station.id: index for index, station in enumerate(case.stations)}
    ticket_index = {ticket.id: index for index, ticket in enumerate(case.tickets)}
    colours = route_colours(case.technicians)
    offset = case.now.utcoffset() or timedelta(0)
    return {
        "epoch": epoch,
        "offset": int(offset.total_seconds()),
        "now": int(case.now.timestamp()) - epoch,
        "severities": list(SEVERITIES),
        "stations": [
            {"id": s.id, "name": s.name, "at": [s.lat, s.lon], "kits": [f"{count} × {kit}" for kit, count in s.kits.items()]}
            for s in case.stations
        ],
        "technicians": [
            {
                "id": t.id,
                "name": t.name,
                "station": station_index.get(t.station),
                "colour": colours[t.id],
                "skills": [f"{skill} {level}" for skill, level in t.skills.items()],
                "shifts": [[_seconds(s.start, epoch), _seconds(s.end, epoch), round(s.overtime_minutes)] for s in t.shifts],
            }
            for t in case.technicians
        ],
        "trips": [
            {
                "technician": technician_index[journey.route.technician],
                "kits": list(journey.route.kits),
                "from": [journey.origin.lat, journey.origin.lon],
                "spells": [_spell(spell, epoch) for spell in journey.spells],
                "stops": [ticket_index[visit.ticket.id] for visit in journey.visits],
            }
            for journey in journeys
        ],
        "tickets": [_ticket(item, labels.get(item.ticket.id, TicketLabel()), technician_index, epoch) for item in outcomes],
    }


def _ticket(item: TicketOutcome, label: TicketLabel, technician_index: Mapping[str, int], epoch: int) -> dict[str, Any]:
    """One ticket for the page; what is empty is left out, which halves the file."""
    ticket = item.ticket
    facts = {
        "id": ticket.id,
        "at": [ticket.lat, ticket.lon],
        "severity": SEVERITIES.index(ticket.severity),
        "tier": ticket.tier,
        "outcome": item.outcome,
        "opened": _seconds(ticket.opened_at, epoch),
        "due": _seconds(ticket.due, epoch),
        "late": round(item.late_s),
        "service": ticket.service_minutes,
        "crew": ticket.crew if ticket.crew > 1 else 0,
        "skills": [f"{skill} {level}+" for skill, level in ticket.skills.items()],
        "kits": list(ticket.kits),
        "windows": [[_seconds(window.start, epoch), _seconds(window.end, epoch)] for window in ticket.windows],
        "visits": [
            {
                "technician": technician_index[visit.technician],
                "number": visit.number,
                "arrive": _seconds(visit.arrive, epoch),
                "start": _seconds(visit.start, epoch),
                "finish": _seconds(visit.finish, epoch),
            }
            for visit in item.visits
        ],
        "reasons": list(label.reasons or item.reasons),
        "remedies": list(label.remedies),
        "clocks": [[name, _seconds(moment, epoch)] for name, moment in label.clocks.items()],
    }
    texts = ("title", "customer", "site", "address", "contact", "phone", "product", "note", "blame")
    facts |= {name: getattr(label, name) for name in texts}
    facts |= {"chance": "" if label.chance is None else chance_words(label.chance), "doubtful": label.doubtful}
    if label.arrive_by is not None:
        facts["arriveBy"] = _seconds(label.arrive_by, epoch)
    kept = {"severity", "opened", "due"}
    return {name: value for name, value in facts.items() if value or name in kept}


def _spell(spell: Spell, epoch: int) -> list[Any]:
    entry: list[Any] = [spell.activity, _seconds(spell.start, epoch), _seconds(spell.finish, epoch), *_point(spell.destination)]
    return entry


def _point(place: Place) -> tuple[float, float]:
    return round(place.lat, 5), round(place.lon, 5)  # to the metre


def _seconds(moment: datetime, epoch: int) -> int:
    return round(moment.timestamp()) - epoch


def route_colours(technicians: Sequence[Technician]) -> dict[str, str]:
    """A colour per technician id, such that people of one station differ as long as there are colours."""
    used: dict[str, int] = {}
    colours = {}
    for index, station in enumerate(dict.fromkeys(technician.station for technician in technicians)):
        used[station] = index * 3  # 3 and 7 share no divisor: the first colours of neighbouring stations differ too
    for technician in technicians:
        colours[technician.id] = ROUTE_COLOURS[used[technician.station] % len(ROUTE_COLOURS)]
        used[technician.station] += 1
    return colours
