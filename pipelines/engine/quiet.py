"""Suppression of Beam's log messages. This module must not import Beam, which logs when it is imported."""

from __future__ import annotations

import logging


def quiet_beam() -> None:
    """Suppress two messages of Beam: that Google's client is not installed, and the traceback of Ctrl-C in a job."""
    logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())
    logging.getLogger("apache_beam.runners.common").addFilter(
        lambda record: not record.getMessage().startswith("KeyboardInterrupt")
    )


def start_worker(parent: int) -> None:
    """Initialise a worker process of a pool, which ends soon after its parent does."""
    quiet_beam()
    from pipelines.engine.watched import end_with

    end_with(parent)
