"""Draw pages of a run to judge."""

from __future__ import annotations

import click
import orjson

from pipelines.commands.errors import errors


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("-n", "count", type=click.IntRange(1), default=100, show_default=True, help="Number of pages.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other pages.")
@click.option("--output", metavar="FILE", help="File to write; standard output if not given.")
def sample(folder: str, count: int, seed: int, output: str | None) -> None:
    """Draw pages of the finished run in FOLDER for a person or a language model to judge, as JSON lines.

    Half of them were kept, half rejected, spread over the steps and rules that reject. Fill in keep: 1 for a page that
    belongs in the corpus, 0 for one that does not, 0.5 if either is right; and quality on any scale, if you like.
    `curate score` then compares the run with your judgements.
    """
    with errors():
        from pipelines.io import files
        from pipelines.result.sample import sample as draw

        lines = b"".join(orjson.dumps(row) + b"\n" for row in draw(folder, count, seed))
        if output:
            with files.atomic_write(output) as f:
                f.write(lines)
        else:
            click.echo(lines, nl=False)
