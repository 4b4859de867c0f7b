"""The commands of ``curate train``, which only parse and print.

curate train quality --positive good.jsonl --negative bad.jsonl --output my-quality.zip
curate train score annotated.jsonl --output my-quality.zip
curate train judge --judged judged.jsonl --pages pages.warc.gz --output my-judge.zip
curate train evaluate my-quality.zip --positive good.jsonl --negative bad.jsonl --page curves.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np

from curate.language.codes import canonical
from curate.text.printable import printable
from quality_models.evaluate import evaluate, score_texts
from quality_models.report import print_evaluation, write_page
from quality_models.train_judge import train_judge
from quality_models.train_quality import TrainConfig, read_classes, train, train_scores

_OUTPUT = click.option("--output", required=True, help="The model, ending in .zip; card and curves go beside it.")
_LANGUAGE = click.option("--language", default="en", show_default=True, help="ISO 639-1 code of the documents.")
_BUDGET = click.option(
    "--budget", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds for tuning the classifier."
)
_TEXT = click.option("--text-field", default="text", show_default=True, help="The field of a row with the text.")


@click.command("quality")
@click.option("--positive", multiple=True, required=True, help="JSON lines of good documents; can be repeated.")
@click.option("--negative", multiple=True, required=True, help="JSON lines of bad documents; can be repeated.")
@_OUTPUT
@_LANGUAGE
@_BUDGET
@_TEXT
@click.option("--keep-lengths", is_flag=True, help="Let length count; use it if both sides were collected alike.")
@click.option("--trust-labels", is_flag=True, help="Train even if the sides look swapped.")
def quality_command(
    positive: tuple[str, ...],
    negative: tuple[str, ...],
    output: str,
    language: str,
    budget: float,
    text_field: str,
    keep_lengths: bool,
    trust_labels: bool,
) -> None:
    """Train a quality model on good and bad documents."""
    with plain_errors():
        config = TrainConfig(language=canonical(language), budget=budget, keep_lengths=keep_lengths)
        trained = train(positive, negative, output, config, text_field, trust_labels, _say)
    print_evaluation(trained.evaluation)


@click.command("score")
@click.argument("annotated", nargs=-1, required=True)
@_OUTPUT
@_LANGUAGE
@_BUDGET
@_TEXT
@click.option("--score-field", default="score", show_default=True, help="The field of a row with the score.")
@click.option("--trust-labels", is_flag=True, help="Train even if low scores look better than high ones.")
def score_command(
    annotated: tuple[str, ...],
    output: str,
    language: str,
    budget: float,
    text_field: str,
    score_field: str,
    trust_labels: bool,
) -> None:
    """Train a quality model on documents with scores from any judge (annotate and distil)."""
    with plain_errors():
        config = TrainConfig(language=canonical(language), budget=budget)
        trained = train_scores(annotated, output, config, text_field, score_field, trust_labels, _say)
    print_evaluation(trained.evaluation)


@click.command("judge")
@click.option(
    "--judged", multiple=True, required=True, help="JSON lines: url or id, keep, quality, spam, listing; repeatable."
)
@click.option(
    "--pages", multiple=True, required=True, help="WARC, JSON lines, or a finished run with the pages; repeatable."
)
@click.option("--output", required=True, help="The judge, ending in .zip.")
def judge_command(judged: tuple[str, ...], pages: tuple[str, ...], output: str) -> None:
    """Train a judge of worth, spam and listings on pages that were judged by reading."""
    with plain_errors():
        train_judge(judged, pages, output, _say)


@click.command("evaluate")
@click.argument("model", required=False)
@click.option("--positive", multiple=True, required=True, help="JSON lines of good documents; can be repeated.")
@click.option("--negative", multiple=True, required=True, help="JSON lines of bad documents; can be repeated.")
@click.option("--language", default="en", show_default=True, help="ISO 639-1 code of the documents.")
@click.option("--page", type=click.Path(path_type=Path), help="Write the curves to this HTML file.")
def evaluate_command(
    model: str | None, positive: tuple[str, ...], negative: tuple[str, ...], language: str, page: Path | None
) -> None:
    """Measure a MODEL (by default the shipped one) on documents of two sides."""
    with plain_errors():
        if page and not page.parent.is_dir():
            raise ValueError(f"--page: there is no folder {page.parent}")
        language = canonical(language)
        examples = read_classes(positive, negative)
        if len(set(examples.targets.tolist())) < 2:
            raise ValueError("one side has no documents: give both, because there is nothing to compare with")
        lengths = np.array([len(text) for text in examples.texts], np.float64)
        evaluation = evaluate(examples.targets, score_texts(model, examples, language), lengths, examples.sources)
    print_evaluation(evaluation)
    if page:
        write_page(page, model or "the shipped model", evaluation, f"{evaluation.documents:,} documents.")
        _say(f"curves: {page}")


def _say(text: str) -> None:
    """Print a line, escaped because it may contain names of files and sources."""
    click.echo(printable(text))


@contextmanager
def plain_errors() -> Iterator[None]:
    """Report errors that the user can fix in one line, without a traceback."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise click.ClickException(printable(str(error))) from error


@click.group()
def main() -> None:
    """Train or evaluate a quality model."""


main.add_command(quality_command)
main.add_command(score_command)
main.add_command(judge_command)
main.add_command(evaluate_command)

if __name__ == "__main__":
    main()
