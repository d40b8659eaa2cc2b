"""Texts of notices are right when they are read; quiet hours by the clock of a place; channels name variables, never addresses."""

from __future__ import annotations

import os
import tomllib
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from config.notice_settings import QuietHours, channel_address, first_allowed
from config.notices import CONTRACTS, LANGUAGES, LONGEST_VALUE, TEXT_DIR, WORDS, load_texts, payload_problems, render
from config.settings import load_settings
from data_models.errors import BadInput

NIGHT = QuietHours(begins=time(21), ends=time(7, 30))
RISK = {
    "ticket": "TK-1",
    "site": "厂区",
    "clock": "on_site",
    "due": "2026-03-02T02:00:00+00:00",
    "expected": "2026-03-02T02:40:00+00:00",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TWOHOUR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}+08:00")


def example(template: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "number": 3,
        "text": "某物",
        "time": "2026-03-02T02:00:00+00:00",
        "day": "2026-03-02T02:00:00+00:00",
        "word": "done",
        "clock": "on_site",
        "address": "https://service.example/t/" + "a" * 300,
    }
    contract = CONTRACTS[template]
    lists = {name: [{field: values[kind] for field, kind in fields.items()}] for name, fields in contract.lists.items()}
    return {name: values[kind] for name, kind in contract.fields.items()} | lists


@pytest.mark.parametrize("template", CONTRACTS)
def test_each_template_is_shown_in_each_language(template: str) -> None:
    texts = load_texts()
    assert payload_problems(template, example(template)) == ()
    for language in LANGUAGES:
        title, body = render(texts[language], template, example(template), UTC)
        assert title
        assert body
        assert not {"{", "}"} & set(title + body)


def test_times_are_shown_by_the_clock_of_the_place_and_words_in_the_language() -> None:
    zone = shanghai("02T00:00").tzinfo
    assert zone is not None
    _, body = render(load_texts()["zh"], "clock_at_risk", RISK, zone)
    assert "到达现场" in body
    assert "03-02 10:00" in body
    _, body = render(load_texts()["en"], "clock_at_risk", RISK, UTC)
    assert "“on site”" in body
    assert "03-02 02:40" in body


def test_what_a_user_wrote_stays_on_its_line_and_is_no_template() -> None:
    hostile = "{due.tzinfo} {0}\r\nBcc: x@y.z\x1b[31m\u202e" + "长" * 300
    title, body = render(load_texts()["zh"], "emergency_opened", example("emergency_opened") | {"title": hostile, "ticket": "a\nb"}, UTC)
    assert title == "紧急工单 a b"
    assert "{due.tzinfo} {0} Bcc: x@y.z [31m" in body
    assert not {"\r", "\x1b", "\u202e"} & set(body)
    assert "长…" in body
    assert max(map(len, body.splitlines())) < LONGEST_VALUE + 40


BROKEN = [
    ('title = "{tickt}"', "clock_at_risk.title names {tickt}, which it is not given; did you mean ticket?"),
    ('body = "{ticket} {site} {clock} {due}"', "clock_at_risk (title and body) lacks {expected}; add it"),
    ('body = "{ticket.__class__}"', "{ticket.__class__…} is not a plain field"),
    ('body = "{ticket!r}"', "{ticket…} is not a plain field"),
    ('body = "{}"', "{…} is not a plain field"),
    ('body = "{ticket"', "clock_at_risk.body: expected '}' before end of string"),
    ("title = 3", "clock_at_risk.title is 3; give a text"),
    ('titel = "x"', "clock_at_risk.titel is not known"),
    ('lines.visits = "x"', "clock_at_risk.lines.visits is not a list of this template"),
]


@pytest.mark.parametrize(("line", "says"), BROKEN)
def test_a_mistake_in_a_text_is_named_when_it_is_read(tmp_path: Path, line: str, says: str) -> None:
    shipped = tomllib.loads((TEXT_DIR / "zh.toml").read_text(encoding="utf-8"))["clock_at_risk"]
    rest = [f"{name} = '''{text}'''" for name, text in shipped.items() if not line.startswith(f"{name} ")]
    (tmp_path / "zh.toml").write_text("\n".join(["[clock_at_risk]", line, *rest]), encoding="utf-8")
    with pytest.raises(BadInput) as raised:
        load_texts(tmp_path)
    assert says in str(raised.value)
    assert str(tmp_path / "zh.toml") in str(raised.value)


def test_a_link_is_shown_whole_or_refused_and_a_notice_from_before_links_has_none() -> None:
    texts, whole = load_texts(), example("satisfaction_asked")
    for language in LANGUAGES:
        assert whole["link"][0]["address"] in render(texts[language], "satisfaction_asked", whole, UTC)[1]
        before = {name: value for name, value in whole.items() if name != "link"}
        assert "https" not in render(texts[language], "satisfaction_asked", before, UTC)[1]
    for wrong in ("javascript:alert(1)", "https://x/ y", "https://x/\n", "", "https://" + "x" * 3000, 7):
        assert payload_problems("satisfaction_asked", {**whole, "link": [{"address": wrong}]}) != ()


