"""Sensor readings in the store: kept, judged, and turned into tickets, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, delete, insert, or_, select, text, update
from sqlalchemy.orm import Session

from data_models import tables
from data_models.conditions import condition_text
from data_models.domain import ContractFacts
from data_models.errors import BadInput
from data_models.events import Changed, Opened
from data_models.policy import ServicePolicy, needs_for
from data_models.readings import Doubt, Flag, Opening, Reading, Refusal, Trouble
from data_models.sensor_rules import SensorRules, sensor_rules
from data_models.sensor_state import (
    Gate,
    SensorState,
    SeriesId,
    backers_from,
    backers_json,
    note_closed,
    note_reopened,
    put_series,
    series_from,
    series_json,
    time_of,
)
from data_models.sensors import take
from data_models.snapshot import Policies
from data_models.store.events import add_events
from data_models.store.log import OWN
from data_models.store.parts import parts
from data_models.units import BASE, unit_named

MOST_ATTACHED = 100
"""So many readings are attached to a ticket: the last ones up to that which opened it."""

_AT_ONCE = 500
"""So many values are put into one question to the database: both kinds take more, slowly."""

# Any number that no other user of the database locks: two processes must not judge readings of one sensor at once.
_READINGS_LOCK = 2_072_012


@dataclass(frozen=True)
class TakenReadings:
    """What came of readings: `kept` and `doubles` count; `refused` gives positions from 0 in what was sent."""

    kept: int
    doubles: int
    flags: tuple[Flag, ...]
    refused: tuple[Refusal, ...]
    openings: tuple[Opening, ...]
    doubts: tuple[Doubt, ...]
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True)
class _Sites:
    """The sites in use that readings name, each with its policy and rules; `wrong` says why a site has none."""

    policy: Mapping[str, ServicePolicy]
    rules: Mapping[str, SensorRules]
    wrong: Mapping[str, str]


def take_readings(session: Session, readings: Sequence[Reading], policies: Policies, now: datetime) -> TakenReadings:
    """Keep readings, judge them by the policy of each site's contract, and open the tickets that they ask for.

    All of it is in the session's transaction: once that is committed, a batch that is sent again changes nothing. Readings that are
    flagged are kept; doubles and refused ones are not. `now` is aware.
    """
    _one_at_a_time(session)
    sites = _sites(session, {reading.site for reading in readings}, policies, now)
    fresh, doubles, wrong = _fresh(session, readings, sites)
    state = _load(session, {reading.site for _, reading in fresh} & sites.rules.keys(), now)
    taken = take(state, [reading for _, reading in fresh], sites.rules, now)
    _keep(session, taken.kept, taken.flags, now)
    _open_tickets(session, taken.openings, sites, now)
    _say_doubts(session, taken.doubts, now)
    _save(session, state, {(kept.site, kept.sensor, kept.quantity) for kept in taken.kept}, sites.rules)
    refused = [*wrong, *(replace(refusal, position=fresh[refusal.position][0]) for refusal in taken.refused)]
    return TakenReadings(
        kept=len(taken.kept),
        doubles=doubles + taken.doubles,
        flags=tuple(taken.flags),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.position)),
        openings=tuple(taken.openings),
        doubts=tuple(taken.doubts),
        troubles=(*taken.troubles, *_silent(session, now)),
    )


def sensor_troubles(session: Session) -> tuple[Trouble, ...]:
    """The sensors that are stuck or silent, by site."""
    rows = session.scalars(select(tables.SensorSeries).where(tables.SensorSeries.trouble != ""))
    found = [
        Trouble(row.site_id, row.sensor, row.quantity, row.trouble, row.trouble_since)  # type: ignore[arg-type]
        for row in rows
    ]
    return tuple(sorted(found, key=lambda trouble: (trouble.site, trouble.sensor, trouble.quantity)))


def readings_of(session: Session, ticket: str) -> tuple[tables.Reading, ...]:
    """The readings attached to a ticket, in the order of their time; none for one that no sensor opened."""
    linked = select(tables.TicketReading.reading_id).where(tables.TicketReading.ticket_id == ticket)
    rows = session.scalars(select(tables.Reading).where(tables.Reading.id.in_(linked)))
    return tuple(sorted(rows, key=lambda row: (row.at, row.id)))


def forget_readings(session: Session, before: datetime, at_most: int = 50_000) -> int:
    """Delete readings from before a moment, except those attached to tickets; gives how many. Call again while it gives `at_most`."""
    attached = select(tables.TicketReading.reading_id)
    old = select(tables.Reading.id).where(tables.Reading.at < before, tables.Reading.id.not_in(attached)).limit(at_most)
    gone = session.scalars(old).all()
    for part in parts(gone, _AT_ONCE):
        session.execute(delete(tables.Reading).where(tables.Reading.id.in_(part)))
    return len(gone)


def _one_at_a_time(session: Session) -> None:
    # On SQLite a writing session has the database to itself already.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _READINGS_LOCK})


# --- what readings are about ---


def _sites(session: Session, wanted: set[str], policies: Policies, now: datetime) -> _Sites:
    today = now.astimezone(ZoneInfo(policies.of(None).calendar.timezone)).date()
    customer_of: dict[str, str] = {}
    for part in parts(sorted(wanted), _AT_ONCE):
        query = select(tables.Site.id, tables.Site.customer_id).where(tables.Site.id.in_(part), tables.Site.retired_at.is_(None))
        customer_of.update((row.id, row.customer_id) for row in session.execute(query))
    contracts = _contracts(session, sorted(set(customer_of.values())), today)
    made: dict[str, SensorRules] = {}
    policy: dict[str, ServicePolicy] = {}
    wrong: dict[str, str] = {}
    for site, customer in customer_of.items():
        try:
            policy[site] = policies.of(contracts.get(customer))
        except BadInput as error:
            wrong[site] = str(error)
            continue
        made.setdefault(policy[site].name, sensor_rules(policy[site]))
    return _Sites(policy, {site: made[of.name] for site, of in policy.items()}, wrong)


def _contracts(session: Session, customers: Sequence[str], today: date) -> dict[str, ContractFacts]:
    """The contract that holds for each customer; of several the one that began last."""
    found: dict[str, ContractFacts] = {}
    contract = tables.Contract
    for part in parts(customers, _AT_ONCE):
        query = select(contract).where(contract.customer_id.in_(part), contract.retired_at.is_(None), contract.starts_on <= today)
        rows = session.scalars(query.where(or_(contract.ends_on.is_(None), contract.ends_on >= today)))
        for row in sorted(rows, key=lambda row: (row.starts_on, row.id)):
            found[row.customer_id] = ContractFacts(row.id, row.customer_id, row.policy, row.starts_on, row.ends_on)
    return found


def _fresh(session: Session, readings: Sequence[Reading], sites: _Sites) -> tuple[list[tuple[int, Reading]], int, list[Refusal]]:
    """The readings that are not kept yet with their positions, how many are, and those whose site has no rules."""
    ids = [_id(reading) for reading in readings]
    known: set[str] = set()
    for part in parts(sorted(set(ids)), _AT_ONCE):
        known.update(session.scalars(select(tables.Reading.id).where(tables.Reading.id.in_(part))))
    fresh: list[tuple[int, Reading]] = []
    wrong: list[Refusal] = []
    doubles = 0
    for position, (own_id, reading) in enumerate(zip(ids, readings, strict=True)):
        if reading.site in sites.wrong:
            wrong.append(Refusal(position, sites.wrong[reading.site]))
        elif own_id in known:
            doubles += 1
        else:
            known.add(own_id)
            fresh.append((position, reading))
    return fresh, doubles, wrong


def _id(reading: Reading) -> str:
    name = json.dumps([reading.site, reading.sensor, reading.quantity, reading.own_key])
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


# --- state ---


def _load(session: Session, sites: set[str], now: datetime) -> SensorState:
    """What is remembered of the sensors of some sites, and of their tickets as they stand now."""
    state = SensorState()
    series, gate, ticket = tables.SensorSeries, tables.SensorGate, tables.Ticket
    for part in parts(sorted(sites), _AT_ONCE):
        columns = (series.site_id, series.sensor, series.quantity, series.state)
        for site, sensor, quantity, held in session.execute(select(*columns).where(series.site_id.in_(part))):
            put_series(state, (site, sensor, quantity), series_from(json.loads(held)))
        query = select(gate, ticket.state, ticket.closed_at).join(ticket, ticket.id == gate.ticket_id).where(gate.site_id.in_(part))
        for row, ticket_state, closed_at in session.execute(query):
            who = (row.site_id, row.rule)
            state.gates[who] = Gate(row.ticket_id, row.opened, row.closed, backers_from(json.loads(row.backers)))
            if ticket_state in ("done", "cancelled"):
                note_closed(state, *who, closed_at or now)
            else:
                note_reopened(state, *who)
    return state


def _save(session: Session, state: SensorState, touched: set[SeriesId], rules_of: Mapping[str, SensorRules]) -> None:
    rows = [_series_row(who, state, rules_of[who[0]]) for who in sorted(touched) if who in state.series]
    series, gate = tables.SensorSeries, tables.SensorGate
    _put(session, series, ("site_id", "sensor", "quantity"), rows)
    gates = [
        {
            "site_id": site,
            "rule": rule,
            "ticket_id": held.ticket,
            "opened": held.opened,
            "closed": held.closed,
            "backers": json.dumps(backers_json(held)),
        }
        for (site, rule), held in sorted(state.gates.items())
    ]
    _put(session, gate, ("site_id", "rule"), gates)


def _series_row(who: SeriesId, state: SensorState, rules: SensorRules) -> dict[str, Any]:
    series = state.series[who]
    return {
        "site_id": who[0],
        "sensor": who[1],
        "quantity": who[2],
        "state": json.dumps(series_json(series), separators=(",", ":")),
        "trouble": series.trouble,
        "trouble_since": time_of(series.end.run_since) if series.trouble == "stuck" else None,
        "silent_from": time_of(series.end.at + rules.silent_after),
    }


def _put(session: Session, table: Any, key: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, over those of the same key."""
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as put
    else:
        from sqlalchemy.dialects.sqlite import insert as put  # type: ignore[assignment]
    statement = put(table.__table__)
    others = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=others), rows)


