"""How long siting takes: p-medians of the OR-Library, maximal covering beside spopt, a frontier, and a large coverage.

    python -m benchmarks.siting [--pmed FOLDER] [--only pmedian,covering,frontier,coverage] [--seconds 60] [--instances pmed1,pmed16]

FOLDER holds `pmed1.txt` … of J. E. Beasley's OR-Library (people.brunel.ac.uk/~mastjjb/jeb/orlib/pmedinfo.html) and `pmedopt.csv`
(instance,optimum). spopt with HiGHS is a peer: it is of the extra `bench`, and left out with a word where it is not installed. It runs in a
process of its own, since HiGHS of its own and that of OR-Tools do not get on in one. Times are of the processor: they hold on a busy
machine too.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_models.case import GreatCircle
from data_models.siting import CandidateSite, DemandPoint, SitingCase
from optimizer.siting import locate
from optimizer.siting_check import check_siting
from optimizer.siting_found import Time
from optimizer.siting_median import least_drive
from optimizer.siting_problem import Sites
from optimizer.siting_travel import covered_bits

Floats = NDArray[np.float64]
PARTS = ("pmedian", "covering", "frontier", "coverage")


def main() -> None:
    """Prints a row for each instance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pmed", type=Path, help="folder of the OR-Library's p-medians")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--instances", default="")
    parser.add_argument("--peer", default=sys.executable, help="a Python that has spopt")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if "pmedian" in wanted:
        if options.pmed is None:
            print("p-medians: give --pmed FOLDER, they are not part of the repository")
        else:
            _medians(options.pmed, options.instances.split(",") if options.instances else None, options.seconds)
    if "covering" in wanted:
        _coverings(options.seconds, options.peer)
    if "frontier" in wanted:
        _frontiers(options.seconds)
    if "coverage" in wanted:
        _coverage()


def read_pmed(path: Path) -> tuple[Floats, int]:
    """All shortest paths of an OR-Library p-median, `(n, n)`, and p. An edge that stands twice counts as it stands last."""
    numbers = path.read_text().split()
    n, edges, p = map(int, numbers[:3])
    drive = np.full((n, n), np.inf)
    np.fill_diagonal(drive, 0.0)
    for a, b, length in np.array(numbers[3 : 3 + 3 * edges], float).reshape(-1, 3):
        drive[int(a) - 1, int(b) - 1] = drive[int(b) - 1, int(a) - 1] = length
    for middle in range(n):
        np.minimum(drive, drive[:, middle, None] + drive[None, middle], out=drive)
    return drive, p


def optima(folder: Path) -> dict[str, int]:
    """The known optimum of each instance."""
    with (folder / "pmedopt.csv").open() as file:
        return {row["instance"]: int(row["optimum"]) for row in csv.DictReader(file)}


def solve_pmed(drive: Floats, p: int, seconds: float) -> tuple[float, float]:
    """Objective and bound."""
    n = len(drive)
    sites = Sites(tuple(_site(i, 0, 0) for i in range(n)), np.arange(n), np.zeros(n, bool), np.ones(n), np.full(n, np.inf), p, None)
    found = least_drive(sites, drive, Time(time.process_time, time.process_time() + seconds))
    if found is None:
        raise ValueError("the graph is not connected")
    return found.objective, found.bound


def _medians(folder: Path, names: list[str] | None, seconds: float) -> None:
    print("p-median | nodes | p | known optimum | found | bound | CPU s")
    for name, optimum in optima(folder).items():
        if names is None or name in names:
            drive, p = read_pmed(folder / f"{name}.txt")
            begun = time.process_time()
            objective, bound = solve_pmed(drive, p, seconds)
            spent = time.process_time() - begun
            print(f"{name} | {len(drive)} | {p} | {optimum} | {objective:g} | {bound:g} | {spent:.1f}", flush=True)


def case_of(kind: str, model: str, n_sites: int, n_demand: int, minutes: float, seed: int, **given: Any) -> SitingCase:
    """A made case: places all over a region of 1,500 km × 1,100 km, or in towns of it."""
    chance = np.random.default_rng(seed)

    def places(n: int) -> tuple[Floats, Floats]:
        if kind == "even":
            return chance.uniform(27, 37, n), chance.uniform(105, 120, n)
        town = chance.integers(0, 60, n)
        return towns[0][town] + chance.normal(0, 0.4, n), towns[1][town] + chance.normal(0, 0.5, n)

    towns = chance.uniform(27, 37, 60), chance.uniform(105, 120, 60)
    lat, lon = places(n_sites)
    costs = chance.integers(500, 1500, n_sites) * 1000
    sites = tuple(_site(i, a, b, float(cost)) for i, (a, b, cost) in enumerate(zip(lat, lon, costs, strict=True)))
    lat, lon = places(n_demand)
    weight = chance.integers(1, 21, n_demand)
    demand = tuple(DemandPoint(f"D{i}", float(a), float(b), float(w)) for i, (a, b, w) in enumerate(zip(lat, lon, weight, strict=True)))
    return SitingCase(f"{kind} {minutes:g} min", GreatCircle("great_circle", 1.3, 70), sites, demand, minutes, model, **given)  # type: ignore[arg-type]


