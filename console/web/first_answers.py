"""First answers for the inbox: what was read for one ticket is used again for the next, as long as nobody has changed the store."""

from __future__ import annotations

import threading
from datetime import datetime

from config.settings import Settings
from data_models.store import Store
from flows.first_answer import FirstAnswer
from flows.responding import Responder


class FirstAnswers:
    """One `Responder` for all who ask in this process, one after the other; made when somebody asks first. Close it at the end."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._lock = threading.Lock()
        self._responder: Responder | None = None

    def answer(self, ticket: str, at: datetime) -> FirstAnswer:
        """Who can take a ticket at a moment. Raises as `flows.responding.respond`."""
        with self._lock:
            if self._responder is None:
                self._responder = Responder(self._store, self._settings)
            return self._responder.answer(ticket, at)

    def close(self) -> None:
        """Give back what the responder holds; who asks after that gets a new one."""
        with self._lock:
            if self._responder is not None:
                self._responder.close()
                self._responder = None
