"""`study`: where the next station belongs. Studies from the company or from incidents, scenarios, their replay and comparison."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from console import study_advice
from data_models.errors import BadInput

if TYPE_CHECKING:
    from data_models.policy import ServicePolicy
    from data_models.study import Study, StudyStation
    from flows.studio import Compared, Comparison, PolicyName
    from optimizer.area_reach import Reach
    from optimizer.history_figures import Estimate, Service

study = typer.Typer(help="Where the next service station belongs: studies, scenarios, and their replay.", no_args_is_help=True)
study.command("advise")(study_advice.advise)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.json", help="A study/1 file, see docs/studio.md.")]
Out = Annotated[Path, typer.Option("--out", metavar="STUDY.json", help="Where the study goes.")]
People = Annotated[int, typer.Option("--people", min=1, max=200, help="People of a candidate station, half by day and half by night.")]
PersonCost = Annotated[float, typer.Option("--person-cost", min=0, help="What one of the people costs a year.")]
StationCost = Annotated[float, typer.Option("--station-cost", min=0, help="What a station costs a year, without people.")]
Candidates = Annotated[
    Path | None, typer.Option("--candidates", metavar="SITES.csv", help="Where stations could be opened: columns id, lat, lon, name …")
]
Cities = Annotated[
    int | None, typer.Option("--cities-above", min=15_000, help="Chinese cities with so many inhabitants near the areas are candidates.")
]
_POLICIES: tuple[PolicyName, ...] = ("nearest", "triage", "insert", "optimize")


@study.command("company")
def company(
    out: Out,
    days: Annotated[float, typer.Option("--days", min=1, max=3660, help="How much of the past is the history.")] = 365,
    region: Annotated[str | None, typer.Option(help="Only this region; as configured when absent.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When the history ends; now when absent.")] = None,
    candidates: Candidates = None,
    cities_above: Cities = None,
    people: People = 4,
    person_cost: PersonCost = 200_000,
    station_cost: StationCost = 500_000,
) -> None:
    """Make a study of the company: its stations and people, its sites, and what happened there."""
    from config.policies import load_policy
    from config.settings import load_settings
    from console.company import moment
    from data_models.case import GreatCircle, Rates
    from data_models.store import open_store
    from data_models.store.studies import study_of_company

    settings = load_settings()
    with open_store(settings.database_url.get_secret_value()) as store, store.reading() as session:
        made = study_of_company(
            session,
            datetime.now(UTC) if at is None else moment("--at", at),
            days=days,
            zone=settings.timezone,
            policy=settings.policy,
            travel=GreatCircle("great_circle", settings.detour, settings.speed_kmh),
            rates=Rates(**settings.rates.model_dump()),
            region=settings.region if region is None else region,
            person_cost=person_cost,
            station_cost=station_cost,
        )
    service = load_policy(settings.policy, settings.policy_dir)
    _write(_with_candidates(made, service, candidates, cities_above, people, person_cost, station_cost), out)


@study.command("incidents")
def incidents(
    file: Annotated[Path, typer.Argument(metavar="INCIDENTS.csv", help="Columns time, lat, lon, and product, severity, region.")],
    out: Out,
    zone: Annotated[str, typer.Option(help="Time zone of the incidents and of the crews' hours.")] = "Asia/Shanghai",
    policy: Annotated[str, typer.Option(help="The service policy: what is promised.")] = "ethanol",
    cell_km: Annotated[float, typer.Option("--cell-km", min=1, max=500, help="Side of the squares that incidents are gathered into.")] = 25,
    stations: Annotated[Path | None, typer.Option("--stations", metavar="SITES.csv", help="Stations that are open today.")] = None,
    candidates: Candidates = None,
    cities_above: Cities = None,
    people: People = 4,
    person_cost: PersonCost = 200_000,
    station_cost: StationCost = 500_000,
) -> None:
    """Make a study of a table of incidents with times and places."""
    from config.policies import load_policy
    from config.settings import RateSettings
    from data_models.candidate_sites import read_sites
    from data_models.case import Rates
    from data_models.incident_files import history_of, read_incidents
    from data_models.snapshot import DEFAULT_TRAVEL
    from data_models.study import Study

    try:
        clock = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise BadInput(f"--zone {zone}: is no time zone; give an IANA name such as Asia/Shanghai") from None
    service = load_policy(policy)
    history = history_of(read_incidents(file, clock), cell_km)
    opened = () if stations is None else read_sites(stations, _like(service, people, person_cost, station_cost))
    made = Study(file.stem, zone, policy, opened, history, DEFAULT_TRAVEL, rates=Rates(**RateSettings().model_dump()))
    _write(_with_candidates(made, service, candidates, cities_above, people, person_cost, station_cost), out)


@study.command("show")
def show(
    study_file: StudyFile,
    scenario: Annotated[Path | None, typer.Option("--scenario", metavar="SCENARIO.json", help="With these changes.")] = None,
) -> None:
    """Show what a study holds, and whom its stations reach: the promised radius beside the road."""
    from config.policies import load_policy
    from data_models.study import TODAY
    from data_models.study_files import read_scenario, read_study
    from optimizer.area_reach import reach_of
    from optimizer.scenarios import under

    facts = read_study(study_file)
    situation = under(facts, TODAY if scenario is None else read_scenario(scenario), load_policy(facts.policy))
    _print_study(situation.study, reach_of(situation))


@study.command("compare")
def compare(
    study_file: StudyFile,
    scenarios: Annotated[list[Path], typer.Argument(metavar="SCENARIO.json …", help="Scenarios, compared with today.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where results go, and replays are kept.")],
    policy: Annotated[str, typer.Option(help=f"Who dispatches: {', '.join(_POLICIES)}.")] = "optimize",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Replays of each scenario.")] = 1,
    future: Annotated[bool, typer.Option("--futures", help="Each seed draws a future from the history.")] = False,
    iterations: Annotated[int, typer.Option(min=0, max=1_000_000, help="Steps of the search for each decision of optimize.")] = 300,
    language: Annotated[Literal["zh", "en"], typer.Option("--language", help="Of the report.")] = "zh",
    frontier: Annotated[
        Path | None, typer.Option("--frontier", metavar="CHOICE.json", help="What `twohour locate` found for a frontier, to be drawn.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Replay the history under each scenario with the real dispatcher, and compare them with today."""
    from config.policies import load_policy
    from config.settings import load_settings
    from console.printing import print_json, say_compiling, terminal
    from data_models.study_files import read_scenario, read_study
    from flows.studio import compare_scenarios, comparison_summary, with_today, write_comparison
    from flows.study_frontier import frontier_points
    from optimizer.compiling import make_ready

    chosen = next((known for known in _POLICIES if known == policy), None)
    if chosen is None:
        raise BadInput(f"--policy {policy}: is none; give {', '.join(_POLICIES)}")
    facts = read_study(study_file)
    asked = with_today([read_scenario(path) for path in scenarios])
    make_ready(say_compiling)
    console = terminal()
    points = () if frontier is None else frontier_points(frontier)
    made = compare_scenarios(
        facts,
        asked,
        load_policy(facts.policy),
        chosen,
        seeds=range(1, seeds + 1),
        future=future,
        iterations=iterations,
        workers=load_settings().solver_workers,
        kept=out / "replays",
        on_replay=lambda done, seed: None if as_json else console.print(f"replayed {done.name!r}, seed {seed}", markup=False),
    )
    written = write_comparison(made, out, language, points)
    if as_json:
        print_json(comparison_summary(made))
    else:
        _print_comparison(made, written)


