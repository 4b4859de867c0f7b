"""Stable hashes: ids of documents, random choices that every machine makes alike, and the hash of a text's words.

No result depends on the process, the platform or the order of the input.

>>> len(document_id("https://example.org/", "2026-01-01T00:00:00Z", b"page"))
32
>>> 0 <= fraction("00", "sample") < 1
True
"""

from __future__ import annotations

import xxhash

from curate.text.folding import fold, join_broken_words


def document_id(url: str, date: str, content: bytes) -> str:
    """Return the id of a document: 32 hex digits of the 128-bit hash of its URL, crawl date and bytes.

    >>> document_id("", "", b"a") == document_id("", "a", b"")
    False
    """
    hasher = xxhash.xxh3_128()
    for part in (url.encode("utf-8", "surrogatepass"), date.encode(), content):
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.hexdigest()


def stable_u64(value: str | bytes, salt: str = "") -> int:
    """Return a 64-bit hash of a value; different salts give independent hashes.

    >>> stable_u64("page", "a") == stable_u64("page", "b")
    False
    """
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return xxhash.xxh3_64_intdigest(data, seed=xxhash.xxh3_64_intdigest(salt.encode()) if salt else 0)


def fraction(id: str, salt: str) -> float:
    """Return a number in [0, 1) derived from a document's id, for sampling: keep the document if it is below the rate.

    >>> fraction("00", "mixture") == fraction("00", "mixture")
    True
    """
    return (stable_u64(id, salt) >> 11) / 2**53


def text_hash(text: str) -> int:
    r"""Return a 64-bit hash of a text as a reader sees it: folded, ignoring case and white space.

    >>> text_hash("One  two\n") == text_hash("\u200bone ｔｗｏ")
    True
    """
    return stable_u64(" ".join(fold(join_broken_words(text)).lower().split()))
