"""The command line: parses and prints, nothing else."""

from __future__ import annotations

import errno
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO, TextIOWrapper
from typing import Any, NoReturn

import click
from rich.table import Table
from rich.text import Text

from curate.text.printable import printable
from pipelines.commands.console import (
    end_output,
    make_console,
    outcome,
    print_estimate,
    print_fate,
    print_funnel,
    printable_lines,
    warning_line,
)

CONTEXT = {"help_option_names": ["-h", "--help"]}
STOPPED = "curate: stopped; what is finished is kept: run the same command again to go on"

ROOM = "; what is finished is kept: make room there and run the same command again"
#: What to do about errors of the operating system that say no more than their name.
FIXES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EROFS: "; choose another folder",
    errno.EIO: "; what is finished is kept: check that disk or network and run the same command again",
}


class Commands(click.Group):
    """The commands: whatever goes wrong ends in a sentence that any terminal shows, and a status that is not 0."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Parse the arguments and run the command that they name."""
        more["standalone_mode"] = False
        if isinstance(sys.stdout, TextIOWrapper):  # a character that the terminal's encoding lacks is no reason to stop
            sys.stdout.reconfigure(errors="backslashreplace")
        status: Any = 1
        try:
            with _errors():
                status = super().main(*args, **more)
                if sys.stdout is not None:
                    sys.stdout.flush()  # here a full disk can still be reported
        except click.Abort:
            sys.exit(STOPPED)
        except click.ClickException as e:
            shown = StringIO()
            e.show(shown)
            click.echo(printable_lines(shown.getvalue()), err=True, nl=False)
            sys.exit(e.exit_code)
        finally:
            end_output()
        sys.exit(status if isinstance(status, int) else 0)


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(package_name="curate")
def main() -> None:
    """Raw web text in, a high-quality token corpus out.

    Begin with `curate plan llama3 --input 'crawl/*.warc.gz'`, which runs nothing, then `curate run` the same.
    """


def fail(problem: str) -> NoReturn:
    """End with a sentence on standard error, and status 1."""
    sys.exit(f"curate: {printable(problem)}")


@contextmanager
def _errors(*more: type[Exception]) -> Iterator[None]:
    """Print what is wrong in one line, without a traceback, where it is the user's to fix."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except Exception as e:
        if problem := _problem(e, more):
            fail(problem)
        if isinstance(e, RuntimeError) and isinstance(e.__context__, KeyboardInterrupt):
            sys.exit(STOPPED)  # Beam makes this of a Ctrl-C that strikes within a corpus step
        raise


def _say(sentence: str) -> None:
    click.echo(f"curate: {printable(sentence)}", err=True)


def _problem(error: Exception, more: tuple[type[Exception], ...]) -> str:
    """Say what is wrong if it is the user's to fix, else ""."""
    from pipelines.engine.runners import RunError
    from pipelines.io.files import DamagedError, reason
    from pipelines.recipe.recipe import RecipeError

    if isinstance(error, BlockingIOError):
        return "another run is writing into this output folder: wait for it, or choose another --output"
    if isinstance(error, PermissionError | NotADirectoryError | FileExistsError | IsADirectoryError):
        fix = "check the path and its permissions, or choose another"
        return f"{error.filename or error}: {error.strerror or 'cannot be written'}: {fix}"
    if isinstance(error, DamagedError):
        return f"{error}; run the same command as before again, which repairs it"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):  # a full disk, a network that is gone
        return f"{reason(error)}{FIXES.get(error.errno or 0, '')}"
    return str(error) if isinstance(error, (RecipeError, RunError, FileNotFoundError, *more)) else ""


