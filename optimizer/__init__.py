"""Pure computing: no files, no clock, no database, no web.

Solving, in indices and whole seconds:

- `problem`: `build_problem` (a case in numbers), `to_plan` and `from_plan`; `tables` holds the same facts for loops in Python
- `solution`: what is decided and the times that follow; `schedule.schedule` gives the times and the cost, or the rule that is broken
- `insertion`: `construct` (a day from nothing), `insert_best` (one ticket more); `recreate.recreate`: ruin and recreate
- `routing.solve`: the solver, on the full model of OR-Tools in `routing_model`
- `search.solve`: ruin and recreate, compiled by numba: `search_kernel` the loops, `search_state` the arrays they read and write
- `solving.solve`: one call for any case, which chooses among the following and adds the proof
- `exchange`: several such searches side by side, which exchange what they find
- `regions.solve`: one call for any size; a large problem by regions, which `parts` cuts and `legs` spares all pairs of places
- `candidates`: every place for one ticket more in a plan, and `repair`, both on the compiled search
- `standing`: what of a plan can still be carried out in the middle of the day, how sure a part of it is, and of a repair what belongs to
  one ticket
- `exact`: `solve_exactly` with a proof: CP-SAT with every rule in `exact_model`, `exact_trips`, `exact_kits` and
  `exact_objective`, money in `exact_prices`, bounds on sets of tickets in `exact_sets`
- `exact_size.is_small`: whether it is worth trying; `compiled`: how functions are compiled ahead of their use and kept
- `locks.keep_locks`: all locked work kept, or the fewest tickets that contradict each other
- `recombine.recombine`: the routes that a search has seen, put together anew; `watched`: CP-SAT under our clock
- `proof.with_proof`: a result with a bound that no plan can beat. `bound.prove`: column generation, with `bound_facts` (the problem as
  it sees it), `master` and `cuts` (the linear program), `pricing` and `pricing_kernel` (days of people, compiled by numba)
- `dive.dive`: better plans from the columns of a bound
- `result`: when a solver stops and what it hands back

How sure a plan is:

- `chance.chances`: the chance that each visit is in time when drives and work take longer or shorter than planned; `chance_trips` is the
  plan that it follows, `chance_draws` the random factors
- `margin`: `with_margin` (a problem to solve when plans shall be likely in time), `settled` (its result by the true case)

A day over again:

- `replay.replay`: tickets appear when they were opened; `replay_world` is what happens, `replay_view` the rest of the day as a case,
  `replay_policies` who decides, `replay_draws.drawn` the day as chance makes it

Planning again:

- `published`: what of a published plan still stands in a later case; `replanning.replan`: a plan made again at a price for what it changes
- `difference.difference`: what a new plan changes of a published one, visit by visit, and why, with
  `difference_reasons` and `handovers` (kits that one brings back and another takes); `matters.matters`: whether to plan again

Changing a plan by hand:

- `manual` (changes as facts), `editing.Desk`: each tried at once, judged, and taken or refused; its parts are `edited_case`,
  `edited_routes`, `edited_times`, `edited_rules`, `edited_state` and `edited_trial`
- `improving`: the rest made better around what was fixed; `alternatives`: `next_best` people, `fixes` that a click applies
- `choosing`: `chosen_routes` and `chosen_emergencies` of a draft put into what people were told; `rechecking.recheck`

Who is left for emergencies:

- `readiness`: `readiness` (hour by hour, which share is answered in time), `stand_by` (where people who wait would better stand), `choose`;
  `stands` finds who is free where, `placing` is the arithmetic of where they would better stand

Where stations belong:

- `siting.locate`: a siting case answered by its model: `siting_cover`, `siting_median` on `siting_lagrange` and `siting_exchange`,
  `siting_center`, `siting_frontier` with the compiled `siting_frontier_kernel`, `siting_served` with capacities
- `siting_travel` and `siting_problem` are the case in numbers, `siting_reduce` and `siting_local` make it smaller and begin it,
  `siting_mip` solves integer programs, `siting_found` is what they hand back, `siting_requests` says what cannot be

Judging, which shares nothing with solving:

- `check.check`: every rule that a plan breaks; `score.score`: its cost and service; both on `trips`
- `siting_check`: `check_siting` and `siting_figures`, the same for a choice of sites

Explaining:

- `explain`: `explain` (why tickets are unplanned or late, and what would help), `with_reasons` (the plan that says so)
- `explanation`: the facts of it; `reasons`, `verdict`, `reach` and `day` find causes, `remedies`, `changes` and `confirm` what would help

Where stations belong:

- `scenarios.under`: a study as a scenario makes it; `history_replay.replay_history` with `history_figures` and `history_tables`
- `expected_service`: shares in time by formula, on `service_choices` (whom to send) and `hypercube` (who is busy together)
- `advice`: the next sites, the worth of stations, people and kits, the robust choice; `advice_words` says it

In words, Chinese and English:

- `wording.told`: what the sentences of a fact say (`said` of a reason, a remedy, a change of a visit, a violation, a piece of news);
  `wording.word`: one of a few, such as a severity or a state; templates in `sentences`, `sentences_of_plans` and
  `sentences_of_studies`, words in `words`
"""
