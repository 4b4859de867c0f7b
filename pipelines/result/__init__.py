"""The result of a run: the report, and what commands do with a finished run."""
