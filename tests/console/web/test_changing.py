"""A draft in a coordinator's hands: changed with a reason, taken back, approved whole or in part, by one of two who come at once."""

from __future__ import annotations

import json
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from data_models import tables
from data_models.store import plan_by_id, published_plan
from data_models.store.audit import list_audit, verify_audit
from flows.dispatch import read_plan
from flows.editing import open_draft
from optimizer.alternatives import next_best
from tests.console.web.conftest import Site, csrf_of


class Desk:
    """A coordinator's browser at the draft."""

    def __init__(self, site: Site, login: str = "li") -> None:
        self.site, self.browser = site, site.browser(login)
        self.address = f"/plans/{site.draft}"
        page = self.browser.get(self.address)
        self.headers = {"x-csrf-token": csrf_of(page.text), "accept": "application/json"}
        with site.store.reading() as session:
            self.version = plan_by_id(session, site.draft).row_version

    def post(self, what: str, body: dict[str, Any]) -> Any:
        return self.browser.post(f"{self.address}/{what}", json=body, headers=self.headers)

    def decide(self, what: str, **facts: Any) -> Any:
        form = {"version": self.version, "seen": 0} | facts
        return self.browser.post(f"{self.address}/{what}", data=form, headers=self.headers)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = self.browser.get(f"{self.address}/data", headers=self.headers).json()
        return facts


def planned(site: Site, number: int) -> dict[str, set[str]]:
    plan = read_plan(site.store, number).judged.plan
    return {route.technician: {stop.ticket for stop in route.stops} for route in plan.routes if route.stops}


def one_visit(site: Site) -> tuple[str, str]:
    """A ticket of the draft that one person serves, and who."""
    by_ticket: dict[str, list[str]] = {}
    for who, tickets in planned(site, site.draft).items():
        for ticket in tickets:
            by_ticket.setdefault(ticket, []).append(who)
    ticket = min(name for name, people in by_ticket.items() if len(people) == 1)
    return ticket, by_ticket[ticket][0]


def test_a_change_is_tried_kept_with_its_reason_taken_back_and_made_again(site: Site) -> None:
    desk = Desk(site)
    ticket, _ = one_visit(site)
    change = {"kind": "leave_out", "ticket": ticket}
    tried = desk.post("changes/try", {"change": change}).json()
    assert (tried["accepted"], tried["leftOut"]) == (True, [ticket])
    assert tried["cost"] > 0
    assert desk.facts()["seen"] == 0, "trying keeps nothing"
    kept = desk.post("changes", {"change": change, "seen": 0, "reason": "customer_asked"})
    assert kept.json()["seen"] == 1
    outcomes = {each["id"]: each["outcome"] for each in desk.facts()["tickets"]}
    assert outcomes[ticket] == "unplanned"
    assert desk.post("undo", {"seen": 1}).json()["seen"] == 0
    assert desk.post("redo", {"seen": 0}).json()["seen"] == 1
    assert desk.facts()["canUndo"]


def test_what_breaks_a_rule_is_refused_in_words_and_changes_nothing(site: Site) -> None:
    desk = Desk(site)
    ticket, who = one_visit(site)
    late = (site.now + timedelta(hours=30)).isoformat()
    change = {"kind": "move", "ticket": ticket, "technician": who, "not_before": late}
    refused = desk.post("changes", {"change": change, "seen": 0, "reason": "other", "note": "x"}).json()
    assert not refused["accepted"]
    assert refused["violations"]
    assert desk.facts()["seen"] == 0


