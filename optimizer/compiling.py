"""The compiled loops of the search, made ready once: loaded from numba's cache, or compiled.

The only file of this room that touches a folder, and only where numba finds none to keep its cache in.
"""

from __future__ import annotations

import gc
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from data_models.errors import TwohourError

SEARCH = ("search_kernel", "pricing_kernel")
FRONTIER = ("siting_frontier_kernel",)

_ONE_AT_A_TIME = threading.Lock()
"""numba refuses a function that another thread is just compiling."""


def make_ready(on_compile: Callable[[], None] = lambda: None, kernels: Sequence[str] = SEARCH) -> None:
    """Loads the compiled search, or compiles it, which takes about half a minute once; `on_compile` is called before that.

    What the process has loaded by then stays for its life, and the garbage collector is told so: looking through all of it took
    0.12 s of every tenth answer.

    The cache is kept in the first of these folders that can be written to: what `NUMBA_CACHE_DIR` names, beside the code, the
    user's cache folder (numba's own order), and a private folder among the temporary ones. Two processes that compile at once do
    it twice and harm nothing.

    Raises
    ------
    TwohourError
        No folder can be written to.
    """
    try:
        loaded = [import_module(f"optimizer.{name}") for name in kernels]
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        import numba

        numba.config.CACHE_DIR = str(_private_folder())  # type: ignore[attr-defined]
        loaded = [import_module(f"optimizer.{name}") for name in kernels]
    with _ONE_AT_A_TIME:
        if not all(kernel.is_ready() for kernel in loaded):
            on_compile()
        for kernel in loaded:
            kernel.make_ready()
        _keep_what_is_loaded()


@cache
def _keep_what_is_loaded() -> None:
    # Once: what later calls find is work, and must be collected when it is over.
    gc.freeze()


def _private_folder() -> Path:
    """A folder among the temporary ones that nobody else can write to: what numba loads from its cache is run."""
    try:
        folder = Path(tempfile.gettempdir()) / f"twohour-numba-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if not stat.S_ISDIR(found.st_mode) or not ours or found.st_mode & 0o022:
            folder = Path(tempfile.mkdtemp(prefix="twohour-numba-"))
    except OSError as error:
        raise TwohourError(
            "the search has to be compiled once, and no folder can be written to for it; set NUMBA_CACHE_DIR to one that can"
        ) from error
    return folder
