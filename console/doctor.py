"""`doctor`: what of the installation works, tried for real, with the remedy where it does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from data_models.errors import TwohourError

if TYPE_CHECKING:
    from config.settings import Settings


@dataclass(frozen=True)
class Finding:
    """The outcome of one trial: `ok` is None where the part is optional and absent."""

    part: str
    ok: bool | None
    says: str


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False) -> None:
    """Say what of the installation works, and what to do about the rest."""
    from rich.table import Table

    from config.settings import load_settings
    from console.printing import plain, print_json, terminal

    settings = load_settings()
    findings = [_try(part, trial, settings) for part, trial in TRIALS]
    broken = any(finding.ok is False for finding in findings)
    if as_json:
        print_json({"ok": not broken, "parts": [asdict(finding) for finding in findings]})
    else:
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]–[/]"}
        for finding in findings:
            table.add_row(marks[finding.ok], finding.part, plain(finding.says))
        terminal().print(table)
    if broken:
        raise typer.Exit(1)


class Absent(Exception):
    """An optional part is not installed; the text says how to get it."""


def _try(part: str, trial: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(part, True, trial(settings))
    except Absent as absence:
        return Finding(part, None, str(absence))
    except TwohourError as error:
        return Finding(part, False, str(error).replace("\n", "; "))
    except Exception as error:  # noqa: BLE001  (whatever is wrong is what this command is for)
        return Finding(part, False, f"{type(error).__name__}: {error}".splitlines()[0])


def _python(_: Settings) -> str:
    return f"{sys.version.split()[0]} at {sys.prefix}"


def _solver(_: Settings) -> str:
    from importlib.metadata import version

    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    manager = pywrapcp.RoutingIndexManager(3, 1, 0)
    model = pywrapcp.RoutingModel(manager)
    transit = model.RegisterTransitMatrix([[0, 1, 9], [9, 0, 1], [1, 9, 0]])
    model.SetArcCostEvaluatorOfAllVehicles(transit)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    solution = model.SolveWithParameters(parameters)
    if solution is None or solution.ObjectiveValue() != 3:
        raise RuntimeError("OR-Tools does not find a tour of length 3; reinstall with `make clean demo`")
    return f"OR-Tools {version('ortools')} solves"


def _search(_: Settings) -> str:
    from importlib.metadata import version

    from data_models.case import Case, GreatCircle, Shift, Station, Technician, Ticket
    from flows.planning import SearchLimit, solve

    began = datetime.now(UTC)
    shift = Shift(began, began + timedelta(hours=8))
    station, somebody = Station("S", "", 31.0, 121.0), Technician("W", "", "S", {}, (shift,))
    ticket = Ticket("T", 31.1, 121.1, "general", "C", began, began + timedelta(hours=4), 30.0, 1.0, 1.0, 1000.0)
    case = Case("doctor", began, GreatCircle("great_circle", 1.3, 70.0), (station,), (somebody,), (ticket,))
    if solve(case, SearchLimit(iterations=10), 1).unassigned:
        raise RuntimeError("the compiled search does not plan one ticket; reinstall with `make clean demo`")
    return f"compiled by numba {version('numba')}, solves"


def _database(settings: Settings) -> str:
    from data_models.store import open_store

    with open_store(settings.database_url.get_secret_value()) as store:
        return store.describe()


def _policy(settings: Settings) -> str:
    from config.policies import load_policy

    return f"{load_policy(settings.policy, settings.policy_dir).name} is read without an error"


def _prefect(_: Settings) -> str:
    from importlib.metadata import version

    import httpx
    import prefect.settings

    url = os.environ.get("PREFECT_API_URL") or prefect.settings.PREFECT_API_URL.value()
    if not url:
        raise Absent(f"Prefect {version('prefect')}, no server named; `twohour up` runs one, PREFECT_API_URL names another")
    httpx.get(f"{url}/health", timeout=5).raise_for_status()
    return f"Prefect {version('prefect')}, server at {url} answers"


def _roads(settings: Settings) -> str:
    if settings.travel_provider == "great_circle":
        raise Absent("great circle is in use; TWOHOUR_TRAVEL_PROVIDER=osrm asks a road server")
    from data_models.datum import Point
    from data_models.store import open_store
    from data_models.travel.provider import matrix
    from flows.dispatch import travel_provider

    with open_store(settings.database_url.get_secret_value()) as store:
        times = matrix([Point(31.23, 121.47), Point(31.3, 120.6)], travel_provider(store, settings, cached=False))
    return f"{times.source} answers"


def _output(settings: Settings) -> str:
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    probe = settings.output_dir / ".doctor"
    probe.write_text("")
    probe.unlink()
    return f"{settings.output_dir} can be written"


def _gazetteer(_: Settings) -> str:
    from data_models.gazetteer.geocoder import read_cities

    return f"{len(read_cities())} cities for addresses without coordinates"


TRIALS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("Python", _python),
    ("search", _search),
    ("solver", _solver),
    ("database", _database),
    ("policy", _policy),
    ("Prefect", _prefect),
    ("roads", _roads),
    ("gazetteer", _gazetteer),
    ("output", _output),
)
