"""Files that are one page, files that are something else than their names say, and names of files."""

from __future__ import annotations

from random import Random

from tests.fuzz import containers, raw
from tests.fuzz.documents import Writer
from tests.fuzz.inputs import Input, make_input
from tests.fuzz.pages import mutate_page, odd_text

ENDINGS = (
    ".warc", ".warc.gz", ".warc.zst", ".arc.gz", ".jsonl", ".jsonl.gz", ".jsonl.bz2", ".jsonl.xz", ".jsonl.zst",
    ".parquet",
    ".arrow", ".html", ".html.gz", ".txt", ".txt.zst", ".md", ".zip", ".pdf", "", ".wat.gz",
)  # fmt: skip
#: What a name may hold that programs take for something else.
NAMES = (
    b"a b", b"-rf", b"[x]*?", b"{a,b}", b"%s%n", b"~", b"#x", b"a\nb", b"a\tb", b"\x1b[31mred", b"\xc2\x9b31m",
    b"\xe2\x80\xaegnp",
    b"\xf0\x9f\x92\xa9", b"e\xcc\x81", b"a" * 180, b"a;b|c&d", b"a'b\"c", b"$(x)`y`", b"\\", b"a:b", b"\xff\xfe",
)  # fmt: skip


def make_loose(rng: Random, writer: Writer) -> Input:
    """Make a page or a text as a file of its own, or a file whose content is not what its name says."""
    (document,) = documents = writer.take(1)
    kind = rng.choice(("html", "html", "html", "text", "text", "wrong", "empty"))
    ending = rng.choice(("", "", ".gz", ".bz2", ".xz", ".zst"))
    compress = containers.COMPRESS[ending]
    if kind == "html":
        mutation, data = mutate_page(rng, document)
        stem = rng.choice((".html", ".htm", ".xhtml"))
    elif kind == "text":
        text = odd_text(rng, document.text)
        encoding = rng.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig", "cp1252", "utf-7"))
        mutation, data = f"text:{encoding}", text.encode(encoding, "replace")
        stem = rng.choice((".txt", ".md", ".text"))
    elif kind == "empty":
        data = rng.choice(
            (b"", b"\n", b"\0" * 5000, b"\xef\xbb\xbf", b"{}", b"PAR1", b"ARROW1\0\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
        )
        return make_input(rng.choice(ENDINGS), data, "nearly_empty", [], documents)
    else:
        data = rng.choice(
            (
                rng.randbytes(3000),
                document.text.encode(),
                containers.COMPRESS[rng.choice((".gz", ".zst", ".xz"))](b"x" * 9000),
            )
        )
        return make_input(rng.choice(ENDINGS), data, "other_content", [], documents)
    size = len(data)
    data = compress(data)
    if rng.random() < 0.2:
        name, data = raw.mutate(rng, data)
        mutation = f"{mutation}+file:{name}"
    return make_input(stem + ending, data, mutation, [], documents, size)


def name(rng: Random, number: int, ending: str) -> bytes:
    """Return a name for a file; a few are odd."""
    odd = rng.choice(NAMES) if rng.random() < 0.03 else b""
    return b"%s%04d%s" % (odd, number, ending.encode())
