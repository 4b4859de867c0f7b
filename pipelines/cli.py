"""The command line: parses and prints, nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="curate")
def main() -> None:
    """Raw web text in, a high-quality token corpus out.

    Begin with `curate plan llama3 --input 'crawl/*.warc.gz'`, then `curate run` the same.
    """


def _recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("recipe"),
        click.option("--input", "inputs", multiple=True, metavar="PATTERN", help="Files to read: path, folder, glob."),
        click.option("--output", default="out/corpus", show_default=True, help="Folder for the result."),
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="steps.minhash_dedup.threshold=0.8"),
        click.option("--workers", default=1, show_default=True, help="Processes on this machine."),
        click.argument("beam_options", nargs=-1, type=click.UNPROCESSED),
    ):
        command = option(command)
    return command


@main.command()
@_recipe_options
def run(
    recipe: str,
    inputs: tuple[str, ...],
    output: str,
    settings: tuple[str, ...],
    workers: int,
    beam_options: tuple[str, ...],
) -> None:
    """Run RECIPE (llama3, fineweb, or the path of a YAML file) and write the corpus.

    What is already done in the output folder is not done again. Options behind -- are Beam's own and choose its
    runner, for example: -- --runner=FlinkRunner --flink_master=host:8081
    """
    from pipelines.progress import show
    from pipelines.recipe import RecipeError, load_recipe
    from pipelines.run import run_recipe
    from pipelines.runners import RunError, Runner

    try:
        checked = load_recipe(recipe, inputs, settings)
        report = run_recipe(checked, output, Runner(workers, beam_options), show)
    except (RecipeError, RunError) as e:
        sys.exit(f"curate: {e}")
    print_funnel(report)
    Console().print(f"\nThe corpus is in [bold]{output}[/]; open [bold]{output}/report.html[/] to see what went where.")


@main.command()
@_recipe_options
def plan(
    recipe: str,
    inputs: tuple[str, ...],
    output: str,
    settings: tuple[str, ...],
    workers: int,
    beam_options: tuple[str, ...],
) -> None:
    """Say what running RECIPE would do, and what is done already; runs nothing."""
    from pipelines.plan import make_plan
    from pipelines.recipe import RecipeError, load_recipe
    from pipelines.run import Workspace, absolute
    from pipelines.sources import list_inputs

    try:
        checked = load_recipe(recipe, inputs, settings)
        made = make_plan(checked, list_inputs(checked.sources))
    except RecipeError as e:
        sys.exit(f"curate: {e}")
    space = Workspace(made, absolute(output))
    table = Table("pass", "reads", "decides first", "steps", "takes keys for", "writes text", "done")
    for spec in made.passes:
        table.add_row(
            str(spec.index + 1),
            "raw input" if not spec.index else "text",
            ", ".join(s.name for s in spec.decided),
            ", ".join(s.name for s in spec.steps),
            ", ".join(s.name for s in spec.keys),
            "sorted runs" if spec.last else ", ".join(spec.writes),
            "yes" if space.pass_done(spec) else "no",
        )
    console = Console()
    console.print(table)
    size = sum(s.size for s in made.slices)
    console.print(f"{len(made.slices)} slices, {size:,} bytes of input; text is read {made.text_reads} times in all.")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def report(folder: str) -> None:
    """Print the funnel of a finished run in FOLDER."""
    from pipelines import files

    print_funnel(files.read_json(files.join(folder, "report.json")))


def print_funnel(report: dict) -> None:
    """Print the funnel as a table."""
    table = Table("step", "read", "kept", "rejected", "reasons", title=f"{report['recipe']}: the funnel")
    for column in table.columns[1:4]:
        column.justify = "right"
    for step in report["steps"]:
        reasons = ", ".join(f"{rule} {n:,}" for rule, n in step["rejected"].items())
        lost = step["read"] - step["kept"]
        table.add_row(step["name"], f"{step['read']:,}", f"{step['kept']:,}", f"{lost:,}", reasons)
    console = Console()
    console.print(table)
    corpus = report["corpus"]
    console.print(f"{corpus['documents']:,} documents, {corpus['text_bytes']:,} bytes, {corpus['tokens']:,} tokens")
    for warning in report["warnings"]:
        console.print(f"[yellow]warning:[/] {warning}")


if __name__ == "__main__":
    main()
