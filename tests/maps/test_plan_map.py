"""The plan map in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from data_models.case import SEVERITIES, Case, Shift, Station, Technician, Ticket
from data_models.plan import Plan, Route, Stop, Unassigned
from maps.plan_map import ROUTE_COLOURS, plan_map, route_colours, span
from maps.visits import TicketLabel

Open = Callable[..., Any]

HOSTILE = (
    '"\'`></script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"><svg onload=window.hacked=1>'
    '<a href="javascript:window.hacked=1">{{7*7}}{% raw %}${window.hacked=1}<!--<script>\u2028window.hacked=1\u2029&lt;\u202e'
)


def label(text: str, case: Case) -> TicketLabel:
    return TicketLabel(text, text, text, text, text, text, text, text, {text: case.now}, (text,), text, (text,))


def move_slider(page: Any, seconds_after_first: int) -> None:
    page.evaluate(
        "after => { const s = document.getElementById('slider'); s.value = Number(s.min) + after; s.dispatchEvent(new Event('input')); }",
        seconds_after_first,
    )


def test_the_page_asks_the_network_for_nothing_and_complains_about_nothing(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    opened = open_map(plan_map(small_case, small_plan))
    opened.page.click("#play")
    opened.page.click("#tab-tickets")
    opened.page.click("#list .row >> nth=0")
    opened.page.mouse.wheel(0, -300)
    assert [url[:8] for url in opened.requests] == ["file:///"]
    assert opened.complaints == []


def test_the_head_tells_how_the_day_goes(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan, currency="CNY")).page
    texts = [text.split("\n") for text in page.locator("#figures .figure").all_inner_texts()]
    assert texts == [
        ["Emergency in time", "1 of 2"], ["Important in time", "0 of 1"], ["General in time", "1 of 1"], ["Late", "1 up to 30 min"],
        ["Unplanned", "1 of 4"], ["Technicians out", "2 of 3"], ["Driving", "4 h"], ["Cost", "1,234 CNY"],
    ]  # fmt: skip


def test_late_and_unplanned_are_told_by_shape_as_well_as_colour(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    looks = {id: page.evaluate("id => planMap.look(id)", id) for id in ("W1", "W2", "W3", "W4")}
    assert {id: look["shape"] for id, look in looks.items()} == {"W1": "circle", "W2": "diamond", "W3": "circle", "W4": "cross"}
    assert {id: look["text"] for id, look in looks.items()} == {"W1": "1", "W2": "2", "W3": "2", "W4": ""}
    assert looks["W2"]["fill"] not in {look["fill"] for id, look in looks.items() if id != "W2"}


def test_a_click_on_a_mark_opens_what_is_known_about_the_ticket(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    labels = {
        "W2": TicketLabel("塔顶泄漏", "江南化工", clocks={"diagnosis": small_case.now}, reasons=("crew free at 10:45",), blame="capacity")
    }
    page = open_map(plan_map(small_case, small_plan, labels=labels)).page
    point = page.evaluate("() => { const p = planMap.map.latLngToContainerPoint([32.5, 120]); return [p.x, p.y]; }")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + point[0], box["y"] + point[1])
    # W3 is at the same place and stands beside it, so the click hits W2 alone.
    text = page.locator(".leaflet-popup-content").inner_text()
    parts = (
        "江南化工|塔顶泄漏|W2 · Important · tier B|Late by 30 min|Due on site|10:15|李工, stop 2|王工, stop 1|Diagnosis due|08:00|"
        "2 people together|safety 1+|To blame: capacity|crew free at 10:45"
    )
    for part in parts.split("|"):
        assert part in text, part


@pytest.mark.parametrize("text", [HOSTILE, "javascript:window.hacked=1", "\ufeff\x00\x0b<b>x"])
def test_text_from_outside_is_shown_and_never_run(open_map: Open, small_case: Case, small_plan: Plan, text: str) -> None:
    hostile = replace(
        small_case,
        name=text,
        stations=tuple(replace(station, name=text, kits={text: 1}) for station in small_case.stations),
        technicians=tuple(replace(technician, name=text, skills={text: 1}) for technician in small_case.technicians),
        tickets=tuple(replace(ticket, kits=(text,), skills={text: 1}) for ticket in small_case.tickets),
    )
    plan = replace(small_plan, case=text, unassigned=(Unassigned("W4", (text,)),))
    labels = {ticket.id: label(text, small_case) for ticket in small_case.tickets}
    opened = open_map(plan_map(hostile, plan, labels=labels, title=text, subtitle=text, currency=text))
    page = opened.page
    for ticket in small_case.tickets:
        page.evaluate("id => planMap.openTicket(id)", ticket.id)
        assert text.strip()[-20:-2].strip() in page.locator(".leaflet-popup-content").last.text_content()
    page.click("#tab-tickets")
    page.fill("#search", text.replace("\x00", "")[:40])
    page.evaluate("void planMap.map.eachLayer(layer => layer.openPopup && layer.openPopup())")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('img, iframe, object, a[href^=javascript]').length") == 0
    assert page.evaluate("document.scripts.length") == 6
    assert opened.complaints == []
    assert len(opened.requests) == 1


def test_filters_change_what_is_shown(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    shown = lambda: page.evaluate("planMap.shownTickets()")  # noqa: E731
    assert shown() == ["W1", "W2", "W3", "W4"]
    page.uncheck("[data-severity='0']")
    assert shown() == ["W2", "W3"]
    page.check("[data-severity='0']")
    page.uncheck("[data-outcome='unplanned']")
    assert shown() == ["W1", "W2", "W3"]
    page.uncheck("[data-technician='1'] input")
    assert shown() == ["W1", "W2"]
    assert page.evaluate("planMap.shownTrips()") == 1
    page.click("#none")
    assert shown() == []
    page.click("#all")
    assert page.evaluate("planMap.shownTrips()") == 2


def test_a_search_narrows_the_list_and_all_and_none_act_on_what_it_found(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    page.fill("#search", "王")
    assert page.locator("#list li").count() == 1
    page.click("#none")
    assert page.evaluate("planMap.shownTickets()") == ["W1", "W2", "W4"]
    page.fill("#search", "nobody like this")
    assert page.locator("#list").text_content() == "Nothing matches."


def test_choosing_a_technician_leaves_the_others_faint_and_escape_brings_them_back(
    open_map: Open, small_case: Case, small_plan: Plan
) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    page.focus("[data-technician='0'] .row")
    page.keyboard.press("Enter")
    fades = lambda: [page.evaluate("id => planMap.look(id).fade", id) for id in ("W1", "W2", "W3")]  # noqa: E731
    assert fades() == [1, 1, 0.12]
    page.keyboard.press("Escape")
    assert fades() == [1, 1, 1]


POPUP_BOXES = """async id => {
    planMap.openTicket(id);
    // The map moves, then lies still: three frames in the same place.
    const box = place => { const b = document.querySelector(place).getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
    for (let still = 0, before = ""; still < 3;) {
        await new Promise(requestAnimationFrame);
        const now = String(box(".leaflet-popup"));
        still = now === before ? still + 1 : 0;
        before = now;
    }
    const content = document.querySelector(".leaflet-popup-content");
    const lists = content.querySelectorAll("ul");
    const hidden = lists[1].getBoundingClientRect().bottom - content.getBoundingClientRect().bottom;
    return { popup: box(".leaflet-popup"), map: box("#map"), zoom: box(".leaflet-control-zoom"), key: box(".key"), hidden };
}"""


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 780), (360, 640)])
def test_popups_lie_clear_of_edges_zoom_and_key_and_show_reasons_at_once(
    open_map: Open, small_case: Case, small_plan: Plan, width: int, height: int
) -> None:
    reasons = ("李工 would have to leave at 08:10 to be there by 09:36, but is busy with 江南化工 二号罐区 until 09:31.",) * 3
    labels = {t.id: TicketLabel("泄漏", "江南化工", reasons=reasons, blame="capacity", remedies=reasons[:1]) for t in small_case.tickets}
    page = open_map(plan_map(small_case, small_plan, labels=labels), width=width, height=height).page
    for ticket in small_case.tickets:
        boxes = page.evaluate(POPUP_BOXES, ticket.id)
        left, top, right, bottom = boxes["popup"]
        edges = boxes["map"]
        assert min(left - edges[0], top - edges[1], edges[2] - right, edges[3] - bottom) >= 0, ticket.id
        for name in ("zoom", "key"):  # what is not shown has an empty box at 0
            box = boxes[name]
            assert right <= box[0] or left >= box[2] or bottom <= box[1] or top >= box[3], (ticket.id, name)
        assert width < 700 or boxes["hidden"] <= 0, ticket.id
    page.click(".leaflet-popup-close-button")
    assert page.is_visible(".leaflet-control-zoom")


@pytest.mark.parametrize(("tab", "text", "shown"), [("tickets", "W3", ".leaflet-popup-content"), ("technicians", "王工", "#list .current")])
def test_the_first_click_on_what_a_search_found_opens_it(
    open_map: Open, small_case: Case, small_plan: Plan, tab: str, text: str, shown: str
) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    page.click(f"#tab-{tab}")
    page.click("#search")
    page.keyboard.type(text)  # as a person does: the field has the focus, and loses it to the click
    page.click("#list .row")
    assert page.is_visible(shown)


def test_the_slider_shows_who_is_where_and_what_is_done_by_then(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    where = lambda id: page.evaluate("id => planMap.whereIs(id)", id)  # noqa: E731
    move_slider(page, 15 * 60)  # 08:15, half of the way from 31.0 to 31.5
    assert page.inner_text("#moment") == "Mon 2 Mar 08:15"
    assert where("T1")["activity"] == "drive"
    assert where("T1")["at"][0] == pytest.approx(31.25, abs=0.01)
    assert where("T2") is None
    move_slider(page, 3 * 3600)  # 11:00
    assert page.inner_text("#state") == "1 done · 1 under way · 1 to come · 1 unplanned. 0 driving, 2 at work, 0 waiting or resting."
    assert page.evaluate("planMap.look('W2').active") is True
    assert page.evaluate("planMap.look('W1').fade") == 0.35
    assert page.locator("#list i").all_text_contents() == ["无锡 · at work", "扬州 · at work", "扬州 · not out"]
    move_slider(page, 4 * 3600 + 1800)  # 12:30: T1 rests on the way home, T2 waits for the window of W3
    assert where("T1")["activity"] == "break"
    assert where("T2")["activity"] == "wait"
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#moment") == "Mon 2 Mar 12:35"
    page.click("#whole")
    assert page.inner_text("#moment") == "Whole day"
    assert page.evaluate("planMap.look('W1').fade") == 1


def test_times_are_shown_in_the_zone_asked_for(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    utc = replace(small_case, now=small_case.now.astimezone(UTC))
    page = open_map(plan_map(utc, small_plan, zone=small_case.now.tzinfo)).page
    move_slider(page, 0)
    assert page.inner_text("#moment") == "Mon 2 Mar 08:00"
    assert "Mon 2 Mar 2026, 08:00" in page.inner_text(".name")


def test_play_moves_the_day_on_until_it_is_paused(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    page.click("#play")
    # The page's policy forbids the eval behind Playwright's own waiting, so the page itself tells when the day has moved on.
    page.evaluate("""new Promise(done => {
        const look = () => Number(slider.value) > Number(slider.min) ? done(true) : requestAnimationFrame(look);
        look();
    })""")
    page.click("#play")
    assert page.inner_text("#play").endswith("Play")
    assert page.inner_text("#moment") != "Whole day"


def test_a_phone_gets_the_lists_in_a_drawer_and_nothing_runs_over_the_edge(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan), width=390, height=780).page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not page.is_visible("#panel")
    page.click("#drawer")
    page.click("#tab-tickets")
    page.click("#list .row >> nth=0")
    assert not page.is_visible("#panel")
    assert page.is_visible(".leaflet-popup-content")


def test_a_thousand_tickets_make_a_page_of_modest_size_and_few_elements(open_map: Open, small_case: Case) -> None:
    now = small_case.now
    shift = (Shift(now, now + timedelta(hours=12)),)
    stations = tuple(Station(f"S{i}", f"站{i}", 22.0 + i, 105.0 + (i * 7) % 12) for i in range(20))
    technicians = tuple(Technician(f"T{i:03d}", f"技师{i:03d}", f"S{i % 20}", {"safety": 1}, shift) for i in range(100))
    tickets = tuple(
        Ticket(f"W{i:04d}", 22.0 + i % 20 + (i % 37) / 40, 105.0 + (i % 20 * 7) % 12 + (i % 23) / 25, SEVERITIES[i % 3], "B", now,
               now + timedelta(hours=4), 30, 1, 1, 1, skills={"safety": 1}, kits=("leak",))
        for i in range(1000)
    )  # fmt: skip
    routes = tuple(
        Route(technician.id, 0, now, tuple(Stop(f"W{i + 100 * n:04d}", *(now + timedelta(hours=n + part) for part in (0.5, 0.5, 0.9)))
              for n in range(9)), now + timedelta(hours=10))
        for i, technician in enumerate(technicians)
    )  # fmt: skip
    plan = Plan("thousand", routes, tuple(Unassigned(f"W{i:04d}", ("all busy",)) for i in range(900, 1000)))
    labels = {
        ticket.id: TicketLabel("储罐水分超标", "江南精细化工有限公司", "二号罐区", "江苏省无锡市新吴区长江路 188 号") for ticket in tickets
    }
    html = plan_map(replace(small_case, stations=stations, technicians=technicians, tickets=tickets), plan, labels=labels)
    assert len(html.encode()) < 1_300_000
    opened = open_map(html)
    assert len(opened.page.evaluate("planMap.shownTickets()")) == 1000
    assert opened.page.evaluate("document.querySelectorAll('*').length") < 3000
    assert opened.page.evaluate("document.querySelectorAll('#map canvas').length") == 2
    assert opened.complaints == []


def test_a_visit_that_is_not_sure_is_told_by_mark_list_and_popup(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    later = small_case.now + timedelta(hours=2, minutes=20)
    labels = {
        "W1": TicketLabel(chance=0.62, arrive_by=later, doubtful=True),
        "W2": TicketLabel(chance=0.0, arrive_by=later),
        "W3": TicketLabel(chance=0.999, arrive_by=later),
    }
    opened = open_map(plan_map(small_case, small_plan, labels=labels))
    page = opened.page
    hollow, full = page.evaluate("planMap.look('W1')"), page.evaluate("planMap.look('W3')")
    assert (hollow["fill"], hollow["second"]) == ("#fff", ROUTE_COLOURS[0])
    assert full["fill"] in ROUTE_COLOURS
    page.evaluate("planMap.openTicket('W1')")
    text = page.locator(".leaflet-popup-content").inner_text()
    assert "Not sure: in time by 1 h 30 min if all goes as planned" in text
    assert "with a chance of 62 %" in text
    assert "by 10:20 on 9 days of 10" in text
    for ticket, words in (("W2", "with a chance of 0 %"), ("W3", "with a chance of over 99 %")):
        page.evaluate(f"planMap.openTicket('{ticket}')")
        page.locator(".leaflet-popup-content", has_text=words).wait_for()
    page.click("#tab-tickets")
    assert page.locator("#list em").all_inner_texts() == ["unplanned", "+30 min", "62 % sure"]
    assert page.locator(".key").inner_text().count("not sure") == 1
    assert page.locator("#figures .expected").all_inner_texts() == ["0.6 expected", "0.0 expected", "1.0 expected"]
    assert opened.complaints == []


def test_without_chances_the_page_says_nothing_of_them(open_map: Open, small_case: Case, small_plan: Plan) -> None:
    page = open_map(plan_map(small_case, small_plan)).page
    page.evaluate("planMap.openTicket('W1')")
    assert "chance" not in page.locator(".leaflet-popup-content").inner_text()
    assert page.locator("#figures .expected").count() == 0
    assert "not sure" not in page.locator(".key").inner_text()


def test_an_empty_plan_of_an_empty_case_is_still_a_page(open_map: Open, small_case: Case) -> None:
    opened = open_map(plan_map(replace(small_case, tickets=(), technicians=(), stations=()), Plan("small day", ())))
    assert opened.page.locator("#list").text_content() == "Nothing matches."
    assert opened.complaints == []


def test_the_same_plan_gives_the_same_page(small_case: Case, small_plan: Plan) -> None:
    assert plan_map(small_case, small_plan) == plan_map(small_case, small_plan)


def test_people_of_one_station_get_different_colours_while_there_are_any(small_case: Case) -> None:
    people = [replace(small_case.technicians[0], id=f"T{index}") for index in range(len(ROUTE_COLOURS))]
    assert set(route_colours(people).values()) == set(ROUTE_COLOURS)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 min"), (1, "1 min"), (3600, "1 h 00 min"), (3601, "1 h 01 min"), (float("inf"), "no road")]
)
def test_durations_are_rounded_up_to_the_minute(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_the_data_in_the_page_is_json(small_case: Case, small_plan: Plan) -> None:
    html = plan_map(small_case, small_plan)
    text = html.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert [ticket["id"] for ticket in json.loads(text)["tickets"]] == ["W1", "W2", "W3", "W4"]
