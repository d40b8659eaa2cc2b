"""The company's day as use cases over the store: snapshot, draft, approve, publish, export. Plain functions that know no Prefect."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from config.policies import load_policies
from data_models.case import GreatCircle, Rates, Station, TravelMatrix
from data_models.case_files import parse_plan
from data_models.datum import Point
from data_models.domain import CompanyFacts, SiteFacts
from data_models.errors import BadInput
from data_models.snapshot import Policies, Snapshot, case_places, take_snapshot, with_matrix
from data_models.store import Store, approve, load_facts, plan_by_id, reject, save_plan, save_snapshot, snapshot_of
from data_models.store.facts import demand_sites
from data_models.store.plans import plan_of_run
from data_models.travel.hindrances import with_hindrances
from data_models.travel.provider import as_case_travel, matrix
from flows.explanations import explanation_json, read_explanation
from flows.papers import Coverage, Paper, labels_of, write_papers
from flows.planning import JudgedPlan, judge, judged_summary, must_keep_every_rule, with_chances
from flows.telling import publish_and_tell
from maps.coverage_map import DemandPoint

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings
    from data_models.travel.provider import TravelProvider

PACKAGES = ("twohour", "numba", "numpy", "ortools")
"""What a plan depends on beside the code: kept with it."""


def read_facts(store: Store, settings: Settings, now: datetime) -> CompanyFacts:
    """The company at `now`, read at one unchanging moment of the store; times are shown in the company's zone."""
    with store.reading() as session:
        horizon = timedelta(hours=settings.horizon_hours)
        return load_facts(session, now.astimezone(ZoneInfo(settings.timezone)), horizon, settings.region)


def make_snapshot(store: Store, settings: Settings, facts: CompanyFacts) -> Snapshot:
    """The planning problem of the facts, with travel times of the provider in use.

    Raises
    ------
    BadInput
        A contract names a policy that does not exist.
    Unavailable
        The road server does not answer and no fallback is configured.
    """
    snapshot = take_snapshot(
        facts,
        Policies(load_policies(settings.policy_dir), settings.policy),
        rates=Rates(**settings.rates.model_dump()),
        travel=GreatCircle("great_circle", settings.detour, settings.speed_kmh),
        name=f"{settings.region or 'day'} {facts.now:%Y-%m-%d %H:%M}",
    )
    if settings.travel_provider == "great_circle" and not facts.roads:
        return snapshot
    places = case_places(snapshot.case)
    times = matrix(places, travel_provider(store, settings, cached=settings.travel_provider != "great_circle"))
    hindered, told = with_hindrances(as_case_travel(times), places, facts.roads)
    return with_matrix(snapshot, hindered, times.source, (*times.notes, *told))


def travel_provider(store: Store, settings: Settings, *, cached: bool = True) -> TravelProvider:
    """The provider that the settings name, behind the cache of the store unless `cached` is False. Raises as `choose_provider`."""
    from data_models.travel.choose import choose_provider

    return choose_provider(
        settings.travel_provider,
        detour=settings.detour,
        speed_kmh=settings.speed_kmh,
        osrm_url=settings.osrm_url or None,
        osrm_data=settings.osrm_data,
        fallback=settings.travel_fallback,
        begin=store.session if cached else None,
        clock=lambda: datetime.now(UTC),
    )


def keep_draft(
    store: Store,
    settings: Settings,
    snapshot: Snapshot,
    judged: JudgedPlan,
    *,
    seed: int,
    at: datetime,
    run: str | None = None,
    parent: int | None = None,
    waiting_since: datetime | None = None,
) -> int:
    """Keep a plan as `put_draft` does, in a transaction of its own; gives its number."""
    with store.session() as session:
        return put_draft(session, settings, snapshot, judged, seed=seed, at=at, run=run, parent=parent, waiting_since=waiting_since)


