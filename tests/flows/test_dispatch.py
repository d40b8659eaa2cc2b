"""The company's day over a real store: from imported tables to published papers, and what may not happen on the way."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import Settings, UncertaintySettings
from data_models.case import GreatCircle, TravelMatrix
from data_models.case_files import case_json, parse_case, read_case
from data_models.case_files import read_plan as read_plan_file
from data_models.domain import SiteFacts
from data_models.errors import Conflict, NotFound, Unavailable
from data_models.snapshot import Snapshot
from data_models.store import Store, list_plans, open_store
from flows import dispatch
from flows.intake import import_table
from flows.planning import JudgedPlan, SearchLimit, explained, judge, judged_summary, solve, with_chances

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
ITERATIONS, SEED = 30, 7
DEAD_SERVER = "http://127.0.0.1:9"
Company = Callable[[Path, datetime], list[tuple[str, Path]]]
PAPERS = {"plan-map.html", "coverage-map.html", "dispatch-sheet.xlsx", "itineraries.html", "plan.json", "case.json", "calendars"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(output_dir=tmp_path / "out", timezone="Asia/Shanghai")


@pytest.fixture
def company(store: Store, settings: Settings, small_company: Company, tmp_path: Path) -> Store:
    """The small company, once on SQLite and once on PostgreSQL."""
    fill(store, settings, small_company(tmp_path / "tables", NOW))
    return store


@pytest.fixture
def sqlite_company(company_file: Path, tmp_path: Path) -> Iterator[Store]:
    """The small company on SQLite, for what no database decides."""
    with open_store(f"sqlite:///{shutil.copy(company_file, tmp_path / 'company.sqlite')}") as store:
        yield store


@pytest.fixture(scope="module")
def company_file(small_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the small company, to be copied."""
    folder = tmp_path_factory.mktemp("morning")
    with open_store(f"sqlite:///{folder / 'company.sqlite'}") as store:
        fill(store, Settings(), small_company(folder / "tables", NOW))
    return folder / "company.sqlite"


@pytest.fixture(scope="module")
def morning(company_file: Path) -> tuple[Snapshot, JudgedPlan]:
    """The small company's day, planned once: equal facts give an equal snapshot in every store."""
    with open_store(f"sqlite:///{company_file}") as store:
        return planned(store, Settings())


@pytest.fixture
def draft(company: Store, settings: Settings, morning: tuple[Snapshot, JudgedPlan]) -> int:
    """Number of a draft in the store of `company`."""
    return dispatch.keep_draft(company, settings, *morning, seed=SEED, at=NOW)


@pytest.fixture
def sqlite_draft(sqlite_company: Store, settings: Settings, morning: tuple[Snapshot, JudgedPlan]) -> int:
    """Number of a draft in the store of `sqlite_company`."""
    return dispatch.keep_draft(sqlite_company, settings, *morning, seed=SEED, at=NOW)


def fill(store: Store, settings: Settings, tables: list[tuple[str, Path]]) -> None:
    for table, path in tables:
        report = import_table(store, settings, table, path, now=NOW)
        assert not report.rejected, report.problems


def planned(store: Store, settings: Settings) -> tuple[Snapshot, JudgedPlan]:
    snapshot = dispatch.make_snapshot(store, settings, dispatch.read_facts(store, settings, NOW))
    judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=ITERATIONS), SEED))
    return snapshot, explained(judged, snapshot.context.planning)


def ticket_states(store: Store) -> dict[str, str]:
    from sqlalchemy import select

    from data_models import tables

    with store.reading() as session:
        return {ticket.id: ticket.state for ticket in session.scalars(select(tables.Ticket))}


