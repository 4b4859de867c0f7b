"""The command ``curate``: check that Python finds curate's own packages, then run the command line."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the command line of `pipelines`, unless another package of that name shadows it."""
    own = Path(__file__).parents[1] / "pipelines"
    module = find_spec("pipelines")
    place = Path(module.origin or "").parent if module else own
    if not module or place.resolve() != own.resolve():
        sys.exit(
            f"curate: Python finds another package 'pipelines' in {place}, before curate's own in {own}: run from "
            "another folder, or take that folder out of PYTHONPATH"
        )
    from pipelines.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
