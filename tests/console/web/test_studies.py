"""The studio's pages: who may, what a study and a scenario show, that nobody overwrites another's, and that names do not run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from console.web.pages.studies import MOST_BYTES
from data_models.case import GreatCircle
from data_models.expected import Area
from data_models.store.people import add_person
from data_models.store.scenarios import keep_scenario, keep_study, kept_scenarios, kept_studies, study_marks
from data_models.study import OpenStation, Scenario, Study
from data_models.study_files import parse_scenario, scenario_json, study_json
from optimizer.expected_service import expected_service
from tests.console.web.conftest import PASSWORD, Site, csrf_of
from tests.optimizer.studies import line_study, today, with_changes

# As in tests/optimizer/test_area_reach.py: of four tickets S reaches one by road, two more lie in its circle; one is beyond. U reaches two.
_LINE = replace(
    line_study({"S": 0, "U": 0}, {"a": 0, "b": 0, "c": 0}, [("a", 1), ("b", 2), ("b", 3), ("c", 4)], candidates=["U"]),
    travel=GreatCircle("great_circle", 1.3, 70.0),
)
_AREAS = tuple(Area(name, name, lat, 110.0) for name, lat in (("a", 30.5), ("b", 32.0), ("c", 35.0)))
STUDY: Study = replace(
    _LINE,
    name="north",
    stations=(replace(_LINE.stations[0], lat=30.0, lon=110.0),),
    candidates=(replace(_LINE.candidates[0], lat=32.2, lon=110.0),),
    history=replace(_LINE.history, areas=_AREAS),
)
EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>"


def kept_in(site: Site, study: Study = STUDY, *scenarios: Scenario) -> tuple[int, list[int]]:
    with site.store.session() as session:
        keep_study(session, study, "somebody", site.now)
        made = [keep_scenario(session, study.name, scenario, "somebody", site.now).id for scenario in scenarios]
        return study_marks(session)[0].id, made


def headers_of(browser: TestClient) -> dict[str, str]:
    return {"x-csrf-token": csrf_of(browser.get("/studies").text)}


def shares(figures: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(figure["value"], figure["delta"]) for figure in figures[:2]]


@pytest.fixture
def staffed(site: Site) -> Site:
    with site.store.session() as session:
        add_person(session, "east", "east", "planner", site.now, password=PASSWORD, regions=("east",))
    return site


@pytest.mark.parametrize(("login", "status"), [("plan", 200), ("root", 200), ("li", 403), ("zhou", 403)])
def test_planners_and_administrators_study_and_nobody_else(site: Site, login: str, status: int) -> None:
    number, (scenario,) = kept_in(site, STUDY, Scenario("one"))
    browser = site.browser(login)
    paths = ("/studies", f"/studies/{number}", f"/studies/{number}/file", f"/studies/{number}/scenarios/{scenario}")
    assert [browser.get(path).status_code for path in paths] == [status] * 4
    assert ('href="/studies"' in browser.get("/plans").text) == (status == 200)


def test_a_planner_of_a_region_sees_no_study_of_others(staffed: Site) -> None:
    number, _ = kept_in(staffed)
    browser = staffed.browser("east")
    assert browser.get(f"/studies/{number}").status_code == 404
    assert "north" not in browser.get("/studies").text
    assert staffed.browser("plan").get(f"/studies/{number}").status_code == 200


def test_a_study_tells_the_promise_beside_the_road(site: Site) -> None:
    number, _ = kept_in(site)
    page = site.browser("plan").get(f"/studies/{number}").text
    assert re.findall(r"<dd>([^<]*)</dd>", page) == ["75%", "25%", "1", "1", "100"]
    chinese = site.browser("plan", "zh").get(f"/studies/{number}").text
    assert "承诺内但赶不到" in chinese


def test_a_change_is_told_before_it_is_kept(site: Site) -> None:
    number, (scenario,) = kept_in(site, STUDY, Scenario("one"))
    browser = site.browser("plan")
    changes = [{"kind": "open_station", "station": "U"}, {"kind": "set_people", "station": "S", "crew": "crew", "people": 3}]
    asked = {"scenario": {"format": "scenario/1", "name": "one", "changes": changes}}
    told = browser.post(f"/studies/{number}/reach", json=asked, headers=headers_of(browser)).json()
    assert shares(told["figures"]) == [("75%", ""), ("75%", "+50")]
    assert [area["id"] for area in told["gained"]] == ["b"]
    assert (told["gainedTickets"], told["lostAreas"]) == (2, 0)
    assert told["words"] == ["open U", "S, crew crew: 3 people"]
    with site.store.reading() as session:
        assert kept_scenarios(session, "north")[0].scenario.changes == ()
    assert scenario == 1


def test_the_formula_is_told_beside_today(site: Site) -> None:
    number, _ = kept_in(site)
    browser = site.browser("plan")
    asked = {"scenario": {"format": "scenario/1", "name": "one", "changes": [{"kind": "open_station", "station": "U"}]}}
    opened = with_changes(STUDY, OpenStation("U"))
    figures = browser.post(f"/studies/{number}/formula", json=asked, headers=headers_of(browser)).json()["figures"]
    assert [figure["name"] for figure in figures] == ["emergency", "important", "general"]
    before, after = (100 * expected_service(situation).in_time["emergency"] for situation in (today(STUDY), opened))
    assert after > before + 20
    assert (figures[0]["value"], figures[0]["delta"]) == (f"{after:.1f}%", f"+{after - before:.1f}")
    # Nothing but emergencies is expected.
    assert (figures[1]["value"], figures[1]["delta"]) == ("100%", "")


def test_what_does_not_fit_is_refused_in_words(site: Site) -> None:
    number, (scenario,) = kept_in(site, STUDY, Scenario("one"))
    browser = site.browser("plan")
    wrong = {"format": "scenario/1", "name": "one", "changes": [{"kind": "open_station", "station": "S"}]}
    answers = [
        browser.post(f"/studies/{number}/reach", json={"scenario": wrong}, headers=headers_of(browser) | {"accept": "application/json"}),
        browser.post(
            f"/studies/{number}/scenarios/{scenario}",
            json={"changed": wrong, "seen": 1},
            headers=headers_of(browser) | {"accept": "application/json"},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert 'station "S" is open already' in answer.json()["detail"]


def test_the_second_planner_is_told_who_was_first(site: Site) -> None:
    number, (scenario,) = kept_in(site, STUDY, Scenario("one"))
    changed = {"format": "scenario/1", "name": "one", "changes": [{"kind": "open_station", "station": "U"}]}
    first, second = site.browser("plan"), site.browser("root")
    answers = [
        browser.post(
            f"/studies/{number}/scenarios/{scenario}",
            json={"changed": changed, "seen": 1},
            headers=headers_of(browser) | {"accept": "application/json"},
        )
        for browser in (first, second)
    ]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert "was changed by plan meanwhile" in answers[1].json()["detail"]


def test_a_scenario_is_begun_copied_renamed_and_removed(site: Site) -> None:
    number, _ = kept_in(site)
    browser = site.browser("plan")
    token = csrf_of(browser.get("/studies").text)

    def post(path: str, **fields: object) -> str:
        answer = browser.post(f"/studies/{number}/scenarios{path}", data={"csrf": token, **fields})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def names() -> list[tuple[str, int]]:
        with site.store.reading() as session:
            return [(kept.scenario.name, kept.version) for kept in kept_scenarios(session, "north")]

    one = post("", name="one").rsplit("/", 1)[1]
    two = post(f"/{one}/copy", name="two").rsplit("/", 1)[1]
    assert post(f"/{two}/rename", name="second", seen=1).endswith(f"/{two}")
    assert names() == [("one", 1), ("second", 2)]
    for name, status in (("one", 409), ("today", 422), ("third", 409)):  # taken; the company as it is; version 1 is not the latest
        answer = browser.post(f"/studies/{number}/scenarios/{two}/rename", data={"csrf": token, "name": name, "seen": 1})
        assert answer.status_code == status
    post(f"/{one}/remove")
    assert names() == [("second", 2)]


def test_studies_and_scenarios_travel_as_files(site: Site) -> None:
    browser = site.browser("plan")
    token = csrf_of(browser.get("/studies").text)
    answer = browser.post("/studies/upload", data={"csrf": token}, files={"file": ("x.json", study_json(STUDY))})
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert browser.get(f"{address}/file").text == study_json(STUDY)
    scenario = Scenario("open U", (OpenStation("U"),))
    answer = browser.post(f"{address}/scenarios/upload", data={"csrf": token}, files={"file": ("x.json", scenario_json(scenario))})
    file = browser.get(answer.headers["location"] + "/file")
    assert parse_scenario(file.text) == scenario
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''open%20U.json"


@pytest.mark.parametrize(
    "text", [b"", b"no json", b'{"format": "case/1"}', b'{"format": "study/1", "name": "x"}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_file_that_is_no_study_is_refused_with_reasons_and_nothing_is_kept(site: Site, text: bytes) -> None:
    browser = site.browser("plan")
    answer = browser.post("/studies/upload", data={"csrf": csrf_of(browser.get("/studies").text)}, files={"file": ("x.json", text)})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with site.store.reading() as session:
        assert kept_studies(session) == []


def test_what_is_too_long_is_refused_unread(site: Site) -> None:
    browser = site.browser("plan")
    headers = headers_of(browser) | {"content-length": str(MOST_BYTES + 1), "content-type": "application/octet-stream"}
    assert browser.post("/studies/upload", content=b"x", headers=headers).status_code == 413


def test_a_study_of_the_company_is_made_on_the_page(site: Site) -> None:
    browser = site.browser("plan")
    fields = {"csrf": csrf_of(browser.get("/studies").text), "name": "ours", "cities": 5_000_000, "days": 365}
    answer = browser.post("/studies/company", data=fields)
    assert answer.status_code == 303, answer.text
    assert "ours" in browser.get(answer.headers["location"]).text
    again = browser.post("/studies/company", data=fields | {"days": 0.5})
    assert again.status_code == 422


def test_nothing_is_changed_without_the_token_of_the_page(site: Site) -> None:
    number, (scenario,) = kept_in(site, STUDY, Scenario("one"))
    browser = site.browser("plan")
    for path in ("", "/remove", "/scenarios", "/reach", f"/scenarios/{scenario}", f"/scenarios/{scenario}/remove"):
        answer = browser.post(f"/studies/{number}{path}", data={"name": "x"})
        assert answer.status_code in (403, 405, 422), path
    with site.store.reading() as session:
        assert [kept.scenario.name for kept in kept_scenarios(session, "north")] == ["one"]


def test_names_are_shown_and_never_run(site: Site) -> None:
    stations = (replace(STUDY.stations[0], name=EVIL),)
    areas = tuple(replace(area, name=EVIL) for area in _AREAS)
    evil = replace(STUDY, name=EVIL, stations=stations, history=replace(STUDY.history, areas=areas))
    number, (scenario,) = kept_in(site, evil, Scenario(EVIL, (OpenStation("U"),)))
    browser = site.browser("plan")
    for path in ("/studies", f"/studies/{number}", f"/studies/{number}/scenarios/{scenario}"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    header = browser.get(f"/studies/{number}/file").headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w%.,-]+", header)


def test_a_scenario_of_another_study_is_not_found(site: Site) -> None:
    kept_in(site, STUDY, Scenario("one"))
    other, _ = kept_in(site, replace(STUDY, name="south"))
    assert site.browser("plan").get(f"/studies/{other}/scenarios/1").status_code in (404,)
