"""How fast and in how much memory a file is imported: rows a second, seconds and peak megabytes, each step in its own process.

    python benchmarks/import_rows.py [--rows 50000] [--url sqlite:///import.sqlite] [--format csv|xlsx]

Steps: the file goes in, goes in again (nothing changes), goes in with every row changed. The database must be empty before.
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from data_models.intake.load import import_file
from data_models.store import open_store

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HEADER = ["id", "customer", "name", "address", "region", "lat", "lon"]


def main() -> None:
    """Measures each step and prints a line for it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--format", choices=["csv", "xlsx"], default="csv")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _measure(options.url, Path(options.file), options.step)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{folder}/import.sqlite"
        customers = Path(folder) / "customers.csv"
        customers.write_text("id,name,tier\nC-1,Lake,A\n")
        with open_store(url) as store:
            import_file(store, "customers", customers, now=NOW)
        for step, word in (("new", "Site"), ("again", "Site"), ("changed", "Place")):
            path = Path(folder) / f"{word}.{options.format}"
            if not path.exists():
                _write(path, options.rows, word)
            subprocess.run([sys.executable, __file__, "--step", step, "--url", url, "--file", str(path)], check=True)


def _measure(url: str, path: Path, step: str) -> None:
    start = time.perf_counter()
    with open_store(url) as store:
        report = import_file(store, "sites", path, now=NOW)
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = f"{report.inserted} in, {report.updated} changed, {report.unchanged} as before, {report.rejected} rejected"
    print(f"{step:8} {path.suffix[1:]:5} {report.rows / seconds:8.0f} rows/s {seconds:6.1f} s {peak_mb:6.0f} MB   {counts}")


def _write(path: Path, count: int, word: str) -> None:
    rows = (
        [
            f"S-{number:06}",
            "C-1",
            f"{word} 无锡工厂 {number}",
            f"江苏省无锡市滨湖区蠡湖大道{number}号",
            "华东",
            20 + number % 30_000 / 1000,
            100 + number / 5000,
        ]
        for number in range(count)
    )
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows])
        return
    import xlsxwriter

    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    for position, row in enumerate([HEADER, *rows]):
        sheet.write_row(position, 0, row)
    book.close()


if __name__ == "__main__":
    main()
