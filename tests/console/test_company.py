"""The company's day at the command line: what a coordinator types, reads, pipes on and gets wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from console import cli
from data_models.case_files import read_plan

AT = "2026-03-02T08:00:00+08:00"
ANSI = re.compile(r"\x1b")
COMMANDS = [command.name for command in cli.app.registered_commands]
STATIONS = "id,name,lat,lon\nST-1,上海,31.2,121.4\nST-2,苏州,31.3,120.6\n"
HOSTILE = "[red]Pump[/red] \x1b[31mred\x1b[0m \x07 <b>"


@pytest.fixture
def company(installation: Path, filled_store: Path) -> Path:
    """An installation whose store holds the small company."""
    shutil.copy(filled_store, installation / "store.sqlite")
    return installation


@pytest.fixture
def drafted(company: Path, twohour: Any) -> int:
    """Number of a draft of the small company's day."""
    answer = twohour("plan", "--at", AT, "--iterations", 30, "--seed", 7, "--json")
    assert answer.status == 0, answer.err
    return int(json.loads(answer.out)["plan"])


def one_object(text: str) -> dict[str, Any]:
    """The one JSON object that a program would read; anything before or after it is an error."""
    assert text.count("\n") == 1
    value = json.loads(text)
    assert isinstance(value, dict)
    return value


# import


def test_import_inserts_then_changes_nothing_then_tells_what_changed(installation: Path, twohour: Any) -> None:
    file = installation / "stations.csv"
    file.write_text(STATIONS, encoding="utf-8")
    first = twohour("import", file)
    assert (first.status, "2 inserted" in first.out) == (0, True)
    again = one_object(twohour("import", file, "--json").out)
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 2)
    file.write_text(STATIONS.replace("苏州", "无锡"), encoding="utf-8")
    changed = twohour("import", file)
    assert changed.status == 0
    assert "苏州 → 无锡" in changed.out


def test_import_reads_a_workbook(installation: Path, twohour: Any) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (["id", "name", "lat", "lon"], ["ST-1", "上海", 31.2, 121.4]):
        book.active.append(row)
    book.save(installation / "stations.xlsx")
    answer = twohour("import", "stations.xlsx", "--json")
    assert (answer.status, one_object(answer.out)["inserted"]) == (0, 1)


def test_a_template_is_imported_as_no_rows(installation: Path, twohour: Any) -> None:
    for name in ("sites.csv", "sites.xlsx"):
        assert twohour("import", "--template", "--table", "sites", name).status == 0
        answer = twohour("import", name, "--table", "sites", "--json")
        assert (answer.status, one_object(answer.out)["rows"]) == (0, 0)


def test_a_template_says_where_it_is_in_json_too(installation: Path, twohour: Any) -> None:
    answer = twohour("import", "--template", "--table", "sites", "sites.csv", "--json")
    assert one_object(answer.out) == {"table": "sites", "template": "sites.csv"}


def test_a_template_does_not_replace_a_file(installation: Path, twohour: Any) -> None:
    (installation / "sites.csv").write_text("a day's work", encoding="utf-8")
    answer = twohour("import", "--template", "--table", "sites", "sites.csv")
    assert answer.status == 2
    assert "sites.csv" in answer.err
    assert (installation / "sites.csv").read_text(encoding="utf-8") == "a day's work"


def test_a_dry_run_reports_and_writes_nothing(installation: Path, twohour: Any) -> None:
    (installation / "stations.csv").write_text(STATIONS, encoding="utf-8")
    tried = twohour("import", "stations.csv", "--dry-run")
    assert (tried.status, "2 would be inserted" in tried.out) == (0, True)
    assert one_object(twohour("import", "stations.csv", "--json").out)["inserted"] == 2


def test_bad_rows_are_set_aside_with_status_1_and_good_ones_kept(installation: Path, twohour: Any) -> None:
    (installation / "stations.csv").write_text(STATIONS + "ST-3,北京,391.9,116.4\n", encoding="utf-8")
    answer = twohour("import", "stations.csv")
    assert answer.status == 1
    assert "2 inserted" in answer.out
    assert "391.9" in answer.out
    assert "391.9" in (installation / "stations.rejects.csv").read_text(encoding="utf-8-sig")


