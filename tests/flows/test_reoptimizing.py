"""Plans kept true through the day: what starts a re-plan, what goes out by itself, and what happens when nobody decides or a run dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from data_models import tables
from data_models.errors import BadInput
from data_models.events import read_event
from data_models.store import Store, approve, open_store, publish, published_plan
from data_models.store.leases import give_back, has_lease, take_lease
from flows import dispatch, reoptimizing
from flows.events import tell
from flows.intake import import_table
from flows.planning import SearchLimit, judge, solve
from flows.reacting import answer_emergencies, emergencies_in
from flows.reoptimizing import reoptimize, stand_in

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHORT = SearchLimit(iterations=200)
Company = Callable[[Path, datetime], list[tuple[str, Path]]]


@pytest.fixture(scope="module")
def morning(small_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company with the plan of its morning published, as a file."""
    folder = tmp_path_factory.mktemp("morning")
    with open_store(f"sqlite:///{folder / 'company.sqlite'}") as store:
        for table, path in small_company(folder / "tables", NOW):
            assert not import_table(store, Settings(), table, path, now=NOW).rejected
        snapshot = dispatch.make_snapshot(store, Settings(), dispatch.read_facts(store, Settings(), NOW))
        judged = judge(snapshot.case, solve(snapshot.case, SHORT, 1))
        number = dispatch.keep_draft(store, Settings(), snapshot, judged, seed=1, at=NOW)
        with store.session() as session:
            approve(session, number, "王敏", NOW)
            publish(session, number, "王敏", NOW)
    return folder / "company.sqlite"


@pytest.fixture
def company(morning: Path, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "company.sqlite").write_bytes(morning.read_bytes())
    with open_store(f"sqlite:///{tmp_path / 'company.sqlite'}") as store:
        yield store


def settings(tmp_path: Path, **automatic: Any) -> Settings:
    return Settings(output_dir=tmp_path / "papers", automatic=automatic)  # type: ignore[arg-type]


def happens(store: Store, kind: str, at: datetime, **facts: Any) -> tuple[str, ...]:
    """An event is told; the emergencies that it opened."""
    event = read_event({"kind": kind, "at": at.isoformat(), "key": f"{kind} {at} {facts}"[:200], "by": "desk", **facts})
    told = tell(store, [event], at)
    assert [answer.verdict for answer in told.answers] == ["counts"]
    return emergencies_in(told.events, told.answers)


def leak(store: Store, at: datetime, severity: str = "emergency") -> tuple[str, ...]:
    return happens(store, "ticket_opened", at, ticket="N-1", site="S-2", severity=severity, type="equipment-fault", title="stuck valve")


def states(store: Store) -> dict[int, str]:
    with store.reading() as session:
        return {row.id: row.state for row in session.execute(select(tables.Plan.id, tables.Plan.state))}


def run(store: Store, how: Settings, at: datetime) -> reoptimizing.Reoptimized:
    return reoptimize(store, how, at, limit=SHORT)


def test_a_quiet_quarter_of_an_hour_makes_no_plan(company: Store, tmp_path: Path) -> None:
    assert run(company, settings(tmp_path), NOW + 15 * MINUTE).action == "nothing_new"
    assert states(company) == {1: "published"}


def test_without_a_published_plan_there_is_nothing_to_keep(company: Store, tmp_path: Path) -> None:
    with company.session() as session:
        session.get_one(tables.Plan, 1).state = "superseded"
    assert run(company, settings(tmp_path), NOW).action == "no_plan"


def test_tomorrows_shifts_that_come_into_view_make_no_plan(company: Store, tmp_path: Path) -> None:
    how = settings(tmp_path)
    begins = NOW + timedelta(hours=how.horizon_hours) + 5 * MINUTE
    with company.session() as session:
        who = session.scalars(select(tables.Technician.id).order_by(tables.Technician.id)).first()
        session.add(tables.Shift(technician_id=who, starts_at=begins, ends_at=begins + timedelta(hours=8), overtime_minutes=0))
    seen = dispatch.read_facts(company, how, NOW + 15 * MINUTE).technicians
    assert [shift.starts_at for person in seen for shift in person.shifts if shift.starts_at >= begins] == [begins]
    assert run(company, how, NOW + 15 * MINUTE).reasons == ()