def _like(service: ServicePolicy, people: int, person_cost: float, station_cost: float) -> StudyStation:
    from data_models.candidate_sites import usual_crews, usual_kits
    from data_models.study import StudyStation

    return StudyStation("", "", 0.0, 0.0, usual_kits(service), usual_crews(service, people, person_cost), station_cost)


def _with_candidates(
    made: Study, service: ServicePolicy, file: Path | None, above: int | None, people: int, person_cost: float, station_cost: float
) -> Study:
    from dataclasses import replace

    from data_models.candidate_sites import cities_above, read_sites

    like = _like(service, people, person_cost, station_cost)
    listed = () if file is None else read_sites(file, like)
    cities = () if above is None else cities_above(above, made.history.areas, like, (*made.stations, *listed))
    return replace(made, candidates=(*listed, *cities))


def _write(made: Study, out: Path) -> None:
    from console.printing import plain, terminal
    from data_models.json_files import write_file
    from data_models.study_files import study_json
    from data_models.study_rules import study_problems

    problems = study_problems(made)
    if problems:
        raise BadInput(*problems)
    write_file(out, study_json(made))
    history = made.history
    terminal().print(
        f"{plain(made.name)}: {len(made.stations)} stations with {sum(s.people for s in made.stations)} people, "
        f"{len(made.candidates)} candidates, {len(history.areas):,} areas, {len(history.tickets):,} tickets in {history.days:,.0f} days"
    )
    terminal().print(f"written to {plain(str(out))}")


