"""Errors in recipes, as one line that is safe to print on any terminal."""

from __future__ import annotations

import difflib
from typing import Any

from curate.text.printable import printable

MAX_MESSAGE = 1000  # characters of an error


class RecipeError(ValueError):
    """A recipe is invalid; the message has the file, line, key, and the fix."""

    def __init__(self, message: str) -> None:
        message = printable(message)
        if len(message) > MAX_MESSAGE:  # it quotes a long value
            message = f"{message[: MAX_MESSAGE // 2]} ... {message[-MAX_MESSAGE // 2 :]}"
        super().__init__(message)


def shown(value: Any) -> str:
    """Return a value as errors quote it."""
    return short(repr(value))


def short(text: str) -> str:
    """Return at most 100 characters of a text."""
    return text if len(text) <= 100 else f"{text[:97]}..."


def did_you_mean(word: str, known: Any) -> str:
    """Return the end of an error: the most similar known word, or all known words."""
    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
