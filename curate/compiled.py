"""The decorator of every compiled loop: numba, cached on disk wherever that is possible.

A kernel is compiled on its first call (seconds) and kept in numba's cache, from which later processes load it (tenths
of a second). Numba looks for a place in this order: ``NUMBA_CACHE_DIR``, ``__pycache__`` beside the source, the user's
cache directory. It writes each file under a temporary name and renames it, so that many processes may start at once:
at worst each compiles for itself. Where no place can be written (a read-only install and a user without a home), the
kernels still work, and every process compiles anew.

>>> @kernel
... def add(a, b):
...     return a + b
>>> add(1, 2)
3
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on first use, without Python's lock, cached on disk if any cache directory can be written.

    Integer arithmetic wraps at 64 bits, and an index out of range is not checked.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return njit(nogil=True)(function)
