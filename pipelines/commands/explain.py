"""Explain why a page is in the corpus or not."""

from __future__ import annotations

import click

from pipelines.commands.console import make_console, outcome, print_fate
from pipelines.commands.errors import errors, fail
from pipelines.commands.options import load, plugin_option


@click.command()
@click.argument("target")
@click.option("--output", default="out/corpus", show_default=True, help="Folder of the finished run.")
@click.option("--recipe", default="llama3", show_default=True, help="For a file: the recipe whose steps to run.")
@click.option("--url", default="", help="For a file: the URL of the page.")
@plugin_option
def explain(target: str, output: str, recipe: str, url: str, plugins: tuple[str, ...]) -> None:
    """Explain why a page is in the corpus or not.

    TARGET is the id or URL of a document in the run in --output, or a text or HTML file.
    """
    from pathlib import Path

    with errors():
        from pipelines.result.explain import find, try_file

        console = make_console()
        if Path(target).is_file():
            for name, result in try_file(target, load(recipe, plugins=plugins), url):
                console.print(outcome(name, result))
            return
        fates = find(output, target)
    if not fates:
        fail(f"{target} is not in documents/ or rejected/ of {output}, so no input of that run had it")
    for fate in fates:
        print_fate(console, fate)
