"""Writes the tables into benchmarks/RESULTS.md between its markers, and the plot beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.judging import commit, processor, versions
from benchmarks.tables import tables

RESULTS = Path(__file__).parent / "RESULTS.md"
PICTURE = Path(__file__).parent / "cost-over-time.png"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"

Record = dict[str, Any]


def write_report(records: list[Record], answers: list[Record], command: str, results: Path = RESULTS, picture: Path = PICTURE) -> None:
    """Replaces what stands between the markers; everything else in the file stays.

    Raises
    ------
    ValueError
        The file has not got both markers, in their order.
    """
    from benchmarks.plot import draw

    text = results.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{results}: the markers {BEGIN} and {END} are missing; put them where the tables belong")
    commits = sorted({r["commit"] for r in records if r["solver"] == "ours"}) or [commit()]
    head = [
        f"Commit {', '.join(commits)}; {versions()}; {processor()}.",
        "One solver a process and core, equal wall time, judged by `score_plan.py`.",
        "",
        f"`{command}`",
        "",
    ]
    draw(records, picture)
    shown = [f"![Cost of the best plan over time, by solver]({picture.name})", ""] if picture.exists() else []
    results.write_text("\n".join([f"{before}{BEGIN}", "", *head, *shown, tables(records, answers), f"{END}{after}"]), encoding="utf-8")
