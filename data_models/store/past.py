"""Past emergencies out of the database, as the history that expectations are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.expected import Area, History, PastTicket
from data_models.store.facts import demand_sites

LEAST_DAYS = 7.0
"""A history is taken to be at least so long: one busy morning, the first that a store knows of, is no rate."""


def past_emergencies(session: Session, now: datetime, days: float, region: str = "") -> History:
    """The emergencies of the last `days` before `now`, cancelled ones left out, and the sites in use where they can happen.

    It begins no sooner than the first ticket of any kind at these sites: of the time before it the store knows nothing, not that nothing
    happened. Where that is less than `LEAST_DAYS` ago, it is `LEAST_DAYS` long, or `days` where these are fewer.

    A site asks for the skills and kits that most of its emergencies named themselves; where most left them to the policy, for none.

    Parameters
    ----------
    region
        Only sites of this region; empty for the whole company.
    """
    sites = demand_sites(session, region)
    begins = now - timedelta(days=min(days, max(LEAST_DAYS, _known_days(session, now, region))))
    query = (
        select(tables.Ticket.site_id, tables.Ticket.opened_at, tables.Ticket.skills, tables.Ticket.kits)
        .where(tables.Ticket.severity == "emergency", tables.Ticket.state != "cancelled")
        .where(tables.Ticket.opened_at >= begins, tables.Ticket.opened_at < now)
    )
    rows = sorted(session.execute(query), key=lambda row: (row.opened_at, row.site_id))
    known = {site.id for site in sites}
    named: dict[str, list[_Needs]] = {}
    for row in rows:
        named.setdefault(row.site_id, []).append((tuple(sorted((row.skills or {}).items())), tuple(sorted(row.kits or ()))))
    areas = []
    for site in sites:
        skills, kits = _usual(named.get(site.id, ()))
        areas.append(Area(site.id, site.name, site.lat, site.lon, site.region, dict(skills), kits))
    tickets = tuple(PastTicket(row.site_id, row.opened_at) for row in rows if row.site_id in known)
    return History(begins, now, tuple(areas), tickets)


def _known_days(session: Session, now: datetime, region: str) -> float:
    """For how long the store has known of tickets."""
    query = select(func.min(tables.Ticket.opened_at)).where(tables.Ticket.opened_at < now)
    if region:
        query = query.join(tables.Site, tables.Site.id == tables.Ticket.site_id).where(tables.Site.region == region)
    first = session.scalar(query)
    return 0.0 if first is None else (now - first) / timedelta(days=1)


_Needs = tuple[tuple[tuple[str, int], ...], tuple[str, ...]]


def _usual(named: Sequence[_Needs]) -> _Needs:
    """What more than half of them named, or nothing."""
    if not named:
        return (), ()
    needs, times = Counter(named).most_common(1)[0]
    return needs if 2 * times > len(named) else ((), ())