def test_columns_are_mapped_and_set(installation: Path, twohour: Any) -> None:
    (installation / "plants.csv").write_text("key,plant,lat,lon\n1,Wuxi,31.5,120.3\n", encoding="utf-8")
    answer = twohour(
        *("import", "plants.csv", "--table", "stations", "--map", "key=id", "--map", "plant=name", "--set", "region=east", "--json")
    )
    assert (answer.status, one_object(answer.out)["inserted"]) == (0, 1)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("stations.csv", "--table", "starships"), "starships"),
        (("stations.csv", "--map", "id"), "--map id"),
        (("stations.csv", "--set", "=x"), "--set =x"),
        (("stations.csv", "--datum", "MARS-1"), "MARS-1"),
        (("stations.csv", "--encoding", "klingon"), "klingon"),
        (("absent.csv", "--table", "stations"), "absent.csv"),
        (("notes.txt",), "notes.txt"),
        (("--template", "sites.csv"), "--table"),
        (("--template", "--table", "starships", "x.csv"), "starships"),
        (("--template", "--table", "sites", "x.pdf"), "x.pdf"),
        (("stations.csv", "--rejects", "no/such/folder/r.csv"), "r.csv"),
    ],
)
def test_an_import_that_cannot_be_gives_status_2_and_names_why(
    words: tuple[str, ...], names: str, installation: Path, twohour: Any
) -> None:
    (installation / "stations.csv").write_text(STATIONS + "ST-3,北京,391.9,116.4\n", encoding="utf-8")
    (installation / "notes.txt").write_text("hello", encoding="utf-8")
    answer = twohour("import", *words)
    assert answer.status == 2, answer.out + answer.err
    assert names in answer.err
    assert not (installation / "x.csv").exists()


# plan, show, approve, publish, export


def test_plan_leaves_a_draft_that_show_shows(company: Path, twohour: Any) -> None:
    answer = twohour("plan", "--at", AT, "--iterations", 30)
    assert answer.status == 0, answer.err
    assert "draft 1 is kept" in answer.out
    assert "draft" in twohour("show").out
    shown = twohour("show", 1).out
    assert "plan 1" in shown
    assert "TK-6" in shown
    assert "great circle" in shown


def test_show_gives_one_json_object(drafted: int, twohour: Any) -> None:
    listed = one_object(twohour("show", "--json").out)["plans"]
    assert [(plan["plan"], plan["state"], plan["unplanned"]) for plan in listed] == [(drafted, "draft", 1)]
    plan = one_object(twohour("show", drafted, "--json").out)
    assert (plan["seed"], plan["iterations"], plan["violations"]) == (7, 30, [])
    assert plan["explanation"][0]["ticket"] == "TK-6"
    assert "great circle" in plan["travel"]["source"]


def test_approving_publishes_and_the_papers_are_there(drafted: int, company: Path, twohour: Any) -> None:
    answer = twohour("approve", drafted, "--by", "王敏")
    assert answer.status == 0, answer.err
    assert f"plan {drafted} is approved by 王敏" in answer.out
    assert (company / "papers" / f"plan-{drafted}" / "plan-map.html").is_file()
    assert one_object(twohour("show", drafted, "--json").out)["state"] == "published"


def test_approve_and_publish_give_one_json_object_each(drafted: int, twohour: Any) -> None:
    held = one_object(twohour("approve", drafted, "--hold", "--json", "--by", "王敏").out)
    assert held == {"plan": drafted, "state": "approved", "by": "王敏"}
    published = one_object(twohour("publish", drafted, "--json").out)
    assert published["state"] == "published"
    assert all(Path(paper).exists() for paper in published["papers"])


def test_approve_with_publishing_gives_one_json_object(drafted: int, twohour: Any) -> None:
    assert one_object(twohour("approve", drafted, "--json").out)["state"] == "published"


def test_a_rejection_has_a_reason(drafted: int, twohour: Any) -> None:
    without = twohour("approve", drafted, "--reject")
    assert (without.status, "--reason" in without.err) == (2, True)
    rejected = twohour("approve", drafted, "--reject", "--reason", "T-1 is ill", "--by", "王敏", "--json")
    assert one_object(rejected.out) == {"plan": drafted, "state": "rejected", "by": "王敏"}
    assert "T-1 is ill" in twohour("show", drafted).out


def test_reject_and_hold_together_are_refused(drafted: int, twohour: Any) -> None:
    assert twohour("approve", drafted, "--reject", "--hold", "--reason", "x").status == 2
    assert one_object(twohour("show", drafted, "--json").out)["state"] == "draft"


def test_who_was_first_is_told_to_the_second(drafted: int, twohour: Any) -> None:
    assert twohour("approve", drafted, "--hold", "--by", "王敏").status == 0
    second = twohour("approve", drafted, "--by", "李强")
    assert second.status == 1
    assert "王敏" in second.err


def test_a_draft_that_another_plan_has_overtaken_stays_a_draft(drafted: int, twohour: Any) -> None:
    assert twohour("plan", "--at", AT, "--iterations", 5).status == 0
    assert twohour("approve", drafted + 1, "--by", "王敏").status == 0
    late = twohour("approve", drafted, "--by", "李强")
    assert late.status == 1
    assert "王敏" in late.err
    assert one_object(twohour("show", drafted, "--json").out)["state"] == "draft"


