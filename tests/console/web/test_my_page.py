"""The technician's page: their own visits and nobody else's, and what a phone tells, late, twice and by a wrong clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from data_models import tables
from data_models.store import add_events
from data_models.store.accepting import FUTURE
from data_models.store.pages import events_page
from data_models.store.people import LONGEST
from flows.events import derive_anew
from flows.photos import MOST_BYTES
from flows.visits import KEPT_LONGEST, MOST_PHOTOS
from tests.console.web.conftest import PASSWORD, Site
from tests.console.web.field import HOSTILE, Phone, picture, visits_of, with_technicians


@pytest.fixture
def field(site: Site) -> Site:
    """The site with technicians who can log in."""
    return with_technicians(site)


@pytest.fixture
def phone(field: Site) -> Phone:
    """The phone of a technician who has visits."""
    return Phone(field, sorted(visits_of(field))[0])


def told(site: Site, ticket: str) -> list[tables.Event]:
    """What people told of a ticket, oldest first."""
    with site.store.reading() as session:
        return [row for row, _ in reversed(events_page(session, 50, ticket=ticket)) if row.by != "twohour"]


def notes(site: Site) -> list[str]:
    """What is odd about events."""
    with site.store.reading() as session:
        return list(session.scalars(select(tables.EventNote.note)))


def test_the_days_visits_come_in_order_with_what_is_needed_there(phone: Phone) -> None:
    page = phone.client.get("/my").text
    mine = visits_of(phone.site)[phone.technician]
    assert re.findall(r'data-ticket="([^"]+)"', page) == mine
    assert page.count('class="visit next"') == 1
    assert 'href="tel:+862155667788"' in page, "the 0 before the area's number is not dialled with the country's code"
    for service in ("uri.amap.com", "api.map.baidu.com", "apis.map.qq.com", "maps.apple.com", "www.google.com"):
        assert page.count(f'href="https://{service}') == len(mine)
    assert "on site by" in page
    assert "no kits" in page or "leak-kit" in page or "purity-analyser" in page


def test_nothing_is_planned_reads_so(field: Site) -> None:
    idle = next(who for who in ("T-1", "T-2", "T-3", "T-4", "T-9") if who not in visits_of(field))
    if idle == "T-9":
        field.now += timedelta(days=3)
        idle = "T-1"
    assert "No visit is planned for you today" in Phone(field, idle).client.get("/my").text


def test_script_in_what_people_wrote_is_text(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    with phone.site.store.session() as session:
        row = session.get_one(tables.Ticket, ticket)
        row.title, row.description, row.site.name, row.site.address = HOSTILE, HOSTILE, HOSTILE, HOSTILE
        row.site.customer.name = HOSTILE
        session.get_one(tables.Contact, "K-1").name = HOSTILE
    page = phone.client.get("/my").text
    assert "<script>document" not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;document") >= 5


def test_another_technicians_visit_does_not_exist(field: Site) -> None:
    visits = visits_of(field)
    me, other = next((a, b) for a in sorted(visits) for b in sorted(visits) if set(visits[b]) - set(visits[a]))
    theirs = sorted(set(visits[other]) - set(visits[me]))[0]
    phone = Phone(field, me)
    assert phone.client.get(f"/my/visits/{theirs}").status_code == 404
    assert phone.client.get("/my/visits/nothing-of-ours").status_code == 404
    assert phone.client.get(f"/my/visits/{visits[me][-1]}").text.index(f'data-ticket="{visits[me][-1]}"') > 0
    assert phone.tell("technician_arrived", theirs).status_code == 404
    assert phone.photo(theirs, picture()).status_code == 404
    assert told(field, theirs) == []


def test_who_the_technician_is_is_not_for_the_phone_to_say(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    assert phone.tell("technician_accepted", ticket, technician="T-99", by="somebody").status_code == 200
    (event,) = told(phone.site, ticket)
    assert (event.technician_id, event.by) == (phone.technician, phone.technician.lower())


def test_only_technicians_have_the_page_and_they_have_no_other(field: Site, phone: Phone) -> None:
    assert field.browser("li").get("/my").status_code == 403
    for path in ("/plans", f"/plans/{field.draft}", "/inbox"):
        assert phone.client.get(path).status_code == 403, path
    assert phone.client.get("/").headers["location"] == "/my"


def test_a_day_is_told_and_the_ticket_follows(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    for number, kind in enumerate(("technician_accepted", "technician_driving", "technician_arrived")):
        phone.site.now += timedelta(minutes=20)
        assert phone.tell(kind, ticket, f"key-{number:08d}").json() == {"verdict": "counts", "note": ""}
    phone.site.now += timedelta(minutes=50)
    phone.tell("technician_finished", ticket, "key-finished", result="unresolved", note="Seal ordered")
    events = told(phone.site, ticket)
    assert [event.kind for event in events] == ["technician_accepted", "technician_driving", "technician_arrived", "technician_finished"]
    assert events[-1].details == {"result": "unresolved", "note": "Seal ordered"}
    driving = events[1]
    assert datetime.fromisoformat(driving.details["expected_at"]) > driving.at, "expected after the drive that was planned"
    with phone.site.store.reading() as session:
        assert session.get_one(tables.Ticket, ticket).state in ("open", "planned"), "another visit is asked for"
    assert 'data-told="unresolved"' in phone.client.get("/my").text
    assert derive_anew(phone.site.store) == []


def test_the_same_key_twice_is_one_event_and_another_of_that_key_is_refused(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    assert phone.tell("technician_driving", ticket).json()["verdict"] == "counts"
    phone.site.now += timedelta(hours=2)
    phone.ahead = timedelta(hours=1)
    assert phone.tell("technician_driving", ticket, ago=timedelta(hours=2)).json()["verdict"] == "merged"
    assert phone.tell("technician_arrived", ticket).status_code == 422
    assert len(told(phone.site, ticket)) == 1


def test_two_technicians_may_make_the_same_key(field: Site) -> None:
    visits = visits_of(field)
    for who in sorted(visits)[:2]:
        assert Phone(field, who).tell("technician_accepted", visits[who][0]).json()["verdict"] in ("counts", "flagged")


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(hours=-3), FUTURE + timedelta(seconds=1)])
def test_a_phone_whose_clock_is_wrong_is_set_right_and_flagged(phone: Phone, ahead: timedelta) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    phone.ahead = ahead
    answer = phone.tell("technician_driving", ticket, ago=timedelta(minutes=10)).json()
    (event,) = told(phone.site, ticket)
    assert event.at == phone.site.now - timedelta(minutes=10)
    assert answer["verdict"] == "flagged"
    assert datetime.fromisoformat(event.details["phone_at"]) == event.at + ahead
    assert any("clock was wrong" in note for note in notes(phone.site))
    assert derive_anew(phone.site.store) == []


@pytest.mark.parametrize("ahead", [FUTURE, -FUTURE])
def test_a_clock_that_is_off_as_clocks_are_is_believed_but_never_ahead_of_now(phone: Phone, ahead: timedelta) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    phone.ahead = ahead
    assert phone.tell("technician_driving", ticket).json()["verdict"] == "counts"
    assert told(phone.site, ticket)[0].at == phone.site.now + min(ahead, timedelta())


def test_what_no_phone_keeps_for_so_long_happened_now(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    assert phone.tell("technician_accepted", ticket, ago=KEPT_LONGEST).json()["verdict"] == "counts"
    assert phone.tell("technician_driving", ticket, "key-00000002", ago=timedelta(days=9000)).json()["verdict"] == "flagged"
    assert told(phone.site, ticket)[-1].at == phone.site.now


def test_what_is_odd_is_refused_in_words(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    wrong = [
        phone.tell("technician_declined", ticket),
        phone.tell("technician_declined", ticket, reason="  "),
        phone.tell("ticket_cancelled", ticket),
        phone.tell("technician_finished", ticket, result="perhaps"),
        phone.tell("technician_finished", ticket, result="resolved", note="x" * 501),
        phone.tell("technician_accepted", ticket, "short"),
        phone.tell("technician_delayed", until="soon"),
        phone.tell("technician_delayed", until=phone.site.now.isoformat()),
        phone.tell("technician_accepted", ""),
    ]
    assert [answer.status_code for answer in wrong] == [422] * 9
    assert all(answer.json()["detail"] for answer in wrong)
    token = phone.csrf
    for body in ('{"kind": ["technician_driving"]}', '{"kind": "technician_driving", "key": 7}', "[]", "nonsense"):
        answer = phone.client.post("/my/events", content=body, headers={"x-csrf-token": token, "content-type": "application/json"})
        assert answer.status_code == 422, body
    assert phone.tell("technician_accepted", ticket, reason="x" * 20_000).status_code == 413
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T08:00:00", None):
        said = {"kind": "technician_driving", "key": "key-00000001", "ticket": ticket, "at": moment, "sent_at": moment}
        assert phone.client.post("/my/events", json=said, headers={"x-csrf-token": token}).status_code == 422
    assert phone.tell("technician_accepted", "\ud800\0").status_code in (404, 422)
    assert told(phone.site, ticket) == []


def test_a_decline_says_why_and_a_delay_until_when(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    assert phone.tell("technician_declined", ticket, reason="no lifting\ngear\0\ud800").status_code == 200
    assert told(phone.site, ticket)[0].details == {"reason": "no lifting\ngear"}
    until = phone.site.now + timedelta(hours=1)
    assert phone.tell("technician_delayed", key="key-delayed", until=until.isoformat(), reason="accident").status_code == 200
    page = phone.client.get("/my").text
    assert "held up until 09:01" in page
    assert 'data-told="declined"' in page


def test_work_that_began_stays_when_the_plan_leaves_it_out(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    phone.tell("technician_driving", ticket)
    with phone.site.store.session() as session:
        plan = session.get_one(tables.Plan, phone.site.published)
        plan.state = "superseded"
    page = phone.client.get("/my").text
    assert re.findall(r'data-ticket="([^"]+)"', page) == [ticket]
    assert phone.tell("technician_arrived", ticket, "key-00000002").status_code == 200


def test_a_ticket_that_others_settled_or_the_customer_cancelled_says_so(phone: Phone) -> None:
    from data_models.events import Cancelled

    ticket = visits_of(phone.site)[phone.technician][0]
    with phone.site.store.session() as session:
        add_events(
            session, [Cancelled(kind="ticket_cancelled", at=phone.site.now, key="c", by="li", ticket=ticket)], phone.site.now
        )  # fmt: skip
    assert "cancelled: nobody needs to go" in phone.client.get("/my").text


def test_a_session_that_is_over_is_told_to_the_script_and_a_new_one_has_its_own_token(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    old = phone.csrf
    phone.site.now += LONGEST
    headers = {"x-csrf-token": old, "accept": "application/json"}
    assert phone.client.post("/my/events", json={}, headers=headers).status_code == 401
    assert phone.client.get("/my/list", headers={"hx-request": "true"}).status_code == 401
    phone.client.post("/login", data={"login": phone.technician.lower(), "password": PASSWORD})
    assert phone.client.post("/my/events", json={}, headers=headers).status_code == 403, "the token of the session before"
    fresh = phone.client.get("/my/list").text.split('data-csrf="')[1].split('"')[0]
    said = {"kind": "technician_accepted", "key": "key-00000001", "ticket": ticket}
    said |= {"at": (phone.site.now - LONGEST).isoformat(), "sent_at": phone.site.now.isoformat()}
    assert phone.client.post("/my/events", json=said, headers={"x-csrf-token": fresh}).status_code == 200
    assert told(phone.site, ticket)[0].at == phone.site.now - LONGEST


def test_a_photo_is_kept_once_and_seen_by_those_who_see_its_ticket(field: Site) -> None:
    visits = visits_of(field)
    me, other = next((a, b) for a in sorted(visits) for b in sorted(visits) if set(visits[a]) - set(visits[b]))
    ticket = sorted(set(visits[a]) - set(visits[other]))[0] if (a := me) else ""
    phone = Phone(field, me)
    first = phone.photo(ticket, picture())
    assert (first.status_code, phone.photo(ticket, picture()).json()) == (200, first.json())
    address = f"/attachments/{first.json()['photo']}"
    served = phone.client.get(address)
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["content-disposition"].startswith("inline; filename=")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    assert field.browser("li").get(address).content == served.content
    assert Phone(field, other).client.get(address).status_code == 404
    assert field.browser().get(address).status_code == 303
    assert phone.client.get("/attachments/999").status_code == 404
    extras = field.browser("li").get(f"/tickets/{ticket}/extras").text
    assert address in extras


def test_uploads_that_are_not_what_they_say_are_refused(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    for content in (b"", b"<svg onload=alert(1)>", b"MZ\x90\x00", picture()[:200], b"x" * 5000):
        assert phone.photo(ticket, content).status_code == 422, content[:20]
    assert phone.photo(ticket, b"x" * (MOST_BYTES + 1)).status_code == 413
    assert "this is no photo" in phone.photo(ticket, b"GIF89a....").json()["detail"]


def test_a_ticket_has_so_many_photos_and_no_more(phone: Phone) -> None:
    ticket = visits_of(phone.site)[phone.technician][0]
    content, token = picture(size=(2, 2)), phone.csrf
    headers = {"x-csrf-token": token, "accept": "application/json"}

    def send(number: int) -> int:
        params = {"ticket": ticket, "key": f"photo-{number:08d}"}
        return phone.client.post("/my/photos", params=params, content=content, headers=headers).status_code

    assert {send(number) for number in range(MOST_PHOTOS)} == {200}
    assert send(MOST_PHOTOS) == 422
    assert send(0) == 200, "what is there already is merged"


def test_the_worker_names_files_that_are_there(site: Site) -> None:
    browser = site.browser()
    answer = browser.get("/my/worker.js")
    assert answer.headers["service-worker-allowed"] == "/my"
    assets = re.findall(r'"(/static/[^"]+)"', answer.text.split("\n")[1])
    assert len(assets) > 5
    assert {browser.get(asset).status_code for asset in assets} == {200}
