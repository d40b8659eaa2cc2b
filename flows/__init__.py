"""The use cases of the day, as plain functions, and Prefect around them.

- `planning`: `solve` a case, `judge` a plan, `explained`, `with_chances`
- `replanning`: `replan_until_signal` a published plan, and what it changes
- `dispatch`: over the store: `read_facts`, `make_snapshot`, `keep_draft`, `read_plan`, `approve_plan`, `reject_plan`,
  `publish_plan`, `approve_and_publish`
- `responding`: `respond` (the first answer to a ticket, from the store) and `Responder`, for a process that stays;
  `first_answer.respond_to_case` from a case and a plan alone; `nearness` says who could come at all, `experts` who can help remotely
- `editing`: `open_draft`, `change_draft`, `undo`, `redo`, `improve`, `finish_draft`; `manual_changes`: changes as JSON
- `choosing`: `approve_draft` with its edits, `choose_part` and `approve_part`, `what_happened_since`, `approve_checked`
- `overrides.overrides_between`: which advice was overruled, and how it went
- `options.options_for`: candidates from files
- `intake.import_table`: a file into a table, with the geocoder and policies of the settings
- `papers.write_papers`: everything that is published of a plan
- `notices`: `announce` puts notices into the outbox, `send_due` sends them; `telling`: what is told to whom; `channels.send`
- `readiness`: `plan_readiness` (what a kept plan leaves for emergencies), `prepared` (of a case and a plan)
- `plan_day.plan_day`: the Prefect flow; `deployments`: when it runs by itself
- `watching`: `watched_tickets` with their clocks, `watch` does what the clocks ask for, `watch_and_send`
- `tickets`: `push_ticket`, `change_ticket`, `cancel_ticket`, `reopen_ticket`, as other systems do; `webhooks`: `deliver_due` tells them
- `plan_day.plan_day`, `watch_clocks.watch_clocks`: the Prefect flows; `deployments`: when it runs by itself
- `stack.prefect_server`: a real Prefect server as a child process
"""