def _silent(session: Session, now: datetime) -> Iterator[Trouble]:
    """The sensors that have been silent for too long and were not told of yet."""
    series = tables.SensorSeries
    columns = (series.site_id, series.sensor, series.quantity, series.state)
    rows = session.execute(select(*columns).where(series.silent_from < now, series.trouble != "silent")).all()
    changes = []
    for site, sensor, quantity, held in rows:
        state = json.loads(held)
        since = time_of(state["end"][0])
        changes.append({"s": site, "n": sensor, "q": quantity, "held": json.dumps(state | {"trouble": "silent"}), "since": since})
        yield Trouble(site, sensor, quantity, "silent", since)
    if changes:
        table = cast(Table, series.__table__)
        same = (table.c.site_id == bindparam("s"), table.c.sensor == bindparam("n"), table.c.quantity == bindparam("q"))
        values = {"trouble": "silent", "trouble_since": bindparam("since"), "state": bindparam("held")}
        session.connection().execute(update(table).where(*same).values(values), changes)


# --- readings and tickets ---


def _keep(session: Session, kept: Sequence[Reading], flags: Iterable[Flag], now: datetime) -> None:
    flaws = {id(flag.reading): flag.flaw for flag in flags}
    rows = [
        {
            "id": _id(reading),
            "site_id": reading.site,
            "sensor": reading.sensor,
            "quantity": reading.quantity,
            "value": None if flaws.get(id(reading)) == "not a number" else reading.value,
            "unit": reading.unit,
            "product": reading.product,
            "at": reading.at,
            "arrived_at": now,
            "flaw": flaws.get(id(reading), ""),
        }
        for reading in kept
    ]
    if rows:
        session.execute(insert(tables.Reading.__table__), rows)  # type: ignore[arg-type]


