"""The recipe on Apache Beam: sources, steps, planner, sinks, runners and the command line."""

import logging

# Beam says on import that Google's client libraries are missing; whoever does not use them need not read it.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())

# A Ctrl-C within a corpus step is an error to Beam, with a traceback; the command line says in a line that it stopped.
logging.getLogger("apache_beam.runners.common").addFilter(
    lambda record: not record.getMessage().startswith("KeyboardInterrupt")
)