def test_nothing_is_published_when_the_papers_could_not_be_written(
    drafted: int, company: Path, monkeypatch: pytest.MonkeyPatch, twohour: Any
) -> None:
    (company / "blocker").write_text("a file where the folder should be", encoding="utf-8")
    monkeypatch.setenv("TWOHOUR_OUTPUT_DIR", str(company / "blocker" / "papers"))
    answer = twohour("approve", drafted)
    assert answer.status == 2
    assert "TWOHOUR_OUTPUT_DIR" in answer.err
    assert one_object(twohour("show", drafted, "--json").out)["state"] == "draft"


def test_export_does_not_write_two_things_into_one_file(drafted: int, company: Path, twohour: Any) -> None:
    assert twohour("export", "--plan", drafted, "--out", "x.json", "--plan-out", "./x.json").status == 2
    assert not (company / "x.json").exists()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00", "2026-03-02", "soon"])
def test_a_moment_that_cannot_be_planned_for_is_refused(at: str, company: Path, twohour: Any) -> None:
    answer = twohour("plan", "--at", at)
    assert (answer.status, at in answer.err) == (2, True)


def test_a_number_beyond_every_plan_is_refused(installation: Path, twohour: Any) -> None:
    assert twohour("show", 10**22).status == 2


@pytest.mark.parametrize("words", [("show", 99), ("approve", 99), ("publish", 99), ("export", "--plan", 99, "--out", "x.json")])
def test_an_unknown_plan_is_named(words: tuple[object, ...], installation: Path, twohour: Any) -> None:
    answer = twohour(*words)
    assert answer.status == 2
    assert "Plan 99 does not exist; `twohour show` lists" in answer.err
    assert not (installation / "x.json").exists()


def test_an_exported_plan_is_solved_again_the_same(drafted: int, company: Path, twohour: Any) -> None:
    answer = twohour("export", "--plan", drafted, "--out", "case.json", "--plan-out", "plan.json", "--json")
    again = one_object(answer.out)["again"].split()
    assert twohour(*again[1:]).status == 0
    assert read_plan(company / "again.json").routes == read_plan(company / "plan.json").routes


def test_an_exported_plan_remembers_its_workers(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_SOLVER_WORKERS", "3")
    planned = one_object(twohour("plan", "--at", AT, "--iterations", 20, "--json").out)
    monkeypatch.delenv("TWOHOUR_SOLVER_WORKERS")
    told = one_object(twohour("export", "--plan", planned["plan"], "--out", company / "case.json", "--json").out)
    assert told["workers"] == 3
    assert "--workers 3" in told["again"]


def test_the_command_that_export_prints_can_be_pasted(drafted: int, company: Path, twohour: Any) -> None:
    again = one_object(twohour("export", "--plan", drafted, "--out", "my case.json", "--json").out)["again"]
    assert "'my case.json'" in again


def test_a_plan_for_sure_remembers_its_aim_and_is_exported_with_it(company: Path, twohour: Any) -> None:
    planned = one_object(twohour("plan", "--at", AT, "--iterations", 20, "--sure", 0.8, "--json").out)
    assert planned["chances"]["expected_in_time"].keys() == planned["service"].keys()
    assert "expected in time" in twohour("show", planned["plan"]).out
    told = one_object(twohour("export", "--plan", planned["plan"], "--out", company / "case.json", "--json").out)
    assert "--sure 0.8" in told["again"]


def test_planning_an_empty_store_says_what_to_import(installation: Path, twohour: Any) -> None:
    answer = twohour("plan", "--iterations", 5)
    assert answer.status == 2
    assert "twohour import" in answer.err
    assert one_object(twohour("show", "--json").out) == {"plans": []}
    assert "twohour plan" in twohour("show").out


def test_a_day_without_tickets_is_a_plan(company: Path, twohour: Any) -> None:
    with sqlite3.connect(company / "store.sqlite") as database:
        database.execute("update ticket set state = 'done'")
    answer = twohour("plan", "--at", AT, "--iterations", 5, "--json")
    assert (answer.status, one_object(answer.out)["cost"]["total"]) == (0, 0)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("plan", "--at", "tomorrow"), "tomorrow"),
        (("plan", "--at", "2026-03-02T08:00:00"), "offset"),
        (("plan", "--seconds", "-1"), "--seconds"),
        (("plan", "--seconds", "nan"), "--seconds"),
        (("plan", "--iterations", "-5"), "--iterations"),
        (("plan", "--seed", "-1"), "--seed"),
        (("show", "one"), "PLAN"),
        (("approve",), "PLAN"),
    ],
)
def test_bad_words_give_status_2(words: tuple[str, ...], names: str, company: Path, twohour: Any) -> None:
    answer = twohour(*words)
    assert answer.status == 2
    assert names in answer.err
    assert one_object(twohour("show", "--json").out) == {"plans": []}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_its_use(command: str, twohour: Any) -> None:
    answer = twohour(command, "--help")
    assert answer.status == 0
    assert "Usage: twohour" in answer.out


