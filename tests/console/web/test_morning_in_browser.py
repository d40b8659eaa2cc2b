"""A coordinator's morning in a real Chromium, in Chinese and in English: read, mend, drag, improve, approve, reject, send; two at once."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import update

from config.settings import Settings
from data_models import tables
from data_models.events import read_event
from data_models.store import open_store, plan_by_id, published_plan
from data_models.store.audit import list_audit, verify_audit
from data_models.store.events import add_events
from data_models.store.people import add_person
from flows.dispatch import approve_and_publish, keep_draft, make_snapshot, read_facts
from flows.editing import open_draft
from flows.planning import SearchLimit, judge, solve
from tests.console.web.browsing import PHONE, Coordinator, chromium_path, running, served
from tests.console.web.conftest import NOW, PASSWORD, PEOPLE, Site
from tests.maps.conftest import FLAGS

DAWN = NOW - timedelta(minutes=70)
"""06:50 in Shanghai: shifts begin at 07:00."""
DRAFT, LATE_ACCESS = 2, 6
"""The morning's draft, and the place in it of TK-7, to which access is given at 18:30 alone: with an hour's work nobody is back in time."""


@pytest.fixture(scope="session")
def morning_store(filled_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company in two regions before anybody sets out: plan 1 published, and a draft that leaves out TK-6 and TK-7."""
    path = tmp_path_factory.mktemp("morning") / "store.sqlite"
    path.write_bytes(filled_store.read_bytes())
    settings = Settings(output_dir=path.parent / "papers")
    opens = NOW + timedelta(hours=10, minutes=30)
    with open_store(f"sqlite:///{path}") as store:
        with store.session() as session:
            for login, role in (*PEOPLE.items(), ("sun", "coordinator")):
                add_person(session, login, login, role, DAWN, password=PASSWORD)  # type: ignore[arg-type]
            for station, region in (("ST-1", "east"), ("ST-2", "west")):
                session.execute(update(tables.Station).where(tables.Station.id == station).values(region=region))
            session.execute(update(tables.Ticket).values(opened_at=DAWN - timedelta(minutes=5), due_at=NOW + timedelta(hours=2)))
            facts = {"severity": "general", "type": "question", "title": "evening shift only", "service_minutes": 60, "crew": 1}
            window = {"window_start": opens, "window_end": opens + timedelta(minutes=30)}
            session.add(tables.Ticket(id="TK-7", site_id="S-2", opened_at=DAWN, due_at=opens + timedelta(minutes=30), **facts, **window))
        for number, iterations in enumerate((1, 3000), start=1):
            made = DAWN + timedelta(seconds=number)
            snapshot = make_snapshot(store, settings, read_facts(store, settings, made))
            judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=iterations), 1, workers=1))
            assert {"TK-6", "TK-7"} <= {each.ticket for each in judged.plan.unassigned}
            assert keep_draft(store, settings, snapshot, judged, seed=1, at=made, parent=None if number == 1 else 1) == number
            if number == 1:
                approve_and_publish(store, settings, 1, by="li", at=made)
    return path


