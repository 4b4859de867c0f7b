"""Small documents to train on: sentences put together, and lists of links put together, of a few made-up sources."""

from __future__ import annotations

import random

import numpy as np
import orjson

from quality_models.examples import Examples

_SUBJECTS = [
    "The river",
    "A printer",
    "Her uncle",
    "The committee",
    "Most harbours",
    "An early map",
    "The old engine",
    "His second book",
]
_VERBS = [
    "was built",
    "had been moved",
    "became known",
    "was described",
    "has been copied",
    "was sold",
    "could be repaired",
]
_ENDS = [
    "after the long winter of that year",
    "because nobody had asked for it",
    "in a village on the northern coast",
    "although the first plan was different",
    "by people who knew the valley well",
    "before the railway reached the town",
]
_LINKS = [
    "Home",
    "Login",
    "Sign up",
    "Cart (0)",
    "Share",
    "Tweet",
    "Next »",
    "Buy now!!!",
    "Related",
    "Top 10",
    "Contact",
    "FAQ",
    "$9.99",
    "Sold out",
]


def good_text(rng: random.Random) -> str:
    """Some paragraphs of sentences."""
    sentence = lambda: f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_ENDS)}."  # noqa: E731
    return "\n\n".join(" ".join(sentence() for _ in range(rng.randrange(2, 7))) for _ in range(rng.randrange(1, 6)))


def bad_text(rng: random.Random) -> str:
    """Some lines of links."""
    return "\n".join(" | ".join(rng.choices(_LINKS, k=rng.randrange(1, 6))) + f" {rng.random():.6f}" for _ in range(20))


def examples(n: int = 150, seed: int = 0) -> Examples:
    """So many documents of each side, of three sources each."""
    rng = random.Random(seed)
    texts = [good_text(rng) for _ in range(n)] + [bad_text(rng) for _ in range(n)]
    sources = [f"good{i % 3}" for i in range(n)] + [f"bad{i % 3}" for i in range(n)]
    return Examples(texts, np.r_[np.ones(n), np.zeros(n)], sources)


def write_lines(path, rows) -> None:
    """Write dictionaries as JSON lines."""
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def write_sides(folder, n: int = 150) -> tuple[str, str]:
    """Write `examples` as two files; returns their paths."""
    found = examples(n)
    rows = [{"text": text, "source": source} for text, source in zip(found.texts, found.sources, strict=True)]
    write_lines(folder / "good.jsonl", rows[:n])
    write_lines(folder / "bad.jsonl", rows[n:])
    return str(folder / "good.jsonl"), str(folder / "bad.jsonl")
