"""The store: the only place that opens a database session.

- `open_store(url)` gives a `Store`; `store.session()` is one transaction, `store.reading()` one unchanging view
- `load_facts(session, now, horizon, region)` reads the company as facts
- `save_snapshot`, `snapshot_of`, `save_plan` keep what a plan is made from and the plan
- `plan_by_id`, `latest_plan`, `published_plan`, `list_plans`, `plan_versions` find plans
- `nearby`: `read_outline`, `read_asked`, `facts_around`: what an answer at once needs
- `changes.ChangeMark` tells whether anything was written
- `approve`, `reject`, `publish` decide about them
- `add_events` keeps what is told during the day and folds it into the tables; `ticket_states`, `rebuild`;
  `log` has the rows, `accepting` says which are kept, `folding` what they mean
- `watched.watched_in_store`: tickets with all that their clocks depend on
- `notices`: `put_notice`, `take_due`, `mark_sent`, `mark_failed`, `retry_notice`: the outbox
- `webhooks`: subscriptions of other systems and their outbox; `kept_answers`: idempotency keys; `pages`: lists page by page
- `ticket_clocks`: what both rest on: `heard_of`, `promises_in`, `ticket_with_clocks`
- `edits`: `add_edit`, `undo_edit`, `redo_edit`, `edits_of` a draft, `edited_plans`
- `reporting`: `service_facts`: what a service report rests on
"""

from data_models.store.database import Store, make_engine, open_store
from data_models.store.events import Answer, add_events, rebuild, ticket_states
from data_models.store.facts import load_facts, promised_visits
from data_models.store.plans import (
    approve,
    latest_plan,
    list_plans,
    plan_by_id,
    plan_versions,
    publish,
    published_plan,
    reject,
    save_plan,
    save_snapshot,
    snapshot_of,
)

__all__ = [
    "Answer",
    "Store",
    "add_events",
    "approve",
    "latest_plan",
    "list_plans",
    "load_facts",
    "make_engine",
    "open_store",
    "plan_by_id",
    "plan_versions",
    "promised_visits",
    "publish",
    "published_plan",
    "rebuild",
    "reject",
    "save_plan",
    "save_snapshot",
    "snapshot_of",
    "ticket_states",
]