def test_from_tables_to_published_papers(company: Store, settings: Settings) -> None:
    snapshot, judged = planned(company, settings)
    assert judged.violations == ()
    assert [item.ticket for item in judged.plan.unassigned] == ["TK-6"]
    number = dispatch.keep_draft(company, settings, snapshot, judged, seed=SEED, at=NOW)

    kept = dispatch.read_plan(company, number)
    assert (kept.state, kept.version, kept.seed, kept.iterations) == ("draft", 1, SEED, ITERATIONS)
    assert kept.judged == judged
    assert kept.snapshot.digest == snapshot.digest

    dispatch.approve_plan(company, number, by="王敏", at=NOW + timedelta(minutes=1), reason="fine")
    papers = dispatch.publish_plan(company, settings, number, by="李强", at=NOW + timedelta(minutes=2))

    assert {paper.path.name for paper in papers} == PAPERS
    assert all(paper.path.parent == settings.output_dir / f"plan-{number}" and paper.path.exists() for paper in papers)
    published = dispatch.read_plan(company, number)
    assert published.state == "published"
    assert [(d["decision"], d["by"], d["reason"]) for d in published.decisions] == [("approved", "王敏", "fine"), ("published", "李强", "")]
    assert ticket_states(company) == {**dict.fromkeys(("TK-1", "TK-2", "TK-3", "TK-4", "TK-5"), "planned"), "TK-6": "open"}


def test_papers_tell_how_sure_each_visit_is(sqlite_company: Store, sqlite_draft: int, tmp_path: Path) -> None:
    sure = {"drive_spread": 0, "service_spread": 0}
    pages = {}
    for name, uncertainty in (("certain", sure), ("usual", {}), ("wary", {"doubtful_below": 1})):
        settings = Settings(output_dir=tmp_path / name, timezone="Asia/Shanghai", uncertainty=UncertaintySettings(**uncertainty))
        dispatch.papers_of(sqlite_company, settings, dispatch.read_plan(sqlite_company, sqlite_draft))
        pages[name] = (tmp_path / name / f"plan-{sqlite_draft}" / "plan-map.html").read_text(encoding="utf-8")
    assert set(re.findall('"chance":"([^"]+)"', pages["certain"])) <= {"0 %", "100 %"}
    assert set(re.findall('"chance":"([^"]+)"', pages["usual"])) - {"0 %", "100 %"}
    assert '"doubtful":true' in pages["wary"]
    assert '"doubtful":true' not in pages["certain"]


def test_exported_case_solved_again_gives_the_same_routes(sqlite_company: Store, sqlite_draft: int) -> None:
    kept = dispatch.read_plan(sqlite_company, sqlite_draft)
    again = solve(parse_case(case_json(kept.snapshot.case)), SearchLimit(iterations=kept.iterations), kept.seed)
    assert again.routes == kept.judged.plan.routes


def test_a_plan_remembers_settings_and_versions_but_no_secret(company: Store, morning: tuple[Snapshot, JudgedPlan]) -> None:
    settings = Settings(database_url="postgresql://user:s3cret@host/name")
    number = dispatch.keep_draft(company, settings, *morning, seed=SEED, at=NOW)
    with company.reading() as session:
        row = list_plans(session)[0]
        assert row.id == number
        assert row.settings["seed"] == settings.seed
        assert {"python", "twohour", "ortools", "numpy"} <= set(row.versions)
        assert "s3cret" not in json.dumps([row.settings, row.versions, row.score])


def test_a_plan_that_breaks_a_rule_is_refused_and_nothing_is_stored(
    company: Store, settings: Settings, morning: tuple[Snapshot, JudgedPlan]
) -> None:
    snapshot, judged = morning
    broken = judge(snapshot.case, replace(judged.plan, unassigned=()))
    with pytest.raises(Conflict, match=r"breaks rules \(1\).*forgotten: TK-6"):
        dispatch.keep_draft(company, settings, snapshot, broken, seed=SEED, at=NOW)
    with company.reading() as session:
        assert list_plans(session) == []


def test_the_same_run_keeps_one_draft(company: Store, settings: Settings, morning: tuple[Snapshot, JudgedPlan]) -> None:
    def keep(run: str) -> int:
        return dispatch.keep_draft(company, settings, *morning, seed=SEED, at=NOW, run=run)

    first = keep("run-1")
    assert keep("run-1") == first
    assert keep("run-2") != first


def test_approving_twice_names_who_was_first(company: Store, draft: int) -> None:
    dispatch.approve_plan(company, draft, by="王敏", at=NOW)
    with pytest.raises(Conflict, match="王敏"):
        dispatch.approve_plan(company, draft, by="李强", at=NOW)


