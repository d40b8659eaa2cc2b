"""Tickets over HTTP: pushed by another system, listed, read with clocks, changed, cancelled, opened again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from data_models import tables
from data_models.store import ticket_states
from data_models.store.events import derived, rebuild

NEW = {"severity": "important", "type": "quality", "title": "purity off"}


def test_a_ticket_is_pushed_once_however_often_it_is_sent(company: Any) -> None:
    site = company.ids(tables.Site.id)[0]
    erp = company.client("tickets:read", "tickets:write")
    first = erp.put("/tickets/SR-1", json=NEW | {"site": site})
    assert (first.status_code, first.headers["location"], first.json()["state"]) == (201, "/tickets/SR-1", "open")
    again = erp.put("/tickets/SR-1", json=NEW | {"site": site})
    assert (again.status_code, again.json() == first.json(), again.headers["etag"]) == (200, True, first.headers["etag"])
    assert len(company.ids(tables.Event.id, tables.Event.ticket_id == "SR-1")) == 1
    # The state is what the log says: derived anew it is the same.
    with company.store.session() as session:
        before = derived(session)
        rebuild(session)
        assert derived(session) == before


def test_a_push_changes_what_differs_and_leaves_what_it_does_not_name(company: Any) -> None:
    site = company.ids(tables.Site.id)[0]
    erp = company.client("tickets:read", "tickets:write")
    erp.put("/tickets/SR-1", json=NEW | {"site": site, "kits": ["leak-kit"]})
    company.now += timedelta(minutes=1)
    changed = erp.put("/tickets/SR-1", json={"severity": "emergency", "title": "purity off"}).json()
    assert (changed["severity"], changed["title"], changed["kits"], changed["site"]) == ("emergency", "purity off", ["leak-kit"], site)
    told = erp.get("/tickets/SR-1").json()
    # 2 hours on site from its opening, by the policy of an emergency.
    assert {clock["clock"] for clock in told["clocks"]} >= {"contact", "on_site"}


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        ({"severity": "important", "type": "quality"}, 422, "site"),
        (NEW | {"site": "nowhere"}, 409, "nowhere"),
        (NEW | {"site": "SITE", "only": ["nobody"]}, 409, "nobody"),
        (NEW | {"site": "SITE", "opened_at": "2026-03-02T09:00:00+08:00"}, 422, "ahead"),
        (NEW | {"site": "SITE", "opened_at": "2026-03-02T08:00:00"}, 422, "offset"),
        (NEW | {"site": "SITE", "opened_at": "2026-02-30T08:00:00+08:00"}, 422, "opened_at"),
        (NEW | {"site": "SITE", "crew": 0}, 422, "crew"),
        (NEW | {"site": "SITE", "crew": "2"}, 422, "crew"),
        (NEW | {"site": "SITE", "window_start": "2026-03-02T09:00:00+08:00"}, 422, "window_end"),
        (NEW | {"site": "SITE", "only": ["T-1"], "banned": ["T-1"]}, 422, "banned"),
        (NEW | {"site": "SITE", "colour": "red"}, 422, "colour"),
        (NEW | {"site": "SITE", "title": "\u0000"}, 422, "title"),
    ],
)
def test_what_is_wrong_with_a_push_is_said_and_nothing_is_kept(company: Any, facts: dict[str, Any], status: int, says: str) -> None:
    facts = {name: company.ids(tables.Site.id)[0] if value == "SITE" else value for name, value in facts.items()}
    answer = company.client("tickets:write").put("/tickets/SR-1", json=facts)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]
    assert company.ids(tables.Event.id, tables.Event.ticket_id == "SR-1") == []


def test_opening_and_window_at_their_limits(company: Any) -> None:
    site, erp = company.ids(tables.Site.id)[0], company.client("tickets:write")
    # Now is 00:01 UTC; five minutes ahead is what clocks may differ by, one second more is not.
    at = {"opened_at": "2026-03-02T00:06:00Z", "window_start": "2026-03-02T02:00:00Z", "window_end": "2026-03-02T02:00:00Z"}
    assert erp.put("/tickets/SR-1", json=NEW | {"site": site} | at).status_code == 201
    assert erp.put("/tickets/SR-2", json=NEW | {"site": site} | at | {"opened_at": "2026-03-02T00:06:01Z"}).status_code == 422
    assert erp.put("/tickets/SR-3", json=NEW | {"site": site} | at | {"window_end": "2026-03-02T01:59:59Z"}).status_code == 422


def test_only_and_banned_are_told_beside_the_opening(company: Any) -> None:
    site, people = company.ids(tables.Site.id)[0], company.ids(tables.Technician.id)
    told = company.client("tickets:write").put("/tickets/SR-1", json=NEW | {"site": site, "only": people[:2], "banned": people[2:3]})
    assert (told.status_code, told.json()["only"], told.json()["banned"]) == (201, people[:2], people[2:3])


def test_cancelled_opened_again_and_cancelled_for_good(company: Any) -> None:
    site = company.ids(tables.Site.id)[0]
    erp = company.client("tickets:read", "tickets:write")
    erp.put("/tickets/SR-1", json=NEW | {"site": site})
    assert erp.post("/tickets/SR-1/cancel", json={"reason": "mended"}).json()["state"] == "cancelled"
    assert erp.post("/tickets/SR-1/cancel", json={}).json()["state"] == "cancelled"
    refused = erp.patch("/tickets/SR-1", json={"title": "other"})
    assert (refused.status_code, "reopen" in refused.json()["detail"]) == (409, True)
    company.now += timedelta(minutes=1)
    assert erp.post("/tickets/SR-1/reopen", json={"reason": "not mended"}).json()["state"] == "open"
    assert erp.post("/tickets/SR-1/reopen", json={}).json()["state"] == "open"
    with company.store.reading() as session:
        assert ticket_states(session, ["SR-1"])["SR-1"].reopenings == 1


def test_what_cannot_be_changed_any_more_is_refused(company: Any) -> None:
    sites = company.ids(tables.Site.id)
    erp = company.client("tickets:write")
    erp.put("/tickets/SR-1", json=NEW | {"site": sites[0]})
    for facts in ({"site": sites[1]}, {"product": "other"}, {"source": "phone"}, {"opened_at": "2026-03-02T08:00:30+08:00"}):
        assert erp.put("/tickets/SR-1", json=facts).status_code == 409
    assert erp.patch("/tickets/SR-1", json={"site": sites[0]}).status_code == 422


def test_whoever_read_an_older_version_overwrites_nothing(company: Any) -> None:
    erp = company.client("tickets:read", "tickets:write")
    ticket = company.ids(tables.Ticket.id, tables.Ticket.state == "open")[0]
    seen = erp.get(f"/tickets/{ticket}").headers["etag"]
    assert erp.patch(f"/tickets/{ticket}", json={"title": "first"}, headers={"If-Match": seen}).status_code == 200
    second = erp.patch(f"/tickets/{ticket}", json={"title": "second"}, headers={"If-Match": seen})
    assert (second.status_code, second.json()["type"]) == (412, "urn:twohour:problem:changed-meanwhile")
    assert erp.get(f"/tickets/{ticket}").json()["title"] == "first"


def test_pages_give_each_ticket_once_though_new_ones_come_in_between(company: Any) -> None:
    erp = company.client("tickets:read", "tickets:write")
    every = company.ids(tables.Ticket.id)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = erp.get("/tickets", params={"limit": 7, "cursor": cursor}).json()
        seen += [ticket["id"] for ticket in page["items"]]
        cursor = page["next"]
        if len(seen) == 7:
            erp.put("/tickets/SR-1", json=NEW | {"site": company.ids(tables.Site.id)[0]})
    assert sorted(seen) == every
    for wrong in ("x", "bm8", "WzEsMl0", "W10"):
        assert erp.get("/tickets", params={"cursor": wrong}).status_code == 422
    for limit in (0, 501, "many"):
        assert erp.get("/tickets", params={"limit": limit}).status_code == 422
    assert erp.get("/tickets", params={"limit": 500}).status_code == 200


def test_tickets_are_found_by_state_severity_and_site(company: Any) -> None:
    erp = company.client("tickets:read")
    site = company.ids(tables.Ticket.site_id)[0]
    for column, name, value in (("state", "state", "planned"), ("severity", "severity", "emergency"), ("site_id", "site", site)):
        found = [ticket["id"] for ticket in erp.get("/tickets", params={name: value, "limit": 500}).json()["items"]]
        assert sorted(found) == company.ids(tables.Ticket.id, getattr(tables.Ticket, column) == value)
        assert found


def test_the_first_answer_says_who_could_come(company: Any) -> None:
    ticket = company.ids(tables.Ticket.id, tables.Ticket.state.in_(("open", "planned")))[0]
    told = company.client("tickets:read").get(f"/tickets/{ticket}/answer").json()
    assert (told["ticket"], told["kind"] in ("open", "planned")) == (ticket, True)
    assert all(offer["people"][0]["arrives"] <= offer["start"] for offer in told["offers"])


def test_another_regions_tickets_do_not_exist(company: Any) -> None:
    company.split()
    mine, others = "east", "west"
    site, theirs = (company.ids(tables.Site.id, tables.Site.region == region)[0] for region in (mine, others))
    erp = company.client("tickets:read", "tickets:write", regions=(mine,))
    assert erp.put("/tickets/SR-1", json=NEW | {"site": site}).status_code == 201
    assert erp.put("/tickets/SR-2", json=NEW | {"site": theirs}).status_code == 404
    company.client("tickets:write").put("/tickets/SR-3", json=NEW | {"site": theirs})
    for answer in (
        erp.get("/tickets/SR-3"),
        erp.get("/tickets/SR-3/answer"),
        erp.patch("/tickets/SR-3", json={"title": "x"}),
        erp.put("/tickets/SR-3", json=NEW | {"site": site}),
        erp.post("/tickets/SR-3/cancel", json={}),
    ):
        assert answer.status_code == 404
    regions = {ticket["region"] for ticket in erp.get("/tickets", params={"limit": 500}).json()["items"]}
    assert regions == {mine}