@pytest.mark.parametrize("body", [{"change": {"kind": "burn"}}, {"change": {"kind": "pin"}}, {"change": 3}, {}])
def test_nonsense_is_told_to_be_so(site: Site, body: dict[str, Any]) -> None:
    answer = Desk(site).post("changes/try", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_at_one_draft_never_overwrite_each_other(site: Site) -> None:
    first, second = Desk(site), Desk(site)
    ticket, _ = one_visit(site)
    body = {"change": {"kind": "leave_out", "ticket": ticket}, "seen": 0, "reason": "safety"}
    assert first.post("changes", body).status_code == 200
    late = second.post("changes", body)
    assert late.status_code == 409
    assert "li" in late.json()["detail"]
    done = first.decide("approve", seen=1)
    assert done.status_code == 303, done.text
    assert second.decide("approve").status_code == 409
    assert second.decide("reject", reason="no").status_code == 409


def test_approving_publishes_what_was_edited_and_goes_to_the_audit_trail(site: Site) -> None:
    desk = Desk(site)
    ticket, _ = one_visit(site)
    desk.post("changes", {"change": {"kind": "leave_out", "ticket": ticket}, "seen": 0, "reason": "customer_asked"})
    answer = desk.decide("approve", seen=1, reason="as agreed")
    with site.store.reading() as session:
        published = published_plan(session)
        assert published is not None
        assert answer.headers["location"] == f"/plans/{published.id}"
        assert published.parent_id == site.draft
        assert plan_by_id(session, site.draft).state == "rejected"
        assert verify_audit(session).wrong is None
        done = [(entry.action, entry.subject, entry.by) for entry in list_audit(session, 2)]
    assert done == [("plan published", f"plan {published.id}", "li"), ("plan approved", f"plan {published.id}", "li")]
    assert not any(ticket in tickets for tickets in planned(site, published.id).values())


def test_a_part_is_approved_and_the_rest_stays_a_draft(site: Site) -> None:
    desk = Desk(site)
    answer = desk.decide("approve", part="emergencies")
    with site.store.reading() as session:
        published = published_plan(session)
        assert published is not None
        if answer.status_code == 303:
            assert published.parent_id == site.draft
        else:
            assert (answer.status_code, published.id) == (409, site.published)
        assert plan_by_id(session, site.draft).state == "draft"
    assert desk.decide("approve", part="routes", names=["T-99"]).status_code == 422


def test_a_rejection_says_why(site: Site) -> None:
    desk = Desk(site)
    assert desk.decide("reject", reason=" ").status_code == 422
    assert desk.decide("reject", reason="王工今天休息").status_code == 303
    with site.store.reading() as session:
        plan = plan_by_id(session, site.draft)
        assert (plan.state, plan.approvals[-1].reason) == ("rejected", "王工今天休息")


@pytest.mark.parametrize("login", ["zhou", "plan", "root"])
def test_only_coordinators_change_and_decide(site: Site, login: str) -> None:
    desk = Desk(site, login)
    assert desk.post("changes/try", {"change": {"kind": "improve"}}).status_code == 403
    assert desk.decide("approve").status_code == 403
    assert desk.decide("reject", reason="no").status_code == 403
    assert "Approve" not in desk.browser.get(desk.address).text


def test_the_inbox_shows_what_nobody_has_and_sends_with_one_click(site: Site) -> None:
    browser: TestClient = site.browser("li")
    page = browser.get("/inbox").text
    assert "TK-6" in page, "in Lhasa, beyond reach"
    answer = browser.get("/inbox/TK-6").text
    assert "Nobody can come" in answer
    assert browser.get("/inbox/TK-99").status_code == 404
    zhou = site.browser("zhou")
    token = csrf_of(zhou.get("/inbox").text)
    refused = zhou.post("/inbox/TK-6/send", data={"technicians": "T-1", "plan": 1}, headers={"x-csrf-token": token})
    assert refused.status_code == 403


def part(site: Site, login: str, address: str, language: str = "en") -> str:
    answer = site.browser(login, language).get(f"/plans/{site.draft}/{address}")
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_each_planned_visit_says_why_these_people_and_who_would_be_next_best(site: Site) -> None:
    ticket, who = one_visit(site)
    Desk(site).post("changes", {"change": {"kind": "release", "ticket": ticket}, "seen": 0, "reason": "safety"})
    page = part(site, "li", f"tickets/{ticket}/others")
    assert f"Why 王{who}" in page
    found = next_best(open_draft(site.store, site.settings, site.draft).state, ticket)
    assert all(f"王{who}" in page for each in found for who in each.technicians)
    assert page.count("Take") == len(found)
    assert "Take" not in part(site, "zhou", f"tickets/{ticket}/others"), "a viewer changes nothing"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_ticket_that_is_left_out_by_hand_has_reasons_and_a_way_back(site: Site, language: str) -> None:
    """The draft's own explanation knows nothing of it: reasons are found for the draft as it is now."""
    desk = Desk(site)
    ticket, _ = one_visit(site)
    assert part(site, "li", f"tickets/{ticket}/why").count("<li>") == 0, "planned in time"
    desk.post("changes", {"change": {"kind": "leave_out", "ticket": ticket}, "seen": 0, "reason": "safety"})
    page = part(site, "li", f"tickets/{ticket}/why", language)
    assert page.count("<li>") >= 2
    assert {"en": "li left it out", "zh": "由 li 于"}[language] in page
    fact = json.loads(page.split('data-facts="')[1].split('">')[0])
    assert (fact["kind"], fact["ticket"]) == ("remedy", ticket)
    assert desk.post("changes", {"change": fact, "seen": 1, "reason": "safety"}).json()["takenIn"] == [ticket]


def test_a_draft_without_explanations_still_has_reasons(site: Site) -> None:
    with site.store.reading() as session:
        assert plan_by_id(session, site.draft).explanation_json == ""
    assert part(site, "li", "tickets/TK-6/why").count("<li>") >= 1


def test_a_person_is_shown_with_shifts_and_visits_and_sent_away(site: Site) -> None:
    desk = Desk(site)
    _, who = one_visit(site)
    page = part(site, "li", f"technicians/{who}")
    assert all(text in page for text in (f"王{who}", "Shift", "Away…", "Overtime…", "太湖制药"))
    assert "Away…" not in part(site, "zhou", f"technicians/{who}")
    assert site.browser("li").get(f"/plans/{site.draft}/technicians/T-99").status_code == 404
    longer = {"kind": "overtime", "technician": who, "shift": 0, "minutes": 30}
    assert desk.post("changes", {"change": longer, "seen": 0, "reason": "technician_asked"}).json()["accepted"]
    wrong = {**longer, "shift": 7}
    assert desk.post("changes/try", {"change": wrong}).status_code == 422


def test_what_is_drawn_already_is_not_sent_again(site: Site) -> None:
    desk = Desk(site)
    mark = desk.facts()["mark"]
    assert desk.browser.get(f"{desk.address}/data?mark={mark}", headers=desk.headers).status_code == 204
    ticket, _ = one_visit(site)
    desk.post("changes", {"change": {"kind": "leave_out", "ticket": ticket}, "seen": 0, "reason": "safety"})
    assert desk.browser.get(f"{desk.address}/data?mark={mark}", headers=desk.headers).json()["mark"] != mark


def test_every_edit_is_in_the_audit_trail_with_its_reason(site: Site) -> None:
    desk = Desk(site)
    ticket, _ = one_visit(site)
    desk.post("changes", {"change": {"kind": "leave_out", "ticket": ticket}, "seen": 0, "reason": "other", "note": "gate"})
    desk.post("undo", {"seen": 1})
    desk.post("redo", {"seen": 0})
    with site.store.reading() as session:
        entries = list_audit(session, 3, f"plan {site.draft}")
        assert verify_audit(session).wrong is None
    assert [(entry.action, entry.by) for entry in entries] == [("edit redone", "li"), ("edit undone", "li"), ("plan edited", "li")]
    assert json.loads(entries[-1].details) == {"number": 1, "kind": "leave_out", "ticket": ticket, "reason": "other", "note": "gate"}


def test_an_approval_that_is_refused_leaves_the_draft_and_its_edits_as_they_were(site: Site) -> None:
    desk = Desk(site)
    ticket, _ = one_visit(site)
    desk.post("changes", {"change": {"kind": "leave_out", "ticket": ticket}, "seen": 0, "reason": "safety"})
    assert desk.decide("approve", seen=1, part="routes", names=["T-99"]).status_code == 422
    assert desk.decide("approve", seen=1, version=99).status_code == 409
    with site.store.reading() as session:
        assert plan_by_id(session, site.draft).state == "draft"
        assert session.scalar(select(func.count()).select_from(tables.Plan)) == 2
    assert desk.facts()["seen"] == 1


def test_a_part_of_an_edited_draft_goes_out_and_the_rest_stays_with_the_edits(site: Site) -> None:
    desk = Desk(site)
    ticket, who = one_visit(site)
    desk.post("changes", {"change": {"kind": "release", "ticket": ticket}, "seen": 0, "reason": "safety"})
    answer = desk.decide("approve", seen=1, part="routes", names=[who])
    with site.store.reading() as session:
        published = published_plan(session)
        assert published is not None
        if answer.status_code == 303:
            assert answer.headers["location"] == f"/plans/3?published={published.id}"
            assert (plan_by_id(session, 3).state, plan_by_id(session, 3).parent_id) == ("draft", site.draft)
        else:
            assert (answer.status_code, published.id) == (409, site.published)
            assert plan_by_id(session, site.draft).state == "draft"


def test_answers_of_the_inbox_follow_what_is_written_meanwhile(site: Site) -> None:
    """One responder keeps what it read: a plan that is published in between must be in the next answer."""
    browser = site.browser("li")
    assert "Nobody can come" in browser.get("/inbox/TK-6").text
    with site.store.session() as session:
        session.execute(update(tables.Ticket).where(tables.Ticket.id == "TK-6").values(state="done"))
    assert "Closed" in browser.get("/inbox/TK-6").text
