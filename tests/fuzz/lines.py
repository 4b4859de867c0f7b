"""JSON lines: good rows, rows with odd values or none, damaged lines, and damaged compression around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import accumulate
from random import Random

from tests.fuzz import containers, raw
from tests.fuzz.documents import Document, Writer
from tests.fuzz.inputs import Input, make_input
from tests.fuzz.pages import mutate_page, odd_text, page

ENDINGS = (".jsonl", ".json", ".ndjson", ".JSONL")
#: Values that JSON can say, as written, and some that it cannot.
VALUES: tuple[Callable[[Random], str], ...] = (
    lambda rng: rng.choice(("null", "true", "1", "-0", "1e999", "NaN", "Infinity", '""', "{}", "[]", "01", "'x'")),
    lambda rng: "9" * rng.choice((20, 400, 5000)),
    lambda rng: "[" * (depth := rng.choice((10, 1000, 30_000))) + "]" * rng.choice((depth, 1)),
    lambda rng: '{"a":' * (depth := rng.choice((10, 1000, 30_000))) + "1" + "}" * depth,
    lambda rng: rng.choice(('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x41"', '"\t"', '"\\u12"')),
    lambda rng: f'"{rng.choice(("a", chr(0x301), "﷽", chr(92) * 2, chr(0x202e))) * rng.choice((10, 3000, 200_000))}"',
    lambda rng: rng.choice(('"2001-99-99"', '"0001-01-01"', '"99999-12-31"', '"2020-01-01T00:00:00+99:99"', '"-1"')),
    lambda rng: json.dumps([{"text": "x"}] * rng.choice((1, 900))),
    lambda rng: json.dumps({"url": "http://x.example", "date": rng.choice((0, 1e18, -1e18, [1], {"a": 1}, "x"))}),
)  # fmt: skip
KEYS = ("text", "html", "url", "date", "timestamp", "metadata", "id", "", "__class__", "text\\u0000", "Text")


def row(rng: Random, document: Document) -> bytes:
    """Return a document as a line, in one of the shapes that are read."""
    where = {"url": document.url, "date": document.date}
    data: dict = {"text": document.text}
    if rng.random() < 0.2:
        data = {"html": page(document)}
    data |= {"metadata": where} if rng.random() < 0.3 else where
    return json.dumps(data, ensure_ascii=rng.random() < 0.5).encode()


def make_lines(rng: Random, writer: Writer) -> Input:
    """Make a file of JSON lines with a few mutated ones, or damaged as a whole."""
    documents = writer.take(rng.randint(3, 6))
    ending = rng.choice(("", "", ".gz", ".bz2", ".xz", ".zst"))
    stem = rng.choice(ENDINGS)
    rows = [row(rng, d) for d in documents]
    if rng.random() < 0.6:
        victim = rng.randrange(len(rows))
        mutation, rows[victim] = _mutate_row(rng, documents[victim], rows[victim])
        newline = rng.choice((b"\n", b"\n", b"\r\n", b"\n\n", b"\n \t\n"))
        data = newline.join(rows) + rng.choice((b"", newline))
        others = [d for d in documents if d is not documents[victim]]
        return make_input(stem + ending, containers.COMPRESS[ending](data), mutation, others, documents, len(data))
    mutation, data, kept, size = _damage_file(rng, ending, documents, [r + b"\n" for r in rows])
    return make_input(stem + ending, data, mutation, kept, documents, size)


def _mutate_row(rng: Random, document: Document, good: bytes) -> tuple[str, bytes]:
    name = rng.choice(
        ("raw", "value", "values", "more", "odd_text", "surrogate", "array", "encoding", "html", "nothing", "long")
    )
    where = f'"url": "{document.url}", "date": "{document.date}"'
    text = json.dumps(document.text)
    match name:
        case "raw":
            damage, data = raw.mutate(rng, good)
            return f"line:{damage}", data.replace(b"\n", b" ")
        case "value":  # the text is whole
            key = rng.choice([k for k in KEYS if k not in ("text", "html")])
            data = f'{{"text": {text}, "{key}": {_value(rng)}}}'.encode("utf-8", "surrogatepass")
            return "line:value", data.replace(b"\n", b" ")
        case "values":
            pairs = [f'"{rng.choice(KEYS)}": {_value(rng)}' for _ in range(rng.randint(1, 5))]
            return "line:values", ("{" + ", ".join(pairs) + "}").encode("utf-8", "surrogatepass").replace(b"\n", b" ")
        case "more":  # the same key twice, or very many keys
            pairs = [f'"{rng.choice(("text", "url", "k"))}{i % 7000}": {i}' for i in range(rng.choice((10, 20_000)))]
            return "line:many_keys", f'{{"text": {text}, {", ".join(pairs)}, "text": {text}, {where}}}'.encode()
        case "odd_text":
            return "line:odd_text", f'{{"text": {json.dumps(odd_text(rng, document.text))}, {where}}}'.encode()
        case "surrogate":
            at = rng.randrange(1, len(text) - 1)
            while text[at - 1] == "\\":
                at -= 1
            half = rng.choice(("\\ud800", "\\udfff", "\\udfff\\ud800", "\\u0000"))
            field = rng.choice(
                (where, f'"url": "http://x{half}.example/{document.marker}"', f'"metadata": {{"url": "{half}"}}')
            )
            return "line:surrogate", f'{{"text": {text[:at]}{half}{text[at:]}, {field}}}'.encode()
        case "array":
            return "line:array", rng.choice(
                (b"[%s]" % good, b"[", b"[1, 2]", b"null", b"1", b'"x"', b"%s,%s" % (good, good))
            )
        case "encoding":
            return "line:encoding", good.decode().encode(
                rng.choice(("utf-8-sig", "cp1252", "utf-7", "utf-16-le")), "replace"
            ).replace(b"\n", b" ")
        case "html":
            damage, html = mutate_page(rng, document)
            return f"line:{damage}", f'{{"html": {json.dumps(html.decode("latin-1"))}, {where}}}'.encode()
        case "nothing":
            return "line:nothing", rng.choice(
                (b"{}", b'{"text": null}', b'{"text": ""}', b"", b"\0" * 3000, b'{"text": "   "}')
            )
    unit = rng.choice(("a", "word ", "é", "\\n", "漢字"))
    size = rng.choice((300_000, 1_000_000, 8_000_000 if rng.random() < 0.1 else 300_000))
    return "line:long", f'{{"text": "{unit * (size // len(unit))}", {where}}}'.encode()


def _value(rng: Random) -> str:
    return rng.choice(VALUES)(rng)


def _damage_file(
    rng: Random, ending: str, documents: list[Document], rows: list[bytes]
) -> tuple[str, bytes, list[Document], int]:
    """Damage a file as a whole; return the mutation, the file, the documents before the damage, and its size."""
    compress = containers.COMPRESS[ending]
    ends = list(accumulate(map(len, rows)))
    whole = b"".join(rows)
    kind = rng.choice(("behind", "behind", "members", "rewrap", "between", "encoding", "bomb"))
    match kind:
        case "behind":
            data = compress(whole)
            name, damaged, at = raw.mutate_behind(rng, data)
            safe = containers.readable(ending, data[:at])
            return (
                f"file:{name}",
                damaged,
                [d for d, end in zip(documents, ends, strict=True) if end <= safe],
                len(whole),
            )
        case "members":
            cut = rng.randrange(1, len(rows))
            first, second = compress(b"".join(rows[:cut])), compress(b"".join(rows[cut:]))
            name, damaged, at = raw.mutate_behind(rng, second)
            return f"file:second_member:{name}", first + damaged, documents[:cut], len(whole)
        case "rewrap":
            name, data = containers.rewrap(rng, ending, whole)
            return name, data, documents, len(whole)
        case "between":
            name, members = containers.between(rng, ending, [compress(r) for r in rows])
            return name, b"".join(members), documents, len(whole)
        case "encoding":
            encoding = rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-be"))
            return f"file:{encoding}", compress(whole.decode().encode(encoding)), [], 4 * len(whole)
    size = rng.choice((1 << 20, 8 << 20, 70 << 20 if rng.random() < 0.1 else 1 << 20))
    line = b'{"text": "%s"}\n' % (b"a" * size)
    return "file:bomb", compress(rows[0] + line + b"".join(rows[1:])), documents, size
