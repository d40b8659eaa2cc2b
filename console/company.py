"""The company's day at the command line: import, plan, show, approve, publish, export, and the schedules."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from console.front_door import LARGEST_NUMBER, Sure, search_limit, status_of_signal
from data_models.errors import BadInput

if TYPE_CHECKING:
    from config.settings import Settings
    from data_models.domain import CompanyFacts
    from data_models.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
PlanNumber = Annotated[
    int, typer.Argument(min=1, max=LARGEST_NUMBER, metavar="PLAN", help="The number of a plan; `twohour show` lists them.")
]
By = Annotated[str | None, typer.Option(help="Who decides; your login name when absent.")]


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or XLSX file.")],
    table: Annotated[str | None, typer.Option(help="sites, tickets, ...; found by the header when absent.")] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Write an empty file with notes for --table instead of reading one.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen; write nothing.")] = False,
    encoding: Annotated[str | None, typer.Option(help="utf-8 or gb18030; found by itself when absent.")] = None,
    datum: Annotated[str, typer.Option(help="What the coordinates are in: WGS-84, GCJ-02 (Amap, Tencent) or BD-09 (Baidu).")] = "WGS-84",
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="THEIRS=OURS", help="A column of the file and the one it is here.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="COLUMN=VALUE", help="The same value in every row.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Which sheet of a workbook; the first when absent.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where rows with problems go; FILE.rejects.csv when absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a table of the company into the store; rows with problems are set aside with the reason."""
    from console.printing import print_json
    from console.showing import print_import
    from data_models.intake.header import guess_table
    from data_models.intake.templates import write_template
    from flows.intake import import_table

    if template:
        if table is None:
            raise BadInput("--template needs --table: the table that the template is for")
        if file.exists():
            raise BadInput(f"{file} exists and is not replaced by a template; name another file")
        write_template(table, file)
        if as_json:
            print_json({"table": table, "template": str(file)})
        else:
            typer.echo(f"an empty {table} file with notes is in {file}")
        return
    settings = _settings()
    with _store(settings) as store:
        report = import_table(
            store,
            settings,
            table or guess_table(file, encoding, sheet),
            file,
            now=datetime.now(UTC),
            encoding=encoding,
            datum=datum,
            sheet_name=sheet,
            mapping=_pairs("--map", map_),
            constants=_pairs("--set", set_),
            dry_run=dry_run,
            rejects_path=rejects or file.with_name(f"{file.stem}.rejects.csv"),
        )
    print_import(report, as_json=as_json)
    if report.rejected:
        raise typer.Exit(1)


