"""Print a recipe that comes with curate."""

from __future__ import annotations

import click

from pipelines.commands.errors import fail


@click.command()
@click.argument("name", default="")
def recipe(name: str) -> None:
    """Print the recipe NAME, for example to edit it: `curate recipe llama3 > mine.yaml`. Without NAME, list recipes."""
    from pipelines.recipe.recipe import SHIPPED, shipped_text

    if not name:
        click.echo("\n".join(SHIPPED))
    elif name not in SHIPPED:
        fail(f"no recipe {name!r}; choose from {', '.join(SHIPPED)}")
    else:
        click.echo(shipped_text(name), nl=False)