def test_a_draft_is_not_published(company: Store, settings: Settings, draft: int) -> None:
    with pytest.raises(Conflict, match="approve it first"):
        dispatch.publish_plan(company, settings, draft, by="李强", at=NOW)
    assert not (settings.output_dir / f"plan-{draft}").exists()


def test_a_rejected_plan_stays_rejected_and_says_by_whom(company: Store, settings: Settings, draft: int) -> None:
    number = draft
    dispatch.reject_plan(company, number, by="王敏", at=NOW, reason="T-1 is ill")
    assert dispatch.read_plan(company, number).decisions[0]["reason"] == "T-1 is ill"
    for decide in (
        lambda: dispatch.approve_plan(company, number, by="李强", at=NOW),
        lambda: dispatch.publish_plan(company, settings, number, by="李强", at=NOW),
        lambda: dispatch.reject_plan(company, number, by="李强", at=NOW, reason="again"),
    ):
        with pytest.raises(Conflict, match=r"王敏.*rejected"):
            decide()


def test_a_plan_that_does_not_exist_is_named(sqlite_company: Store, settings: Settings) -> None:
    for ask in (
        lambda: dispatch.read_plan(sqlite_company, 99),
        lambda: dispatch.approve_plan(sqlite_company, 99, by="x", at=NOW),
        lambda: dispatch.publish_plan(sqlite_company, settings, 99, by="x", at=NOW),
        lambda: dispatch.reject_plan(sqlite_company, 99, by="x", at=NOW, reason="x"),
    ):
        with pytest.raises(NotFound, match="Plan 99"):
            ask()


