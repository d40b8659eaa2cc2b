"""Integer programs for siting, given as arrays and solved through MathOpt, with bounds that hold."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Engine = Literal["highs", "scip"]
_ENGINES = {"highs": mathopt.SolverType.HIGHS, "scip": mathopt.SolverType.GSCIP}


@dataclass
class Program:
    """Minimise `cost · x` over `lower <= x <= upper` with linear rows; built piece by piece."""

    cost: list[Floats] = field(default_factory=list)
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    whole: list[NDArray[np.bool_]] = field(default_factory=list)
    n_variables: int = 0
    n_rows: int = 0
    row_lower: list[Floats] = field(default_factory=list)
    row_upper: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def variables(self, cost: Floats, lower: Floats | Bools | float, upper: Floats | Bools | float, *, whole: bool) -> Ints:
        """New variables, as many as there are costs; gives their indices."""
        n = len(cost)
        self.cost.append(np.asarray(cost, float))
        self.lower.append(np.broadcast_to(np.asarray(lower, float), n))
        self.upper.append(np.broadcast_to(np.asarray(upper, float), n))
        self.whole.append(np.full(n, whole))
        self.n_variables += n
        return np.arange(self.n_variables - n, self.n_variables)

    def rows(self, n: int, lower: Floats | float, upper: Floats | float, *parts: tuple[Ints, Ints, Floats | float]) -> None:
        """`n` new rows; each part holds the row of each entry counted from 0, its variable and its coefficient."""
        for row, variable, coefficient in parts:
            self.entries.append((row + self.n_rows, variable, np.broadcast_to(np.asarray(coefficient, float), len(row))))
        self.row_lower.append(np.broadcast_to(np.asarray(lower, float), n))
        self.row_upper.append(np.broadcast_to(np.asarray(upper, float), n))
        self.n_rows += n

    def row(self, lower: float, upper: float, variables: Ints, coefficients: Floats | float) -> None:
        """One row."""
        self.rows(1, lower, upper, (np.zeros(len(variables), np.int64), variables, coefficients))

    def proto(self) -> Any:
        """The program as MathOpt reads it."""
        proto = model_pb2.ModelProto()
        proto.variables.ids.extend(range(self.n_variables))
        proto.variables.lower_bounds.extend(np.concatenate(self.lower).tolist())
        proto.variables.upper_bounds.extend(np.concatenate(self.upper).tolist())
        proto.variables.integers.extend(np.concatenate(self.whole).tolist())
        cost = np.concatenate(self.cost)
        priced = np.flatnonzero(cost)
        proto.objective.linear_coefficients.ids.extend(priced.tolist())
        proto.objective.linear_coefficients.values.extend(cost[priced].tolist())
        if self.n_rows:
            proto.linear_constraints.ids.extend(range(self.n_rows))
            proto.linear_constraints.lower_bounds.extend(np.concatenate(self.row_lower).tolist())
            proto.linear_constraints.upper_bounds.extend(np.concatenate(self.row_upper).tolist())
            row, variable, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
            order = np.lexsort((variable, row))
            matrix = proto.linear_constraint_matrix
            matrix.row_ids.extend(row[order].tolist())
            matrix.column_ids.extend(variable[order].tolist())
            matrix.coefficients.extend(value[order].tolist())
        return proto


@dataclass(frozen=True, eq=False)
class Answer:
    """What an integer program came to.

    Attributes
    ----------
    x : (n_variables,) float64 or None
        The best point found; None when none was.
    bound
        No point costs less; infinite when there is none at all.
    infeasible
        There is no point at all.
    """

    x: Floats | None
    bound: float
    infeasible: bool


def solve(
    program: Program,
    *,
    seconds: float | None,
    engine: Engine = "highs",
    gap: float = 0.0,
    hint: Floats | None = None,
) -> Answer:
    """The cheapest point of a program, or the best one found in time with its bound.

    Parameters
    ----------
    seconds
        How long at the most; None without limit.
    gap
        Costs that differ by no more count as equal.
    hint
        A point to start from; only `scip` takes it.
    """
    model = mathopt.Model.from_model_proto(program.proto())
    limit = None if seconds is None else timedelta(seconds=max(seconds, 0.001))
    parameters = mathopt.SolveParameters(time_limit=limit, relative_gap_tolerance=0.0, absolute_gap_tolerance=gap)
    if engine == "scip":
        parameters.threads = 1
    hints: Sequence[Any] = ()
    if hint is not None and engine == "scip":
        hints = [mathopt.SolutionHint(variable_values={v: float(hint[v.id]) for v in model.variables()})]
    answer = _interruptible(model, _ENGINES[engine], parameters, mathopt.ModelSolveParameters(solution_hints=list(hints)))
    reason = answer.termination.reason
    if reason in (mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED):
        return Answer(None, math.inf, True)
    bound = answer.termination.objective_bounds.dual_bound
    if not answer.has_primal_feasible_solution():
        return Answer(None, bound, False)
    values = answer.variable_values()
    x = np.array([values[v] for v in model.variables()])
    whole = np.concatenate(program.whole)
    x[whole] = np.round(x[whole])
    return Answer(x, bound, False)


def relaxed(program: Program) -> tuple[Floats, Floats]:
    """The linear relaxation: its point, and what a unit of the right side of each row costs; zeros when it has no optimum."""
    proto = program.proto()
    proto.variables.integers[:] = [False] * program.n_variables
    model = mathopt.Model.from_model_proto(proto)
    answer = mathopt.solve(model, mathopt.SolverType.GLOP)
    if not (answer.has_dual_feasible_solution() and answer.has_primal_feasible_solution()):
        return np.zeros(program.n_variables), np.zeros(program.n_rows)
    values, duals = answer.variable_values(), answer.dual_values()
    return np.array([values[v] for v in model.variables()]), np.array([duals[row] for row in model.linear_constraints()])


def _interruptible(model: Any, engine: Any, parameters: Any, of_model: Any) -> Any:
    """Solves in a thread of its own, so that Ctrl-C is heard meanwhile; HiGHS cannot be ended, so the thread is left to its time limit."""
    answers: list[Any] = []
    faults: list[Exception] = []

    def work() -> None:
        try:
            answers.append(mathopt.solve(model, engine, params=parameters, model_params=of_model))
        except Exception as fault:  # noqa: BLE001 - raised below, in the thread that waits
            faults.append(fault)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.02)
    if faults:
        raise faults[0]
    return answers[0]
