"""Chinese and English of the pages: nothing is without Chinese, and nothing in the catalog is left over."""

from __future__ import annotations

import ast
import gettext
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console.web.extract import CATALOG, HERE, catalog_text, left_to_do, main, read_catalog, renewed, said_by_pages
from console.web.from_below import TEMPLATES, in_chinese
from console.web.texts import catalog
from data_models.errors import BadInput
from data_models.plan import Plan, Unassigned
from flows.dispatch import keep_draft, read_plan
from flows.planning import explained, judge
from optimizer.difference import difference
from optimizer.wording import LANGUAGES, told
from tests.console.web.conftest import Site
from tests.console.web.test_visitors import _routes as routes_of

ROOT = Path(__file__).parents[3]
AUDITED = ("people", "me", "tokens", "login", "openid")
"""Pages that write into the audit trail."""

# --- the catalog ---


def test_every_message_of_templates_pages_and_scripts_has_its_chinese_and_none_is_left_over():
    assert left_to_do(read_catalog(), said_by_pages()) == ()


def test_the_catalog_is_as_the_command_writes_it():
    said = said_by_pages()
    assert len(list(said)) > 50
    assert catalog_text(renewed(read_catalog(), said)) == CATALOG.read_bytes(), "run: python -m console.web.extract"
    assert main(["--check"]) == 0


@pytest.fixture
def pages(tmp_path):
    """A folder of pages to write into."""

    def write(template="", page=""):
        (tmp_path / "a.jinja").write_text(template, encoding="utf-8")
        (tmp_path / "b.py").write_text(page, encoding="utf-8")
        return said_by_pages(tmp_path)

    return write


def ids(said):
    return {message.id for message in said if message.id}


def test_messages_are_found_wherever_a_page_may_say_them(pages):
    said = pages(
        """<b title="{{ _('Close') }}">{% if x %}{{ _("Plan %(number)s", number=n) }}{% endif %}</b>{{ gettext(name) }}
        {% trans %}All of it{% endtrans %}{{ ngettext("%(num)s visit", "%(num)s visits", n) }}""",
        """
_TEXTS = {"due": "due", "none": "Nothing matches."}
_MORE: dict[str, str] = {"more": "More"}
_KINDS = {"a": marked("First kind")}
script_texts(texts, _TEXTS | _MORE)
script_texts(texts, {**_TEXTS, "own": "Own"})
texts.gettext("Log in" if new else "Log out")
texts.gettext(_FIGURES.get(x, "")), texts.gettext(_FIGURES[x])
texts.gettext(name)
{reason: texts.gettext(said) for reason, said in _REASONS.items()}
_REASONS = {"safety": "Safety"}
texts.ngettext("%(num)s ticket", "%(num)s tickets", 3)
_FIGURES = {"in_time": "In time"}
other("Not a message")
""",
    )
    assert ids(said) == {
        "Close", "Plan %(number)s", "All of it", ("%(num)s visit", "%(num)s visits"), "due", "Nothing matches.", "More", "Own",
        "First kind", "Log in", "Log out", "In time", "Safety", ("%(num)s ticket", "%(num)s tickets"),
    }  # fmt: skip


@pytest.mark.parametrize("put_together", ['f"Plan {n}"', '"Plan " + n', '"Plan %s" % n'])
def test_a_message_that_is_put_together_is_refused_where_it_stands(pages, put_together):
    with pytest.raises(BadInput, match=r"b\.py line 2: .*write it whole"):
        pages(page=f"\ntexts.gettext({put_together})")


def test_what_is_missing_stale_fuzzy_or_fills_in_other_values_is_named(pages):
    said = pages("{{ _('One') }}{{ _('Two %(count)s', count=n) }}{{ _('Three') }}{{ _('Four') }}")
    kept = renewed(read_catalog(Path("nowhere.po")), said)
    assert left_to_do(kept, said) == tuple(f"a.jinja: '{name}' has no Chinese" for name in ("One", "Two %(count)s", "Three", "Four"))
    kept.get("One").string, kept.get("Two %(count)s").string, kept.get("Three").string = "一", "二 %(number)s", "三"
    kept.add("Five", "五")
    kept.get("Three").flags.add("fuzzy")
    assert left_to_do(kept, said) == (
        "'Two %(count)s': its Chinese fills in other values",
        "'Three' is fuzzy: look at its Chinese and take the mark away",
        "a.jinja: 'Four' has no Chinese",
        "'Five' is said by no page any more",
    )
    again = renewed(kept, said)
    assert ids(again) == {"One", "Two %(count)s", "Three", "Four"}
    assert again.get("One").string == "一"


# --- what the rooms below say ---