def _recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.argument("recipe"),
            click.option(
                "--input",
                "inputs",
                multiple=True,
                metavar="PATTERN",
                help="What to read, instead of the recipe's sources: a path, folder or quoted glob; can be repeated. "
                "WARC, ARC, WET, JSONL, Parquet, Arrow, HTML and text files, plain or compressed.",
            ),
            click.option("--output", default="out/corpus", show_default=True, help="Folder for the result."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="KEY=VALUE",
                help="Change a setting of the recipe, e.g. steps.minhash_dedup.threshold=0.7; can be repeated.",
            ),
        )
    ):
        command = option(command)
    return command


@main.command()
@_recipe_options
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
@click.option(
    "--memory",
    type=click.FloatRange(0.001),
    default=1.0,
    show_default=True,
    metavar="GB",
    help="For the keys of a corpus step.",
)
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)
def run(
    recipe: str,
    inputs: tuple[str, ...],
    output: str,
    settings: tuple[str, ...],
    workers: int,
    memory: float,
    beam_options: tuple[str, ...],
) -> None:
    """Run RECIPE (llama3, fineweb, or the path of a YAML file) and write the corpus.

    What is done already in the output folder is not done again; stop it whenever you like and start it again.

    Options behind -- are Beam's own and choose its runner:

        curate run llama3 --input 'gs://b/*.warc.gz' --output gs://b/out -- --runner=DataflowRunner --region=...
    """
    if not math.isfinite(memory):
        fail(f"--memory is {memory}: give a number of GB")
    with _errors():
        from pipelines.engine.progress import show
        from pipelines.engine.run import run_recipe
        from pipelines.engine.runners import Runner
        from pipelines.recipe.recipe import load_recipe

        checked = load_recipe(recipe, inputs, settings)
        with Runner(workers, beam_options, int(memory * 1e9)) as runner:
            report = run_recipe(checked, output, runner, show, _say)
    print_funnel(report)
    make_console().print(
        f"\nThe corpus is in {printable(output)}; open {printable(output)}/report.html to see what went where.",
        soft_wrap=True,
    )


@main.command()
@_recipe_options
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that it would have.")
@click.option("--estimate/--no-estimate", "estimated", default=True, help="Try the map steps on some of the input.")
def plan(
    recipe: str, inputs: tuple[str, ...], output: str, settings: tuple[str, ...], workers: int, estimated: bool
) -> None:
    """Say what running RECIPE would do, what of it is done already, and what it will cost; writes nothing."""
    with _errors():
        from pipelines.engine.estimate import estimate, memory_taken
        from pipelines.engine.layout import Workspace
        from pipelines.engine.run import preflight
        from pipelines.io.sources import not_read
        from pipelines.recipe.recipe import load_recipe

        space = Workspace.of(load_recipe(recipe, inputs, settings), output)
        preflight(space)
    table = Table("pass", "reads", "applies", "steps", "takes keys for", "shuffles per document", "writes", "done")
    for spec in space.plan.passes:
        shuffled = [f"{name}: {size}" for name, size in space.plan.shuffled(spec)]
        table.add_row(
            str(spec.index + 1),
            "raw input" if not spec.index else "text",
            "\n".join(s.name for s in spec.decided),
            "\n".join(s.name for s in spec.steps),
            "\n".join(s.name for s in spec.keys),
            "\n".join(shuffled),
            "sorted runs" if spec.last else "\n".join(spec.writes),
            space.progress(spec),
        )
    last = str(len(space.plan.passes) + 1)
    table.add_row(last, "sorted runs", "", "", "", "", "shards", "yes" if space.finished() else "no")
    console = make_console()
    console.print(table)
    for taken in space.decisions():
        for sentence in taken.step.describe(taken.config, taken.decision):
            console.print(printable(f"{taken.name}: {sentence}"))
    size = sum(s.size for s in space.plan.slices)
    console.print(f"{len(space.plan.slices)} slices, {size:,} bytes of input; text is read {last} times in all.")
    console.print(memory_taken(workers))
    if sentence := not_read(part.file for piece in space.plan.slices for part in piece.parts):
        console.print(warning_line(sentence))
    if estimated and not space.finished():
        print_estimate(console, estimate(space.plan))