def test_a_text_that_names_the_link_says_how_it_is_shown(tmp_path: Path) -> None:
    own = '[satisfaction_asked]\ntitle = "Hello"\nbody = "{ticket} {site} {closed} {link}"\n'
    (tmp_path / "en.toml").write_text(own, encoding="utf-8")
    with pytest.raises(BadInput, match=r"lines\.link is missing"):
        load_texts(tmp_path)
    (tmp_path / "en.toml").write_text(own.replace(" {link}", "") + '[satisfaction_asked.lines]\nlink = "{address}"\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"body lacks \{link\}"):
        load_texts(tmp_path)


def test_templates_and_words_that_are_not_known_are_named(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[words]\nonsite = "x"\n[clock_misst]\ntitle = "x"\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"words\.onsite is not known; did you mean on_site") as raised:
        load_texts(tmp_path)
    assert "template clock_misst is not known; did you mean clock_missed?" in str(raised.value)
    with pytest.raises(BadInput, match="is not a folder"):
        load_texts(tmp_path / "absent")


def test_a_company_replaces_single_templates_and_words(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text(
        '[words]\non_site = "arrival"\n[satisfaction_asked]\ntitle = "Hello"\nbody = "{ticket} {site} {closed}"\n', encoding="utf-8"
    )
    texts = load_texts(tmp_path)
    assert texts["en"].templates["satisfaction_asked"].title == "Hello"
    assert texts["en"].words["on_site"] == "arrival"
    assert texts["zh"] == load_texts()["zh"]


def test_values_that_do_not_fit_are_named_without_being_shown() -> None:
    wrong = {**RISK, "due": "secret", "clock": 3, "extra": 1}
    del wrong["site"]
    told = " ".join(payload_problems("clock_at_risk", wrong))
    assert "field site is missing" in told
    assert "field extra is not shown" in told
    assert "field due is no time" in told
    assert "field clock is no clock" in told
    assert "secret" not in told
    assert payload_problems("clock_at_rusk", {}) == ("template clock_at_rusk is not known; did you mean clock_at_risk?",)
    assert payload_problems("clock_at_risk", {**RISK, "due": "2026-03-02T02:00:00"})


def test_both_languages_know_every_word() -> None:
    assert all(texts.words.keys() == WORDS for texts in load_texts().values())


@pytest.mark.parametrize(
    ("at", "first"),
    [
        ("02T20:59:59", "02T20:59:59"),
        ("02T21:00:00", "03T07:30:00"),
        ("03T07:29:59", "03T07:30:00"),
        ("03T07:30:00", "03T07:30:00"),
    ],
)
def test_quiet_hours_over_midnight(at: str, first: str) -> None:
    assert first_allowed(NIGHT, shanghai(at)) == shanghai(first)


def test_quiet_hours_within_a_day_of_another_zone_and_over_the_change_of_clocks() -> None:
    noon = QuietHours(begins=time(12), ends=time(13), timezone="UTC")
    assert first_allowed(noon, shanghai("02T20:30")) == shanghai("02T21:00")
    assert first_allowed(noon, shanghai("02T21:00")) == shanghai("02T21:00")
    # In Berlin the clock goes from 02:00 to 03:00 on 2026-03-29.
    berlin = QuietHours(begins=time(22), ends=time(2, 30), timezone="Europe/Berlin")
    at = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    assert first_allowed(berlin, at) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_emergencies_pass_quiet_hours_unless_settings_say_otherwise() -> None:
    at = shanghai("02T23:00")
    assert first_allowed(NIGHT, at, emergency=True) == at
    assert first_allowed(NIGHT.model_copy(update={"emergencies_pass": False}), at, emergency=True) == shanghai("03T07:30")
    assert first_allowed(None, at) == at


SETTINGS = """
[notices]
attempts = 4
recipient_languages = { "K-3" = "en" }
channels.coordinator = ["env:TWOHOUR_CHANNEL_COORDINATOR", "env:TWOHOUR_CHANNEL_COORDINATOR"]
languages.customer = "en"
quiet.customer = { begins = "21:00", ends = "07:30" }
"""


def test_settings_of_notices_are_read_and_hold_no_secret(tmp_path: Path) -> None:
    (tmp_path / "twohour.toml").write_text(SETTINGS, encoding="utf-8")
    notices = load_settings().notices
    assert notices.channels_of("coordinator") == ("TWOHOUR_CHANNEL_COORDINATOR",)
    assert notices.channels_of("customer") == ()
    assert [notices.language_of("customer", "K-1"), notices.language_of("technician", "T-1")] == ["en", "zh"]
    assert notices.language_of("coordinator", "K-3") == "en"
    assert notices.quiet_hours_of("customer") == NIGHT


def test_a_channel_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_NOTICES__CHANNELS__CUSTOMER", '["env:MAIL"]')
    assert load_settings().notices.channels_of("customer") == ("MAIL",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('channels.coordinator = ["wecombot://abc123"]', 'its value may hold a secret and is not shown; give "env:"'),
        ('channels.coordinator = "wecombot://abc123"', "its value may hold a secret and is not shown"),
        ("channels.customers = []", "notices.channels.customers is not a setting; did you mean customer?"),
        ('quiet.customer = { begins = "21:00", end = "07:00" }', "notices.quiet.customer.end is not a setting; did you mean ends?"),
        ('quiet.customer = { begins = "21:00", ends = "21:00" }', "give two different times of the clock"),
        ('quiet.customer = { begins = "21:00", ends = "07:00", timezone = "Mars" }', "give an IANA time zone"),
        ('languages.customer = "de"', "notices.languages.customer is 'de'; allowed: 'zh' or 'en'"),
        ("attempts = 0", "notices.attempts is 0; allowed: greater than or equal to 1"),
    ],
)
def test_a_setting_that_is_not_allowed_is_named_and_no_secret_shown(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "twohour.toml").write_text(f"[notices]\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput) as raised:
        load_settings()
    assert says in str(raised.value)
    assert "abc123" not in str(raised.value)


def test_the_address_of_a_channel_is_a_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="channel SOME: the variable is not set; set SOME"):
        channel_address("SOME")
    monkeypatch.setenv("SOME", "json://abc123")
    assert "abc123" not in repr(channel_address("SOME"))
