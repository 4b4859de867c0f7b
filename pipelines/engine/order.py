"""Checks of the order of steps: a step can read only what the input provides or an earlier step writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from curate.document import Document
from curate.filters.signals import signal_names
from pipelines.io.columns import SOURCE_ID
from pipelines.recipe.errors import RecipeError, did_you_mean
from pipelines.recipe.model import Recipe, RecipeStep
from pipelines.recipe.registry import step_type, words
from pipelines.steps.base import Step

#: Fields that readers provide.
GIVEN = frozenset({"id", "text", "html", "url", "date", "source", "charset", "title"})
FIELDS = frozenset(Document.__slots__)


def check_order(recipe: Recipe) -> None:
    """Check that the steps of a recipe can run in their order.

    Raises:
        RecipeError: a step reads a field before another writes it, a step changes the text after it was tokenized, or
            the recipe has a second tokenizer.
    """
    given = GIVEN | columns_of(recipe)
    writers: dict[str, str] = {}
    for i, entry in enumerate(recipe.steps):
        step = entry.step
        for field in sorted(step.reads | step.assumes.keys()):
            if field in writers:
                continue
            if maker := _maker(field, recipe.steps[i + 1 :]):
                raise recipe.error(entry.name, f" reads {field}, which {maker} writes; put {maker} before it")
            if field in step.reads and field not in given:
                raise _missing(recipe, entry, field)
        if "tokens" in step.writes and "tokens" in writers:
            raise recipe.error(entry.name, " is a second tokenizer; a corpus can have only one, so remove one")
        if "text" in step.writes and "tokens" in writers:
            raise recipe.error(
                entry.name, f" changes the text after {writers['tokens']} has tokenized it; put it before that step"
            )
        writers |= dict.fromkeys(step.writes, entry.name)


def assumptions(recipe: Recipe) -> Iterator[str]:
    """Yield warnings about what steps assume because no step writes an optional field."""
    given = GIVEN | columns_of(recipe)
    written: set[str] = set()
    for entry in recipe.steps:
        for field, assumed in entry.step.assumes.items():
            if field not in given and field not in written:
                fix = f"; put the step {word} before it" if (word := _word_for(field)) else ""
                yield f"{entry.name}: {assumed}, because no step before it writes {field}{fix}"
        written |= entry.step.writes


def columns_of(recipe: Recipe) -> frozenset[str]:
    """Return the columns that the sources of a recipe provide."""
    own_ids = {SOURCE_ID for source in recipe.sources if source.id}
    return frozenset({name for source in recipe.sources for name in source.columns} | own_ids)


def _maker(field: str, steps: Sequence[RecipeStep]) -> str:
    """Return the first step that creates a field rather than changing it; "" if there is none."""
    return next((e.name for e in steps if field in e.step.writes and field not in e.step.reads), "")


def _missing(recipe: Recipe, entry: RecipeStep, field: str) -> RecipeError:
    if word := _word_for(field):
        return recipe.error(entry.name, f" reads {field}, which the step {word} writes; put the step {word} before it")
    if field in FIELDS:
        return recipe.error(entry.name, f" reads {field}, which no step before it writes")
    signals = signal_names(entry.step.measures) if "signals" in entry.step.writes else ()
    known = sorted({*FIELDS, *columns_of(recipe), *signals})
    what = "a field, a signal or a column" if signals else "a field or a column"
    fix = f"name a column of the input in its source, as sources: [{{input: PATTERN, columns: [{field}]}}]"
    return recipe.error(entry.name, f" reads {field!r}, which is not {what}; {fix}{did_you_mean(field, known)}")


def _word_for(field: str) -> str:
    """Return the built-in step that creates a field; "" if there is none."""
    for word in words():
        type_ = step_type(word)
        if not (isinstance(type_, type) and issubclass(type_, Step)):
            continue
        reads, writes = type_.reads, type_.writes  # properties if they depend on settings
        if isinstance(writes, frozenset) and field in writes and not (isinstance(reads, frozenset) and field in reads):
            return word
    return ""
