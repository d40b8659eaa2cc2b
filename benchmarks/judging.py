"""The reference judge as a process of its own, and what machine and commit a measurement belongs to."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
JUDGE = SHARED / "tools" / "score_plan.py"
PACKAGES = ("ortools", "pyvrp", "pyvroom", "numba", "numpy")


def judged(case: Path, plan: Path) -> dict[str, Any]:
    """What the reference judge says of a plan: cost, rules broken, emergencies.

    Returns
    -------
    dict
        `cost`, `skipped` (the part of the cost for tickets that are not planned), `broken` (rules broken), `on_time` and
        `emergencies`, `planned` and `tickets`.
    """
    told = subprocess.run([sys.executable, str(JUDGE), str(case), str(plan), "--json"], capture_output=True, text=True, check=False)
    if told.returncode not in (0, 1):
        raise RuntimeError(f"{plan}: the judge cannot read it: {told.stderr.strip()}")
    verdict = json.loads(told.stdout)
    rows = verdict["service"]["by_severity"]
    urgent = rows.get("emergency", {"on_time": 0, "tickets": 0})
    return {
        "cost": verdict["cost"]["total"],
        "skipped": verdict["cost"]["skipped"],
        "broken": len(verdict["violations"]),
        "on_time": urgent["on_time"],
        "emergencies": urgent["tickets"],
        "planned": sum(row["planned"] for row in rows.values()),
        "tickets": sum(row["tickets"] for row in rows.values()),
    }


def must_be_here() -> None:
    """Ends the program when cases, instances and judge are not beside the repository."""
    if not JUDGE.exists():
        sys.exit(f"{SHARED} is not here: the cases to measure on and their judge lie beside the repository, not in it")


def commit() -> str:
    """The commit that is measured, marked when files differ from it."""
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT)
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False, cwd=ROOT)
    return (head.stdout.strip() or "unknown") + ("-changed" if changed.stdout.strip() else "")


def processor() -> str:
    """The processor's name and how many cores there are."""
    import os

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores"


def versions() -> str:
    """Python and the solvers."""
    parts = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"{package} absent")
    return ", ".join(parts)