def put_draft(
    session: Session,
    settings: Settings,
    snapshot: Snapshot,
    judged: JudgedPlan,
    *,
    seed: int,
    at: datetime,
    run: str | None = None,
    parent: int | None = None,
    waiting_since: datetime | None = None,
) -> int:
    """Keep a plan with its snapshot, settings, seed and versions in the caller's transaction; gives its number.

    With `run`, the id of a flow run, a draft that this run kept before is given instead of a second one. `parent` is the plan that it was
    made from by planning again; `waiting_since` when the first of the drafts was made that this one overtakes and nobody decided about.

    Raises
    ------
    Conflict
        The plan breaks a rule.
    """
    must_keep_every_rule(judged)
    facts = judged.plan.solver
    earlier = plan_of_run(session, run) if run is not None else None
    if earlier is not None:
        return earlier
    kept = save_snapshot(session, snapshot)
    row = save_plan(
        session,
        kept.id,
        judged.plan,
        created_at=at,
        seed=seed,
        iterations=facts.iterations or 0 if facts else 0,
        violations=len(judged.violations),
        region=settings.region,
        settings={**settings.shown(), "run": run, "waiting_since": None if waiting_since is None else waiting_since.isoformat()},
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        score=judged_summary(judged),
        explanation_json=explanation_json(judged.explanation) if judged.explanation else "",
        parent_id=parent,
    )
    return row.id


@dataclass(frozen=True)
class KeptPlan:
    """A plan as the store keeps it, read back into facts; `aim` is the chance to be in time that it was planned for, if any.

    `seed`, `iterations` and `workers` are those of the search that found it; `waiting_since` is when people were first asked to decide.
    """

    id: int
    name: str
    version: int
    state: str
    created_at: datetime
    seed: int
    iterations: int
    workers: int
    aim: float | None
    snapshot: Snapshot
    judged: JudgedPlan
    decisions: tuple[Mapping[str, Any], ...]
    waiting_since: datetime


def read_plan(store: Store, plan_id: int) -> KeptPlan:
    """A kept plan, judged anew. Raises `NotFound`."""
    with store.reading() as session:
        return kept_plan(session, plan_id)


def kept_plan(session: Session, plan_id: int) -> KeptPlan:
    """As `read_plan`, in the caller's transaction."""
    row = plan_by_id(session, plan_id)
    snapshot = snapshot_of(row)
    judged = judge(snapshot.case, parse_plan(row.plan_json))
    if row.explanation_json:
        judged = replace(judged, explanation=read_explanation(row.explanation_json))
    decisions = tuple({"decision": a.decision, "by": a.by, "at": a.at, "reason": a.reason} for a in row.approvals)
    workers = row.settings.get("solver_workers", 1)  # plans from before there were several
    aim = (row.settings.get("uncertainty") or {}).get("aim")
    since = row.settings.get("waiting_since")
    return KeptPlan(
        id=row.id,
        name=row.name,
        version=row.version,
        state=row.state,
        created_at=row.created_at,
        seed=row.seed,
        iterations=row.iterations,
        workers=workers,
        aim=aim,
        snapshot=snapshot,
        judged=judged,
        decisions=decisions,
        waiting_since=row.created_at if since is None else datetime.fromisoformat(since),
    )


def approve_plan(store: Store, plan_id: int, *, by: str, at: datetime, reason: str = "") -> None:
    """Approve a draft after judging it once more. Raises `NotFound`, `Conflict`."""
    must_keep_every_rule(read_plan(store, plan_id).judged)
    with store.session() as session:
        approve(session, plan_id, by, at, reason)


def reject_plan(store: Store, plan_id: int, *, by: str, at: datetime, reason: str, seen: int | None = None) -> None:
    """Reject a draft or an approved plan; `seen` as in `approve_and_tell`. Raises `NotFound`, `Conflict`."""
    with store.session() as session:
        reject(session, plan_id, by, at, reason, seen)


