"""`study advise`: what to change first, on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from flows.study_advice import Advised
    from optimizer.advice import Option, RobustChoice

_SHOWN = 8
_LITTLE = 0.005

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.json", help="A study/1 file, see docs/studio.md.")]


def advise(
    study_file: StudyFile,
    scenario: Annotated[Path | None, typer.Option("--scenario", metavar="SCENARIO.json", help="With these changes made first.")] = None,
    stations: Annotated[int, typer.Option("--stations", min=1, max=100, help="Stations of the sequence of the best sites.")] = 3,
    futures: Annotated[int, typer.Option("--futures", min=0, max=100, help="Futures drawn from the history, for a robust choice.")] = 0,
    also: Annotated[
        list[Path] | None, typer.Option("--also", metavar="SCENARIO.json", help="A scenario that may come true: a future, too.")
    ] = None,
    language: Annotated[Literal["en", "zh"], typer.Option("--language", help="Of the sentences.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the advice as one JSON object.")] = False,
) -> None:
    """Say by formula what to change first: the next sites, and what each station, person and kit is worth."""
    from config.policies import load_policy
    from console.printing import print_json
    from data_models.study import TODAY
    from data_models.study_files import read_scenario, read_study
    from flows.study_advice import advice_summary, advise_on

    facts = read_study(study_file)
    made = advise_on(
        facts,
        TODAY if scenario is None else read_scenario(scenario),
        load_policy(facts.policy),
        stations=stations,
        futures=futures,
        also=[read_scenario(path) for path in also or ()],
    )
    if as_json:
        print_json(advice_summary(made, language))
    else:
        _print(made, language)


def _print(made: Advised, language: Literal["en", "zh"]) -> None:
    from console.printing import terminal
    from flows.study_advice import option_sentence, robust_sentence

    out, advice = terminal(), made.advice
    seen = {ticket.severity for ticket in made.situation.study.history.tickets}
    shares = ", ".join(f"{severity} {share:.1%}" for severity, share in advice.in_time.items() if severity in seen)
    out.print(f"expected in time under {made.situation.scenario.name!r}, by formula: {shares}", markup=False)
    if not advice.sites:
        out.print("no candidate is left; add some with --candidates or --cities-above when the study is made")
    _options(made, "the next station", advice.sites)
    if advice.sequence:
        out.print("one after the other:")
        for number, option in enumerate(advice.sequence, 1):
            out.print(f" {number}. {option_sentence(made, option, language)}", markup=False)
    _options(made, "what closing loses, least first", advice.closures)
    _options(made, "one more person", advice.people)
    _options(made, "one more kit", advice.kits)
    if made.robust is not None:
        _print_robust(made, made.robust)
        out.print(robust_sentence(made, language), markup=False)


def _options(made: Advised, title: str, options: Sequence[Option]) -> None:
    from console.printing import _table, plain, terminal
    from optimizer.advice_words import station_names

    if not options:
        return
    names = station_names(made.situation.study)
    kind = options[0].kind
    road = kind in ("open", "close")
    what = {"person": ("crew",), "kit": ("kit",)}.get(kind, ())
    heads = ("station", *what, *(("customers",) if road else ()), "points", *(() if kind == "kit" else ("a year", "a point")))
    table = _table(title, *heads)
    # What brings next to nothing is not worth a line.
    told = [option for option in options if road or abs(option.points) >= _LITTLE][:_SHOWN]
    for option in told:
        customers = (f"{option.gained.customers - option.lost.customers:+,}",) if road else ()
        money = () if kind == "kit" else (f"{option.yearly_cost:+,.0f}", _rate(option.cost_per_point))
        table.add_row(
            plain(names[option.station]), *((plain(option.what),) if what else ()), *customers, f"{option.points:+.2f}", *money
        )  # fmt: skip
    if told:
        terminal().print(table)
    if len(options) > len(told):
        most = max(0.0, *(option.points for option in options[len(told) :]))
        less = "" if road else f", none of which brings more than {most:.2f} points"
        terminal().print(f"[dim]{title}: {len(options) - len(told)} more{less}; --json has all[/]")


def _rate(cost: float | None) -> str:
    return "–" if cost is None else f"{cost:,.0f}"


def _print_robust(made: Advised, robust: RobustChoice) -> None:
    from console.printing import _table, plain, terminal
    from optimizer.advice_words import station_names

    names = station_names(made.situation.study)
    table = _table(
        f"points behind the best choice, in {len(robust.futures)} futures", "choice", "in time", "mean", "worst", "worst in", "a year"
    )
    for row in sorted(range(len(robust.options)), key=lambda row: (row != robust.best, float(robust.worst[row]))):
        share = robust.in_time[row]
        table.add_row(
            plain(names.get(robust.options[row], robust.options[row])),
            f"{share.min():.1%}–{share.max():.1%}",
            f"{robust.regret[row].mean():.2f}",
            f"{robust.worst[row]:.2f}",
            plain(robust.futures[int(robust.regret[row].argmax())]) if robust.worst[row] > 0 else "–",
            f"{robust.yearly_cost[row]:+,.0f}",
        )
    terminal().print(table)
