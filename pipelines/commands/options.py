"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipelines.recipe.model import Recipe

plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="PATH",
    help="A .py file or a folder of modules that the recipe names, beside those in its own folder; can be repeated.",
)


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and the options that say which recipe, over what, into which folder."""
    for option in reversed(
        (
            click.argument("recipe"),
            click.option(
                "--input",
                "inputs",
                multiple=True,
                metavar="PATTERN",
                help="What to read, instead of the recipe's sources: a path, folder or quoted glob; can be repeated. "
                "WARC, ARC, WET, JSONL, Parquet, Arrow, HTML and text files, plain or compressed.",
            ),
            click.option("--output", default="out/corpus", show_default=True, help="Folder for the result."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="KEY=VALUE",
                help="Change a setting of the recipe, e.g. steps.minhash_dedup.threshold=0.7; can be repeated.",
            ),
            plugin_option,
        )
    ):
        command = option(command)
    return command


def load(recipe: str, inputs: Sequence[str] = (), settings: Sequence[str] = (), plugins: Sequence[str] = ()) -> Recipe:
    """Load a recipe as the options say."""
    from pipelines.recipe.recipe import load_recipe

    return load_recipe(recipe, inputs, settings, plugins)