@main.command()
@click.argument("step", default="")
def steps(step: str) -> None:
    """Say which steps a recipe can name, in the order of Llama 3's, or which settings STEP has."""
    from pipelines.recipe.reference import describe
    from pipelines.recipe.registry import STEPS

    if step and step not in STEPS:
        fail(f"no step {step!r}; known: {', '.join(STEPS)}")
    console = make_console()
    if not step:
        table = Table("step", "looks at", "what its settings say")
        for told in map(describe, STEPS):
            table.add_row(told.name, "the corpus" if told.corpus else "a document", told.summary)
        console.print(table)
        return
    told = describe(step)
    console.print(told.summary, *([f"\n\n{told.more}"] if told.more else []), sep="")
    table = Table("setting", "takes", "default")
    for setting in told.settings:
        table.add_row(setting.key, setting.takes, setting.default or "must be given")
    if told.settings:
        console.print(table)


@main.command()
@click.argument("target")
@click.option("--output", default="out/corpus", show_default=True, help="Folder of a finished run to look in.")
@click.option("--recipe", default="llama3", show_default=True, help="For a file: whose steps it is led through.")
@click.option("--url", default="", help="For a file: the URL it stands for.")
def explain(target: str, output: str, recipe: str, url: str) -> None:
    """Say why a page is in the corpus or not. TARGET is a document id or URL in OUTPUT, or a text or HTML file."""
    from pathlib import Path

    with _errors():
        from pipelines.recipe.recipe import load_recipe
        from pipelines.result.explain import find, try_file

        console = make_console()
        if Path(target).is_file():
            for name, result in try_file(target, load_recipe(recipe), url):
                console.print(outcome(name, result))
            return
        fates = find(output, target)
    if not fates:
        fail(f"{target} was in no input of the run in {output}: no row of documents/ or rejected/ has it")
    for fate in fates:
        print_fate(console, fate)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--preset",
    "presets",
    multiple=True,
    help="Use another preset, over signals that the run stored, instead of its own; can be repeated.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="RULE=LIMIT",
    help="A new limit for a rule, e.g. gopher_too_few_words=30, or RULE=none to drop it; can be repeated.",
)
@click.option("--step", default="", metavar="NAME", help="The step whose limits are changed; the first heuristics.")
def recut(folder: str, presets: tuple[str, ...], settings: tuple[str, ...], step: str) -> None:
    """Say what other limits would change in the finished run in FOLDER, from its stored signals, in seconds."""
    with _errors(ValueError):
        from pipelines.result.recut import recut as compare

        limits = dict(_limit(setting) for setting in settings)
        found = compare(folder, presets, limits, step)
    console = make_console()
    table = Table("", "", "documents gained", "tokens gained", "documents lost", "tokens lost", "for example")
    for kind, label in sorted({*found.gained, *found.lost}):
        changes = [found.gained.get((kind, label)), found.lost.get((kind, label))]
        numbers = [f"{n:,}" for change in changes for n in ((change.documents, change.tokens) if change else (0, 0))]
        example = next(change.ids[0] for change in changes if change)
        table.add_row(kind, label, *numbers, example)
    for column in table.columns[2:6]:
        column.justify = "right"
    console.print(table)
    console.print(
        f"The corpus has {found.documents:,} documents and {found.tokens:,} tokens, each once. What is gained still "
        "has to pass the steps behind; its tokens are estimated from its bytes."
    )


