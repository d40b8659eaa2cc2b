"""A company whose every text is an attack: on pages, in popups, papers and spreadsheets each is shown as it was typed and runs nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect
from sqlalchemy import inspect, select, text

from data_models import tables
from data_models.sealing import Keyring
from data_models.store import Store, open_store
from data_models.store.audit import write_audit
from data_models.store.people import add_person, make_token
from flows.dispatch import approve_and_publish, keep_draft, make_snapshot, read_facts
from flows.planning import SearchLimit, judge, solve, with_unplanned_reasons
from tests.console.web.conftest import NOW, PASSWORD, Site
from tests.console.web.test_languages_in_browser import _browser_page, _served

ATTACKS = (
    "<script>hacked=1</script>",
    '"><img src=x onerror=hacked=1>',
    "'></a></script><svg/onload=hacked=1>",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "@SUM(1)",
    "-2+3",
    "{{7*7}}{% x %}${7*7}",
    "javascript:hacked=1",
    "%(name)s {name} \u202e\u2028</title>",
)
KEYS = Keyring({"k": b"k" * 32})
_NAMED = {
    tables.Customer: ("name", "segment"),
    tables.Site: ("name", "address"),
    tables.Contact: ("name", "role", "phone", "email"),
    tables.Station: ("name", "address"),
    tables.Technician: ("name", "phone"),
    tables.TechnicianSkill: ("certificate",),
    tables.Ticket: ("title", "description"),
}


def _attacked(store: Store) -> None:
    """Put an attack into every text of the company that is no id, each another one in turn."""
    turn = 0
    with store.session() as session:
        session.add(tables.Contact(id="P-1", customer_id="C-1", name="x", phone="x", email="x", role="x"))
        session.flush()
        for model, names in _NAMED.items():
            assert set(names) <= set(inspect(model).column_attrs.keys()), model
            for row in session.scalars(select(model)):
                for name in names:
                    setattr(row, name, ATTACKS[turn % len(ATTACKS)] + ATTACKS[(turn + 1) % len(ATTACKS)][:20])
                    turn += 1
        add_person(session, "<script>hacked=1</script>", ATTACKS[1], "coordinator", NOW, password=PASSWORD, regions=[ATTACKS[0]])
        make_token(session, ATTACKS[1], ["plans:read"], NOW, by=ATTACKS[2])
        for attack in ATTACKS:
            write_audit(session, attack, attack[:60], attack, NOW, {"name": attack, attack: 1})


@pytest.fixture(scope="module")
def attacked_store(planned_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planned store with hostile texts everywhere, a plan of them published with its papers, and a draft."""
    folder = tmp_path_factory.mktemp("attacked")
    path = folder / "store.sqlite"
    path.write_bytes(planned_store.read_bytes())
    from config.settings import Settings

    settings = Settings(output_dir=folder / "papers")
    with open_store(f"sqlite:///{path}", KEYS) as store:
        _attacked(store)
        snapshot = make_snapshot(store, settings, read_facts(store, settings, NOW))
        judged = with_unplanned_reasons(judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=500), 3, workers=1)))
        number = keep_draft(store, settings, snapshot, judged, seed=3, at=NOW + timedelta(seconds=3), parent=None)
        approve_and_publish(store, settings, number, by=ATTACKS[0], at=NOW + timedelta(seconds=3), reason=ATTACKS[1])
        keep_draft(store, settings, snapshot, judged, seed=4, at=NOW + timedelta(seconds=4), parent=number)
    return path


@pytest.fixture
def attacked(attacked_store: Path) -> Iterator[Site]:
    """A console over the hostile company."""
    from config.settings import Settings

    with open_store(f"sqlite:///{attacked_store}", KEYS) as store:
        yield Site(store, Settings(output_dir=attacked_store.parent / "papers"), NOW + timedelta(minutes=1), 3, 4)


OPEN_ALL = """() => {
  for (const map of Object.values(window)) {
    if (!map || typeof map.eachLayer !== "function") continue;
    map.eachLayer((layer) => {
      if (layer.getPopup && layer.getPopup()) layer.openPopup();
      if (layer.getTooltip && layer.getTooltip()) layer.openTooltip();
    });
  }
}"""