@pytest.mark.parametrize(("minute", "action"), [(24, None), (25, "waits")])
def test_a_moment_before_what_is_known_is_refused_with_what_is(company: Store, tmp_path: Path, minute: int, action: str | None) -> None:
    leak(company, NOW + 30 * MINUTE)
    if action is None:
        with pytest.raises(BadInput, match="2026-03-02 08:24 is past: things are told that happened at 2026-03-02 08:30, and"):
            run(company, settings(tmp_path), NOW + minute * MINUTE)
        assert states(company) == {1: "published"}
    else:  # clocks differ by five minutes
        assert run(company, settings(tmp_path), NOW + minute * MINUTE).action in (action, "nothing_new")


def test_a_moment_before_the_plan_was_published_is_refused(company: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="2026-03-02 07:50 is past: plan 1 was published at 2026-03-02 08:00"):
        run(company, settings(tmp_path), NOW - 10 * MINUTE)


def test_an_emergency_makes_a_draft_that_waits_and_later_news_overtake_it(company: Store, tmp_path: Path) -> None:
    how = settings(tmp_path)
    leak(company, NOW + 5 * MINUTE)
    done = run(company, how, NOW + 6 * MINUTE)
    assert (done.action, done.plan) == ("waits", 2)
    assert "ticket N-1 is new" in done.reasons
    assert done.difference is not None
    assert [change.ticket for change in done.difference.of("new")] == ["N-1"]
    assert run(company, how, NOW + 10 * MINUTE).reasons == ()
    happens(company, "ticket_cancelled", NOW + 11 * MINUTE, ticket="N-1")
    assert run(company, how, NOW + 12 * MINUTE).action in ("waits", "unchanged")
    with company.reading() as session:
        published = published_plan(session)
        assert published is not None
        assert published.id == 1


@pytest.mark.parametrize(
    ("severity", "goes_out", "action"),
    [
        ("emergency", "emergencies", "published"),
        ("general", "emergencies", "waits"),
        ("emergency", "small", "published"),
        ("general", "additions", "published"),
        ("emergency", "nothing", "waits"),
    ],
)
def test_what_goes_out_by_itself_is_configured(company: Store, tmp_path: Path, severity: str, goes_out: str, action: str) -> None:
    leak(company, NOW + 5 * MINUTE, severity)
    done = run(company, settings(tmp_path, goes_out=goes_out), NOW + 6 * MINUTE)
    assert done.difference is not None
    assert done.action == action, done.difference.changes
    assert states(company) == ({1: "superseded", 2: "published"} if action == "published" else {1: "published", 2: "draft"})
    if action == "published":
        with company.reading() as session:
            assert session.get_one(tables.Ticket, "N-1").state == "planned"
            [approved, _] = session.scalars(select(tables.Approval).where(tables.Approval.plan_id == 2).order_by(tables.Approval.id))
            assert (approved.by, approved.reason) == ("twohour", f"by itself: {goes_out}")


@pytest.mark.parametrize(
    ("fallback", "after"), [("stand", {1: "published", 2: "rejected"}), ("emergencies", {1: "superseded", 2: "published"})]
)
def test_when_nobody_decides_the_settings_do_and_it_is_told(company: Store, tmp_path: Path, fallback: str, after: dict[int, str]) -> None:
    how = settings(tmp_path, fallback=fallback, approval_minutes=30)
    leak(company, NOW + 5 * MINUTE)
    assert run(company, how, NOW + 6 * MINUTE).action == "waits"
    assert stand_in(company, how, NOW + 35 * MINUTE) == ()
    assert stand_in(company, how, NOW + 36 * MINUTE) == (2,)
    assert states(company) == after
    assert stand_in(company, how, NOW + 40 * MINUTE) == ()


class PowerCut(BaseException):
    """What nobody catches, as when the machine goes dark."""


@contextmanager
def dying_after(step: str) -> Iterator[None]:
    """What is run meanwhile does a step and dies."""
    whole = getattr(reoptimizing, step)

    def then_dies(*words: Any, **more: Any) -> None:
        whole(*words, **more)
        raise PowerCut

    with pytest.MonkeyPatch.context() as cut:
        cut.setattr(reoptimizing, step, then_dies)
        with pytest.raises(PowerCut):
            yield


def decided(store: Store) -> tuple[dict[int, str], list[tuple[int, str]], list[str], str | None]:
    """Plans and their states, decisions, keys of notices and of what the store told itself, and the state of the new ticket."""
    with store.reading() as session:
        approvals = [(row.plan_id, row.decision) for row in session.scalars(select(tables.Approval).order_by(tables.Approval.id))]
        notices = sorted(session.scalars(select(tables.Notice.key)))
        begun = sorted(session.scalars(select(tables.Event.key).where(tables.Event.kind == "ticket_begun")))
        ticket = session.get(tables.Ticket, "N-1")
        return states(store), approvals, notices + begun, None if ticket is None else ticket.state