def _site(index: int, lat: float, lon: float, cost: float = 1.0) -> CandidateSite:
    return CandidateSite(f"S{index}", f"Site {index}", float(lat), float(lon), "may", cost)


def covering_cases() -> Iterator[SitingCase]:
    """2,000 demand points and 500 sites: from a few sites to nearly everything covered."""
    for kind in ("even", "towns"):
        for minutes in (60.0, 120.0, 240.0):
            for p in (5, 15, 40, 80):
                yield case_of(kind, "mclp", 500, 2000, minutes, 1, p=p)


def _coverings(seconds: float, peer: str) -> None:
    has_peer = subprocess.run([peer, "-c", "import spopt"], capture_output=True, check=False).returncode == 0
    if not has_peer:
        print("spopt is not installed: maximal covering without the peer")
    print("maximal covering | p | found | bound | CPU s | share covered | spopt | CPU s | times as long")
    for case in covering_cases():
        begun = time.process_time()
        choice = locate(case, seconds=seconds)
        spent = time.process_time() - begun
        weight = sum(point.weight for point in case.demand)
        row = f"{case.name} | {case.p} | {choice.objective:g} | {choice.bound:g} | {spent:.1f} | {choice.objective / weight:.1%}"
        theirs = by_spopt(case, peer, 3 * seconds) if has_peer else None
        print(row + ("" if theirs is None else f" | {theirs[0]:g} | {theirs[1]:.1f} | {theirs[1] / spent:.1f}"), flush=True)


_PEER = """
import json, sys, time, resource
import numpy as np, pulp
from spopt.locate import MCLP
case = json.load(open(sys.argv[1]))
begun = time.process_time()
model = MCLP.from_cost_matrix(np.array(case["minutes"]).T, np.array(case["weight"]), case["standard"], case["p"])
model = model.solve(pulp.HiGHS(msg=False, timeLimit=case["seconds"], threads=1, gapRel=0))
chosen = [j for j, x in enumerate(model.fac_vars) if x.value() > 0.5]
near = (np.array(case["minutes"])[chosen] <= case["standard"]).any(axis=0)
print(json.dumps([float(np.array(case["weight"])[near].sum()), time.process_time() - begun]))
"""


def by_spopt(case: SitingCase, peer: str, seconds: float) -> tuple[float, float] | None:
    """Weight covered and seconds of the processor, for the model and its solution, without reading the case."""
    from optimizer.siting_travel import drive_s

    minutes = drive_s(case.travel, case.sites, case.demand) / 60
    facts = {"minutes": minutes.tolist(), "weight": [point.weight for point in case.demand], "standard": case.minutes, "p": case.p}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.json"
        path.write_text(json.dumps(facts | {"seconds": seconds}))
        done = subprocess.run([peer, "-c", _PEER, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return None
    covered, spent = json.loads(done.stdout.strip().splitlines()[-1])
    return covered, spent


def _frontiers(seconds: float) -> None:
    print("frontier | sites | customers | points | all of them | CPU s | broken rules")
    for kind, minutes in (("even", 120.0), ("even", 240.0), ("towns", 120.0), ("towns", 240.0)):
        case = case_of(kind, "frontier", 60, 1000, minutes, 1)
        begun = time.process_time()
        choice = locate(case, seconds=2 * seconds, clock=time.process_time)
        spent = time.process_time() - begun
        broken = len(check_siting(case, choice))
        print(f"{case.name} | 60 | 1000 | {len(choice.points)} | {choice.proven} | {spent:.1f} | {broken}", flush=True)


def _coverage() -> None:
    case = case_of("even", "mclp", 1000, 100_000, 240.0, 1, p=20)
    begun = time.process_time()
    bits = covered_bits(case, case.sites)
    spent = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    share = np.unpackbits(bits, axis=1, count=len(case.demand)).mean()
    print("coverage | sites | demand points | pairs covered | CPU s | memory of the process, GB")
    print(f"{case.name} | 1000 | 100000 | {share:.1%} | {spent:.1f} | {peak:.2f}")


if __name__ == "__main__":
    main()
