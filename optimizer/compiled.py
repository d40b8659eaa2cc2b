"""Functions compiled by numba ahead of their use, kept on disk between runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba import njit, types

_KINDS = {
    "i": types.int64,
    "f": types.float64,
    "b": types.boolean,
    "a": types.int64[::1],
    "x": types.float64[::1],
    "t": types.int64[:, ::1],
    "y": types.float64[:, ::1],
    "c": types.int64[:, :, ::1],
    "u": types.uint64[::1],
}


class Functions:
    """The compiled functions of one file, each with one kind per argument; callers come after what they call."""

    def __init__(self) -> None:
        self._all: list[tuple[Any, tuple[Any, ...]]] = []

    def compiled(self, arguments: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """For one kind per argument: numba by itself would compile anew for each constant that is passed."""

        def keep(function: Callable[..., Any]) -> Callable[..., Any]:
            dispatcher = njit(cache=True, nogil=True)(function)
            self._all.append((dispatcher, tuple(_KINDS[kind] for kind in arguments)))
            return cast("Callable[..., Any]", dispatcher)

        return keep

    def make_ready(self) -> None:
        """Loads what an earlier process compiled and compiles the rest; none of the functions may be called before."""
        for dispatcher, kinds in self._all:
            if not dispatcher.overloads:
                dispatcher.compile(kinds)
                dispatcher.disable_compile()

    def is_ready(self) -> bool:
        """Whether `make_ready` has nothing to compile. Two processes that compile at once do it twice and harm nothing."""
        return all(dispatcher.overloads or dispatcher._cache._cache_file._load_index() for dispatcher, _ in self._all)