CHANNEL = "@TWOHOUR_CHANNEL_COORDINATOR"
TELLING = {"channels": {"coordinator": ["env:TWOHOUR_CHANNEL_COORDINATOR"]}}


@pytest.mark.parametrize("step", ["put_draft", "reject", "approve", "publish_and_tell"])
def test_a_run_that_dies_before_its_decision_is_whole_leaves_nothing_of_it(company: Store, tmp_path: Path, step: str) -> None:
    how = settings(tmp_path, goes_out="emergencies")
    happens(company, "ticket_opened", NOW + 3 * MINUTE, ticket="N-0", site="S-2", severity="general", type="equipment-fault")
    assert run(company, how, NOW + 4 * MINUTE).action == "waits"
    leak(company, NOW + 5 * MINUTE)
    how = how.model_copy(update={"automatic": how.automatic.model_copy(update={"goes_out": "small", "most_changes": 1000})})
    before = decided(company)
    with dying_after(step):
        run(company, how, NOW + 6 * MINUTE)
    assert decided(company) == before
    # The next run does all of it, once.
    assert run(company, how, NOW + 7 * MINUTE).action == "published"
    after, approvals, _, ticket = decided(company)
    assert (after, ticket) == ({1: "superseded", 2: "rejected", 3: "published"}, "planned")
    assert approvals[-3:] == [(2, "rejected"), (3, "approved"), (3, "published")]


