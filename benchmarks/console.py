"""How quick the console is in a coordinator's hands, in a real Chromium, with a day of 600 tickets and 250 technicians.

    python -m benchmarks.console [--tickets 600] [--seconds 60] [--store FOLDER] [--rounds 7] --out console.json

A company is made of a case of `made_cases`, planned for `--seconds` and published; beside it stands a draft of another seed, so that many
visits change. The console runs in a process of its own. Measured are

- `open`: from the navigation until list, map and timeline are drawn and the page takes input, each time in a browser that knows nothing,
  and what the page's main thread used of the processor for it;
- `data`: what the page's scripts hold on the heap beyond what a page of ours without a plan holds, rubbish collected;
- `drag`: frames a second while a visit is dragged over the timeline, and the longest time between two frames;
- `try` and `keep`: a change by hand at the server, answered and kept, wall time and the time of the processor beside it;
- `why` and `others`: what the pane shows of a ticket, asked for first.

Wall time depends on what else the machine does: look at the processor's too. With `--store` the company's file is kept and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.editing import changes
from benchmarks.first_answer import fill
from benchmarks.judging import ROOT
from benchmarks.made_cases import NOW, SHAPES, make_case
from config.settings import Settings
from data_models.store import open_store
from data_models.store.people import add_person
from flows import dispatch
from flows.editing import open_draft
from flows.manual_changes import change_facts
from flows.planning import SearchLimit, judge, solve

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

PASSWORD = "of a benchmark alone"  # noqa: S105
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-precise-memory-info")
EDITS = 65
FRAMES = """() => {
    const seen = (window.frames_seen = []);
    const note = (at) => { seen.push(at); window.counting && requestAnimationFrame(note); };
    window.counting = true;
    requestAnimationFrame(note);
}"""


@dataclass(frozen=True)
class Row:
    """One figure: median, least and most of so many; `processor_ms` is the median of the server's time beside it, where there is one."""

    what: str
    unit: str
    median: float
    least: float
    ninetieth: float
    most: float
    count: int
    processor_ms: float | None = None
    processor_most_ms: float | None = None


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve(options.serve)
        return
    with tempfile.TemporaryDirectory() as temporary:
        kept = (options.store or Path(temporary)) / f"console-{options.tickets}.sqlite"
        if not kept.exists():
            _fill(kept, options.tickets, options.seconds)
        file = Path(temporary) / "used.sqlite"
        shutil.copyfile(kept, file)
        rows = []
        for row in _measured(file, options.rounds):
            rows.append(row)
            beside = "" if row.processor_ms is None else f"; processor {row.processor_ms:.0f}, at most {row.processor_most_ms:.0f} ms"
            spread = f"{row.least:.4g} to {row.most:.4g}, 9 of 10 within {row.ninetieth:.4g}"
            print(f"{row.what}: median {row.median:.4g} {row.unit} ({spread}, of {row.count}){beside}", flush=True)
            if options.out:
                options.out.write_text(json.dumps([asdict(each) for each in rows]), encoding="utf-8")


def _fill(file: Path, tickets: int, seconds: float) -> None:
    """The company, its published plan, a draft beside it and somebody who may change it."""
    settings = Settings()
    with open_store(f"sqlite:///{file}") as store:
        fill(store, settings, make_case(replace(SHAPES["usual"], tickets=tickets), 1), seconds)
        later = NOW + timedelta(minutes=1)
        snapshot = dispatch.make_snapshot(store, settings, dispatch.read_facts(store, settings, later))
        plan = solve(snapshot.case, SearchLimit(seconds), 2, workers=1)
        dispatch.keep_draft(store, settings, snapshot, judge(snapshot.case, plan), seed=2, at=later, parent=1)
        with store.session() as session:
            add_person(session, "li", "Li", "coordinator", NOW, password=PASSWORD)


def _serve(file: Path) -> None:
    """The console at a free port, which is told on standard output; answers carry what they took."""
    import uvicorn
    from fastapi import Request, Response

    from console.web.application import make_console

    with open_store(f"sqlite:///{file}") as store:
        console = make_console(store, Settings(output_dir=file.parent / "papers"), now=lambda: NOW + timedelta(minutes=2))

        @console.middleware("http")
        async def timed(request: Request, call_next: Callable[[Request], Any]) -> Response:
            began, used = time.perf_counter(), time.process_time()
            answer: Response = await call_next(request)
            answer.headers["x-wall-ms"] = f"{1000 * (time.perf_counter() - began):.1f}"
            answer.headers["x-processor-ms"] = f"{1000 * (time.process_time() - used):.1f}"
            return answer

        config = uvicorn.Config(console, port=0, log_level="warning")
        config.load()
        listening = config.bind_socket()
        listening.listen(100)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run([listening])


