"""The use cases of the day, as plain functions, and Prefect around them.

- `planning`: `solve` a case, `judge` a plan, `explained`, `with_chances`
- `dispatch`: over the store: `read_facts`, `make_snapshot`, `keep_draft`, `read_plan`, `approve_plan`, `reject_plan`,
  `publish_plan`, `approve_and_publish`
- `intake.import_table`: a file into a table, with the geocoder and policies of the settings
- `papers.write_papers`: everything that is published of a plan
- `notices`: `announce` puts notices into the outbox, `send_due` sends them; `telling`: what is told to whom; `channels.send`
- `watching`: `watched_tickets` with their clocks, `watch` does what the clocks ask for, `watch_and_send`
- `plan_day.plan_day`, `watch_clocks.watch_clocks`: the Prefect flows; `deployments`: when it runs by itself
- `stack.prefect_server`: a real Prefect server as a child process
"""
