"""The command line; ``pipelines.commands`` has a module per command."""

from __future__ import annotations

import click

import curate
from pipelines.commands.clean import clean
from pipelines.commands.docs import docs
from pipelines.commands.errors import Commands
from pipelines.commands.explain import explain
from pipelines.commands.filter import filter_
from pipelines.commands.plan import plan
from pipelines.commands.recipe import recipe
from pipelines.commands.recut import recut
from pipelines.commands.report import report
from pipelines.commands.run import run
from pipelines.commands.sample import sample
from pipelines.commands.score import score
from pipelines.commands.sketch import sketch
from pipelines.commands.steps import steps
from pipelines.commands.train import train
from pipelines.commands.verify import verify
from pipelines.engine.quiet import quiet_beam

CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(curate.__version__, prog_name="curate")
def main() -> None:
    """Turn raw web text into a high-quality token corpus.

    Start with `curate plan llama3 --input 'crawl/*.warc.gz'`, which only shows what would happen. Then use
    `curate run` with the same arguments.
    """
    quiet_beam()


for command in (
    run,
    plan,
    explain,
    recut,
    sample,
    score,
    filter_,
    sketch,
    report,
    verify,
    clean,
    steps,
    recipe,
    docs,
    train,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
