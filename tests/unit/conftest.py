"""With bounds checks on (`make test-bounds`), an index past the end of an array fails the test that meets it."""

import pytest
from numba import config

from pipelines.steps import base as steps


def pytest_configure() -> None:
    if not config.BOUNDSCHECK:
        return
    reject = steps.failed

    def failed(error):
        if isinstance(error, IndexError):  # else it would only be a rejected document
            pytest.fail(f"out of bounds: {error!r}")
        return reject(error)

    steps.failed = failed
