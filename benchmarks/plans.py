"""Which runs belong to a profile: cases, solvers with their settings, seeds, seconds. And how long they take together.

`quick` checks in some minutes that everything works, `full` is what RESULTS.md reports, `long` adds what takes hours: our own ten
minutes, and large cases against runs six times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

START_UP_S = 6.0  # what a run takes beyond its seconds: importing, reading, timing anew, judging

ORTOOLS = (
    "copies/PARALLEL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH",
    "copies/SAVINGS/GUIDED_LOCAL_SEARCH",
    "copies/LOCAL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH",
    "copies/PARALLEL_CHEAPEST_INSERTION/SIMULATED_ANNEALING",
    "copies/PARALLEL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH/plain-moves",
    "slope/PARALLEL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH",
    "full/PARALLEL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH",
)
ORTOOLS_CREWS = ("full/PARALLEL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH", "full/PATH_CHEAPEST_ARC/GUIDED_LOCAL_SEARCH")
ORTOOLS_VRPTW = ("slope/PARALLEL_CHEAPEST_INSERTION/GUIDED_LOCAL_SEARCH", "slope/SAVINGS/GUIDED_LOCAL_SEARCH")
PYVRP = ("profiles/steps", "profiles/two", "loads/steps", "loads/two")
VROOM = ("hours", "due", "lenient")
SOLOMON = ("C101", "C201", "R101", "R105", "R112", "R201", "R205", "RC101", "RC108", "RC201", "RC205")
HOMBERGER = ("C1_10_3", "C2_10_5", "R1_10_5", "R2_10_3", "RC1_10_4", "RC2_10_1")


@dataclass(frozen=True, order=True)
class Run:
    """One solve. `case` is `NAME` of ../shared/cases, `made-N` or `vrptw-NAME`, with `-alone` at its end: crews of one."""

    case: str
    solver: str
    setting: str
    seconds: float
    seed: int

    @property
    def name(self) -> str:
        """As a file name."""
        how = self.setting.replace("/", "+") or "default"
        return f"{self.case}--{self.solver}--{how}--{self.seconds:g}s--{self.seed}"


@dataclass(frozen=True)
class Work:
    """A case, how long, and who runs: the settings of each peer. Each setting runs with the first seed, the best of them with all."""

    table: str
    case: str
    seconds: float
    peers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)

    def first(self) -> Iterator[Run]:
        """Ours with all seeds, and every peer's settings with the first seed."""
        for seed in self.seeds:
            yield Run(self.case, "ours", "", self.seconds, seed)
        for solver, settings in self.peers.items():
            for setting in settings:
                yield Run(self.case, solver, setting, self.seconds, self.seeds[0])

    def then(self, best: dict[str, str]) -> Iterator[Run]:
        """The other seeds with each peer's best setting; VROOM has no seed."""
        for solver, setting in best.items():
            for seed in self.seeds[1:] if solver != "vroom" else ():
                yield Run(self.case, solver, setting, self.seconds, seed)

    def length_s(self) -> float:
        """Processor seconds of all its runs."""
        runs = len(self.seeds) + sum(len(s) + (len(self.seeds) - 1 if p != "vroom" else 0) for p, s in self.peers.items())
        return runs * (self.seconds + START_UP_S)


def works(profile: str, seconds: float, long_seconds: float, seeds: tuple[int, ...]) -> list[Work]:
    """What a profile consists of.

    Parameters
    ----------
    seconds
        Of a run with peers; VRPTW with 1,000 customers takes twice as long.
    long_seconds
        Of our own long runs.
    """
    everyone = {"ortools": ORTOOLS, "pyvrp": PYVRP, "vroom": VROOM}
    plain = {"pyvrp": ("native",), "ortools": ORTOOLS_VRPTW}
    if profile == "quick":
        few = {"ortools": ORTOOLS[:2], "pyvrp": PYVRP[:1], "vroom": VROOM[:1]}
        return [
            Work("peers", "day-60-alone", 4, few, (1,)),
            Work("peers", "made-120-alone", 4, few, (1,)),
            Work("crews", "day-60", 4, {"ortools": ORTOOLS_CREWS[:1]}, (1,)),
            Work("vrptw", "vrptw-R101", 4, plain, (1,)),
        ]
    full = [Work("peers", case, seconds, everyone, seeds) for case in ("day-60-alone", "day-200-alone", "day-600-alone", "made-1000-alone")]
    crews = ("day-60", "day-200", "day-600", "three-days-300", "midday-150", "replay-120")
    full += [Work("crews", case, seconds, {"ortools": ORTOOLS_CREWS}, seeds[:3]) for case in crews]
    full += [Work("vrptw", f"vrptw-{name}", seconds, plain, seeds[:1]) for name in SOLOMON]
    full += [Work("vrptw", f"vrptw-{name}", 2 * seconds, plain, seeds[:1]) for name in HOMBERGER]
    full += [Work("sizes", "made-2500", s, {}, (1,)) for s in (60, 360)]
    if profile == "full":
        return full
    far = [Work("far", case, long_seconds, {}, seeds) for case in ("day-60-alone", "day-200-alone", "day-600-alone")]
    sizes = [Work("sizes", "made-10000", s, {}, (1,)) for s in (300, 1800)]
    return full + far + sizes
