"""``python -m pipelines`` is the command ``curate``."""

from pipelines.cli import main

if __name__ == "__main__":
    main()
