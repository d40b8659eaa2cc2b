"""Pure computing: no files, no clock, no database, no web.

Solving, in indices and whole seconds:

- `problem`: `build_problem` (a case in numbers), `to_plan` and `from_plan`; `tables` holds the same facts for loops in Python
- `solution`: what is decided and the times that follow; `schedule.schedule` gives the times and the cost, or the rule that is broken
- `insertion`: `construct` (a day from nothing), `insert_best` (one ticket more); `recreate.recreate`: ruin and recreate
- `routing.solve`: the solver, on the full model of OR-Tools in `routing_model`
- `search.solve`: ruin and recreate, compiled by numba: `search_kernel` the loops, `search_state` the arrays they read and write
- `candidates`: every place for one ticket more in a plan, and `repair`, both on the compiled search
- `proof.with_proof`: a result with a bound that no plan can beat. `bound.prove`: column generation, with `bound_facts` (the problem as
  it sees it), `master` and `cuts` (the linear program), `pricing` and `pricing_kernel` (days of people, compiled by numba)
- `dive.dive`: better plans from the columns of a bound
- `result`: when a solver stops and what it hands back

Judging, which shares nothing with solving:

- `check.check`: every rule that a plan breaks; `score.score`: its cost and service; both on `trips`

Explaining:

- `explain`: `explain` (why tickets are unplanned or late, and what would help), `with_reasons` (the plan that says so)
- `explanation`: the facts of it; `reasons`, `verdict`, `reach` and `day` find causes, `remedies`, `changes` and `confirm` what would help
- `wording.sentence`: the codes of it in English
"""
