"""`locate`: which sites to open, from a file alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.front_door import LARGEST_NUMBER, AsJson, must_be_a_new_plan
from data_models.errors import BadInput

if TYPE_CHECKING:
    from data_models.siting import FrontierPoint, SitingCase, SitingChoice
    from optimizer.siting_check import SitingFigures

_QUESTIONS = {
    "lscp": "fewest sites that cover everything",
    "mclp": "most weight covered",
    "pmedian": "least weighted drive",
    "pcenter": "least longest drive",
    "backup": "most weight covered twice",
    "mexclp": "most expected coverage",
    "frontier": "coverage against yearly cost",
}
_UNITS = {"lscp": "sites", "pmedian": "weight × minutes", "pcenter": "minutes"}
_NAMED = 8


def locate(
    case_file: Annotated[Path, typer.Argument(metavar="SITING.json", help="A siting-case/1 file.")],
    out: Annotated[Path, typer.Option("--out", metavar="CHOICE.json", help="Where the choice goes.")],
    seconds: Annotated[float, typer.Option(help="How long to search for the best choice and its proof.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_NUMBER, help="Where randomness starts.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Choose station sites by the model that the file names, and write the choice with its proof or its bound."""
    from console.printing import print_json, progress, say_compiling
    from data_models.json_files import write_file
    from data_models.siting_files import choice_json, read_siting
    from optimizer.compiling import FRONTIER, make_ready
    from optimizer.siting import locate as choose
    from optimizer.siting_check import check_siting, siting_figures

    if not 0 < seconds <= LARGEST_NUMBER:
        raise BadInput(f"--seconds is {seconds}; give a number above 0, at most {LARGEST_NUMBER}")
    case = read_siting(case_file)
    must_be_a_new_plan(out, case_file)
    if case.model == "frontier":
        make_ready(say_compiling, FRONTIER)
    with progress(f"locating {case.name}", seconds, quiet=as_json):
        choice = choose(case, seconds=seconds, seed=seed)
    broken = check_siting(case, choice)
    write_file(out, choice_json(choice))
    figures = siting_figures(case, choice)
    if as_json:
        print_json({**_summary(case, choice, figures), "violations": list(broken), "written": str(out)})
    else:
        _print(case, choice, figures, broken, out)
    if broken:
        raise typer.Exit(1)


def _summary(case: SitingCase, choice: SitingChoice, figures: SitingFigures) -> dict[str, Any]:
    return {
        "case": case.name,
        "model": case.model,
        "open": list(choice.open),
        "objective": choice.objective,
        "bound": choice.bound,
        "proven": choice.proven,
        "seconds": choice.seconds,
        "yearly_cost": figures.yearly_cost,
        "weight": figures.weight,
        "in_standard": figures.in_standard,
        "worst_minutes": figures.worst_minutes,
        "points": [{"yearly_cost": p.yearly_cost, "covered": p.covered, "open": list(p.open)} for p in choice.points],
    }


def _print(case: SitingCase, choice: SitingChoice, figures: SitingFigures, broken: Sequence[str], out: Path) -> None:
    from console.printing import plain, terminal

    screen = terminal()
    for sentence in broken:
        screen.print(f"[red]broken rule[/red]: {plain(sentence)}")
    screen.print(_sites_table(case, choice, figures))
    for line in (*_verdict(case, choice), *_service(case, choice, figures)):
        screen.print(plain(line))
    if choice.points:
        screen.print(_frontier_table(case, choice.points, figures.weight))
    screen.print(f"choice written to {plain(out)}")


def _sites_table(case: SitingCase, choice: SitingChoice, figures: SitingFigures) -> Any:
    from console.printing import _table, plain

    title = f"{plain(case.name)}: {_QUESTIONS[case.model]}"
    table = _table(title, "open", "name", *(("crews",) if case.model == "mexclp" else ()), "yearly cost", "weight served", "capacity")
    for name in dict.fromkeys(choice.open):
        site = case.site_by_id[name]
        crews = (str(choice.open.count(name)),) if case.model == "mexclp" else ()
        capacity = "" if site.capacity is None else f"{site.capacity:,.6g}"
        table.add_row(plain(name), plain(site.name), *crews, f"{site.yearly_cost:,.0f}", f"{figures.load[name]:,.6g}", capacity)
    return table


def _verdict(case: SitingCase, choice: SitingChoice) -> Iterator[str]:
    """The objective, and how far from the best it can be."""
    told = f"{choice.objective:,.6g} {_UNITS.get(case.model, 'weight')}"
    if case.model == "frontier":
        what = "which is all of them" if choice.proven else "as far as time allowed; give more --seconds for all"
        yield f"{_count(len(choice.points), 'efficient point')}, {what}; they cover up to {told} ({choice.seconds:.1f} s)"
    elif choice.proven:
        yield f"{told}, proven: no choice is better ({choice.seconds:.1f} s)"
    else:
        gap = abs(choice.bound - choice.objective) / max(abs(choice.objective), 1e-9)
        yield f"{told}; no choice can be better than {choice.bound:,.6g}: a gap of {gap:.2%} ({choice.seconds:.1f} s)"


def _service(case: SitingCase, choice: SitingChoice, figures: SitingFigures) -> Iterator[str]:
    share = figures.in_standard / figures.weight
    yield f"{_count(figures.sites, 'site')} for {figures.yearly_cost:,.0f} a year; {share:.1%} of the weight is served within its standard"
    if figures.served:
        mean = figures.weighted_minutes / figures.served
        yield f"drives to what is served: {mean:.0f} min on average, {figures.worst_minutes:.0f} min at the longest"
    if case.model in ("backup", "mexclp"):
        yield f"{figures.twice / figures.weight:.1%} of the weight has a second open site within its standard"
    unserved = [name for name, site in choice.serves.items() if site is None]
    if unserved:
        more = f" and {len(unserved) - _NAMED:,} more" if len(unserved) > _NAMED else ""
        yield f"not served: {', '.join(unserved[:_NAMED])}{more}"


def _frontier_table(case: SitingCase, points: Sequence[FrontierPoint], weight: float) -> Any:
    """At most a dozen points, spread evenly over what is covered."""
    from console.printing import MOST_ROWS, _table, plain

    wanted = [points[0].covered + (points[-1].covered - points[0].covered) * k / (MOST_ROWS - 1) for k in range(MOST_ROWS)]
    shown = sorted({min(range(len(points)), key=lambda i: (abs(points[i].covered - aim), i)) for aim in wanted})
    table = _table("" if len(shown) == len(points) else f"{len(shown)} of {len(points)} points", "yearly cost", "covered", "share", "open")
    for point in (points[i] for i in shown):
        names = ", ".join(point.open[:_NAMED]) + (f" and {len(point.open) - _NAMED} more" if len(point.open) > _NAMED else "")
        table.add_row(f"{point.yearly_cost:,.0f}", f"{point.covered:,.6g}", f"{point.covered / weight:.1%}", plain(names))
    return table


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