class _Found(HTMLParser):
    """What of a page could run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.running: list[str] = []
        self.words: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.running += [f"<{tag} {name}>" for name in facts if name.startswith("on")]
        self.running += [
            f"<{tag} {name}={value}>"
            for name, value in facts.items()
            if (value or "").strip().lower().startswith("javascript:") and name in ("href", "src", "action")
        ]
        self._script = tag == "script" and facts.get("type") not in ("application/json", "text/plain")
        if tag == "img" and facts.get("src") == "x":
            self.running.append("<img src=x>")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip().startswith("hacked"):
            self.running.append(data)
        self.words.append(data)


def _must_be_harmless(page: str) -> str:
    found = _Found()
    found.feed(page)
    assert found.running == []
    return "".join(found.words)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_runs_what_somebody_typed(attacked: Site, language: str) -> None:
    li, root = attacked.browser("li", language), attacked.browser("root", language)
    shown = ""
    with attacked.store.reading() as session:
        tickets = list(session.scalars(select(tables.Ticket.id)))
        people = list(session.scalars(select(tables.Account.id)))
    plans = [f"/plans/{number}" for number in (attacked.published, attacked.draft)]
    paths = ["/plans", "/inbox", "/inbox/list", "/me", *plans, f"{plans[1]}/news"]
    paths += [f"{plan}/tickets/{ticket}" for plan in plans for ticket in tickets] + [f"/inbox/{ticket}" for ticket in tickets]
    for browser, addresses in ((li, paths), (root, ["/people", "/tokens", "/audit", *(f"/people/{number}" for number in people)])):
        for path in addresses:
            answer = browser.get(path)
            assert answer.status_code in (200, 404, 409), (path, answer.text[:300])
            shown += _must_be_harmless(answer.text)
    for attack in ATTACKS[:3]:
        assert attack[:20] in shown, "shown as it was typed"
    assert "49" not in shown.replace("7*7", "").split("{{")[1][:10], "no template is worked out"


def test_what_scripts_read_is_json_that_ends_no_script(attacked: Site) -> None:
    page = attacked.browser("li").get(f"/plans/{attacked.draft}").text
    for part in page.split("<script")[1:]:
        body = part.split(">", 1)[1].split("</script>")[0]
        if 'type="application/json"' in part.split(">", 1)[0]:
            json.loads(body)
            assert "<" not in body


def test_errors_and_redirects_repeat_nothing_that_runs(attacked: Site) -> None:
    li = attacked.browser("li")
    for attack in ATTACKS:
        for path in (f"/plans/{attack}", f"/inbox/{attack}", "/nowhere/" + attack):
            answer = li.get(path)
            assert answer.status_code in (404, 422)
            _must_be_harmless(answer.text)
        answer = attacked.browser().post("/login", data={"login": attack, "password": "x", "next": attack})
        _must_be_harmless(answer.text)
        assert "\n" not in str(answer.headers)


def test_nothing_runs_in_a_real_browser_not_even_in_the_maps_popups(attacked: Site) -> None:
    with _served(attacked) as address, _browser_page("en-GB") as page:
        told: list[str] = []
        page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
        page.goto(f"{address}/login")
        page.fill("#login", "li")
        page.fill("#password", PASSWORD)
        page.locator("form[action='/login'] button").click()
        page.wait_for_url(f"{address}/plans/*")
        expect(page.locator("#timeline .vis-item.visit").first).to_be_visible()
        for row in page.locator("#tickets [data-ticket]").all():
            row.click()
            expect(page.locator("#detail h3")).to_be_visible()
            assert page.evaluate("typeof hacked") == "undefined"
        page.locator("#timeline .vis-item.visit").first.hover()
        page.goto(f"{address}/inbox")
        expect(page.locator("#inbox-lists")).to_be_visible()
        assert page.evaluate("typeof hacked") == "undefined"
        for paper in sorted((attacked.settings.output_dir).rglob("*.html")):
            page.goto(paper.as_uri())
            page.evaluate(OPEN_ALL)
            assert page.evaluate("typeof hacked") == "undefined", paper
        assert told == []


def test_no_cell_of_a_spreadsheet_is_a_formula_and_no_calendar_line_is_broken(attacked: Site) -> None:
    books = sorted(attacked.settings.output_dir.rglob("*.xlsx"))
    assert books
    cells = [cell for book in books for sheet in load_workbook(book) for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    texts = [str(cell.value) for cell in cells if cell.data_type == "s"]
    assert not [content for content in texts if content[0] in "=+-@"], "a sheet saved as CSV would work them out"
    assert any(content.startswith("'=cmd") for content in texts), "as text"
    assert not [cell for cell in cells if cell.hyperlink and "javascript" in str(cell.hyperlink.target)]
    for calendar in attacked.settings.output_dir.rglob("*.ics"):
        for line in calendar.read_text(encoding="utf-8").splitlines():
            assert line.startswith(" ") or line.split(":")[0].split(";")[0].isupper(), line


def test_contact_data_of_the_hostile_company_is_sealed_in_the_database(attacked: Site) -> None:
    with attacked.store.engine.connect() as connection:
        rows = [
            *connection.execute(text("SELECT name, phone, email FROM contact")),
            *connection.execute(text("SELECT context_json FROM snapshot")),
        ]
    kept = [str(value) for row in rows for value in row]
    assert sum(value.startswith("sealed1:k:") for value in kept) >= 4
