"""How often somebody may try to log in: counted before any password is hashed, so that a flood of attempts costs nothing."""

from __future__ import annotations

import threading

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

PER_LOGIN = 10
"""Attempts a minute for one login, from anywhere."""

PER_ADDRESS = 30
"""Attempts a minute from one address, for any login: a whole office may sit behind one."""


class LoginLimit:
    """Counts attempts by login and by address, for one server process."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._login, self._address = RateLimitItemPerMinute(PER_LOGIN), RateLimitItemPerMinute(PER_ADDRESS)
        self._lock = threading.Lock()

    def allows(self, login: str, address: str) -> bool:
        """Whether another attempt may be made now; each one asked about counts."""
        with self._lock:
            # Both are counted, whichever refuses.
            by_address, by_login = self._hit(self._address, address), self._hit(self._login, login.strip().casefold())
        return by_address and by_login

    def allows_address(self, address: str) -> bool:
        """Whether another attempt may be made from an address, for a login that is not known yet."""
        with self._lock:
            return self._hit(self._address, address)

    def _hit(self, item: RateLimitItem, name: str) -> bool:
        return self._limiter.hit(item, name)
