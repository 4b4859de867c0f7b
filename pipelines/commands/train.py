"""Train a quality model."""

from __future__ import annotations

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> None:
    """Train a quality model from JSON lines; see `curate train quality --help` and `curate train score --help`."""
    from quality_models.commands import main as training

    status = training.main(list(arguments) or ["--help"], prog_name="curate train", standalone_mode=False)
    sys.exit(status or 0)
