"""Train the quality models that ``curate`` ships, always with the same bytes.

Usage: python -m quality_models.train_shipped FOLDER... --output quality_models/models

The folders have the ``*.jsonl.zst`` files that quality_models/cards/quality.md lists, with their licences. The labels
are those of page formats and parts of pages; nobody judged single documents. References such as encyclopaedias, novels
and news archives are excluded, so that they can show how the model treats unseen sources; with them the score on human
labels is the same within the noise (see the card).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from curate.text.hashing import stable_u64
from quality_models.examples import Examples, read_rows
from quality_models.report import print_evaluation
from quality_models.train_quality import ENGLISH_ONLY, SIGNALS, TrainConfig, Trained, train_examples, write

# Page formats of WebOrganizer (Wettig et al. 2025, arXiv 2502.10341). Positive formats are prose written to be read,
# negative ones have little of it. Formats in between (forums, reviews, FAQs, legal notices, ...) are excluded.
GOOD_FORMATS = frozenset({
    "Academic Writing", "Audio Transcript", "Creative Writing", "Documentation", "Knowledge Article", "News Article",
    "Nonfiction Writing", "Personal Blog", "Tutorial",
})  # fmt: skip
BAD_FORMATS = frozenset({
    "Comment Section", "Content Listing", "Product Page", "Spam / Ads", "Structured Data", "Truncated",
})  # fmt: skip

# The main text of real pages, and the rest of the same pages.
MAIN_TEXT, BOILERPLATE = "web_main_text_gold", "low_web_boilerplate"
WEB_FORMATS = "web_weborganizer_topic_format"

# Code and mathematics, which the page formats hardly contain: without some, a model takes their lines for lists of
# links. A few of each, chosen by hash, because more would teach the style of these books.
TECHNICAL = ("topic_code_files", "topic_code_pages", "topic_maths_latex_books")
TECHNICAL_DOCUMENTS = 200
NOT_WRITTEN_BY_PEOPLE = "gpteacher_codegen"


def gather(folders: list[Path]) -> Examples:
    """Read the training documents.

    Raises:
        FileNotFoundError: a file that the model is trained on is in none of the folders.
    """
    paths = {path.name.removesuffix(".jsonl.zst"): path for folder in folders for path in folder.glob("*.jsonl.zst")}
    missing = sorted({MAIN_TEXT, BOILERPLATE, WEB_FORMATS, *TECHNICAL} - set(paths))
    if missing:
        raise FileNotFoundError(f"no {', '.join(missing)} in {', '.join(map(str, folders))}")
    rows = list(_web_formats(paths[WEB_FORMATS]))
    for name in (MAIN_TEXT, BOILERPLATE):
        rows += [(str(row["text"]), float(name == MAIN_TEXT), name) for row in read_rows(paths[name])]
    for name in TECHNICAL:
        technical = [str(row["text"]) for row in read_rows(paths[name]) if row["source"] != NOT_WRITTEN_BY_PEOPLE]
        rows += [(text, 1.0, name) for text in sorted(technical, key=stable_u64)[:TECHNICAL_DOCUMENTS]]
    texts, targets, sources = zip(*rows, strict=True)
    return Examples(list(texts), np.array(targets), list(sources))


def _web_formats(path: Path) -> Iterator[tuple[str, float, str]]:
    for row in read_rows(path):
        page_format = str(row["format"])
        if page_format in GOOD_FORMATS | BAD_FORMATS:
            yield str(row["text"]), float(page_format in GOOD_FORMATS), f"WebOrganizer: {page_format}"


def train_both(examples: Examples) -> dict[str, Trained]:
    """Train the English model, and the one over signals that mean the same in every language."""
    # Both sides come from the same crawls, so length is a property of the pages and may count. The classifier is not
    # tuned: its defaults are settings that generalized to other types of web pages (see the card).
    english = TrainConfig("en", budget=0.0, keep_lengths=True)
    neutral = tuple(name for name in SIGNALS if name not in ENGLISH_ONLY)
    any_language = TrainConfig("", keep_lengths=True, with_text=False, signals=neutral)
    return {
        "quality-en": train_examples(examples, english, click.echo),
        "quality-signals": train_examples(examples, any_language, click.echo),
    }


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--output", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folders: tuple[Path, ...], output: Path) -> None:
    """Train on the documents in FOLDERS and write both models to the folder OUTPUT."""
    for name, trained in train_both(gather(list(folders))).items():
        click.echo(name)
        write(trained, output / f"{name}.zip", click.echo)
        print_evaluation(trained.evaluation)


if __name__ == "__main__":
    main()
