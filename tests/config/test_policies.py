"""Policies by name: presets, a company's own folder, and names that are not known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.policies import load_policies, load_policy
from data_models.errors import BadInput
from data_models.policy import clocks_for
from data_models.promises import parse_promise

OWN = 'extends = "ethanol"\n[clocks.emergency]\non_site = "3 h"\n'


def test_a_policy_of_the_companys_folder_is_known_beside_the_presets(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(OWN, encoding="utf-8")
    policies = load_policies(tmp_path)
    assert sorted(policies) == ["acme", "e-jiao", "ethanol", "lead-ingot", "liquid-oxygen", "terpinene"]
    assert load_policy("acme", tmp_path) == policies["acme"]
    assert clocks_for(policies["acme"], "emergency", "A").on_site == parse_promise("3 h")


def test_a_file_of_a_presets_name_takes_its_place_and_may_start_from_it(tmp_path: Path) -> None:
    (tmp_path / "ethanol.toml").write_text(OWN, encoding="utf-8")
    policies = load_policies(tmp_path)
    assert clocks_for(policies["ethanol"], "emergency", "A").on_site == parse_promise("3 h")
    assert clocks_for(policies["ethanol"], "emergency", "A").contact == parse_promise("10 min")


def test_extends_names_the_preset_or_by_path_the_companys_file(tmp_path: Path) -> None:
    (tmp_path / "ethanol.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "north.toml").write_text('extends = "ethanol"', encoding="utf-8")
    (tmp_path / "south.toml").write_text('extends = "ethanol.toml"', encoding="utf-8")
    policies = load_policies(tmp_path)
    assert clocks_for(policies["north"], "emergency", "A").on_site == parse_promise("2 h")
    assert clocks_for(policies["south"], "emergency", "A").on_site == parse_promise("3 h")


def test_a_policy_is_loaded_by_path(tmp_path: Path) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(OWN, encoding="utf-8")
    assert load_policy(path).name == load_policy(str(path)).name == "acme"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ethanl", "did you mean ethanol"),
        ("zzz", "Known are common, e-jiao"),
        ("", "a path must end in .toml"),
        ("no.toml", "cannot be read"),
    ],
)
def test_a_policy_that_does_not_exist_is_named_with_what_does(name: str, words: str) -> None:
    with pytest.raises(BadInput) as raised:
        load_policy(name)
    assert words in str(raised.value)
    assert name in str(raised.value)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none is not a folder"):
        load_policies(tmp_path / "none")


def test_one_broken_file_of_the_folder_is_reported_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text('extends = "ethanol"\nx = 1', encoding="utf-8")
    with pytest.raises(BadInput, match=r"acme\.toml: x is not known"):
        load_policies(tmp_path)


def test_importing_config_and_its_policies_loads_neither_settings_nor_holidays() -> None:
    program = (
        "import sys, config, config.policies as p; p.load_policies(); "
        "print([m for m in ('pydantic_settings', 'holidays', 'prefect', 'ortools', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
