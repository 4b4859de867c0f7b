"""List the steps, or the settings of one."""

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
    """List the steps that a recipe can name, in the order of Llama 3's, or the settings of STEP.

    STEP may be the import path of a step of your own.
    """
    from pipelines.recipe.plugins import Plugins
    from pipelines.recipe.reference import describe, ordered_words
    from pipelines.recipe.registry import own_words

    console = make_console()
    if not step:
        table = Table("step", "looks at", "what its settings say")
        with errors(ValueError, ImportError, TypeError):
            own = Plugins.at(plugins, "")
            known = [describe(word, own) for word in (*ordered_words(), *own_words(own))]
        for found in known:
            table.add_row(found.name, "the corpus" if found.corpus else "a document", found.summary)
        console.print(table)
        return
    with errors(ValueError, ImportError, TypeError):
        try:
            found = describe(step, Plugins.at(plugins, ""))
        except LookupError:
            fail(f"no step {step!r}; known: {', '.join(ordered_words())}")
    console.print(found.summary, *([f"\n\n{found.more}"] if found.more else []), sep="")
    table = Table("setting", "takes", "default")
    for setting in found.settings:
        table.add_row(setting.key, setting.takes, setting.default or "must be given")
    if found.settings:
        console.print(table)