@pytest.fixture
def morning(morning_store: Path, tmp_path: Path) -> Iterator[Site]:
    """A copy of the morning behind a console."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(morning_store.read_bytes())
    with open_store(f"sqlite:///{path}") as store:
        yield Site(store, Settings(output_dir=tmp_path / "papers"), DAWN + timedelta(minutes=1), 1, DRAFT)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


def visits(site: Site, plan: int) -> dict[str, set[str]]:
    """Who serves each ticket of a draft with its edits."""
    found: dict[str, set[str]] = {}
    for route in open_draft(site.store, site.settings, plan).state.plan.routes:
        for stop in route.stops:
            found.setdefault(stop.ticket, set()).add(route.technician)
    return found


@pytest.mark.parametrize(
    ("locale", "unplanned", "refused"),
    [("en-GB", "Why it is not planned", "This breaks a rule"), ("zh-CN", "为什么未派工", "违反规则")],
)
def test_a_morning_from_the_unplanned_ticket_to_the_published_region(
    morning: Site, chromium: Browser, locale: str, unplanned: str, refused: str
) -> None:
    with served(morning) as address:
        li = Coordinator(chromium, address, "morning", locale=locale)
        li.log_in()
        li.page.wait_for_url(f"{address}/plans/{DRAFT}")
        expect(li.page.locator("body[data-ready]")).to_be_attached()
        li.look("opened")

        pane = li.choose(LATE_ACCESS)
        expect(pane).to_contain_text(unplanned)
        expect(pane.locator(".reasons li").first).to_contain_text(re.compile(r"\S"))
        li.look("why")
        pane.locator(".remedies [data-change]").first.click()
        expect(li.dialog.locator(".effects li").first).to_be_visible()
        li.look("fix")
        li.keep()
        expect(li.row(LATE_ACCESS).locator("em.unplanned")).to_have_count(0)
        assert "TK-7" in visits(morning, DRAFT)

        li.drag(2, 980)  # ten hours: with two of work, beyond the shift and its overtime
        expect(li.dialog).to_contain_text(refused)
        expect(li.dialog.locator(".violations li").first).to_be_visible()
        li.look("refused")
        li.page.keyboard.press("Escape")
        li.drag(3, 90)
        expect(li.dialog.locator(".effects li").first).to_be_visible()
        li.look("dragged")
        li.keep("technician_asked")

        li.page.locator("[data-do='improve']").click()
        expect(li.page.locator("#toasts .toast", has_text=re.compile("Nothing better|Improved|没有|已改进"))).to_be_visible(timeout=60_000)
        li.look("improved")

        li.page.locator("[data-open='approve-dialog']").click()
        dialog = li.page.locator("#approve-dialog")
        expect(dialog.locator("#approve-news *").first).to_be_visible()
        dialog.locator("input[value='regions']").check()
        dialog.locator("select[name='names']").last.select_option("east")
        li.look("approve")
        dialog.locator("button.primary").click()
        li.page.wait_for_url(f"{address}/plans/{DRAFT + 1}?published={DRAFT + 2}")
        expect(li.page.locator("body[data-ready]")).to_be_attached()
        expect(li.page.locator(".part-of a")).to_have_attribute("href", f"/plans/{DRAFT + 2}")
        li.look("one-region")
        with morning.store.reading() as session:
            published = published_plan(session)
            assert published is not None
            assert published.parent_id == DRAFT + 1
            homes = dict(session.query(tables.Technician.id, tables.Technician.station_id).all())
            assert {homes[route.technician_id] for route in published.routes if route.visits} >= {"ST-1"}

        li.page.locator("[data-open='reject-dialog']").click()
        li.page.fill("#reject-reason", "王工今天休息")
        li.look("reject")
        li.page.locator("#reject-dialog button.danger").click()
        expect(li.page.locator(".state-rejected")).to_be_visible()
        li.look("rejected")
        li.close()
    with morning.store.reading() as session:
        assert plan_by_id(session, DRAFT + 1).approvals[-1].reason == "王工今天休息"
        assert verify_audit(session).wrong is None
        done = {entry.action for entry in list_audit(session, 30)}
    assert {"plan edited", "plan approved", "plan published", "plan rejected"} <= done


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_an_emergency_arrives_by_itself_and_goes_out_with_one_click(morning: Site, chromium: Browser, locale: str) -> None:
    with served(morning) as address:
        li = Coordinator(chromium, address, "emergency", locale=locale)
        li.log_in()
        li.page.wait_for_url(f"{address}/plans/*")
        li.page.goto(f"{address}/inbox")
        # TK-6 waits already. The badge is filled when the page listens for news.
        expect(li.page.locator("#inbox-badge")).to_have_text("1")
        event = {
            "key": "call-1",
            "kind": "ticket_opened",
            "ticket": "N-1",
            "site": "S-2",
            "severity": "emergency",
            "type": "leak",
            "crew": 1,
        }
        with li.page.expect_request_finished(lambda request: request.url.endswith("/inbox/list")), morning.store.session() as session:
            (answer,) = add_events(session, [read_event({**event, "by": "phone", "at": morning.now.isoformat()})], morning.now)
            assert answer.verdict == "counts", answer
        expect(li.page.locator("#inbox-badge")).to_have_text("2")
        expect(li.page).to_have_title(re.compile(r"^\(2\)"))
        li.page.locator("[data-ticket='N-1']").click()
        expect(li.page.locator(".offer.best")).to_be_visible()
        li.look("answer")
        li.page.locator(".offer.best button").click()
        expect(li.page.locator(".sent")).to_be_visible()
        expect(li.page.locator("#inbox-badge")).to_have_text("1")
        li.look("sent")
        li.close()
    with morning.store.reading() as session:
        published = published_plan(session)
        assert published is not None
        assert "N-1" in {visit.ticket_id for route in published.routes for visit in route.visits}


def test_of_two_coordinators_the_second_learns_who_was_first_and_overwrites_nothing(morning: Site, chromium: Browser) -> None:
    with served(morning) as address:
        first, second = (Coordinator(chromium, address, f"two-{login}", login=login) for login in ("li", "sun"))
        for each in (first, second):
            each.log_in()
            each.page.wait_for_url(f"{address}/plans/{DRAFT}")
            each.choose(0).locator("[data-change='leave_out']").click()
            expect(each.dialog).to_be_visible()
        first.keep()
        second.dialog.locator("button.primary").click()
        expect(second.page.locator(".toast.failure")).to_contain_text("li (")
        second.look("was-second")
        second.page.keyboard.press("Escape")
        expect(second.row(0).locator("em.unplanned")).to_be_visible()

        for each in (first, second):
            expect(each.page.locator("[data-do='undo']")).to_be_enabled()
            each.page.locator("[data-open='approve-dialog']").click()
        first.page.locator("#approve-dialog button.primary").click()
        first.page.wait_for_url(f"{address}/plans/{DRAFT + 1}")
        second.page.locator("#approve-dialog button.primary").click()
        expect(second.page.locator(".toast.failure").last).to_contain_text("li (")
        second.look("approved-by-another")
        first.close()
        second.close()
    with morning.store.reading() as session:
        assert [each.by for each in plan_by_id(session, DRAFT + 1).approvals] == ["li", "li"]


def test_a_session_that_ends_in_mid_edit_loses_nothing(morning: Site, chromium: Browser) -> None:
    with served(morning) as address:
        li = Coordinator(chromium, address, "session")
        li.log_in()
        li.page.wait_for_url(f"{address}/plans/{DRAFT}")
        li.choose(0).locator("[data-change='leave_out']").click()
        li.dialog.locator("input[value='other']").check()
        li.dialog.locator("#change-note").fill("gate is closed")
        morning.now += timedelta(hours=9)
        li.dialog.locator("button.primary").click()
        link = li.dialog.locator(".login-again")
        expect(link).to_be_visible()
        li.look("over")
        with li.context.expect_page() as opened:
            link.click()
        tab = opened.value
        expect(tab.locator("#login")).to_be_visible()
        li.log_in(tab)
        tab.wait_for_url(f"{address}/logged-in")
        expect(link).to_have_count(0)
        expect(li.dialog.locator("#change-note")).to_have_value("gate is closed")
        li.dialog.locator("button.primary").click()
        expect(li.dialog).to_be_hidden()
        expect(li.row(0).locator("em.unplanned")).to_be_visible()
        li.look("kept")
        li.close()
    (edit,) = open_draft(morning.store, morning.settings, DRAFT).edits.edits
    assert (edit.kind, edit.note) == ("leave_out", "gate is closed")


def test_everything_that_is_dragged_can_be_done_by_keyboard(morning: Site, chromium: Browser) -> None:
    with served(morning) as address:
        li = Coordinator(chromium, address, "keyboard")
        li.log_in()
        li.page.wait_for_url(f"{address}/plans/{DRAFT}")
        expect(li.page.locator("body[data-ready]")).to_be_attached()
        press = li.page.keyboard.press

        def chosen(ticket: int) -> None:
            li.row(ticket).focus()
            press("Enter")
            li.pane(ticket)

        def button(kind: str, place: int = 0) -> None:
            li.page.locator(f"#detail [data-change='{kind}']").nth(place).focus()
            press("Enter")
            expect(li.dialog).to_be_visible()

        def kept() -> None:
            """Enter keeps, since the button has the focus; then the keyboard is in the pane again."""
            expect(li.dialog.locator("button.primary")).to_be_focused()
            press("Enter")
            expect(li.dialog).to_be_hidden()
            expect(li.page.locator("#detail h3")).to_be_focused()

        before = visits(morning, DRAFT)
        chosen(3)
        button("move")
        option = li.dialog.locator("#ask-technician option").nth(1)
        name = option.get_attribute("value") or ""
        press("ArrowDown")
        li.look("move")
        press("Tab")
        press("Enter")
        kept()
        assert visits(morning, DRAFT)["TK-4"] == {name} != before["TK-4"]

        button("pin")
        kept()
        expect(li.bar(3)).to_have_class(re.compile("pinned"))
        button("release")
        kept()
        expect(li.bar(3)).not_to_have_class(re.compile("pinned"))
        button("forbid")
        kept()
        assert name not in visits(morning, DRAFT).get("TK-4", set())
        press("Control+z")
        expect(li.page.locator("[data-do='redo']")).to_be_enabled()
        assert visits(morning, DRAFT)["TK-4"] == {name}

        chosen(3)
        button("swap")
        li.dialog.locator("#ask-other").select_option("TK-3")
        li.look("swap")
        press("Enter")
        expect(li.dialog.locator("ul")).to_be_visible()
        li.look("swapped")
        press("Escape")

        li.page.locator(f"#detail .link[data-technician='{name}']").first.focus()
        press("Enter")
        expect(li.page.locator("#detail [data-change='away']")).to_be_visible()
        li.look("person")
        button("overtime")
        press("Tab")
        press("ArrowUp")
        press("Enter")
        expect(li.dialog.locator("#change-note")).to_be_visible()
        kept()
        button("away")
        li.look("away")
        press("Enter")
        expect(li.dialog.locator("#change-note")).to_be_visible()
        li.look("away-tried")
        kept()
        assert all(name not in people for people in visits(morning, DRAFT).values())
        li.look("person-away")
        press("Escape")
        expect(li.page.locator("#detail")).to_be_hidden()
        li.close()
    with morning.store.reading() as session:
        edits = [entry.details for entry in list_audit(session, 50, f"plan {DRAFT}") if entry.action == "plan edited"]
    assert [kind for details in reversed(edits) for kind in re.findall(r'"kind": "(\w+)"', details)] == [
        "move",
        "pin",
        "release",
        "forbid",
        "overtime",
        "away",
    ]


@pytest.mark.parametrize(
    ("moment", "published", "draft"),
    [("before_commit", 1, "draft"), ("after_commit", DRAFT + 1, "rejected")],
)
def test_a_server_killed_in_the_middle_of_an_approval_has_done_all_of_it_or_nothing(
    morning: Site, chromium: Browser, moment: str, published: int, draft: str
) -> None:
    with running(morning, moment) as (address, process):
        li = Coordinator(chromium, address, f"killed-{moment.replace('_', '-')}")
        li.log_in()
        li.page.wait_for_url(f"{address}/plans/{DRAFT}")
        li.choose(0).locator("[data-change='leave_out']").click()
        li.keep()
        li.page.locator("[data-open='approve-dialog']").click()
        li.page.locator("#approve-dialog button.primary").click()
        assert process.wait(60) == -signal.SIGKILL
        expect(li.page.locator("#approve-dialog .toast.failure")).to_be_visible()
        li.look("killed")
    with morning.store.reading() as session:
        plan = published_plan(session)
        assert plan is not None
        assert (plan.id, plan_by_id(session, DRAFT).state) == (published, draft)
        assert verify_audit(session).wrong is None
    assert open_draft(morning.store, morning.settings, DRAFT).seen == 1, "the edit was kept before"
    with running(morning, port=int(address.rpartition(":")[2])):
        li.open(DRAFT)
        li.look("back")
        if draft == "draft":
            expect(li.page.locator("[data-do='undo']")).to_be_enabled()
            li.page.locator("[data-open='approve-dialog']").click()
            li.page.locator("#approve-dialog button.primary").click()
            li.page.wait_for_url(f"{address}/plans/{DRAFT + 1}")
        else:
            expect(li.page.locator(".state-rejected")).to_be_visible()
            li.open(DRAFT + 1)
        expect(li.page.locator(".state-published")).to_be_visible()
        li.close()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_pages_fit_a_phone(morning: Site, chromium: Browser, locale: str) -> None:
    with served(morning) as address:
        li = Coordinator(chromium, address, "phone", locale=locale, size=PHONE)
        li.page.goto(f"{address}/login")
        li.look("login")
        li.log_in()
        li.page.wait_for_url(f"{address}/plans/{DRAFT}")
        expect(li.page.locator("body[data-ready]")).to_be_attached()
        li.look("plan")
        li.choose(LATE_ACCESS)
        li.look("why")
        li.page.locator("#detail .remedies [data-change]").first.click()
        expect(li.dialog.locator(".effects li").first).to_be_visible()
        li.look("fix")
        li.page.keyboard.press("Escape")
        li.choose(3).locator("[data-change='move']").click()
        expect(li.dialog).to_be_visible()
        li.look("move")
        li.page.keyboard.press("Escape")
        li.page.locator("[data-open='approve-dialog']").click()
        li.look("approve")
        for path in ("/plans", "/inbox"):
            li.page.goto(address + path)
            li.look(path.removeprefix("/"))
            assert li.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        li.open(DRAFT)
        assert li.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        li.close()
