"""Plans over HTTP: pulled as files and routes, compared, approved and rejected, by one of two who do so at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from data_models import tables
from data_models.case_files import parse_plan
from data_models.store.audit import verify_audit


def test_the_published_plan_is_pulled_as_a_file_and_as_routes(company: Any) -> None:
    erp = company.client("plans:read")
    told = erp.get("/plans/published").json()
    assert (told["id"], told["state"]) == (company.published, "published")
    plan = parse_plan(erp.get(f"/plans/{company.published}/file").text)
    routes = erp.get(f"/plans/{company.published}/routes").json()["technicians"]
    visits = {
        (one["technician"], visit["ticket"], visit["starts_at"]) for one in routes for trip in one["trips"] for visit in trip["visits"]
    }
    of_file = {
        (route.technician, stop.ticket, stop.start.astimezone(company.now.tzinfo).isoformat().replace("+00:00", "Z"))
        for route in plan.routes
        for stop in route.stops
    }
    assert visits == of_file
    assert told["planned"] == len({ticket for _, ticket, _ in visits})
    assert told["unplanned"] == len(plan.unassigned) == len(told["unassigned"])
    who = routes[0]["technician"]
    [one] = erp.get(f"/plans/{company.published}/routes", params={"technician": who}).json()["technicians"]
    assert one == routes[0]


def test_plans_are_listed_newest_first_page_by_page(company: Any) -> None:
    erp = company.client("plans:read")
    first = erp.get("/plans", params={"limit": 1}).json()
    second = erp.get("/plans", params={"limit": 1, "cursor": first["next"]}).json()
    assert ([one["id"] for one in first["items"]], [one["id"] for one in second["items"]], second["next"]) == ([2], [1], None)
    assert [one["id"] for one in erp.get("/plans", params={"state": "draft"}).json()["items"]] == [2]


def test_what_a_draft_changes_is_told_with_reasons(company: Any) -> None:
    told = company.client("plans:read").get(f"/plans/{company.draft}/difference").json()
    assert (told["plan"], told["against"]) == (company.draft, company.published)
    assert all(change["why"] for change in told["changes"])
    back = company.client("plans:read").get(f"/plans/{company.published}/difference", params={"against": company.draft}).json()
    assert {one["ticket"] for one in back["changes"]} == {one["ticket"] for one in told["changes"]}


def test_a_draft_is_approved_and_is_what_people_work_by(company: Any) -> None:
    erp = company.client("plans:read", "plans:decide")
    seen = erp.get(f"/plans/{company.draft}").headers["etag"]
    done = erp.post(f"/plans/{company.draft}/approve", json={"reason": "looks right"}, headers={"If-Match": seen})
    assert (done.status_code, done.json()) == (200, {"plan": company.draft, "state": "published", "published": company.draft})
    assert erp.get("/plans/published").json()["id"] == company.draft
    assert erp.get(f"/plans/{company.published}").json()["state"] == "superseded"
    said = erp.get(f"/plans/{company.draft}").json()["decisions"]
    assert [(one["decision"], one["by"], one["reason"]) for one in said] == [
        ("approved", "erp (API)", "looks right"),
        ("published", "erp (API)", ""),
    ]
    with company.store.reading() as session:
        assert verify_audit(session).wrong is None
    assert (company.settings.output_dir / f"plan-{company.draft}").is_dir()


def test_whoever_comes_second_is_told_who_was_first(company: Any) -> None:
    first, second = company.client("plans:decide"), company.client("plans:read", "plans:decide")
    seen = second.get(f"/plans/{company.draft}").headers["etag"]
    assert first.post(f"/plans/{company.draft}/approve", json={}).status_code == 200
    for decision, body in (("approve", {}), ("reject", {"reason": "no"})):
        for headers in ({}, {"If-Match": seen}):
            refused = second.post(f"/plans/{company.draft}/{decision}", json=body, headers=headers)
            assert (refused.status_code, refused.json()["type"]) == (409, "urn:twohour:problem:conflict")
            assert "erp (API)" in refused.json()["detail"]


def test_another_version_than_was_read_is_not_decided_about(company: Any) -> None:
    erp = company.client("plans:read", "plans:decide")
    for decision, body in (("approve", {}), ("reject", {"reason": "no"})):
        refused = erp.post(f"/plans/{company.draft}/{decision}", json=body, headers={"If-Match": '"2-99"'})
        assert (refused.status_code, refused.headers["etag"]) == (412, erp.get(f"/plans/{company.draft}").headers["etag"])


def test_of_two_at_once_one_decides(company: Any) -> None:
    answers: list[int] = []
    callers = [company.client("plans:decide") for _ in range(2)]
    begin = threading.Barrier(2)

    def decide(caller: Any) -> None:
        begin.wait(30)
        answers.append(caller.post(f"/plans/{company.draft}/approve", json={}).status_code)

    threads = [threading.Thread(target=decide, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [200, 409]
    decisions = company.ids(tables.Approval.id, tables.Approval.plan_id == company.draft)
    assert len(decisions) == 2  # approved and published, once each


def test_a_part_is_published_and_the_draft_stays(company: Any) -> None:
    erp = company.client("plans:read", "plans:decide")
    who = erp.get(f"/plans/{company.draft}/routes").json()["technicians"][0]["technician"]
    done = erp.post(f"/plans/{company.draft}/approve", json={"part": "routes", "names": [who]}).json()
    assert (done["state"], done["published"] > company.draft) == ("draft", True)
    assert erp.get("/plans/published").json()["id"] == done["published"]
    assert erp.get(f"/plans/{done['published']}").json()["parent"] == company.draft


@pytest.mark.parametrize(
    "body",
    [{"part": "routes"}, {"part": "whole", "names": ["T-1"]}, {"part": "half"}, {"anyway": "yes"}, {"reason": "x" * 501}, {"why": "x"}],
)
def test_an_approval_that_makes_no_sense_is_refused(company: Any, body: dict[str, Any]) -> None:
    assert company.client("plans:decide").post(f"/plans/{company.draft}/approve", json=body).status_code == 422


def test_a_rejection_needs_a_reason(company: Any) -> None:
    erp = company.client("plans:decide", "plans:read")
    for body in ({}, {"reason": ""}, {"reason": "   "}):
        assert erp.post(f"/plans/{company.draft}/reject", json=body).status_code == 422
    assert erp.post(f"/plans/{company.draft}/reject", json={"reason": "snow"}).json()["state"] == "rejected"
    assert erp.get("/plans/published").json()["id"] == company.published


def test_a_draft_that_does_not_fit_any_more_is_not_approved_unless_it_shall_be(company: Any) -> None:
    erp = company.client()
    ticket = erp.get(f"/plans/{company.draft}/routes").json()["technicians"][0]["trips"][0]["visits"][0]["ticket"]
    company.now += timedelta(minutes=1)
    assert erp.post(f"/tickets/{ticket}/cancel", json={}).json()["state"] == "cancelled"
    refused = erp.post(f"/plans/{company.draft}/approve", json={})
    assert (refused.status_code, ticket in refused.json()["detail"]) == (409, True)
    assert erp.get("/plans/published").json()["id"] == company.published
    assert erp.post(f"/plans/{company.draft}/approve", json={"anyway": True}).status_code == 200
