"""Policy files: starting from another one, and errors that name file, key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_models.errors import BadInput
from data_models.policy import ServicePolicy, clocks_for, costs_for, extra_clocks_for
from data_models.policy_files import MAX_BYTES, read_policy
from data_models.promises import parse_promise

WHOLE = """
[clocks.emergency]
contact = "10 min"
on_site = "2 h"
[clocks.important]
solution = "4 h"
[clocks.general]
closing = "3 working days"
[costs.emergency]
A = { miss = 5000 }
[costs.important]
[costs.general]
[ticket_types.leak]
service_minutes = 90
skills = { safety = 2 }
[extra_clocks.numbered]
within = "10 min"
"""
BASE = 'extends = "base"\n'
PRESETS = ("base", "ethanol")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in PRESETS:
        (tmp_path / f"{name}.toml").write_text(WHOLE, encoding="utf-8")
    return tmp_path


def read(folder: Path, content: str | bytes, name: str = "own.toml") -> ServicePolicy:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_policy(path, {preset: folder / f"{preset}.toml" for preset in PRESETS})


def complaint(folder: Path, content: str | bytes) -> str:
    with pytest.raises(BadInput) as raised:
        read(folder, content)
    return str(raised.value)


def test_a_policy_is_called_like_its_file(folder: Path) -> None:
    assert read(folder, WHOLE, "shanghai.toml").name == "shanghai"


def test_a_company_changes_what_it_names_and_keeps_the_rest(folder: Path) -> None:
    own = read(
        folder,
        """
        extends = "base"
        [clocks.emergency]
        on_site = "3 h"
        C.on_site = "6 h"
        [costs.emergency.A]
        late_per_hour = 7
        [ticket_types.question]
        service_minutes = 30
        [ticket_types.leak]
        skills = { process = 3 }
        """,
    )
    assert clocks_for(own, "emergency", "A").on_site == parse_promise("3 h")
    assert clocks_for(own, "emergency", "C").on_site == parse_promise("6 h")
    assert clocks_for(own, "emergency", "C").contact == parse_promise("10 min")
    assert costs_for(own, "emergency", "A").miss_cost == 5000
    assert costs_for(own, "emergency", "A").late_cost_per_hour == 7
    assert set(own.ticket_types) == {"leak", "question"}
    assert own.ticket_types["leak"].service_minutes == 90


def test_required_skills_are_replaced_as_one(folder: Path) -> None:
    assert read(folder, 'extends = "base"\n[ticket_types.leak]\nskills = { process = 3 }').ticket_types["leak"].skills == {"process": 3}
    assert read(folder, 'extends = "base"\n[ticket_types.leak]\nskills = {}').ticket_types["leak"].skills == {}


def test_a_promise_is_withdrawn_by_none(folder: Path) -> None:
    own = read(folder, 'extends = "base"\n[clocks.emergency]\ncontact = "none"\n[extra_clocks.numbered]\nwithin = "none"')
    assert clocks_for(own, "emergency", "A").contact is None
    assert extra_clocks_for(own, "emergency", "A") == {}


def test_a_file_may_start_from_a_file_beside_it_that_starts_from_a_preset(folder: Path) -> None:
    (folder / "country.toml").write_text('extends = "base"\ntitle = "Country"\n[clocks.emergency]\non_site = "5 h"\n', encoding="utf-8")
    own = read(folder, 'extends = "country.toml"\n[clocks.emergency]\ncontact = "9 min"')
    assert own.title == "Country"
    assert clocks_for(own, "emergency", "A").on_site == parse_promise("5 h")
    assert clocks_for(own, "emergency", "A").contact == parse_promise("9 min")


def test_a_pause_and_a_step_are_withdrawn(folder: Path) -> None:
    (folder / "country.toml").write_text(
        BASE + '[pauses.rain]\nclocks = ["on_site"]\n[escalations.boss]\nwhen = "+1 h"\nwhom = ["director"]\n', encoding="utf-8"
    )
    own = read(folder, 'extends = "country.toml"\n[pauses.rain]\nclocks = []\n[escalations.boss]\nwhen = "none"')
    assert own.pauses["rain"].clocks == ()
    assert own.escalations["boss"].when.kind == "nothing"
    assert own.escalations["boss"].whom == ("director",)


def test_dates_and_hours_of_the_calendar_are_read(folder: Path) -> None:
    own = read(
        folder, 'extends = "base"\n[calendar]\nhours = ["08:00-12:00", "13:00-17:00"]\ndays_off = [2027-02-05]\ndays_on = ["2027-02-07"]'
    )
    assert [hours.opens for hours in own.calendar.hours] == [480, 780]
    assert own.calendar.days_off[0].isoformat() == "2027-02-05"
    assert own.calendar.days_on[0].isoformat() == "2027-02-07"


def test_a_byte_order_mark_is_no_error(folder: Path) -> None:
    assert read(folder, b"\xef\xbb\xbf" + WHOLE.encode()).name == "own"


BASE = 'extends = "base"\n'
SENSOR = '[sensor_rules.x]\nwhen = "{}"\ntype = "leak"\n'
CLEARS = SENSOR.format("moisture > 0.5 %") + 'clears = "{}"\n'
BROKEN = [
    ("unknown section", BASE + "[clock.emergency]\n", ["clock is not known", "did you mean clocks?", "Allowed: extends, clocks, costs"]),
    (
        "unknown key",
        BASE + '[clocks.emergency]\ncontct = "1 h"',
        ["clocks.emergency.contct is not known", "did you mean contact?", "on_site"],
    ),
    ("unknown severity", BASE + '[clocks.emergancy]\ncontact = "1 h"', ["clocks.emergancy", "did you mean emergency?"]),
    ("unknown tier", BASE + '[clocks.emergency.D]\ncontact = "1 h"', ["clocks.emergency.D is not known", "A, B, C"]),
    ("unknown source", BASE + '[sources.fone.clocks]\ncontact = "1 h"', ["sources.fone is not known", "did you mean phone?", "sensor"]),
    ("unknown key of a type", BASE + "[ticket_types.leak]\ncrews = 2", ["ticket_types.leak.crews is not known", "did you mean crew?"]),
    ("unknown key of a product", BASE + "[ticket_types.leak.products.fuel]\nkit = []", ["products.fuel.kit is", "did you mean kits?"]),
    ("name given", BASE + 'name = "x"', ["name is not known", "did you mean title?"]),
    ("number for a promise", BASE + "[clocks.emergency]\ncontact = 10", ["clocks.emergency.contact = 10", '"30 min"', '"3 working days"']),
    ("negative promise", BASE + '[clocks.emergency]\ncontact = "-10 min"', ['clocks.emergency.contact = "-10 min"', '"30 min"']),
    (
        "negative minutes",
        BASE + "[ticket_types.leak]\nservice_minutes = -5",
        ["ticket_types.leak.service_minutes = -5", "greater than or equal to 0"],
    ),
    ("text for a number", BASE + '[ticket_types.leak]\ncrew = "2"', ['ticket_types.leak.crew = "2"', "valid integer"]),
    ("true for a number", BASE + "[ticket_types.leak]\ncrew = true", ["ticket_types.leak.crew = true", "valid integer"]),
    (
        "level out of range",
        BASE + "[ticket_types.leak]\nskills = { safety = 4 }",
        ["ticket_types.leak.skills.safety = 4", "less than or equal to 3"],
    ),
    (
        "misspelt value",
        BASE + '[ticket_types.leak]\nseverity = "generel"',
        ['leak.severity = "generel"', "'important'", "did you mean general?"],
    ),
    (
        "misspelt tier in a list",
        BASE + '[extra_clocks.numbered]\ntiers = ["a"]',
        ['extra_clocks.numbered.tiers.0 = "a"', "'A', 'B' or 'C'"],
    ),
    (
        "share above one",
        BASE + "[costs.emergency]\ndowntime_share = 1.5",
        ["costs.emergency.downtime_share = 1.5", "less than or equal to 1"],
    ),
    ("infinite price", BASE + "[costs.emergency]\nmiss = inf", ["costs.emergency.miss = inf", "give a finite number"]),
    ("huge price", BASE + "[costs.emergency]\nmiss = 1e308", ["costs.emergency.miss = 1e+308", "less than or equal to"]),
    ("huge integer", BASE + f"[costs.emergency]\nmiss = {10**30}", ["costs.emergency.miss is a huge number"]),
    ("table for a value", BASE + "[clocks.emergency.contact]\nx = 1", ["clocks.emergency.contact = a table with x"]),
    ("value for a table", BASE + "clocks = 3", ["clocks = 3", "allowed: a table"]),
    ("misspelt weekday", BASE + '[calendar]\nweekdays = ["mon", "tus"]', ['calendar.weekdays.1 = "tus"', "did you mean tue?"]),
    (
        "hours past midnight",
        BASE + '[calendar]\nhours = ["20:00-04:00"]',
        ['calendar.hours.0 = "20:00-04:00"', "split one that crosses midnight"],
    ),
    ("overlapping hours", BASE + '[calendar]\nhours = ["08:00-12:00", "11:00-17:00"]', ["calendar.hours", "overlap"]),
    ("touching hours", BASE + '[calendar]\nhours = ["08:00-12:00", "12:00-17:00"]', ["calendar.hours", "touch"]),
    ("no hours", BASE + "[calendar]\nhours = []", ["calendar.hours: is empty"]),
    ("no weekdays", BASE + "[calendar]\nweekdays = []", ["calendar.weekdays: is empty"]),
    ("time of day", BASE + "[calendar]\nhours = [08:00:00]", ["calendar.hours.0 = 08:00:00", "write a time of day as text"]),
    ("no such date", BASE + '[calendar]\ndays_off = ["2026-02-30"]', ['calendar.days_off.0 = "2026-02-30"', "valid date"]),
    (
        "date twice",
        BASE + "[calendar]\ndays_off = [2026-02-03]\ndays_on = [2026-02-03]",
        ["calendar.days_on: 2026-02-03 is in days_off too"],
    ),
    (
        "unknown time zone",
        BASE + '[calendar]\ntimezone = "Asia/Shangai"',
        ['calendar.timezone: "Asia/Shangai" is not known', "Asia/Shanghai"],
    ),
    ("time zone outside", BASE + '[calendar]\ntimezone = "../../etc/passwd"', ["calendar.timezone", "is not known"]),
    (
        "emergency without on_site",
        BASE + '[clocks.emergency]\non_site = "none"',
        ["clocks.emergency: promises tier A no on_site", "an emergency needs one"],
    ),
    (
        "type without on_site",
        BASE + '[ticket_types.leak.clocks]\non_site = "none"',
        ["ticket_types.leak.clocks: promises tier A in severity emergency no on_site"],
    ),
    (
        "nothing for a visit",
        BASE + '[clocks.general.B]\nclosing = "none"',
        ["clocks.general: promises tier B neither on_site nor solution"],
    ),
    (
        "type unknown to a clock",
        BASE + '[extra_clocks.numbered]\ntypes = ["leek"]',
        ["extra_clocks.numbered.types", '"leek" is not a ticket type'],
    ),
    ("sensor without limit", BASE + '[sensor_rules.x]\ntype = "leak"', ["sensor_rules.x.when is missing"]),
    ("no condition", BASE + SENSOR.format("moisture over 0.5 %"), ["sensor_rules.x.when", '"moisture over 0.5 %"', "moisture > 0.5 %"]),
    ("no number", BASE + SENSOR.format("moisture > nan %"), ["sensor_rules.x.when", "a condition is like"]),
    ("wrong unit", BASE + SENSOR.format("pressure < 3 %"), ['pressure is not measured in "%"', "MPa, kPa"]),
    ("wrong time", BASE + SENSOR.format("moisture > 0.5 % for ten minutes"), ["a length of time is like"]),
    ("impossible limit", BASE + SENSOR.format("moisture > 150 %"), ["moisture > 150 % lies beyond what moisture can be"]),
    ("clears nothing", BASE + CLEARS.format("moisture < 0.6 %"), ["sensor_rules.x.clears", "overlaps with when"]),
    ("clears upwards", BASE + CLEARS.format("moisture > 0.4 %"), ["sensor_rules.x.clears", "the other side of 0.5 %"]),
    ("clears something else", BASE + CLEARS.format("level < 4 m"), ["is about level, but when is about moisture"]),
    ("clears for a while", BASE + CLEARS.format("moisture < 0.4 % for 1 min"), ["a single reading clears"]),
    (
        "two dimensions",
        BASE + SENSOR.format("level < 5 %") + SENSOR.format("level < 2 m").replace(".x]", ".y]"),
        ["sensor_rules.y.when", 'is in "m", but another rule says level < 5 %'],
    ),
    ("no gap", BASE + '[sensors]\nlongest_gap = "0 s"', ["sensors.longest_gap"]),
    (
        "sensor for no type",
        BASE + '[sensor_rules.x]\nwhen = "p > 1"\ntype = "q"',
        ['sensor_rules.x.type: "q" is not a ticket type'],
    ),
    ("patrol for nobody", BASE + "[patrols.x]\nper_year = 4", ["patrols.x: has neither tiers nor tonnes_above"]),
    ("tier limits crossed", BASE + "[tiers]\nA.tonnes_above = 100\nB.tonnes_from = 500", ["tiers.B: starts at 500 t, above A's 100 t"]),
    ("limit for C", BASE + "[tiers]\nC.tonnes_above = 100", ["tiers.C: has a limit"]),
    ("two limits", BASE + "[tiers]\nA = { tonnes_above = 100, tonnes_from = 100 }", ["tiers.A: has both"]),
    (
        "pause of no clock",
        BASE + '[pauses.rain]\nclocks = ["on_sit"]',
        ['pauses.rain.clocks: "on_sit" is not a clock', "did you mean on_site?"],
    ),
    ("pause without clocks", BASE + "[pauses.rain]", ["pauses.rain.clocks is missing"]),
    ("unknown key of a pause", BASE + "[pauses.rain]\nclock = []", ["pauses.rain.clock is not known", "did you mean clocks?"]),
    ("warning in working time", BASE + '[warning]\ntime = "2 working h"', ['warning.time: "2 working h" is not elapsed time']),
    ("warning share", BASE + "[warning]\nshare = 25", ["warning.share = 25", "less than or equal to 1"]),
    (
        "step without a sign",
        BASE + '[escalations.x]\nwhen = "15 min"\nwhom = ["director"]',
        ['escalations.x.when = "15 min"', '"-15 min"', '"+30 min"', '"at_risk"'],
    ),
    (
        "unknown role",
        BASE + '[escalations.x]\nwhen = "0 min"\nwhom = ["directer"]',
        ['escalations.x.whom.0 = "directer"', "'regional_manager'", "did you mean director?"],
    ),
    ("step for nobody", BASE + '[escalations.x]\nwhen = "0 min"\nwhom = []', ["escalations.x.whom: is empty"]),
    (
        "step of no clock",
        BASE + '[escalations.x]\nwhen = "0 min"\nwhom = ["director"]\nclocks = ["number"]',
        ['escalations.x.clocks: "number" is not a clock here', "did you mean numbered?", "handled_again"],
    ),
    (
        "interval without times",
        BASE + '[escalations.x]\nwhen = "0 min"\nwhom = ["director"]\nagain = "5 min"',
        ["escalations.x: needs both to repeat"],
    ),
    ("times without interval", BASE + '[escalations.x]\nwhen = "0 min"\nwhom = ["director"]\ntimes = 2', ["escalations.x: needs both"]),
    (
        "interval of nothing",
        BASE + '[escalations.x]\nwhen = "0 min"\nwhom = ["director"]\nagain = "0 min"\ntimes = 2',
        ['escalations.x.again: "0 h" is no interval'],
    ),
    (
        "at risk again",
        BASE + '[escalations.x]\nwhen = "at_risk"\nwhom = ["director"]\nagain = "5 min"\ntimes = 2',
        ["escalations.x: goes out at_risk, which is once"],
    ),
    ("compensation of no clock", BASE + '[compensation]\nclocks = ["onsite"]', ["compensation.clocks", "did you mean on_site?"]),
    ("unknown hours", BASE + '[compensation]\nhours = "begn"', ['compensation.hours = "begn"', "did you mean begun?"]),
    ("name of a clock taken", BASE + '[extra_clocks.on_site]\nwithin = "1 h"', ["extra_clocks.on_site: has the name of another clock"]),
    ("threshold off the scale", BASE + "[after_closing]\nreopen_below = 6", ["after_closing.reopen_below: 6 is above the scale of 5"]),
    ("target off the scale", BASE + "[targets]\nsatisfaction = 6", ["targets.satisfaction: 6 is above after_closing.scale = 5"]),
    ("unknown preset", 'extends = "ethanl"', ['extends = "ethanl" is not a preset', "did you mean ethanol?", "Allowed: base, ethanol"]),
    ("preset like no other", 'extends = "zzz"', ['extends = "zzz" is not a preset. Allowed: base, ethanol']),
    ("no such file", 'extends = "other.toml"', ['extends = "other.toml": there is no such file beside it']),
    ("file name too long", f'extends = "{"x" * 5000}.toml"', ["there is no such file beside it"]),
    ("file name with NUL", 'extends = "\\u0000.toml"', ["there is no such file beside it"]),
    ("number for a preset", "extends = 3", ["extends = 3 is not a preset"]),
    ("itself", 'extends = "own.toml"', ["extends leads back to own.toml"]),
    ("incomplete", 'title = "x"', ["clocks is missing", "costs is missing", "start from a preset with extends"]),
    ("syntax", 'extends = "base"\n[clocks\n', ["is not TOML", "line 2"]),
    ("twice", BASE + BASE, ["is not TOML", "line 2"]),
    ("not UTF-8", "title = '乙醇'".encode("gb18030"), ["is not UTF-8 at byte 9", "save it as UTF-8"]),
    ("nested deeply", "x = " + "[" * 50_000, ["nested too deeply"]),
    ("nested tables", BASE + "[facts" + ".a" * 30 + "]\nb = 1", ["facts.a.a… is nested too deeply"]),
    ("large", b"#" * (MAX_BYTES + 1), ["larger than 1,000,000 bytes"]),
]


@pytest.mark.parametrize(("content", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_file_is_named_with_key_value_and_what_is_allowed(folder: Path, content: str | bytes, words: list[str]) -> None:
    says = complaint(folder, content)
    assert "own.toml" in says
    for word in words:
        assert word in says
    assert "pydantic" not in says


def test_files_that_start_from_each_other_are_named(folder: Path) -> None:
    (folder / "a.toml").write_text('extends = "own.toml"', encoding="utf-8")
    assert "a.toml: extends leads back to own.toml" in complaint(folder, 'extends = "a.toml"')


def test_every_error_of_a_file_is_reported_at_once(folder: Path) -> None:
    says = complaint(folder, BASE + '[clocks.emergency]\ncontact = 3\n[ticket_types.leak]\ncrew = 0\nkitz = ["a"]')
    assert len(says.splitlines()) == 3


def test_an_error_in_the_file_started_from_names_that_file(folder: Path) -> None:
    (folder / "country.toml").write_text(BASE + "[ticket_types.leak]\ncrew = 99", encoding="utf-8")
    says = complaint(folder, 'extends = "country.toml"\n[clocks.emergency]\ncontact = 3')
    assert f"{folder / 'country.toml'}: ticket_types.leak.crew = 99" in says
    assert f"{folder / 'own.toml'}: clocks.emergency.contact = 3" in says


@pytest.mark.parametrize("name", ["absent.toml", ".", "a\0b.toml"])
def test_a_path_that_cannot_be_read_is_named(folder: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_policy(folder / name, {})


keys = st.sampled_from(
    ["clocks", "emergency", "A", "contact", "costs", "calendar", "hours", "facts", "extends", "ticket_types", "leak", "x"]
)
values = st.sampled_from(
    ['"2 h"', "1", "-1", "1e400", "nan", "true", "[]", "[1]", "{}", '"\\u0000"', "2026-01-01", "08:00:00", '"base"', "[[]]"]
)
lines = st.one_of(
    st.tuples(st.lists(keys, min_size=1, max_size=4), values).map(lambda pair: f"{'.'.join(pair[0])} = {pair[1]}"),
    st.lists(keys, min_size=1, max_size=3).map(lambda steps: f"[{'.'.join(steps)}]"),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.lists(lines, max_size=6).map(lambda rows: (BASE + "\n".join(rows)).encode()), st.binary(max_size=60)))
def test_no_file_raises_anything_but_bad_input(folder: Path, content: bytes) -> None:
    try:
        read(folder, content)
    except BadInput as error:
        assert "own.toml" in str(error) or "base.toml" in str(error)  # noqa: PT017