# terminals, pipes and hostile names


def test_names_cannot_steer_the_terminal(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(company / "store.sqlite") as database:
        database.execute("update ticket set title = ?", (HOSTILE,))
        database.execute("update technician set name = ?", (HOSTILE,))
        database.execute("update site set name = ?", (HOSTILE,))
    monkeypatch.setenv("FORCE_COLOR", "1")
    said = [twohour("plan", "--at", AT, "--iterations", 30), twohour("show", 1), twohour("show")]
    for answer in said:
        assert answer.status == 0, answer.err
        assert "\x07" not in answer.out
        assert "\x1b[31mred" not in answer.out
    assert "[red]Pump[/red]" in re.sub(r"\x1b\[[0-9;]*m|\s", "", said[1].out)


def test_an_error_cannot_steer_the_terminal(installation: Path, twohour: Any) -> None:
    answer = twohour("import", "\x1b[31mevil.csv", "--table", "sites")
    assert answer.status == 2
    assert not ANSI.search(answer.err)


def test_what_is_piped_has_no_colours(drafted: int, twohour: Any) -> None:
    for words in (("show",), ("show", drafted), ("doctor",), ("publish", "--help")):
        assert not ANSI.search(twohour(*words).out)


def test_a_reader_that_goes_away_is_no_error(drafted: int, company: Path) -> None:
    words = [sys.executable, "-c", "from console.cli import main; main()", "show", str(drafted)]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


# doctor and settings


def test_doctor_says_that_everything_works(company: Path, twohour: Any) -> None:
    answer = twohour("doctor", "--json")
    said = one_object(answer.out)
    assert (answer.status, said["ok"]) == (0, True), said
    assert {part["part"] for part in said["parts"]} >= {
        "Python",
        "search",
        "solver",
        "database",
        "policy",
        "Prefect",
        "roads",
        "gazetteer",
        "output",
    }
    assert "✓" in twohour("doctor").out


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("postgresql://me:s3cret@127.0.0.1:9/twohour", "127.0.0.1:9"),
        ("oracle://me:s3cret@db/twohour", "oracle"),
        ("s3cret", "database URL"),
    ],
)
def test_doctor_names_a_database_that_does_not_answer_without_its_password(
    url: str, names: str, installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWOHOUR_DATABASE_URL", url)
    for words in (("doctor",), ("doctor", "--json"), ("show",)):
        answer = twohour(*words)
        assert answer.status != 0
        assert names in answer.out + answer.err
        assert "s3cret" not in answer.out + answer.err
        assert "Traceback" not in answer.err


def test_doctor_names_what_else_is_broken(installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_POLICY", "vodka")
    monkeypatch.setenv("TWOHOUR_TRAVEL_PROVIDER", "osrm")
    monkeypatch.setenv("TWOHOUR_OSRM_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    (installation / "papers").write_text("a file where a folder should be", encoding="utf-8")
    answer = twohour("doctor", "--json")
    broken = {part["part"] for part in one_object(answer.out)["parts"] if part["ok"] is False}
    assert (answer.status, broken) == (1, {"policy", "roads", "Prefect", "output"})


def test_a_bad_setting_gives_status_2_and_names_it(installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_SEED", "many")
    for words in (("show",), ("plan",), ("doctor",)):
        answer = twohour(*words)
        assert (answer.status, "TWOHOUR_SEED" in answer.err) == (2, True)


# spoilt files


SPOILT = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(
        st.lists(st.sampled_from(["ST-1", "", "31.2", "1e308", "NaN", "=1+1", "\x00", "id", "lat", '"', "<b>", "上海"]), max_size=6),
        max_size=4,
    ).map(lambda rows: ("id,name,lat,lon\n" + "\n".join(map(",".join, rows))).encode()),
    st.binary(max_size=60).map(lambda tail: b"PK\x03\x04" + tail),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=SPOILT, suffix=st.sampled_from([".csv", ".xlsx"]), named=st.booleans())
def test_spoilt_tables_never_give_a_traceback(content: bytes, suffix: str, named: bool, installation: Path, twohour: Any) -> None:
    file = installation / f"stations{suffix}"
    file.write_bytes(content)
    answer = twohour("import", file, "--dry-run", *(("--table", "stations") if named else ()))
    assert answer.status in (0, 1, 2), (content, answer.err)
    assert "Traceback" not in answer.err
    assert "fault of twohour" not in answer.err
    assert answer.status != 2 or answer.err.strip()