def publish_plan(store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime) -> tuple[Paper, ...]:
    """Make an approved plan the one that the company works by, then write its papers; gives these.

    The papers are written after the transaction: a crash in between leaves a published plan whose papers `publish_plan` writes again.

    Raises
    ------
    NotFound, Conflict
        As `data_models.store.publish`.
    BadInput
        The output folder cannot be written to; nothing is changed then.
    """
    kept = read_plan(store, plan_id)
    must_be_writable(settings.output_dir)
    if kept.state != "published":
        with store.session() as session:
            publish_and_tell(session, settings, kept, by=by, at=at)
    return papers_of(store, settings, kept)


def approve_and_publish(store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime, reason: str = "") -> tuple[Paper, ...]:
    """Approve and publish a draft in one transaction, both or neither, then write its papers; gives these. Raises as `publish_plan`."""
    must_be_writable(settings.output_dir)
    return papers_of(store, settings, approve_and_tell(store, settings, plan_id, by=by, at=at, reason=reason))


def approve_and_tell(
    store: Store, settings: Settings, plan_id: int, *, by: str, at: datetime, reason: str = "", seen: int | None = None
) -> KeptPlan:
    """Approve and publish a draft in one transaction, both or neither, and leave its papers to the caller.

    `seen` is the `row_version` that the person looked at; None takes the draft as it is. Raises as `publish_plan`.
    """
    kept = read_plan(store, plan_id)
    must_keep_every_rule(kept.judged)
    with store.session() as session:
        approve_in(session, settings, kept, by=by, at=at, reason=reason, seen=seen)
    return kept


def approve_in(
    session: Session, settings: Settings, kept: KeptPlan, *, by: str, at: datetime, reason: str = "", seen: int | None = None
) -> None:
    """Approve and publish a draft that keeps every rule, in the caller's transaction. Raises as `approve_and_tell`."""
    approve(session, kept.id, by, at, reason, seen)
    publish_and_tell(session, settings, kept, by=by, at=at)


def must_be_writable(folder: Path) -> None:
    """Make the output folder if absent. Raises `BadInput` when papers could not be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "permission denied"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise BadInput(f"{folder} cannot be written to: {reason}; set TWOHOUR_OUTPUT_DIR to a folder that can")


def papers_of(store: Store, settings: Settings, kept: KeptPlan) -> tuple[Paper, ...]:
    """Write maps and papers of a plan into its folder below the output folder; written again they are the same."""
    with store.reading() as session:
        sites = demand_sites(session, settings.region)
    stations, demand, travel = _reach(store, settings, kept.judged.case.stations, sites)
    return write_papers(
        settings.output_dir / f"plan-{kept.id}",
        kept.judged,
        labels=labels_of(kept.snapshot.context, with_chances(kept.judged, settings.uncertainty)),
        coverage=Coverage(stations, demand, travel, settings.promise_km, settings.standard_minutes),
        zone=ZoneInfo(settings.timezone),
        version=kept.version,
        currency=kept.snapshot.context.currency,
        notes=(kept.snapshot.context.travel_source, *kept.snapshot.context.travel_notes),
    )


def _reach(
    store: Store, settings: Settings, stations: Sequence[Station], sites: Sequence[SiteFacts]
) -> tuple[tuple[Station, ...], tuple[DemandPoint, ...], GreatCircle | TravelMatrix]:
    """Stations, demand points and the travel between them, by the provider in use; a road matrix has a row a station, a column a site."""
    demand = tuple(DemandPoint(site.id, site.name, site.lat, site.lon, place=column) for column, site in enumerate(sites))
    if settings.travel_provider == "great_circle" or not stations or not sites:
        return tuple(stations), demand, GreatCircle("great_circle", settings.detour, settings.speed_kmh)
    times = travel_provider(store, settings).table([Point(s.lat, s.lon) for s in stations], [Point(s.lat, s.lon) for s in sites])
    return tuple(replace(station, place=row) for row, station in enumerate(stations)), demand, as_case_travel(times)
