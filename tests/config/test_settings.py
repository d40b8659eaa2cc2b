"""Settings: where they come from, and errors that name variable, value and what is allowed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from config.settings import load_settings
from data_models.errors import BadInput


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TWOHOUR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def complaint(file: Path | None = None) -> str:
    with pytest.raises(BadInput) as raised:
        load_settings(file)
    return str(raised.value)


def test_the_defaults_need_nothing_from_outside() -> None:
    settings = load_settings()
    assert settings.travel_provider == "great_circle"
    assert (settings.detour, settings.speed_kmh) == (1.3, 70)
    assert settings.policy == "ethanol"
    assert settings.geocoder == "gazetteer"
    assert (settings.morning_cron, settings.timezone) == ("30 6 * * *", "Asia/Shanghai")


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "twohour.toml").write_text('seed = 5\nregion = "华东"\n[rates]\ndrive_per_km = 2\ndrive_per_hour = 8\n', encoding="utf-8")
    monkeypatch.setenv("TWOHOUR_SEED", "7")
    monkeypatch.setenv("TWOHOUR_RATES__DRIVE_PER_KM", "3")
    settings = load_settings()
    assert (settings.seed, settings.region) == (7, "华东")
    assert (settings.rates.drive_per_km, settings.rates.drive_per_hour, settings.rates.overtime_per_hour) == (3, 8, 90)


def test_an_empty_variable_is_a_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "twohour.toml").write_text('region = "华东"', encoding="utf-8")
    monkeypatch.setenv("TWOHOUR_REGION", "")
    assert load_settings().region == ""


def test_a_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("solver_seconds = 12.5", encoding="utf-8")
    assert load_settings(tmp_path / "other.toml").solver_seconds == 12.5


BROKEN_VARIABLES = [
    ("SEED", "x", "TWOHOUR_SEED is 'x'; allowed: a valid integer"),
    ("SEED", "-1", "TWOHOUR_SEED is '-1'; allowed: greater than or equal to 0"),
    ("DETOUR", "0.9", "TWOHOUR_DETOUR is '0.9'; allowed: greater than or equal to 1"),
    ("SPEED_KMH", "nan", "TWOHOUR_SPEED_KMH is 'nan'; allowed: "),
    ("TRAVEL_PROVIDER", "google", "TWOHOUR_TRAVEL_PROVIDER is 'google'; allowed: 'great_circle', 'osrm' or 'osrm_embedded'"),
    ("OSRM_URL", "localhost:5000", "TWOHOUR_OSRM_URL is 'localhost:5000'; allowed: "),
    ("TRAVEL_FALLBACK", "perhaps", "TWOHOUR_TRAVEL_FALLBACK is 'perhaps'; allowed: a valid boolean"),
    ("TIMEZONE", "Asia/Shangai", "TWOHOUR_TIMEZONE is 'Asia/Shangai'; give an IANA time zone"),
    ("TIMEZONE", "../../etc/passwd", "TWOHOUR_TIMEZONE is '../../etc/passwd'; give an IANA time zone"),
    ("MORNING_CRON", "30 6 * *", "TWOHOUR_MORNING_CRON is '30 6 * *'; give five fields"),
    ("MORNING_CRON", "30 24 * * *", "this one has a bad hour"),
    ("HORIZON_HOURS", "0", "TWOHOUR_HORIZON_HOURS is '0'; allowed: greater than 0"),
    ("RATES__DRIVE_PER_HOUR", "-1", "TWOHOUR_RATES__DRIVE_PER_HOUR is '-1'; allowed: greater than or equal to 0"),
    ("RATES__DRIVE_PER_MILE", "1", "TWOHOUR_RATES__DRIVE_PER_MILE: rates.drive_per_mile is not a setting; did you mean drive_per_"),
    ("RATES", "{", "TWOHOUR_RATES cannot be read; give its parts one by one"),
    ("UNCERTAINTY__AIM", "1.5", "TWOHOUR_UNCERTAINTY__AIM is '1.5'; allowed: less than or equal to 0.99"),
    (
        "UNCERTAINTY__DRIVE_SPRED",
        "1",
        "TWOHOUR_UNCERTAINTY__DRIVE_SPRED: uncertainty.drive_spred is not a setting; did you mean drive_spread?",
    ),
    ("UNCERTAINTY", "{", "TWOHOUR_UNCERTAINTY cannot be read; give its parts one by one, such as TWOHOUR_UNCERTAINTY__DRIVE_SPREAD=0.2"),
    ("DATABSE_URL", "x", "TWOHOUR_DATABSE_URL is not a setting; did you mean TWOHOUR_DATABASE_URL?"),
]


@pytest.mark.parametrize(("name", "value", "says"), BROKEN_VARIABLES)
def test_a_variable_that_is_not_allowed_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(f"TWOHOUR_{name}", value)
    assert says in complaint()


def test_variables_of_other_tools_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_DEBUG", "1")
    monkeypatch.setenv("TWOHOUR_CHROMIUM", "x")
    load_settings()


BROKEN_FILES = [
    ("spedd_kmh = 60", "twohour.toml: spedd_kmh is not a setting; did you mean speed_kmh?"),
    ("zzz = 60", "twohour.toml: zzz is not a setting; known are database_url"),
    ("detour = 0.5", "twohour.toml: detour is 0.5; allowed: greater than or equal to 1"),
    ("rates = 3", "twohour.toml: rates is 3; allowed: "),
    ("[rates]\ndrive_per_hours = 3", "rates.drive_per_hours is not a setting; did you mean drive_per_hour?"),
    ("seed = ", "twohour.toml is not TOML: Invalid value (at end of document)"),
    ('geocoder_api_key = "abc123"', "geocoder_api_key is a secret; set TWOHOUR_GEOCODER_API_KEY in the environment"),
    ('database_url = "postgresql://me:abc123@db/x"', "database_url holds a password; set TWOHOUR_DATABASE_URL in the environment"),
]


@pytest.mark.parametrize(("content", "says"), BROKEN_FILES)
def test_a_key_of_the_file_that_is_not_allowed_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "twohour.toml").write_text(content, encoding="utf-8")
    told = complaint()
    assert says in told
    assert "abc123" not in told


def test_a_file_that_is_absent_or_not_utf_8_is_named(tmp_path: Path) -> None:
    assert "absent.toml cannot be read" in complaint(tmp_path / "absent.toml")
    (tmp_path / "twohour.toml").write_bytes("region = '华东'".encode("gb18030"))
    assert "twohour.toml is not UTF-8 at byte 10" in complaint()


def test_a_database_without_password_may_stand_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "twohour.toml").write_text('database_url = "postgresql://db.example.com:5432/twohour"', encoding="utf-8")
    assert load_settings().database_url.get_secret_value() == "postgresql://db.example.com:5432/twohour"


def test_secrets_are_neither_printed_nor_shown_nor_named_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_DATABASE_URL", "postgresql://me:abc123@db/x")
    monkeypatch.setenv("TWOHOUR_GEOCODER_API_KEY", "abc123")
    settings = load_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json(), json.dumps(settings.shown())):
        assert "abc123" not in text
    assert settings.geocoder_settings() == {"api_key": "abc123"}
    monkeypatch.setenv("TWOHOUR_SEED", "x")
    assert "abc123" not in complaint()


def test_what_is_shown_is_enough_to_plan_again_with_the_same_settings() -> None:
    shown = load_settings().shown()
    assert json.loads(json.dumps(shown)) == shown
    assert {"detour", "speed_kmh", "travel_provider", "policy", "seed", "solver_seconds", "rates"} <= set(shown)
    assert not {"database_url", "geocoder_api_key"} & set(shown)


@pytest.mark.parametrize("line", ["30 6 * * *", "*/15 6-20 * * mon-fri", "0,30 6 1 1-12/2 0", "0 6 * * 7"])
def test_cron_lines_of_five_fields_are_taken(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("TWOHOUR_MORNING_CRON", line)
    assert load_settings().morning_cron == line


@pytest.mark.parametrize(
    "line", ["", "@daily", "60 6 * * *", "5-1 6 * * *", "*/0 6 * * *", "0 6 0 * *", "0 6 * 13 *", "0 6 * * 8", "0 6 * * xyz", "٣ 6 * * *"]
)
def test_cron_lines_that_the_scheduler_would_refuse_are_refused(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("TWOHOUR_MORNING_CRON", line)
    assert "TWOHOUR_MORNING_CRON" in complaint()
