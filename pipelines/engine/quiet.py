"""What Beam logs that nobody needs to read; nothing here imports Beam, which logs when it is imported."""

from __future__ import annotations

import logging


def quiet_beam() -> None:
    """Drop two messages of Beam: no client library of Google's, and the traceback of a Ctrl-C within a corpus step."""
    logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())
    logging.getLogger("apache_beam.runners.common").addFilter(
        lambda record: not record.getMessage().startswith("KeyboardInterrupt")
    )


def start_worker(parent: int) -> None:
    """Begin a worker process of a pool, which ends soon after its parent."""
    quiet_beam()
    from pipelines.engine.watched import end_with

    end_with(parent)