def _open_tickets(session: Session, openings: Sequence[Opening], sites: _Sites, now: datetime) -> None:
    add_events(session, [_opened(opening, sites.policy[opening.site], now) for opening in openings], now)
    for opening in openings:
        links = [{"ticket_id": opening.ticket, "reading_id": reading} for reading in _readings_behind(session, opening)]
        session.execute(insert(tables.TicketReading.__table__), links)  # type: ignore[arg-type]


def _opened(opening: Opening, policy: ServicePolicy, now: datetime) -> Opened:
    rule = policy.sensor_rules[opening.rule]
    unit = BASE.get(unit_named(rule.when.unit).dimension, rule.when.unit)
    measured = f"{opening.quantity} {opening.value:.6g} {unit}".rstrip()
    product = opening.product or (rule.products[0] if len(rule.products) == 1 else "")
    zone = ZoneInfo(policy.calendar.timezone)
    at, since = (moment.astimezone(zone).isoformat(timespec="seconds") for moment in (opening.at, opening.since))
    return Opened(
        kind="ticket_opened",
        at=now,
        key=f"sensor {opening.ticket}",
        by=f"sensor {opening.sensor}"[:100],
        ticket=opening.ticket,
        site=opening.site,
        severity=rule.severity or needs_for(policy, rule.type, product).severity,
        type=rule.type,
        product=product,
        source="sensor",
        title=f"{rule.title or opening.rule}: {measured}"[:200],
        description=f"Sensor {opening.sensor}: {measured} at {at}. "
        f"Rule {opening.rule}: {condition_text(rule.when)}, met since {since}. The readings are attached.",
    )


def _readings_behind(session: Session, opening: Opening) -> Sequence[str]:
    row = tables.Reading
    of_series = (row.site_id == opening.site, row.sensor == opening.sensor, row.quantity == opening.quantity)
    spell = select(row.id).where(*of_series, row.at >= opening.since, row.at <= opening.at, row.flaw == "")
    return session.scalars(spell.order_by(row.at.desc(), row.id).limit(MOST_ATTACHED)).all()


def _say_doubts(session: Session, doubts: Iterable[Doubt], now: datetime) -> None:
    told = []
    for ticket in dict.fromkeys(doubt.ticket for doubt in doubts):
        said = session.get_one(tables.Ticket, ticket).description
        said += "\nA reading that came late shows that the rule was not met after all: confirm with the site or cancel."
        told.append(
            Changed(kind="ticket_changed", at=now, key=f"doubt {ticket} {now.isoformat()}", by=OWN, ticket=ticket, description=said)
        )
    add_events(session, told, now)
