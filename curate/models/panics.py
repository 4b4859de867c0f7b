"""Panics of libraries in Rust: pyo3 raises them past every ``except Exception``, though they concern one call only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def is_panic(error: BaseException) -> bool:
    """Say whether an exception is a panic of a library in Rust; its class cannot be imported."""
    return type(error).__module__ == "pyo3_runtime"


@contextmanager
def panics_as_errors(name: str) -> Iterator[None]:
    """Raise a ValueError with the name of a model where a library in Rust panics."""
    try:
        yield
    except BaseException as error:
        if is_panic(error):
            raise ValueError(f"{name}: {error}") from None
        raise