@main.command("filter")
@click.argument("preset")
@click.argument("path")
@click.option("--against", metavar="PRESET", help="Say where another preset decides otherwise.")
@click.option("--language", help="Language of all documents; each is identified if this is not given.")
def filter_(preset: str, path: str, against: str | None, language: str | None) -> None:
    """Apply PRESET (gopher@datatrove, c4@tfds, default, ...) to the documents in PATH: what it keeps, and why not."""
    with _errors(ValueError):
        from pipelines.result.compare import compare

        found = compare(path, [preset, against] if against else [preset], language)
    console = make_console()
    table = Table("documents", preset, *([against] if against else []), "for example")
    for outcomes, n in sorted(found.pairs.items(), key=lambda p: (-p[1], p[0])):
        table.add_row(f"{n:,}", *outcomes, found.examples[outcomes][0])
    console.print(table)
    if found.unread:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in found.unread.most_common())
        console.print(
            Text.assemble((f"{found.unread.total():,} records gave no text", "yellow"), f": {printable(reasons)}")
        )
    if against:
        share = 100 * found.agreed / max(found.documents, 1)
        console.print(f"{preset} and {against} agree on {found.agreed:,} of {found.documents:,} ({share:.2f} %).")


def _limit(setting: str) -> tuple[str, float | None]:
    name, _, value = setting.partition("=")
    try:
        return name, None if value.lower() == "none" else float(value)
    except ValueError:
        fail(f"--set {setting}: expected RULE=LIMIT, as gopher_too_few_words=30, or RULE=none")


@main.group()
def sketch() -> None:
    """What near-duplicate detection needs of a corpus, 660 bytes a document and no word of its text.

    It has all documents that came to minhash_dedup, also those that a step behind it rejected.

    A sketch lets a new crawl be deduplicated against an old one, or against somebody else's corpus: name its folder in
    the recipe, `minhash_dedup: {index: [FOLDER]}`.
    """


@sketch.command("export")
@_recipe_options
@click.option("--to", "folder", required=True, help="Folder for the sketch.")
def export_(recipe: str, inputs: tuple[str, ...], output: str, settings: tuple[str, ...], folder: str) -> None:
    """Write the sketch of the run of RECIPE in --output, given with the same --input and --set as that run."""
    with _errors(ValueError, FileExistsError):
        from pipelines.recipe.recipe import load_recipe
        from pipelines.result.sketch import export_run

        documents = export_run(load_recipe(recipe, inputs, settings), output, folder)
    make_console().print(f"{documents:,} documents in {printable(folder)}", soft_wrap=True)


@sketch.command("import")
@click.argument("sketches", nargs=-1, required=True)
@click.option("--into", "folder", required=True, help="Folder of the sketch that is extended, or begun.")
def import_(sketches: tuple[str, ...], folder: str) -> None:
    """Check SKETCHES and add their documents, in this order, behind those of the sketch in --into."""
    with _errors(ValueError):
        from pipelines.result.sketch import import_sketches

        documents = import_sketches(sketches, folder)
    make_console().print(f"{documents:,} documents in {printable(folder)}", soft_wrap=True)


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> None:
    """Train a quality model from JSON lines: `curate train quality --help`, `curate train score --help`."""
    from quality_models.commands import main as training

    status = training.main(list(arguments) or ["--help"], prog_name="curate train", standalone_mode=False)
    sys.exit(status or 0)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def report(folder: str) -> None:
    """Print the funnel of the finished run in FOLDER."""
    with _errors():
        from pipelines.result.finished import read_report

        print_funnel(read_report(folder))


@main.command()
@click.argument("folder")
def verify(folder: str) -> None:
    """Check that the output in FOLDER is what its run left.

    Every file is compared with manifest.json, and the funnel with the tables; files that do not belong there are named.
    Prints a sentence for each finding. The exit status is 0 if there is none, 1 if there are any, and 2 if no run has
    written into FOLDER.
    """
    with _errors():
        from pipelines.result.output import NotAnOutputError
        from pipelines.result.verify import verify as check

        try:
            findings = check(folder)
        except NotAnOutputError as e:
            _say(str(e))
            sys.exit(2)
    for finding in findings:
        make_console().print(printable(str(finding)), soft_wrap=True)
    if findings:
        sys.exit(1)
    make_console().print(
        f"{printable(folder)}: every file is as the run left it, and the funnel agrees with the tables", soft_wrap=True
    )


if __name__ == "__main__":
    main()
