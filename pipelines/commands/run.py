"""Run a recipe."""

from __future__ import annotations

import math
from typing import Any

import click

from curate.text.printable import printable
from pipelines.commands.console import make_console, print_funnel
from pipelines.commands.errors import errors, fail, say
from pipelines.commands.options import load, recipe_options


@click.command()
@recipe_options
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
@click.option(
    "--memory",
    type=click.FloatRange(0.001),
    default=1.0,
    show_default=True,
    metavar="GB",
    help="Memory for the keys of a corpus step.",
)
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)
def run(output: str, workers: int, memory: float, beam_options: tuple[str, ...], **which: Any) -> None:
    """Run RECIPE (llama3, fineweb, or the path of a YAML file) and write the corpus.

    You can stop a run at any time: the same command continues it, without repeating finished work.

    Options after -- are passed to Beam and choose its runner:

        curate run llama3 --input 'gs://b/*.warc.gz' --output gs://b/out -- --runner=DataflowRunner --region=...
    """
    if not math.isfinite(memory):
        fail(f"--memory is {memory}; give a number of GB")
    with errors():
        from pipelines.engine.progress import show
        from pipelines.engine.run import run_recipe
        from pipelines.engine.runners import Runner

        checked = load(**which)
        with Runner(workers, beam_options, int(memory * 1e9)) as runner:
            report = run_recipe(checked, output, runner, show, say)
    print_funnel(report)
    make_console().print(
        f"\nThe corpus is in {printable(output)}; its report is {printable(output)}/report.html.",
        soft_wrap=True,
    )
