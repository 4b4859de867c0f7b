"""Options that several commands share."""

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
    help="A .py file, a folder of modules, or an installed package that the recipe may name; can be repeated.",
)


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument RECIPE, and the options --input, --output, --set and --plugin."""
    for option in reversed(
        (
            click.argument("recipe"),
            click.option(
                "--input",
                "inputs",
                multiple=True,
                metavar="PATTERN",
                help="Path, folder or quoted glob to read instead of the recipe's sources; can be repeated. Takes "
                "WARC, ARC, WET, JSONL, Parquet, Arrow, HTML and text files, plain or compressed; @LIST reads what a "
                "list names.",
            ),
            click.option(
                "--input-prefix",
                "prefix",
                default="",
                metavar="PREFIX",
                help="Put before each line of a list, e.g. https://data.commoncrawl.org/.",
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


def load(
    recipe: str,
    inputs: Sequence[str] = (),
    settings: Sequence[str] = (),
    plugins: Sequence[str] = (),
    prefix: str = "",
) -> Recipe:
    """Load a recipe with the values of the options."""
    from pipelines.recipe.recipe import load_recipe

    return load_recipe(recipe, inputs, settings, plugins, prefix)
