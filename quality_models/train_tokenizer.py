"""Train the 32,000-entry byte-level BPE tokenizer that ``curate`` ships, always with the same bytes.

Usage: python -m quality_models.train_tokenizer TEXT_FOLDER... --output quality_models/models/tokenizer-32k.json.zst

A folder has ``*.jsonl.zst`` files with a ``text`` per line and, for texts that are not English, an ``iso639_1``. The
card, quality_models/cards/tokenizer.md, lists the sources, their licences, and the evaluation.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
import xxhash
import zstandard

VOCABULARY = 32_000
END_OF_TEXT = "<|endoftext|>"

# How text is split before BPE: Llama 3's pattern (github.com/meta-llama/llama3, tokenizer.py: words with one leading
# character, numbers in groups of three, punctuation, line ends, spaces) with one change: combining marks (\p{M}) belong
# to their word, because otherwise every vowel sign of an Indic script would end a word.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|[^\r\n\p{L}\p{M}\p{N}]?[\p{L}\p{M}]+"
    r"|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)

# Bytes of UTF-8 for each part. curate's own values: mostly English, as in the Llama 3 mix, and enough of every script
# that no language with a two-letter code falls back to single bytes.
ENGLISH = 24_000_000
CODE = 5_000_000
MATHS = 4_000_000
LARGE_LANGUAGE = 700_000
LANGUAGE = 100_000
# The 25 languages after English with the most pages in Common Crawl (commoncrawl.github.io/cc-crawl-statistics).
LARGE = frozenset(
    "ar cs da de el es fa fi fr hu id it ja ko nl pl pt ro ru sv th tr uk vi zh".split()  # noqa: SIM905
)

# Sources whose licence forbids commercial use, or that have none, are excluded if others cover the same.
LEFT_OUT = frozenset({"ref_openstax_textbooks", "graded_clear_readability", "graded_cefr_levels"})


def _texts(path: Path) -> Iterator[dict[str, str]]:
    with path.open("rb") as file:
        stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield orjson.loads(line)


def _part(name: str, row: dict[str, str]) -> tuple[str, int]:
    """Return the part of the sample that a text belongs to, and its limit in bytes; 0 excludes the text."""
    if "iso639_3" in row:
        language = row.get("iso639_1") or ""
        if not language or language == "en":
            return "", 0
        return language, LARGE_LANGUAGE if language in LARGE else LANGUAGE
    if name.startswith("topic_code"):
        return "code", CODE
    if name.startswith("topic_maths"):
        return "maths", MATHS
    return "english", 0 if name in LEFT_OUT else ENGLISH


def sample(folders: list[Path]) -> tuple[list[str], dict[str, int]]:
    """Choose the training texts: for each part the texts with the smallest hashes, up to its limit.

    Returns the texts in a fixed order, and the number of bytes of each part.
    """
    parts: dict[str, list[tuple[int, str]]] = {}
    limits: dict[str, int] = {}
    for path in sorted((path for folder in folders for path in folder.glob("*.jsonl.zst")), key=lambda p: p.name):
        name = path.name.removesuffix(".jsonl.zst")
        for row in _texts(path):
            part, limit = _part(name, row)
            if limit:
                limits[part] = limit
                parts.setdefault(part, []).append((xxhash.xxh3_64_intdigest(row["text"].encode()), row["text"]))
    chosen: list[str] = []
    taken: dict[str, int] = {}
    for part in sorted(parts):
        taken[part] = 0
        for _, text in sorted(parts[part]):
            if taken[part] >= limits[part]:
                break
            chosen.append(text)
            taken[part] += len(text.encode())
    return chosen, taken


def train(texts: list[str]) -> str:
    """Train the tokenizer; return it as the JSON of a ``tokenizer.json``."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return str(tokenizer.to_str(pretty=False))


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(folders: tuple[Path, ...], output: Path) -> None:
    """Train on the texts in FOLDERS and write OUTPUT (.json.zst)."""
    texts, taken = sample(list(folders))
    for part, size in sorted(taken.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"{part:10}{size:12,} bytes")
    tokenizer = train(texts).encode()
    output.write_bytes(zstandard.ZstdCompressor(level=19).compress(tokenizer))
    # The hash of the JSON, because versions of zstandard may compress differently.
    click.echo(f"{len(tokenizer):,} bytes of JSON, sha256 {hashlib.sha256(tokenizer).hexdigest()}")


if __name__ == "__main__":
    main()