@contextmanager
def _served(file: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "benchmarks.console", "--serve", str(file)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip() if server.stdout else ""
        finally:
            server.terminate()


def _measured(file: Path, rounds: int) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright

    found = os.environ.get("TWOHOUR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with _served(file) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        known = browser.new_context()
        _log_in(known, address)
        state = known.storage_state()

        def fresh() -> BrowserContext:
            return browser.new_context(viewport={"width": 1366, "height": 768}, storage_state=state, locale="en-GB")

        yield _row("open, plan new to the server", "s", [_opened(fresh(), f"{address}/plans/2")[0]])
        opened = [_opened(fresh(), f"{address}/plans/2") for _ in range(rounds)]
        yield _row("open", "s", [seconds for seconds, _ in opened])
        yield _row("open, processor of the page's main thread", "s", [used for _, used in opened])
        yield _row("data", "MB", [_held(fresh(), address) for _ in range(min(rounds, 3))])
        drags = [_dragged(fresh(), f"{address}/plans/2") for _ in range(rounds)]
        yield _row("drag", "frames/s", [rate for rate, _ in drags])
        yield _row("drag, longest between two frames", "ms", [longest for _, longest in drags])
        yield from _edits(file, known, address)
        browser.close()


def _log_in(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("#login", "li")
    page.fill("#password", PASSWORD)
    page.locator("form[action='/login'] button").click()
    page.wait_for_url(f"{address}/plans/*")
    page.close()


def _ready(page: Page, address: str) -> None:
    page.goto(address, wait_until="commit")
    page.wait_for_selector("body[data-ready] #timeline .vis-item.visit", state="attached")


def _opened(context: BrowserContext, address: str) -> tuple[float, float]:
    """Seconds until the page is drawn, and those of the processor that its main thread used for it."""
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    tools.send("Performance.enable")
    _ready(page, address)
    drawn = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
    seconds = float(page.evaluate(drawn)) / 1000
    used = {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}
    context.close()
    return seconds, float(used["TaskDuration"])


def _held(context: BrowserContext, address: str) -> float:
    """Megabytes on the heap of the plan page beyond those of the list of plans."""
    sizes = []
    for path in ("/plans", "/plans/2"):
        page = context.new_page()
        page.goto(address + path)
        if path != "/plans":
            page.wait_for_selector("body[data-ready]")
        tools = context.new_cdp_session(page)
        tools.send("HeapProfiler.collectGarbage")
        sizes.append(tools.send("Runtime.getHeapUsage")["usedSize"])
        page.close()
    context.close()
    return float(sizes[1] - sizes[0]) / 1e6


def _dragged(context: BrowserContext, address: str) -> tuple[float, float]:
    """Frames a second while a visit is dragged across rows and hours, and the longest milliseconds between two."""
    page = context.new_page()
    _ready(page, address)
    bar = page.locator("#timeline .vis-item.visit").first
    box = bar.bounding_box()
    area = page.locator("#timeline .vis-panel.vis-center").bounding_box()
    if box is None or area is None:
        raise RuntimeError("no visit is in sight")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.evaluate(FRAMES)
    for step in range(120):
        x = area["x"] + 60 + (area["width"] - 120) * (step % 60) / 60
        page.mouse.move(x, area["y"] + 20 + (area["height"] - 50) * step / 120)
    seen = page.evaluate("() => { window.counting = false; return window.frames_seen; }")
    page.mouse.up()
    context.close()
    gaps = [later - sooner for sooner, later in pairwise(seen)]
    return 1000 * len(gaps) / (seen[-1] - seen[0]), max(gaps)


def _edits(file: Path, context: BrowserContext, address: str) -> Iterator[Row]:
    """Changes of all kinds at the server; what was kept stays, as in a coordinator's day."""
    page = context.new_page()
    page.goto(f"{address}/plans/2")
    headers = {"X-CSRF-Token": page.locator("meta[name=csrf-token]").get_attribute("content") or "", "Accept": "application/json"}
    rng, settings = random.Random(1), Settings()
    spent: dict[str, list[tuple[float, float]]] = {"try": [], "keep": [], "why": [], "others": [], "redrawn": []}

    def timed(what: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{address}/plans/2/{path}"
        answer = context.request.get(url, headers=headers) if body is None else context.request.post(url, data=body, headers=headers)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status} {answer.text()[:300]}")
        spent[what].append((float(answer.headers["x-wall-ms"]), float(answer.headers["x-processor-ms"])))
        return answer

    with open_store(f"sqlite:///{file}") as store:
        for number in range(EDITS):
            draft = open_draft(store, settings, 2)
            possible = list(changes(draft.state, rng))
            change = change_facts(possible[number % len(possible)])
            tried = timed("try", "changes/try", {"change": change}).json()
            if tried["accepted"]:
                timed("keep", "changes", {"change": change, "seen": draft.seen, "reason": "safety"})
                timed("redrawn", "data")
        draft = open_draft(store, settings, 2)
        late = [each.ticket for each in draft.state.plan.unassigned][:15]
        for ticket in late:
            timed("why", f"tickets/{ticket}/why")
        for ticket in rng.sample(sorted({stop.ticket for route in draft.state.plan.routes for stop in route.stops}), 20):
            timed("others", f"tickets/{ticket}/others")
    for what, times in spent.items():
        if times:
            yield _row(what, "ms", [wall for wall, _ in times], [used for _, used in times])


def _row(what: str, unit: str, values: Sequence[float], processor: Sequence[float] | None = None) -> Row:
    ordered = sorted(values)
    return Row(
        what,
        unit,
        round(statistics.median(ordered), 3),
        round(ordered[0], 3),
        round(ordered[len(ordered) * 9 // 10] if len(ordered) > 1 else ordered[0], 3),
        round(ordered[-1], 3),
        len(ordered),
        None if processor is None else round(statistics.median(processor), 1),
        None if processor is None else round(max(processor), 1),
    )


if __name__ == "__main__":
    main()