def test_a_run_that_dies_while_it_asks_for_a_person_leaves_no_draft_that_nobody_is_asked_about(
    company: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWOHOUR_CHANNEL_COORDINATOR", "json://127.0.0.1:9/")
    how = Settings(output_dir=tmp_path, notices=TELLING)  # type: ignore[arg-type]
    leak(company, NOW + 5 * MINUTE)
    before = decided(company)
    with dying_after("announce"):
        run(company, how, NOW + 6 * MINUTE)
    assert decided(company) == before
    assert run(company, how, NOW + 7 * MINUTE).action == "waits"
    assert [key for key in decided(company)[2] if key.startswith("approval-waiting")] == [f"approval-waiting:2{CHANNEL}"]


@pytest.mark.parametrize("fallback", ["stand", "emergencies"])
def test_a_fallback_that_dies_before_it_is_told_is_decided_and_told_the_next_time(
    company: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fallback: str
) -> None:
    monkeypatch.setenv("TWOHOUR_CHANNEL_COORDINATOR", "json://127.0.0.1:9/")
    how = Settings(output_dir=tmp_path / "papers", notices=TELLING, automatic={"fallback": fallback, "approval_minutes": 30})  # type: ignore[arg-type]
    leak(company, NOW + 5 * MINUTE)
    assert run(company, how, NOW + 6 * MINUTE).action == "waits"
    before = decided(company)
    with dying_after("announce"):
        stand_in(company, how, NOW + 36 * MINUTE)
    assert decided(company) == before
    assert stand_in(company, how, NOW + 36 * MINUTE) == (2,)
    assert f"fallback:2{CHANNEL}" in decided(company)[2]


def test_a_flow_run_again_after_a_crash_writes_the_papers_that_are_missing_and_plans_nothing(company: Store, tmp_path: Path) -> None:
    how = settings(tmp_path, goes_out="emergencies")
    leak(company, NOW + 5 * MINUTE)
    with dying_after("must_be_writable"):
        reoptimize(company, how, NOW + 6 * MINUTE, limit=SHORT, run="one")
    assert states(company) == {1: "superseded", 2: "published"}
    assert not (tmp_path / "papers" / "plan-2" / "plan.json").exists()
    happens(company, "ticket_opened", NOW + 7 * MINUTE, ticket="N-2", site="S-2", severity="emergency", type="leak", crew=1)
    done = reoptimize(company, how, NOW + 8 * MINUTE, limit=SHORT, run="one")
    assert (done.action, done.plan) == ("published", 2)
    assert states(company) == {1: "superseded", 2: "published"}
    assert (tmp_path / "papers" / "plan-2" / "plan.json").exists()


def test_a_plan_goes_out_even_where_its_papers_cannot_be_written_and_that_is_said(company: Store, tmp_path: Path) -> None:
    (tmp_path / "papers").write_text("a file where the folder should be", encoding="utf-8")
    leak(company, NOW + 5 * MINUTE)
    with pytest.raises(BadInput, match="papers cannot be written to"):
        run(company, settings(tmp_path, goes_out="emergencies"), NOW + 6 * MINUTE)
    assert states(company) == {1: "superseded", 2: "published"}


def test_drafts_that_overtake_each_other_do_not_put_off_the_fallback(company: Store, tmp_path: Path) -> None:
    how = settings(tmp_path, approval_minutes=30)
    for minute, ticket in ((5, "N-1"), (20, "N-2")):
        happens(company, "ticket_opened", NOW + minute * MINUTE, ticket=ticket, site="S-2", severity="emergency", type="leak", crew=1)
        assert run(company, how, NOW + (minute + 1) * MINUTE).action == "waits"
    assert reoptimizing.stand_in(company, how, NOW + 35 * MINUTE) == ()
    # People were first asked at minute 6; the draft of minute 21 overtook that one.
    assert reoptimizing.stand_in(company, how, NOW + 36 * MINUTE) == (3,)
    assert states(company) == {1: "published", 2: "rejected", 3: "rejected"}


def test_a_delay_that_the_waiting_draft_answers_makes_no_other_draft(company: Store, tmp_path: Path) -> None:
    how = settings(tmp_path)
    with company.reading() as session:
        plan = published_plan(session)
        assert plan is not None
        route = next(route for route in plan.routes if route.visits)
    until = route.visits[0].starts_at + 180 * MINUTE
    happens(company, "technician_sick", NOW + 5 * MINUTE, technician=route.technician_id, until=until.isoformat())
    assert run(company, how, NOW + 6 * MINUTE).action == "waits"
    for minute in (21, 36, 51):
        assert run(company, how, NOW + minute * MINUTE).action == "nothing_new"
    assert states(company) == {1: "published", 2: "draft"}


def test_one_run_at_a_time_and_a_dead_one_is_followed_by_another(company: Store, tmp_path: Path) -> None:
    leak(company, NOW + 5 * MINUTE)
    with company.session() as session:
        assert take_lease(session, "reoptimize ", "somebody", NOW, NOW + 7 * MINUTE)
    assert run(company, settings(tmp_path), NOW + 6 * MINUTE).action == "busy"
    assert run(company, settings(tmp_path), NOW + 8 * MINUTE).action == "waits"
    with company.session() as session:
        assert not has_lease(session, "reoptimize ", "somebody")
        give_back(session, "reoptimize ", "somebody")


def test_a_run_that_was_overtaken_keeps_nothing(company: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_models.errors import Conflict

    again = reoptimizing.replan_until_signal

    def slow(*words: Any, **more: Any) -> Any:
        found = again(*words, **more)
        with company.session() as session:
            assert take_lease(session, "reoptimize ", "another", NOW + 60 * MINUTE, NOW + 70 * MINUTE)
        return found

    monkeypatch.setattr(reoptimizing, "replan_until_signal", slow)
    leak(company, NOW + 5 * MINUTE)
    with pytest.raises(Conflict, match="another one has taken over"):
        run(company, settings(tmp_path), NOW + 6 * MINUTE)
    assert states(company) == {1: "published"}


def test_the_sick_are_not_planned_and_their_visits_move(company: Store, tmp_path: Path) -> None:
    with company.reading() as session:
        plan = published_plan(session)
        assert plan is not None
        busy = next(route for route in plan.routes if (route.visits and route.departs_at > NOW + 2 * MINUTE) or len(route.visits) > 1)
    happens(company, "technician_sick", NOW + MINUTE, technician=busy.technician_id)
    done = run(company, settings(tmp_path), NOW + 2 * MINUTE)
    assert done.action in ("waits", "unchanged")
    if done.plan == 2:
        kept = dispatch.read_plan(company, 2)
        assert kept.judged.violations == ()
        assert busy.technician_id not in {
            route.technician for route in kept.judged.plan.routes if route.stops and route.depart > NOW + 2 * MINUTE
        }


def test_coordinators_are_told_of_an_emergency_with_who_could_come(company: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWOHOUR_CHANNEL_COORDINATOR", "json://127.0.0.1:9/")
    how = Settings(output_dir=tmp_path, notices={"channels": {"coordinator": ["env:TWOHOUR_CHANNEL_COORDINATOR"]}})  # type: ignore[arg-type]
    urgent = leak(company, NOW + 5 * MINUTE)
    assert urgent == ("N-1",)
    assert answer_emergencies(company, how, urgent, NOW + 5 * MINUTE) == 1
    assert answer_emergencies(company, how, urgent, NOW + 6 * MINUTE) == 0  # told once
    with company.reading() as session:
        notice = session.scalars(select(tables.Notice)).one()
    assert notice.template == "emergency_opened"
    assert notice.payload["answers"]
