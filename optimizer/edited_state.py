"""A plan in the hands of a coordinator, and the same in numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from data_models.case import Case
from data_models.plan import Plan
from optimizer.edited_case import edited_case
from optimizer.edited_times import held_starts, holding
from optimizer.legs import MOST_DENSE
from optimizer.manual import Fixed, ManualChange, fixed_by
from optimizer.problem import Problem, build_problem, from_plan
from optimizer.score import Score, score
from optimizer.solution import Solution

TRIPS = 2
"""Trips of one shift that may be planned by hand, where a second one can pay."""


@dataclass(frozen=True)
class State:
    """A plan in the hands of a coordinator: the case that it was made for, what was changed since, in order, and the plan now."""

    base: Case
    changes: tuple[ManualChange, ...]
    plan: Plan

    @cached_property
    def case(self) -> Case:
        """The case with the changes in it."""
        return edited_case(self.base, self.changes)

    @cached_property
    def score(self) -> Score:
        """What the plan costs, by the case with the changes."""
        return score(self.case, self.plan)

    @property
    def fixed(self) -> Fixed:
        """What the changes fix of tickets."""
        return fixed_by(self.changes)


class Numbers:
    """Makes problems of one company's cases. It keeps nothing but drives between places, which take longest to work out."""

    def __init__(self, *, trips: int = TRIPS) -> None:
        self.trips = trips
        self._like: Problem | None = None

    def problem(self, case: Case, plan: Plan) -> Problem:
        """The case in numbers, with duties for the trips of a plan; drives are shared where the places are the same."""
        problem = build_problem(case, trips=self.trips, plan=plan)
        like, legs = self._like, problem.legs
        same = like is not None and all(_alike(getattr(like.legs, f.name), getattr(legs, f.name)) for f in fields(legs))
        if like is not None and same and len(legs.lat) <= MOST_DENSE:
            problem.__dict__["_drives"] = like._drives
            tables = replace(problem.tables, travel=like.tables.travel, drive_cost=like.tables.drive_cost)
            problem.__dict__["tables"] = tables
        else:
            self._like = problem
        return problem

    def held(self, case: Case, plan: Plan, but: Collection[str] = ()) -> tuple[Problem, Solution]:
        """The case in numbers, in which nothing begins earlier that the plan puts off on purpose, `but` these tickets; and its decisions.

        The plan is one of the case, in its shifts.
        """
        problem = self.problem(case, plan)
        solution = from_plan(problem, plan)
        index = {name: t for t, name in enumerate(problem.ticket_ids)}
        return holding(problem, held_starts(problem, plan, solution, [index[name] for name in but if name in index])), solution


def _alike(one: object, other: object) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) else one == other