def _said_in(path: Path, calls: dict[str, int], keywords: frozenset[str] = frozenset()) -> Iterator[str]:
    """Texts that a file gives to calls by name, at a position or by keyword, with `9` for what is filled in."""
    for said in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        given: list[ast.expr | None] = []
        if isinstance(said, ast.Yield) and "yield" in calls:
            given = [said.value]
        elif isinstance(said, ast.Call):
            name = said.func.attr if isinstance(said.func, ast.Attribute) else getattr(said.func, "id", "")
            given = [said.args[calls[name]]] if name in calls and len(said.args) > calls[name] else []
            given += [keyword.value for keyword in said.keywords if keyword.arg in keywords]
        for node in given:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else _filled(part) for part in node.values)


def _filled(part: ast.FormattedValue) -> str:
    """What an expression in a text may give: of two texts the first, of ours that name a decision one of those."""
    source = ast.unparse(part.value)
    if isinstance(part.value, ast.IfExp) and isinstance(part.value.body, ast.Constant):
        return str(part.value.body.value)
    parts = {"_next_step(plan.state, wanted)": "; approve it first", "_decided(plan)": ""}
    parts |= {"what": "is too long for its shift, windows or breaks", "reason": "its crew lacks a kit"}
    return parts.get(source, "9")


PROBLEMS = {"Conflict": 0, "NotFound": 0, "HTTPException": 1}


@pytest.mark.parametrize(
    ("files", "calls", "keywords"),
    [
        (["data_models/event_state.py"], {"Noted": 1}, frozenset()),
        (["data_models/store/plans.py"], PROBLEMS, frozenset()),
        (
            ["data_models/store/people.py", "data_models/store/openid.py", "data_models/passwords.py"],
            {**PROBLEMS, "BadInput": 0},
            frozenset(),
        ),
        (["data_models/store/audit.py"], {"AuditVerdict": 2}, frozenset()),
        (
            ["data_models/store/openid.py", "console/people.py", "console/keys.py", *(f"console/web/pages/{name}.py" for name in AUDITED)],
            {"write_audit": 2, "note": 1, "_done": 3, "_failed": 2},
            frozenset(),
        ),
        (["data_models/store/database.py"], {"Conflict": 0, "Unavailable": 0}, frozenset()),
        (["flows/reoptimizing.py"], {"reject": 4, "approve": 4}, frozenset({"reason"})),
        (["data_models/store/edits.py"], {**PROBLEMS, "BadInput": 0}, frozenset()),
        (["flows/editing.py"], {**PROBLEMS, "reject": 4}, frozenset()),
        (["optimizer/edited_rules.py"], {**PROBLEMS, "yield": 0}, frozenset()),
        (["optimizer/edited_case.py"], PROBLEMS, frozenset()),
        (["optimizer/schedule.py"], {"Broken": 0}, frozenset()),
        (["flows/choosing.py"], {**PROBLEMS, "BadInput": 0, "Infeasible": 0, "reject": 4}, frozenset({"reason"})),
        (["flows/visits.py", "flows/photos.py", "data_models/store/attachments.py"], {**PROBLEMS, "BadInput": 0, "Answer": 3}, frozenset()),
        (["flows/sending.py"], {**PROBLEMS, "Infeasible": 0, "approve": 4}, frozenset({"reason"})),
        ([path for path in HERE.rglob("*.py") if path.name != "extract.py"], {**PROBLEMS, "BadInput": 0, "told": 2}, frozenset({"detail"})),
    ],
)
def test_what_is_written_below_in_english_is_told_in_chinese(files, calls, keywords):
    said = {text for file in files for text in _said_in(ROOT / file, calls, keywords)}
    assert said
    unknown = {text for text in said if in_chinese(text) == text}
    assert not unknown, "add their Chinese to console/web/from_below.py"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "Plan 5 cannot be approved: 王敏 (2026-03-02 08:15 UTC) rejected it already; it is rejected",
            "计划 5 不能批准：王敏 已驳回（2026-03-02 08:15 UTC）；它现在的状态是“已驳回”",
        ),
        (
            "Plan 5 cannot be published: the plan is a draft, nobody has approved it already; approve it first",
            "计划 5 不能发布：计划是“草案”，无人批准；请先批准",
        ),
        (
            "Plan 5 was changed after you looked at it: 王敏 (2026-03-02 08:15 UTC) undid change 3, leave out W1; look again",
            "您查看之后计划 5 已有改动：王敏（2026-03-02 08:15 UTC）撤销了第 3 处改动：移出 W1；请重新查看",
        ),
        (
            "Plan 5 is rejected and cannot be changed any more: 王敏 (2026-03-02 08:15 UTC) rejected it (overtaken by plan 7)",
            "计划 5 的状态是“已驳回”，不能再改：王敏 于 2026-03-02 08:15 UTC 已驳回（已被计划 7 取代）",
        ),
        ("The route of T1 is overloaded", "T1 的路线超载"),
        ("The route of T1 waits for crews that wait for it", "T1 的路线与小组互相等待"),
        ("Ticket W1: needs 2 different technicians, gets 1", "工单 W1：需要 2 名不同的技师，实际 1 名"),
        ("Station S1 owns 2 of kit leak, 3 are wanted at once", "服务站 S1 有器材包“leak” 2 套，却同时需要 3 套"),
        (
            "Plan 5 does not fit what happened since it was made: ticket W1 does not wait for this visit any more; "
            "ticket W2 cannot be served as the plan says any more; and 3 more; plan again",
            "计划 5 与其做出之后发生的情况不符：工单 W1 已不需要这次上门；工单 W2 已无法按计划上门；另有 3 项；请重新排程",
        ),
        ("had not finished at W1; absent already", "在 W1 尚未完工；此前已缺勤"),
        ("li (viewer) may not do this", "li（只读用户）无权进行此操作"),
        ("by itself: small", "自动发布：改动很少"),
        ("overtaken by plan ", "overtaken by plan "),
        ("a note that a person wrote; overtaken by plan 7", "a note that a person wrote; overtaken by plan 7"),
        ("", ""),
        ("a (b" * 20_000, "a (b" * 20_000),
    ],
)
def test_what_stands_in_a_text_is_put_into_its_chinese(english, chinese):
    assert in_chinese(english) == chinese