def _print_study(facts: Study, reach: Reach) -> None:
    from console.printing import _table, plain, terminal

    out = terminal()
    history = facts.history
    out.print(f"{plain(facts.name)}: {len(history.areas):,} areas, {len(history.tickets):,} tickets in {history.days:,.0f} days")
    table = _table("open stations", "station", "people", "kits", "a year", "nearest to")
    for station in facts.stations:
        nearest = sum(area.tickets for area in reach.areas if area.station == station.id)
        table.add_row(
            plain(station.name), str(station.people), str(sum(station.kits.values())), f"{station.cost_with_people:,.0f}", f"{nearest:,}"
        )
    out.print(table)
    out.print(
        f"within {reach.promised_km:g} km as the crow flies: {reach.share(by_road=False):.1%} of tickets; "
        f"within {reach.minutes:g} min by road: {reach.share(by_road=True):.1%}"
    )
    if reach.promised_only:
        lost = sum(area.tickets for area in reach.promised_only)
        table = _table(f"promised but not reached: {len(reach.promised_only)} areas, {lost:,} tickets", "area", "tickets", "km", "minutes")
        for area in reach.promised_only[:10]:
            table.add_row(plain(area.area.name), f"{area.tickets:,}", f"{area.km:,.0f}", f"{area.minutes:,.0f}")
        out.print(table)


def _print_comparison(made: Comparison, written: Path) -> None:
    from console.printing import _table, plain, terminal
    from flows.study_words import formula_sentence, scenario_sentence

    out = terminal()
    days = f"{made.study.history.days:,.0f} days" + (f" × {len(made.seeds)}" if len(made.seeds) > 1 else "")
    table = _table(
        f"{days}, {made.policy}; emergencies in time with 95 % intervals",
        "scenario",
        "replay",
        "to today",
        "formula",
        "cost a year",
        "to today",
    )
    base = made.scenarios[0].figures.cost.total
    for row in made.scenarios:
        total = row.figures.cost.total
        table.add_row(
            plain(row.scenario.name),
            _share(row.figures.service["emergency"]),
            "" if row is made.scenarios[0] else _points(row.in_time["emergency"]),
            f"{row.formula.in_time['emergency']:.1%}",
            f"{total:,.0f}",
            "" if row is made.scenarios[0] else f"{total - base:+,.0f}",
        )
    out.print(table)
    for row in made.scenarios[1:]:
        out.print(scenario_sentence(row, made.scenarios[0]), markup=False)
        out.print(_sentence(row, made.scenarios[0]), markup=False)
    out.print(formula_sentence(made), markup=False)
    out.print(f"written to {plain(str(written))} and {plain(str(written.with_name('report.html')))}")


def _sentence(row: Compared, first: Compared) -> str:
    cost, before = row.figures.cost, first.figures.cost
    return (
        f"{row.scenario.name}: stations and people {cost.stations - before.stations:+,.0f} a year, driving and overtime "
        f"{cost.driving + cost.overtime - before.driving - before.overtime:+,.0f}, late and unserved tickets {row.failing.value:+,.0f}"
        + ("" if row.failing.half_width is None else f" (± {row.failing.half_width:,.0f})")
    )


def _share(service: Service) -> str:
    estimate = service.in_time
    return f"{estimate.value:.1%}" + ("" if estimate.half_width is None else f" ± {100 * estimate.half_width:.1f}")


def _points(estimate: Estimate) -> str:
    return f"{100 * estimate.value:+.1f}" + ("" if estimate.half_width is None else f" ± {100 * estimate.half_width:.1f}")