def plan(
    at: Annotated[str | None, typer.Option(help="Plan as of this ISO 8601 time with an offset; now when absent.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How long to search; as configured when absent.")] = None,
    iterations: Annotated[int | None, typer.Option(help="Search this many steps instead of a time.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=LARGEST_NUMBER, help="Where randomness starts; as configured when absent.")] = None,
    sure: Sure = None,
    as_json: AsJson = False,
) -> None:
    """Plan the day from the store and leave a draft, without Prefect; upon Ctrl-C or SIGTERM, of the best plan so far."""
    from console.printing import print_json, print_judged, print_travel, progress, say_compiling, terminal, travel_facts
    from flows import dispatch
    from flows.planning import SearchLimit, explained, judge, judged_summary, margin_of, solve_until_signal, with_chances

    settings = _aiming_at(_settings(), sure)
    now = moment("--at", at) if at else datetime.now(UTC)
    limit = search_limit(seconds, iterations) or SearchLimit(settings.solver_seconds, settings.solver_iterations)
    chosen_seed = settings.seed if seed is None else seed
    with _store(settings) as store:
        facts = dispatch.read_facts(store, settings, now)
        _must_have_technicians(facts)
        snapshot = dispatch.make_snapshot(store, settings, facts)
        with progress(f"planning {snapshot.case.name}", limit.seconds, quiet=as_json) as on_progress:
            solved = solve_until_signal(
                snapshot.case,
                limit,
                chosen_seed,
                margin=margin_of(settings.uncertainty),
                workers=settings.solver_workers,
                cluster=settings.dask_scheduler,
                on_progress=on_progress,
                on_compile=say_compiling,
            )
        judged = with_chances(explained(judge(snapshot.case, solved.plan), snapshot.context.planning), settings.uncertainty)
        number = dispatch.keep_draft(store, settings, snapshot, judged, seed=chosen_seed, at=datetime.now(UTC))
    interrupted = solved.interrupted is not None
    if as_json:
        print_json({"plan": number, "travel": travel_facts(snapshot.context), **judged_summary(judged), "interrupted": interrupted})
    else:
        print_judged(judged, interrupted=interrupted)
        print_travel(snapshot.context)
        terminal().print(f"draft [bold]{number}[/] is kept; next: twohour show {number}, twohour approve {number}")
    if solved.interrupted is not None:
        raise typer.Exit(status_of_signal(solved.interrupted))


def _aiming_at(settings: Settings, sure: float | None) -> Settings:
    """The settings with the chance to aim at that was asked for, so that the plan remembers it."""
    if sure is None:
        return settings
    return settings.model_copy(update={"uncertainty": settings.uncertainty.model_copy(update={"aim": sure})})


def _must_have_technicians(facts: CompanyFacts) -> None:
    if not facts.technicians:
        where = f" of region {facts.region}" if facts.region else ""
        raise BadInput(
            f"the store has no technicians{where}, so there is nobody to plan for; "
            "bring in stations, technicians and their shifts with `twohour import`, or try `twohour demo`"
        )


def show(
    number: Annotated[
        int | None, typer.Argument(min=1, max=LARGEST_NUMBER, metavar="PLAN", help="Its number; all plans when absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the plans, or show one: figures, routes, what is late or not planned and why."""
    from console import showing
    from flows import dispatch
    from flows.planning import with_chances

    settings = _settings()
    zone = ZoneInfo(settings.timezone)
    with _store(settings) as store:
        if number is None:
            showing.print_plans(store, zone, as_json=as_json)
        else:
            kept = dispatch.read_plan(store, number)
            showing.print_plan(replace(kept, judged=with_chances(kept.judged, settings.uncertainty)), zone, as_json=as_json)


def approve(
    number: PlanNumber,
    by: By = None,
    reason: Annotated[str, typer.Option(help="Kept with the approval.")] = "",
    hold: Annotated[bool, typer.Option("--hold", help="Approve only; publish later.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Reject it instead; give a --reason.")] = False,
    as_json: AsJson = False,
) -> None:
    """Approve a draft, and publish it."""
    from console.printing import print_json, print_published
    from flows import dispatch

    settings, now, who = _settings(), datetime.now(UTC), by or getpass.getuser()
    if reject and hold:
        raise BadInput("--reject and --hold contradict each other; give one of them")
    if reject and not reason.strip():
        raise BadInput("--reject needs a --reason: whoever planned wants to know it")
    with _store(settings) as store:
        if reject:
            dispatch.reject_plan(store, number, by=who, at=now, reason=reason)
        elif hold:
            dispatch.approve_plan(store, number, by=who, at=now, reason=reason)
        else:
            papers = dispatch.approve_and_publish(store, settings, number, by=who, at=now, reason=reason)
    if not as_json:
        typer.echo(f"plan {number} is {'rejected' if reject else 'approved'} by {who}")
    elif reject or hold:
        print_json({"plan": number, "state": "rejected" if reject else "approved", "by": who})
    if not reject and not hold:
        print_published(number, papers, as_json=as_json)


def publish(number: PlanNumber, by: By = None, as_json: AsJson = False) -> None:
    """Make an approved plan the one that the company works by, and write its maps and papers."""
    from console.printing import print_published
    from flows import dispatch

    settings = _settings()
    with _store(settings) as store:
        papers = dispatch.publish_plan(store, settings, number, by=by or getpass.getuser(), at=datetime.now(UTC))
    print_published(number, papers, as_json=as_json)


def export(
    number: Annotated[int, typer.Option("--plan", min=1, max=LARGEST_NUMBER, metavar="ID", help="The number of a plan.")],
    out: Annotated[Path, typer.Option("--out", metavar="CASE.json", help="Where the case goes.")],
    plan_out: Annotated[
        Path | None, typer.Option("--plan-out", metavar="PLAN.json", help="Where the plan itself goes, if anywhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the case that a plan was made from: solved again with its seed, iterations and workers it gives the same plan."""
    from console.printing import print_json
    from data_models.case_files import case_json, plan_json, write_file
    from flows import dispatch

    if plan_out is not None and plan_out.resolve() == out.resolve():
        raise BadInput(f"--out and --plan-out both name {out}; give each its own file")
    with _store(_settings()) as store:
        kept = dispatch.read_plan(store, number)
    write_file(out, case_json(kept.snapshot.case))
    if plan_out is not None:
        write_file(plan_out, plan_json(kept.judged.plan))
    aim = "" if kept.aim is None else f" --sure {kept.aim:g}"
    search = f"--seed {kept.seed} --iterations {kept.iterations} --workers {kept.workers}"
    again = f"twohour solve {shlex.quote(str(out))} {search}{aim} --out again.json"
    if as_json:
        facts = {"seed": kept.seed, "iterations": kept.iterations, "workers": kept.workers}
        print_json({"plan": number, "case": str(out), **facts, "again": again})
    else:
        typer.echo(f"the case of plan {number} is in {out}; the same plan again:\n  {again}")


def _settings() -> Settings:
    from config.settings import load_settings

    return load_settings()


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    from data_models.store import open_store

    with open_store(settings.database_url.get_secret_value()) as store:
        yield store


def _pairs(option: str, words: list[str] | None) -> dict[str, str]:
    pairs = {}
    for word in words or []:
        left, sign, right = word.partition("=")
        if not sign or not left.strip():
            raise BadInput(f"{option} {word}: write it as NAME=VALUE")
        pairs[left.strip()] = right.strip()
    return pairs


def moment(option: str, text: str) -> datetime:
    """The aware time that an option names. Raises `BadInput`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{option} {text}: not an ISO 8601 time; write it as 2026-03-02T08:00:00+08:00") from error
    if moment.tzinfo is None:
        raise BadInput(f"{option} {text}: has no offset; add one, such as +08:00")
    if not 1970 < moment.year < 2199:
        raise BadInput(f"{option} {text}: its year is beyond what can be planned; give one from 1971 to 2198")
    return moment
