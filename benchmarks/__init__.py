"""Measured runs, never part of the product: `make bench`.

- `bench`: runs solvers × cases × seeds, each solve in its own process (`one_run`), judged by the reference judge (`judging`)
- `plans`: which runs belong to a profile, and how long they take; `tables` and `plot`: what they say; `report`: into RESULTS.md
- `made_cases`: dispatch cases like the shared ones, of any size and shape; `vrptw`: Solomon and Gehring-Homberger as dispatch cases
- `peer_ortools`, `peer_pyvrp`, `peer_vroom`: other solvers, each with its best encoding; `peers`: what they share
- `first_answer`: how fast the first answer to a new emergency comes, through a real store
- `console`: how quick the plan page is in a real Chromium, and a change by hand at the server
- `answers`: how fast one ticket more is answered, and how fast the command line starts
- `cases`, `import_rows`: earlier measurements, by themselves
"""
