"""`plan-day` in Prefect: thin tasks around the use cases of `flows.dispatch`.

Only tasks that do I/O are retried; the search stops by its own limit, since a task's timeout would not interrupt it. The flow ends
with a draft: approval is a state in our own tables, so that no process waits for a person.
"""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from config.settings import Settings, load_settings
from data_models.domain import CompanyFacts
from data_models.plan import Plan
from data_models.snapshot import Snapshot
from data_models.store import open_store
from flows import dispatch
from flows.markdown import as_text
from flows.papers import Paper
from flows.planning import JudgedPlan, SearchLimit, explained, judge, margin_of, must_keep_every_rule, with_chances
from flows.planning import solve as search

RETRY_DELAYS_S: list[float] = [1.0, 5.0, 20.0]


@task(name="snapshot", retries=3, retry_delay_seconds=RETRY_DELAYS_S, cache_policy=NO_CACHE)
def read_facts(settings: Settings, now: datetime) -> CompanyFacts:
    """Read the company at one unchanging moment of the store."""
    with open_store(settings.database_url.get_secret_value()) as store:
        return dispatch.read_facts(store, settings, now)


@task(name="travel", retries=3, retry_delay_seconds=RETRY_DELAYS_S, cache_policy=NO_CACHE)
def make_snapshot(settings: Settings, facts: CompanyFacts) -> Snapshot:
    """Make the planning problem, asking the travel provider for what the cache does not know."""
    with open_store(settings.database_url.get_secret_value()) as store:
        return dispatch.make_snapshot(store, settings, facts)


@task(name="solve", cache_policy=NO_CACHE)
def solve(settings: Settings, snapshot: Snapshot, limit: SearchLimit, seed: int) -> Plan:
    """Search for the plan, telling the log of each improvement; a run that is cancelled meanwhile ends here and leaves nothing."""
    logger = get_run_logger()
    return search(
        snapshot.case,
        limit,
        seed,
        margin=margin_of(settings.uncertainty),
        workers=settings.solver_workers,
        cluster=settings.dask_scheduler,
        on_progress=lambda spent, cost: logger.info("%.1f s: cost %.0f", spent, cost),
        on_compile=lambda: logger.info("compiling the search once, about half a minute"),
    )


@task(name="check and score", cache_policy=NO_CACHE)
def check_and_score(snapshot: Snapshot, plan: Plan) -> JudgedPlan:
    """Judge the plan independently of the search; one that breaks a rule ends the run here."""
    judged = judge(snapshot.case, plan)
    must_keep_every_rule(judged)
    return judged


@task(name="chances", cache_policy=NO_CACHE)
def find_chances(settings: Settings, judged: JudgedPlan) -> JudgedPlan:
    """Find how sure each visit is."""
    return with_chances(judged, settings.uncertainty)


@task(name="explain", cache_policy=NO_CACHE)
def explain(snapshot: Snapshot, judged: JudgedPlan) -> JudgedPlan:
    """Find reasons, blame and remedies of what is late or not planned."""
    return explained(judged, snapshot.context.planning)


@task(name="draft", retries=3, retry_delay_seconds=RETRY_DELAYS_S, cache_policy=NO_CACHE)
def keep_draft(settings: Settings, snapshot: Snapshot, judged: JudgedPlan, seed: int) -> int:
    """Keep the draft with its snapshot, once: a run that is repeated after a crash finds the draft it made."""
    context = FlowRunContext.get()
    run = str(context.flow_run.id) if context is not None and context.flow_run is not None else None
    with open_store(settings.database_url.get_secret_value()) as store:
        return dispatch.keep_draft(store, settings, snapshot, judged, seed=seed, at=datetime.now(UTC), run=run)


@task(name="papers of the draft", retries=3, retry_delay_seconds=RETRY_DELAYS_S, cache_policy=NO_CACHE)
def write_draft_papers(settings: Settings, number: int) -> tuple[Paper, ...]:
    """Write maps and papers of the draft, so that a coordinator can look at it before approving."""
    with open_store(settings.database_url.get_secret_value()) as store:
        return dispatch.papers_of(store, settings, dispatch.read_plan(store, number))


@flow(name="plan-day", log_prints=False)
def plan_day(at: datetime | None = None, seconds: float | None = None, iterations: int | None = None, seed: int | None = None) -> int:
    """Plan the day as it stands at `at` (now when None) and leave a draft; gives the draft's number.

    Settings come from the environment and `twohour.toml`, never from parameters: a server shows parameters to everybody.
    """
    settings = load_settings()
    now = at or datetime.now(UTC)
    limit = (
        SearchLimit(seconds, iterations)
        if seconds is not None or iterations is not None
        else SearchLimit(settings.solver_seconds, settings.solver_iterations)
    )
    chosen_seed = settings.seed if seed is None else seed
    snapshot = make_snapshot(settings, read_facts(settings, now))
    made = solve(settings, snapshot, limit, chosen_seed)
    judged = explain(snapshot, find_chances(settings, check_and_score(snapshot, made)))
    number = keep_draft(settings, snapshot, judged, chosen_seed)
    _publish_artifacts(number, judged, snapshot.context.travel_notes, write_draft_papers(settings, number))
    return number


def _publish_artifacts(number: int, judged: JudgedPlan, notes: tuple[str, ...], papers: tuple[Paper, ...]) -> None:
    create_markdown_artifact(_summary(number, judged, notes), key="plan-summary", description=f"Plan {number}")
    # The server's page renders cells as Markdown too.
    rows = [{"ticket": as_text(item.ticket), "reasons": as_text(" ".join(item.reasons))} for item in judged.plan.unassigned]
    create_table_artifact(rows, key="unplanned-tickets", description=f"Not in plan {number}")
    for paper in papers:
        if paper.path.suffix == ".html":
            create_link_artifact(paper.path.absolute().as_uri(), link_text=paper.what, key=paper.path.stem)


def _summary(number: int, judged: JudgedPlan, notes: tuple[str, ...]) -> str:
    """The figures and the notes on travel times as Markdown; what comes from users is escaped, since the server's page renders it."""
    lines = [
        f"# Plan {number}: {as_text(judged.case.name)}",
        "",
        "| severity | tickets | planned | in time | expected |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    expected = judged.chances.expected_in_time if judged.chances else {}
    lines += [
        f"| {severity} | {row.tickets} | {row.planned} | {row.on_time} | {f'{expected[severity]:.1f}' if severity in expected else '–'} |"
        for severity, row in judged.score.service.items()
    ]
    lines += [
        "",
        f"Cost {judged.score.cost.total:,.0f}, driving {judged.score.drive_hours:.1f} h, overtime {judged.score.overtime_hours:.1f} h.",
    ]
    lines += [f"\n**Note:** {as_text(note)}\n" for note in notes]
    lines += [f"Look at it with `twohour show {number}`, then `twohour approve {number}`."]
    return "\n".join(lines)
