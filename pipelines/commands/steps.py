"""List the steps, or the settings of a step."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.commands.console import make_console
from pipelines.commands.errors import errors, fail
from pipelines.commands.options import plugin_option


@click.command()
@click.argument("step", default="")
@plugin_option
def steps(step: str, plugins: tuple[str, ...]) -> None:
    """List the steps that a recipe can name, in the order of the llama3 recipe, or the settings of STEP.

    STEP may be the import path of a user-defined step.
    """
    from pipelines.recipe.plugins import Plugins
    from pipelines.recipe.reference import describe, ordered_words
    from pipelines.recipe.registry import own_words

    console = make_console()
    if not step:
        table = Table("step", "looks at", "description")
        with errors(ValueError, ImportError, TypeError):
            modules = Plugins.at(plugins, "")
            helps = [describe(word, modules) for word in (*ordered_words(), *own_words(modules))]
        for help_ in helps:
            table.add_row(help_.name, "the corpus" if help_.corpus else "a document", help_.summary)
        console.print(table)
        return
    with errors(ValueError, ImportError, TypeError):
        try:
            help_ = describe(step, Plugins.at(plugins, ""))
        except LookupError:
            fail(f"no step {step!r}; known: {', '.join(ordered_words())}")
    console.print(help_.summary, *([f"\n\n{help_.more}"] if help_.more else []), sep="")
    table = Table("setting", "takes", "default")
    for setting in help_.settings:
        table.add_row(setting.key, setting.takes, setting.default or "required")
    if help_.settings:
        console.print(table)