def test_papers_lost_in_a_crash_are_written_by_publishing_again(
    sqlite_company: Store, sqlite_draft: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = sqlite_draft
    dispatch.approve_plan(sqlite_company, number, by="王敏", at=NOW)
    with monkeypatch.context() as crash:
        crash.setattr(dispatch, "papers_of", _power_cut)
        with pytest.raises(SystemError):
            dispatch.publish_plan(sqlite_company, settings, number, by="王敏", at=NOW)
    assert dispatch.read_plan(sqlite_company, number).state == "published"
    assert not (settings.output_dir / f"plan-{number}").exists()

    papers = dispatch.publish_plan(sqlite_company, settings, number, by="李强", at=NOW)

    assert {paper.path.name for paper in papers} == PAPERS
    decisions = dispatch.read_plan(sqlite_company, number).decisions
    assert [d["decision"] for d in decisions] == ["approved", "published"]


def _power_cut(*_: object) -> None:
    raise SystemError("power cut")


def test_papers_written_again_are_the_same_and_hold_the_plan(sqlite_company: Store, sqlite_draft: int, settings: Settings) -> None:
    kept = dispatch.read_plan(sqlite_company, sqlite_draft)
    first = {paper.path: paper.path.read_bytes() for paper in dispatch.papers_of(sqlite_company, settings, kept) if paper.path.is_file()}
    again = {paper.path: paper.path.read_bytes() for paper in dispatch.papers_of(sqlite_company, settings, kept) if paper.path.is_file()}
    assert {path.name for path in first if first[path] != again[path]} == set()
    folder = settings.output_dir / f"plan-{kept.id}"
    assert read_plan_file(folder / "plan.json") == kept.judged.plan
    assert read_case(folder / "case.json") == kept.snapshot.case


def test_two_drafts_of_one_morning_are_versions_of_one_name(
    company: Store, settings: Settings, draft: int, morning: tuple[Snapshot, JudgedPlan]
) -> None:
    second = dispatch.keep_draft(company, settings, *morning, seed=SEED + 1, at=NOW)
    assert [dispatch.read_plan(company, number).version for number in (draft, second)] == [1, 2]


def test_a_dead_road_server_is_named(sqlite_company: Store, tmp_path: Path) -> None:
    settings = Settings(output_dir=tmp_path / "out", travel_provider="osrm", osrm_url=DEAD_SERVER)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
        dispatch.make_snapshot(sqlite_company, settings, dispatch.read_facts(sqlite_company, settings, NOW))


def test_a_fallback_for_a_dead_road_server_is_told_in_plan_and_map(sqlite_company: Store, tmp_path: Path) -> None:
    settings = Settings(output_dir=tmp_path / "out", travel_provider="osrm", osrm_url=DEAD_SERVER, travel_fallback=True)
    snapshot, judged = planned(sqlite_company, settings)
    kept = dispatch.read_plan(sqlite_company, dispatch.keep_draft(sqlite_company, settings, snapshot, judged, seed=SEED, at=NOW))
    assert isinstance(kept.snapshot.case.travel, TravelMatrix)
    assert any("estimates" in note for note in kept.snapshot.context.travel_notes)
    dispatch.papers_of(sqlite_company, settings, kept)
    page = (settings.output_dir / f"plan-{kept.id}" / "plan-map.html").read_text(encoding="utf-8")
    assert "Travel times are estimates" in page


def test_coverage_by_road_has_a_row_a_station_and_a_column_a_site(sqlite_company: Store, tmp_path: Path) -> None:
    settings = Settings(output_dir=tmp_path / "out", travel_provider="osrm", osrm_url=DEAD_SERVER, travel_fallback=True)
    stations = dispatch.make_snapshot(sqlite_company, Settings(), dispatch.read_facts(sqlite_company, settings, NOW)).case.stations
    sites = [SiteFacts(f"S-{n}", "C", f"site {n}", 31 + n / 10, 121.0, "", "") for n in range(3)]

    placed, demand, travel = dispatch._reach(sqlite_company, settings, stations, sites)

    assert isinstance(travel, TravelMatrix)
    assert [station.place for station in placed] == [0, 1]
    assert [point.place for point in demand] == [0, 1, 2]
    estimate = GreatCircle("great_circle", settings.detour, settings.speed_kmh)
    for row, station in enumerate(stations):
        for column, site in enumerate(sites):
            km = estimate.detour * great_circle(station.lat, station.lon, site.lat, site.lon)
            assert travel.metres[row][column] == pytest.approx(1000 * km, rel=1e-3)


def great_circle(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    from data_models.case import great_circle_km

    return great_circle_km(lat, lon, to_lat, to_lon)


def test_coverage_without_sites_asks_no_road_server(sqlite_company: Store, tmp_path: Path) -> None:
    settings = Settings(output_dir=tmp_path / "out", travel_provider="osrm", osrm_url=DEAD_SERVER)
    stations = dispatch.make_snapshot(sqlite_company, Settings(), dispatch.read_facts(sqlite_company, settings, NOW)).case.stations
    placed, demand, travel = dispatch._reach(sqlite_company, settings, stations, [])
    assert (placed, demand) == (stations, ())
    assert isinstance(travel, GreatCircle)


def test_an_empty_store_gives_a_valid_empty_plan(store: Store, settings: Settings) -> None:
    snapshot, judged = planned(store, settings)
    assert (judged.plan.routes, judged.plan.unassigned, judged.violations) == ((), (), ())
    number = dispatch.keep_draft(store, settings, snapshot, judged, seed=SEED, at=NOW)
    kept = dispatch.read_plan(store, number)
    assert kept.judged == judged
    assert {paper.path.name for paper in dispatch.papers_of(store, settings, kept)} == PAPERS - {"coverage-map.html"}


def test_the_summary_is_plain_data(morning: tuple[Snapshot, JudgedPlan]) -> None:
    _, judged = morning
    summary = json.loads(json.dumps(judged_summary(judged)))
    assert summary["unassigned"][0]["ticket"] == "TK-6"
    assert summary["service"]["emergency"]["tickets"] == 3
    assert summary["cost"]["total"] == pytest.approx(judged.score.cost.total, abs=0.01)
    assert summary["chances"] is None
    sure = json.loads(json.dumps(judged_summary(with_chances(judged, UncertaintySettings()))))["chances"]
    assert sure["spread"] == {"drive": 0.2, "service": 0.3, "correlation": 0.5}
    assert len(sure["tickets"]) == 5
