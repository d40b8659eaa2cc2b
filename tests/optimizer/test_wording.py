"""Sentences and words in both languages: complete, alike, and never failing."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.printing import COST_WORDS
from data_models import clock_rules, clocks, domain, event_state, policy, readings
from data_models.case import SEVERITIES, Station, Technician, Ticket
from data_models.events import KINDS, OWN_KINDS
from data_models.manual_edits import EDIT_REASONS
from data_models.store import events as store_events
from data_models.store import notices
from flows import reoptimizing
from flows.explanations import explanation_json, read_explanation
from optimizer import check, difference, explanation
from optimizer.explanation import Reason, Said
from optimizer.manual import ManualChange
from optimizer.wording import LANGUAGES, SENTENCES, clock, duration, sentence, told, word
from optimizer.words import WORDS

ROOT = Path(__file__).parents[2]
ZONE = timezone(timedelta(hours=8))
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=ZONE)


def at(clock: str, day: int = 2) -> str:
    return f"2026-03-{day:02}T{clock}+08:00"


def zh(code: str, **values: Any) -> str:
    return sentence(code, values, {"T1": "李强", "T2": "王芳", "W1": "无锡晶圆厂", "S1": "苏州站", "leak": "堵漏"}, NOW, "zh")


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


# --- both languages ---


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_has_both_languages_with_the_same_placeholders(code):
    both = SENTENCES[code]
    assert placeholders(both.en) == placeholders(both.zh)
    assert both.en.isascii()
    assert any("\u4e00" <= char <= "\u9fff" for char in both.zh)


@pytest.mark.parametrize("code", SENTENCES)
def test_chinese_has_a_space_between_what_is_filled_in_and_its_words_but_none_beside_punctuation(code):
    for literal, name, _, _ in Formatter().parse(SENTENCES[code].zh):
        if name is not None and literal and name != "severity":
            assert literal[-1] == " " or unicodedata.category(literal[-1])[0] == "P", (literal, name)
        assert not re.search(r"[，。；：、（）] | [，。；：、（）]", literal), literal


@pytest.mark.parametrize("kind", WORDS)
def test_a_word_has_both_languages(kind):
    for name, both in WORDS[kind].items():
        assert both.en.isascii(), name
        assert any("\u4e00" <= char <= "\u9fff" for char in both.zh), name


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("severity", SEVERITIES),
        ("clock", [*policy.CLOCKS, clock_rules.CALL_BACK, clock_rules.HANDLED_AGAIN]),
        ("clock_state", get_args(clocks.State)),
        ("step", {*get_args(policy.Moment), *get_args(policy.Step)}),
        ("ticket_state", [*get_args(domain.OpenState), "done", "cancelled"]),
        ("plan_state", ["draft", "approved", "published", "rejected", "superseded"]),
        ("status", get_args(explanation.Status)),
        ("role", get_args(clock_rules.Role)),
        ("source", get_args(policy.Source)),
        ("shift_kind", get_args(domain.ShiftKind)),
        ("blame", get_args(explanation.Blame)),
        ("remedy", get_args(explanation.ChangeKind)),
        ("difference", difference.KINDS),
        ("edit", [change.kind for change in get_args(ManualChange)]),
        ("edit_reason", EDIT_REASONS),
        ("rule", get_args(check.Rule)),
        ("cost", [*COST_WORDS, "total"]),
        ("event", [*KINDS, *OWN_KINDS]),
        ("verdict", {*get_args(store_events.Verdict), *get_args(event_state.Verdict)}),
        ("flaw", get_args(readings.Flaw)),
        ("notice_state", get_args(notices.NoticeState)),
        ("reoptimized", get_args(reoptimizing.Action)),
        ("fact", {field.name for kind in (Ticket, Technician, Station) for field in fields(kind)}),
    ],
)
def test_every_word_that_the_code_knows_is_there(kind, names):
    assert set(names) <= WORDS[kind].keys()


def test_every_kind_of_remedy_has_its_sentence():
    assert {f"change_{kind}" for kind in get_args(explanation.ChangeKind)} == {code for code in SENTENCES if code.startswith("change_")}


def test_every_code_in_use_has_a_sentence_and_every_sentence_is_in_use():
    places = [ROOT / "optimizer" / name for name in ("reasons.py", "difference_reasons.py", "matters.py", "check.py", "explanation.py")]
    places += [
        ROOT / "optimizer" / name for name in ("edited_rules.py", "edited_times.py", "edited_trial.py", "choosing.py", "advice_words.py")
    ]
    sources = "\n".join(place.read_text(encoding="utf-8") for place in places)
    used = set(re.findall(r'"((?:rule|news|hand|part)_\w+)"', sources)) | {"differs_saves", "served"}
    used |= {f"differs_{code}" for code in re.findall(r'(?:Why|_about|_kit)\("(\w+)"', sources)}
    used |= {f"differs_{code}_emergency" for code in re.findall(r'_about\("(\w+)"', sources)}
    assert used <= SENTENCES.keys()
    own = [code for code in SENTENCES if code not in used and not code.startswith("change_")]
    assert [code for code in own if f'"{code}"' not in sources] == []


# --- how values are shown ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            zh("too_far", station="S1", drive_minutes=125.0, arrive_at=at("10:05:00"), due_at=at("09:30:00")),
            "最近的服务站苏州站，车程 2 小时 05 分：10:05 之前无人能开工，而承诺到场时间为 09:30。",
        ),
        (
            zh("off_duty", technicians=("T1", "T2"), arrive_at=at("07:00:00", 3)),
            "能按时到场的人员届时不当班；最早当班的李强、王芳 3月3日 07:00 才能开工。",
        ),
        (
            zh("locked_first", technician="T1", tickets=("W1", "W2", "W3", "W4", "W5")),
            "李强须先完成已锁定的无锡晶圆厂、W2、W3 等 5 张工单。",
        ),
        (zh("locked_first", technician="T9", tickets=("W1", "W2")), "T9 须先完成已锁定的无锡晶圆厂、W2。"),
        (zh("nobody_allowed", only=("A", "B", "C", "D", "E")), "只允许以下人员前往：A、B、C 等 5 人。"),
        (zh("skills_apart", skills=("leak 2", "gas 3")), "没有人同时具备：“堵漏” 2 级、“gas” 3 级。"),
        (
            zh("change_technician", station="S1", skills=(), start_at=at("08:00:00"), end_at="2027-01-01T00:30:00+08:00"),
            "苏州站增派一名技师（技能不限），从 08:00 到 2027年1月1日 00:30 当班。",
        ),
        (
            zh("costs_more", start_at=at("09:00:00"), technicians=("T1",), more_cost=12345.6),
            "09:00 可以开工（李强），但计划成本会增加 12,346。",
        ),
        (zh("differs_new", severity="emergency"), "这是新的紧急工单"),
        (zh("news_ticket_changed", ticket="W1", facts=("due", "kits")), "工单无锡晶圆厂有更改：承诺到场时间、器材包"),
        (
            zh("rule_travel", technician="T1", ticket="W1", arrive_time=at("08:15:07"), soonest_time=at("01:00:00", 3)),
            "李强 08:15:07 到达无锡晶圆厂；按车程最早 3月3日 01:00",
        ),
        (
            zh("rule_window", ticket="W1", start_time=at("08:00:00"), access_spans=(f"{at('09:00:00')}/{at('10:00:00')}",) * 2),
            "无锡晶圆厂 08:00 开工；只允许进场的时间：09:00 到 10:00、09:00 到 10:00",
        ),
        (zh("rule_locked_team", ticket="W1", technicians=("T1",), sent=()), "无锡晶圆厂已锁定由李强前往；计划派的是无人"),
        (
            zh("rule_travel_home", technician="T1", station="S1", back_time=at("18:00:00"), soonest_time=""),
            "李强 18:00 回到服务站苏州站；按车程最早永不（没有道路）",
        ),
    ],
)  # fmt: skip
def test_chinese_reads_as_a_dispatcher_would_write_it(text, expected):
    assert text == expected


def test_a_duration_without_end_is_shown():
    assert (duration(math.inf), duration(math.inf, "zh")) == ("∞", "∞")


def test_chinese_durations():
    assert [duration(m, "zh") for m in (0, 0.4, 1, 59.4, 60, 61, 125)] == [
        "0 分钟", "不到 1 分钟", "1 分钟", "59 分钟", "1 小时", "1 小时 01 分", "2 小时 05 分",
    ]  # fmt: skip


def test_clocks_are_those_of_the_place_of_now_and_rounded_up():
    moment = datetime(2026, 3, 2, 16, 0, 1, tzinfo=UTC)  # a second past midnight of the next day, 8 hours east
    assert (clock(moment, NOW, "en"), clock(moment, NOW, "zh")) == ("2026-03-03 00:01", "3月3日 00:01")


@pytest.mark.parametrize("moment", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_and_the_last_moment_that_there_is_are_shown(moment, language):
    for now in (NOW, NOW.astimezone(timezone(-timedelta(hours=11)))):
        assert clock(moment, now, language)


def test_a_name_is_shown_as_it_is_whatever_it_holds():
    evil = "{technician.__class__} {0} <b>"
    assert sentence("no_room", {"technician": "T1"}, {"T1": evil}, NOW, "zh").startswith(evil)


def test_words_that_a_company_coined_are_shown_as_they_are():
    assert word("clock", "on_site", "zh") == "到场"
    assert word("clock", "安全交底", "en") == "安全交底"


# --- sentences in a row ---


def test_sentences_in_a_row_are_joined_as_each_language_does():
    saved = (Said("differs_cheaper"), Said("differs_saves", {"saved_cost": 1234.0}))
    assert told(saved, {}, NOW) == "it is better so, which saves 1,234"
    assert told(saved, {}, NOW, "zh") == "这样更好，可节省 1,234"
    served = (Said("change_replan"), Said("served", {"start_at": at("09:00:00"), "technicians": ("T1",)}))
    assert told(served, {}, NOW) == "Plan again: there is room. Work then begins at 09:00 (T1)."
    assert told(served, {}, NOW, "zh") == "重新排程即可：计划中还有空档。届时 09:00 开工（T1）。"


KEPT = {
    "case": "monday",
    "tickets": [
        {
            "ticket": "W1",
            "status": "unplanned",
            "late_minutes": None,
            "verdict": {
                "blame": "distance", "station": "S1", "drive_minutes": 125.0, "nearest_at": at("10:05:00"),
                "own_people_at": None, "on_duty_at": None, "free_at": None,
            },
            "reasons": [
                {
                    "code": "too_far",
                    "values": {"station": "S1", "drive_minutes": 125.0, "arrive_at": at("10:05:00"), "due_at": at("09:30:00")},
                    "text": "The nearest station, S1, is 2 h 5 min away: nobody could begin before 10:05, and it is promised for 09:30.",
                },
                {"code": "of_another_version", "values": {}, "text": "Something that is not said any more."},
                {"code": "no_room", "values": {"who": "T1"}, "text": "T1 has a gap."},
                {"code": "access_after_due", "values": {"first_at": "noon", "due_at": at("09:30:00")}, "text": "No sooner than noon."},
            ],
            "remedies": [
                {
                    "change": {"kind": "due", "ticket": "W1", "minutes": 40, "end": at("10:10:00")},
                    "start": at("10:05:00"),
                    "technicians": ["T1"],
                    "effort": 1.0,
                    "cost_change": 12.5,
                    "text": "Promise 10:10 instead. Work then begins at 10:05 (T1).",
                }
            ],
            "earliest_at": None,
        }
    ],
}  # fmt: skip
"""An explanation as the store keeps it, of a version that knew no Chinese; the last three reasons are of other versions still."""


def test_what_was_kept_before_is_told_in_both_languages_or_else_as_it_was_written():
    (ticket,) = read_explanation(json.dumps(KEPT)).tickets
    reasons = [told(reason.said, {}, NOW, "zh", otherwise=reason.text) for reason in ticket.reasons]
    assert reasons[0] == "最近的服务站 S1，车程 2 小时 05 分：10:05 之前无人能开工，而承诺到场时间为 09:30。"
    assert reasons[1:] == ["Something that is not said any more.", "T1 has a gap.", "No sooner than noon."]
    assert told(ticket.reasons[0].said, {}, NOW) == ticket.reasons[0].text
    (remedy,) = ticket.remedies
    assert told(remedy.said, {}, NOW) == remedy.text
    assert told(remedy.said, {}, NOW, "zh") == "承诺到场时间改为 10:10。届时 10:05 开工（T1）。"
    assert read_explanation(explanation_json(read_explanation(json.dumps(KEPT)))) == read_explanation(json.dumps(KEPT))
    with pytest.raises(KeyError):
        told(ticket.reasons[1].said, {}, NOW, "zh")


# --- whatever is filled in ---

ZONES = [UTC, ZONE, timezone(-timedelta(hours=11))]
MOMENTS = st.datetimes(timezones=st.sampled_from(ZONES))
TEXTS = st.text(max_size=12)
ISO = MOMENTS.map(datetime.isoformat)


def values_of(name: str) -> st.SearchStrategy[Any]:
    """What a placeholder may be filled with, by how it is named."""
    if name.endswith("_at"):
        return ISO
    if name.endswith("_time"):
        return st.one_of(ISO, st.just(""))
    if name.endswith("_spans"):
        return st.lists(st.tuples(st.one_of(ISO, st.just("")), ISO).map("/".join), max_size=5).map(tuple)
    if name.endswith(("_minutes", "_cost", "_level", "_count", "_money", "_share", "_points")) or name in (
        "load",
        "largest",
        "capacity",
        "shift",
    ):
        return st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False))
    if name in ("technicians", "stations", "homes", "tickets", "only", "banned", "sent", "kits", "skills", "facts"):
        return st.lists(TEXTS, max_size=7).map(tuple)
    return st.one_of(TEXTS, st.lists(TEXTS, max_size=7).map(tuple)) if name == "who" else TEXTS


@pytest.mark.parametrize("code", SENTENCES)
@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(LANGUAGES), MOMENTS)
def test_a_sentence_is_told_whatever_is_filled_in(code, data, language, now):
    names = {name: values_of(name) for name in placeholders(SENTENCES[code].of("en"))}
    values = data.draw(st.fixed_dictionaries(names))
    known = data.draw(st.dictionaries(TEXTS, TEXTS, max_size=3))
    text = sentence(code, values, known, now, language)
    for literal, _, _, _ in Formatter().parse(SENTENCES[code].of(language)):
        assert literal.strip() in text


@given(st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.floats(), st.lists(TEXTS).map(tuple))), st.sampled_from(sorted(SENTENCES)))
def test_a_kept_reason_is_told_whatever_it_holds(values, code):
    names = placeholders(SENTENCES[code].en)
    filled = dict(zip(names, values.values(), strict=False))
    assert isinstance(told(Reason(code, filled, "as kept").said, {}, NOW, "zh", otherwise="as kept"), str)
