"""The command ``curate``: checks that its own packages are the ones that Python finds, and hands over to them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the command line of `pipelines`, unless another package of that name hides it."""
    own = Path(__file__).parents[1] / "pipelines"
    spec = find_spec("pipelines")
    place = Path(spec.origin or "").parent if spec else own
    if not spec or place.resolve() != own.resolve():
        sys.exit(
            f"curate: Python finds another package 'pipelines' in {place}, before curate's own in {own}: run from "
            "another folder, or take that folder out of PYTHONPATH"
        )
    from pipelines.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
