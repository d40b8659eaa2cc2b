"""Studies and scenarios in the store: kept by name, copied, changed by one person at a time, removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_models.errors import BadInput, Conflict, NotFound
from data_models.store import Store
from data_models.store.scenarios import (
    copy_scenario,
    keep_scenario,
    keep_study,
    kept_scenario,
    kept_scenarios,
    kept_studies,
    kept_study,
    remove_scenario,
    remove_study,
)
from data_models.study import Growth, OpenStation, Scenario
from tests.optimizer.studies import MONDAY, line_study

STUDY = line_study({"S": 0, "U": 5}, {"a": 60}, [("a", 9)], candidates=["U"])
OPEN = Scenario("新站", (OpenStation("U"),))


def test_a_study_is_kept_once_and_found_again(store: Store) -> None:
    with store.session() as session:
        keep_study(session, STUDY, "li", MONDAY)
        keep_study(session, STUDY, "li", MONDAY)
        with pytest.raises(Conflict, match="is another one"):
            keep_study(session, replace(STUDY, zone="Asia/Shanghai"), "li", MONDAY)
    with store.reading() as session:
        assert kept_study(session, "line") == STUDY
        assert kept_studies(session) == ["line"]
        with pytest.raises(NotFound, match="study other does not exist; kept are line"):
            kept_study(session, "other")


def test_a_scenario_is_copied_and_changed_without_touching_the_first(store: Store) -> None:
    with store.session() as session:
        keep_study(session, STUDY, "li", MONDAY)
        keep_scenario(session, "line", OPEN, "li", MONDAY)
        copy = copy_scenario(session, "line", "新站", "grown", "wang", MONDAY)
        changed = replace(copy.scenario, changes=(*OPEN.changes, Growth(1.5)))
        assert keep_scenario(session, "line", changed, "wang", MONDAY, seen=copy.version).version == 2
    with store.reading() as session:
        found = {kept.scenario.name: (kept.scenario.changes, kept.by) for kept in kept_scenarios(session, "line")}
    assert found == {"新站": (OPEN.changes, "li"), "grown": (changed.changes, "wang")}


def test_the_second_of_two_planners_is_told_who_was_first(store: Store) -> None:
    with store.session() as session:
        keep_study(session, STUDY, "li", MONDAY)
        keep_scenario(session, "line", OPEN, "li", MONDAY)
        keep_scenario(session, "line", OPEN, "wang", MONDAY, seen=1)
    with store.session() as session, pytest.raises(Conflict, match="changed by wang meanwhile"):
        keep_scenario(session, "line", replace(OPEN, changes=()), "li", MONDAY, seen=1)
    with store.session() as session, pytest.raises(Conflict, match="is kept already, by wang"):
        keep_scenario(session, "line", OPEN, "li", MONDAY)
    with store.reading() as session:
        assert kept_scenario(session, "line", "新站").scenario == OPEN


def test_what_was_removed_is_gone(store: Store) -> None:
    with store.session() as session:
        keep_study(session, STUDY, "li", MONDAY)
        keep_scenario(session, "line", OPEN, "li", MONDAY)
        remove_scenario(session, "line", "新站")
        with pytest.raises(NotFound, match="scenario 新站 of study line does not exist"):
            kept_scenario(session, "line", "新站")
        with pytest.raises(Conflict, match="was removed meanwhile"):
            keep_scenario(session, "line", OPEN, "li", MONDAY, seen=1)
        keep_scenario(session, "line", OPEN, "li", MONDAY)
        remove_study(session, "line")
        assert kept_studies(session) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "today"])
def test_names_that_are_none_are_refused(store: Store, name: str) -> None:
    with store.session() as session:
        keep_study(session, STUDY, "li", MONDAY)
        with pytest.raises(BadInput):
            keep_scenario(session, "line", replace(OPEN, name=name), "li", MONDAY)