def test_templates_have_the_same_placeholders_in_both_languages():
    for both in TEMPLATES:
        assert sorted(_names(both.en)) == sorted(_names(both.zh)), both.en


def _names(template: str) -> list[str]:
    return [part.split("}")[0] for part in template.split("{")[1:]]


# --- the pages ---


class Missing(gettext.NullTranslations):
    """Remembers what the catalog had to pass on because it has no Chinese for it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def gettext(self, message: str) -> str:
        self.asked.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.asked.add(msgid1)
        return super().ngettext(msgid1, msgid2, n)


@pytest.fixture
def missing():
    """What Chinese pages asked the catalog for in vain."""
    found = Missing()
    chinese = catalog("zh")
    chinese.add_fallback(found)
    yield found.asked
    chinese._fallback = None


def test_chinese_pages_ask_for_nothing_that_has_no_chinese(site: Site, missing: set[str]) -> None:
    browser = site.browser("li", language="zh")
    asked = 0
    for address in {route.path for route in routes_of(browser.app) if "GET" in route.methods and route.path != "/live"}:
        for plan, ticket in ((site.draft, "TK-1"), (site.published, "TK-2"), (99, "TK-99")):
            answer = browser.get(address.replace("{plan_id}", str(plan)).replace("{ticket_id}", ticket))
            asked += answer.headers.get("content-type", "").startswith("text/html")
    assert asked > 10
    browser.post("/login", data={"login": "li", "password": "wrong"})
    assert missing == set()


def test_reasons_remedies_and_changes_are_told_in_the_language_of_the_page(site: Site) -> None:
    published = read_plan(site.store, site.published)
    case, context = published.judged.case, published.snapshot.context
    nothing = Plan(case.name, (), tuple(Unassigned(ticket.id) for ticket in case.tickets))
    judged = explained(judge(case, nothing), context.planning)
    draft = keep_draft(site.store, site.settings, published.snapshot, judged, seed=1, at=site.now, parent=site.published)
    changes = difference(case, published.judged.plan, nothing).changes
    names = {who.id: who.name for who in case.technicians} | dict(context.planning.names)
    now = case.now.astimezone(ZoneInfo(site.settings.timezone))
    for language in LANGUAGES:
        browser = site.browser("li", language=language)
        parts = ("", "/why")
        pages = {
            ticket.id: "".join(unescape(browser.get(f"/plans/{draft}/tickets/{ticket.id}{part}").text) for part in parts)
            for ticket in case.tickets
        }
        facts = [(change.ticket, change) for change in changes]
        facts += [(item.ticket, fact) for item in judged.explanation.tickets for fact in (*item.reasons, *item.remedies)]
        assert len({type(fact) for _, fact in facts}) == 3
        for ticket, fact in facts:
            assert told(fact.said, names, now, language) in pages[ticket], (language, ticket)


def test_problems_are_told_in_the_language_of_the_browser(site: Site) -> None:
    for language, title, detail in (("zh", "未找到", "没有这个页面"), ("en", "Not found", "there is no such page")):
        browser = site.browser("li", language=language)
        assert detail in browser.get("/nothing").text
        problem = browser.get("/nothing", headers={"accept": "application/json"}).json()
        assert (problem["title"], problem["detail"]) == (title, detail)
    lost = site.browser(language="zh").get("/plans", headers={"accept": "application/json"})
    assert (lost.status_code, lost.json()["title"], lost.json()["detail"]) == (401, "未登录", "请重新登录")
