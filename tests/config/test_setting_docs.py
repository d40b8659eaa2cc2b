"""The pages for users name every key, and their examples are read."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from config.policies import load_policy
from config.settings import PARTS, Settings, UncertaintySettings, load_settings
from data_models import calendars, clock_rules, policy
from data_models.policy import clocks_for
from data_models.promises import parse_promise

DOCS = Path(__file__).parents[2] / "docs"


def example(page: str) -> str:
    return re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]


def test_every_key_of_a_policy_file_is_described() -> None:
    page = (DOCS / "policies.md").read_text(encoding="utf-8")
    results = {policy.TicketCosts, policy.TicketNeeds, calendars.WorkingHours, calendars.HolidayYear, clock_rules.StepMoment}
    kinds = {kind for module in (policy, clock_rules, calendars) for kind in vars(module).values() if isinstance(kind, type)} - results
    keys = {
        field.name
        for kind in kinds
        if dataclasses.is_dataclass(kind) and kind.__module__ in (policy.__name__, clock_rules.__name__, calendars.__name__)
        for field in dataclasses.fields(kind)
    }
    page = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    named = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`]+)`", page))))
    assert keys - named == {"name"}


def test_the_example_of_a_policy_is_read(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(example((DOCS / "policies.md").read_text(encoding="utf-8")), encoding="utf-8")
    acme = load_policy("acme", tmp_path)
    assert clocks_for(acme, "emergency", "C").on_site == parse_promise("6 h")


def test_every_setting_is_described_with_its_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TWOHOUR_")]:
        monkeypatch.delenv(name)
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    parts = {name for part in PARTS.values() for name in part.model_fields}
    assert {*Settings.model_fields, *parts} <= set(re.findall(r"`([a-z_]+)`", page))
    (tmp_path / "own.toml").write_text(example(page), encoding="utf-8")
    assert load_settings(tmp_path / "own.toml").rates.drive_per_hour == 80
    (tmp_path / "own.toml").write_text(example((DOCS / "chances.md").read_text(encoding="utf-8")), encoding="utf-8")
    assert load_settings(tmp_path / "own.toml").uncertainty == UncertaintySettings(aim=0.8)
