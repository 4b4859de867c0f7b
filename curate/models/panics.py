"""Handle panics of Rust libraries, which pyo3 raises past every ``except Exception`` though they concern one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def is_panic(error: BaseException) -> bool:
    """Say whether an exception is a panic of a Rust library, whose class cannot be imported."""
    return type(error).__module__ == "pyo3_runtime"


@contextmanager
def panics_as_errors(name: str) -> Iterator[None]:
    """Raise a ValueError with the name of a model if a Rust library panics."""
    try:
        yield
    except BaseException as error:
        if is_panic(error):
            raise ValueError(f"{name}: {error}") from None
        raise
