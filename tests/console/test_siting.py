"""`twohour locate` as a user or a program calls it: a file in, exit status and a file out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from data_models.siting import SITING_MODELS
from data_models.siting_files import choice_json, parse_choice, parse_siting, read_choice, read_siting, siting_json
from optimizer.compiling import FRONTIER, make_ready
from optimizer.siting_check import check_siting


def siting(**changes: Any) -> dict[str, Any]:
    """Three stations along a meridian, four customers: one degree is 124 minutes of driving."""
    given: dict[str, Any] = {
        "format": "siting-case/1",
        "name": "Three cities",
        "travel": {"kind": "great_circle", "detour": 1.3, "speed_kmh": 70},
        "sites": [
            {"id": "XA", "name": "西安", "lat": 34.0, "lon": 109, "open": "may", "yearly_cost": 830_000},
            {"id": "LZ", "name": "兰州", "lat": 36.0, "lon": 109, "open": "may", "yearly_cost": 700_000, "capacity": 40},
            {"id": "YC", "name": "银川", "lat": 38.0, "lon": 109, "open": "may", "yearly_cost": 650_000},
        ],
        "demand": [
            {"id": "a", "lat": 34.5, "lon": 109, "weight": 12},
            {"id": "b", "lat": 35.0, "lon": 109, "weight": 7.5},
            {"id": "c", "lat": 36.5, "lon": 109, "weight": 3},
            {"id": "d", "lat": 38.2, "lon": 109, "weight": 2, "minutes": 240},
        ],
        "minutes": 130,
        "model": "mclp",
        "p": 2,
        "busy": 0.4,
    }
    return given | changes


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "siting.json"
    path.write_text(json.dumps(siting(**changes)), encoding="utf-8")
    return path


@pytest.mark.parametrize("model", SITING_MODELS)
def test_every_model_writes_a_choice_that_the_check_accepts(model: str, tmp_path: Path, twohour: Any) -> None:
    case_file, out = written(tmp_path, model=model), tmp_path / "choice.json"
    make_ready(kernels=FRONTIER)  # else the frontier says that it compiles
    done = twohour("locate", case_file, "--out", out)
    assert (done.status, done.err) == (0, "")
    document = json.loads(out.read_text(encoding="utf-8"))
    named = {"format", "case", "open", "serves", "objective", "bound", "proven", "seconds"}
    assert set(document) == named | ({"points"} if model == "frontier" else set())
    assert document["case"] == "Three cities"
    assert document["proven"] is True
    assert check_siting(read_siting(case_file), read_choice(out)) == ()


def test_most_weight_covered_by_two(tmp_path: Path, twohour: Any) -> None:
    # Within 130 minutes, 1.05 degrees: XA a b 19.5, LZ b c 10.5, YC d 2. XA LZ 22.5, XA YC 21.5.
    out = tmp_path / "choice.json"
    done = twohour("locate", written(tmp_path), "--out", out)
    assert "22.5 weight, proven: no choice is better" in done.out
    assert "not served: d" in done.out
    assert json.loads(out.read_text())["open"] == ["XA", "LZ"]


def test_one_json_object_for_machines(tmp_path: Path, twohour: Any) -> None:
    done = twohour("locate", written(tmp_path, model="frontier"), "--out", tmp_path / "choice.json", "--json")
    told = json.loads(done.out)
    assert told["points"][0] == {"yearly_cost": 0, "covered": 0, "open": []}
    assert told["violations"] == []


def test_an_infeasible_request_names_the_least_that_would_do(tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "choice.json"
    done = twohour("locate", written(tmp_path, p=4), "--out", out)
    assert done.status == 1
    assert "p is 4, but there are only 3 sites to open; give p at most 3" in done.err
    assert not out.exists()
    done = twohour("locate", written(tmp_path, budget=649_999), "--out", out)
    assert (done.status, done.err) == (
        1,
        "twohour: budget is 649,999, below the cheapest site, YC; the least that would do is 650,000 a year\n",
    )
    done = twohour("locate", written(tmp_path, model="lscp", minutes=50), "--out", out)
    assert done.status == 1
    assert "demand[0] (a): no site that may open covers it within 50 min; the nearest that may open, XA, is 61.97 min away" in done.err


BAD = [
    ({"p": 0}, "p is 0; give 1 to"),
    ({"p": 1.5}, "p is 1.5; give a whole number"),
    ({"p": None}, 'p is missing; the model "mclp" needs it, or budget'),
    ({"model": "mexclp", "busy": None}, 'busy is missing; the model "mexclp" needs it'),
    ({"model": "mexclp", "busy": 1.5}, "busy is 1.5; give 0 to 1"),
    ({"model": "mexclp", "p": 1001}, "p is 1001 crews; give at most 1,000"),
    ({"model": "best"}, 'model is "best"; give one of'),
    ({"minutes": -1}, "minutes is -1; give 0 to"),
    ({"budget": -5}, "budget is -5; give 0 to"),
    ({"sites": []}, "sites is empty; give at least one"),
    ({"demand": []}, "demand is empty; give at least one"),
    ({"radius": 3}, "radius"),
    ({"format": "dispatch-case/1"}, 'format is "dispatch-case/1"; give "siting-case/1"'),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_named_and_nothing_is_written(changes: dict[str, Any], message: str, tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "choice.json"
    done = twohour("locate", written(tmp_path, **changes), "--out", out)
    assert done.status == 2
    assert message in done.err
    assert not out.exists()


@pytest.mark.parametrize("weight", [0, -3])
def test_demand_without_weight_is_bad_input(weight: float, tmp_path: Path, twohour: Any) -> None:
    demand = siting()["demand"]
    demand[1]["weight"] = weight
    done = twohour("locate", written(tmp_path, demand=demand), "--out", tmp_path / "choice.json")
    assert done.status == 2
    assert f"demand[1] (b): weight is {weight}; give more than 0" in done.err


def test_must_and_never_on_one_site_is_bad_input(tmp_path: Path, twohour: Any) -> None:
    sites = siting()["sites"]
    sites[0]["open"] = "must"
    sites.append(sites[0] | {"open": "never"})
    done = twohour("locate", written(tmp_path, sites=sites), "--out", tmp_path / "choice.json")
    assert done.status == 2
    assert 'sites[3] (XA): open is "never", but "must" in sites[0] of the same id; a site cannot be both, keep one' in done.err


def test_a_matrix_needs_places(tmp_path: Path, twohour: Any) -> None:
    square = [[0] * 7 for _ in range(7)]
    done = twohour(
        "locate", written(tmp_path, travel={"kind": "matrix", "seconds": square, "metres": square}), "--out", tmp_path / "c.json"
    )
    assert done.status == 2
    assert "sites[0] (XA): place is missing; with a travel matrix, give the index of its row" in done.err


def test_the_case_itself_is_not_replaced(tmp_path: Path, twohour: Any) -> None:
    case_file = written(tmp_path)
    assert twohour("locate", case_file, "--out", case_file).status == 2
    assert parse_siting(case_file.read_bytes()).name == "Three cities"


def test_cases_and_choices_read_back_as_written(tmp_path: Path, twohour: Any) -> None:
    case_file, out = written(tmp_path, model="frontier"), tmp_path / "choice.json"
    case = read_siting(case_file)
    assert parse_siting(siting_json(case)) == case
    assert twohour("locate", case_file, "--out", out).status == 0
    choice = read_choice(out)
    assert parse_choice(choice_json(choice)) == choice


def test_its_help_loads_no_solver() -> None:
    code = "import sys, console.siting; print(sorted({'ortools', 'numba', 'numpy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
