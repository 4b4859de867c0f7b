"""Print a recipe that comes with curate."""

from __future__ import annotations

import click

from pipelines.commands.errors import fail


@click.command()
@click.argument("name", default="")
def recipe(name: str) -> None:
    """Print the recipe NAME, to be changed: `curate recipe llama3 > mine.yaml`. Without NAME, list the recipes."""
    from pipelines.recipe.recipe import SHIPPED, shipped_text

    if not name:
        click.echo("\n".join(SHIPPED))
    elif name not in SHIPPED:
        fail(f"no recipe {name!r}; there are {', '.join(SHIPPED)}")
    else:
        click.echo(shipped_text(name), nl=False)
