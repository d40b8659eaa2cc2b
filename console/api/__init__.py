"""The API: what an ERP or ticket system, a telephone app or a machine tells and asks over HTTP. Closed without a token.

- `service.make_api(store, settings)`: the application, and `delivering` beside it;  `description`: how it describes itself (OpenAPI)
- `access`: who calls and what they may do, in one table; `problems`: errors (RFC 9457); `replies`: idempotency keys and versions
- `paging`, `kinds`, `bodies`: pages, kinds of values and their limits, bodies
- a module for each resource: `tickets`, `plans`, `company`, `happenings` (events), `readings`, `trail` (audit), `webhooks`;
  `ticket_models`, `plan_models`, `other_models`: what they take and give
"""

from console.api.bodies import MOST_BYTES
from console.api.service import delivering, make_api

__all__ = ["MOST_BYTES", "delivering", "make_api"]
