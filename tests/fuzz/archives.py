"""WARC and ARC files: good pages in records, and mutations of a header, a message, a record, a member or the file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import brotli
import zstandard

from tests.fuzz import containers, raw
from tests.fuzz.documents import Document, Writer
from tests.fuzz.inputs import Input, make_input
from tests.fuzz.pages import mutate_page, page

LENGTHS = (
    b"0", b"1", b"-1", b"+12", b"1e3", b"0x10", b"", b" ", b"12, 12", b"67108864", b"67108865", b"4294967296",
    b"9" * 15,
    b"9" * 16, b"9" * 5000, b"\xd9\xa1\xd9\xa2", b"12\0", b"007",
)  # fmt: skip
ADDRESSES = (
    b"http://" + b"a" * 70_000, b"javascript:alert(1)", b"http://[::1", b"http://\xff\xfe/", b"file:///etc/passwd",
    b"http://x/\0\x1b[31m", b"http://" + b"." * 5000, b"<http://x.example/>", b"dns:x.example", b"",
    b"http://x.example:99999/",
    b"http://\xc2\x9b31m.example/", b"http://xn--" + b"a" * 300 + b"/", b"http://\xed\xa0\x80/",
    b"http://user:pw@x/", b"http:",
)  # fmt: skip
DATES = (
    b"2001-99-99", b"0000-00-00T00:00:00Z", b"99999-01-01", b"20140216050221", b"9" * 5000,
    b"2020-01-01T00:00:00+99:99",
    b"2020-02-30T25:61:61Z", b"-1", b"\xd9\xa1", b"",
)  # fmt: skip
CHARSETS = (
    b"utf-7",
    b"zlib_codec",
    b"hex",
    b"idna",
    b"\0",
    b"x" * 3000,
    b"undefined",
    b"utf-16",
    b"rot13",
    b"unicode_escape",
)
CODINGS = (
    b"gzip",
    b"br",
    b"zstd",
    b"deflate",
    b"gzip, br, zstd, deflate",
    b"gzip," * 400,
    b"identity",
    b"x",
    b"compress",
)


@dataclass(frozen=True, slots=True)
class Record:
    """A record with the document in it, if there is one."""

    data: bytes
    document: Document | None = None


def http(body: bytes, transfer: str = "", content_type: bytes = b"text/html; charset=utf-8") -> bytes:
    """Return an HTTP response with a body sent in one of the ways of ``TRANSFERS``."""
    body, headers = TRANSFERS[transfer](body)
    length = b"" if b"chunked" in headers else b"Content-Length: %d\r\n" % len(body)
    return (
        b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: " + content_type + b"\r\n" + headers + length + b"\r\n" + body
    )


def _chunked(body: bytes, size: int = 700) -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


TRANSFERS: dict[str, Callable[[bytes], tuple[bytes, bytes]]] = {
    "": lambda b: (b, b""),
    "gzip": lambda b: (gzip.compress(b, 1, mtime=0), b"Content-Encoding: gzip\r\n"),
    "deflate": lambda b: (zlib.compress(b), b"Content-Encoding: deflate\r\n"),
    "br": lambda b: (brotli.compress(b, quality=2), b"Content-Encoding: br\r\n"),
    "zstd": lambda b: (zstandard.compress(b), b"Content-Encoding: zstd\r\n"),
    "chunked": lambda b: (_chunked(b), b"Transfer-Encoding: chunked\r\n"),
    "gzip_chunked": lambda b: (
        _chunked(gzip.compress(b, 1, mtime=0)),
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    ),
}


def warc_record(document: Document, block: bytes, kind: bytes = b"response") -> bytes:
    """Return a record with HTTP, or with text for the kind ``conversion``."""
    media = b"text/plain" if kind == b"conversion" else b"application/http; msgtype=response"
    fields = [
        b"WARC/1.0", b"WARC-Type: " + kind, b"WARC-Target-URI: " + document.url.encode(),
        b"WARC-Date: " + document.date.encode(), b"WARC-Record-ID: <urn:x:%s>" % document.marker.encode(),
        b"Content-Type: " + media, b"Content-Length: %d" % len(block), b"", b"",
    ]  # fmt: skip
    return b"\r\n".join(fields) + block + b"\r\n\r\n"


def arc_record(document: Document, block: bytes, version: int) -> bytes:
    """Return a record of an ARC file of version 1 or 2."""
    when = document.date.translate(str.maketrans("", "", "-:TZ"))
    more = " 200 - - 0 file" if version == 2 else ""
    return f"{document.url} 192.0.2.1 {when} text/html{more} {len(block)}\n".encode() + block + b"\n"


def make_archive(rng: Random, writer: Writer) -> Input:
    """Make a WARC or ARC file of a few pages, mutated in one place."""
    documents = writer.take(rng.randint(3, 6))
    arc = rng.random() < 0.15
    version = rng.choice((1, 2))

    def record(document: Document, block: bytes, kind: bytes = b"response") -> bytes:
        return arc_record(document, block, version) if arc else warc_record(document, block, kind)

    records = []
    for document in documents:
        if rng.random() < 0.2 and not arc:
            records.append(Record(record(document, document.text.encode(), b"conversion"), document))
        else:
            block = http(page(document).encode(), rng.choice(sorted(TRANSFERS)))
            records.append(Record(record(document, block), document))
    victim = rng.randrange(len(records))
    ending = rng.choice(("", ".gz", ".gz", ".zst"))
    stem = ".arc" if arc else rng.choice((".warc", ".warc", ".wet"))
    level = rng.choice(("header", "message", "page", "record", "member", "file", "container", "bomb"))
    size = 0
    if level in ("header", "message", "page", "record", "bomb"):
        data, mutation = records[victim].data, level
        if level == "header":
            mutation, data = _mutate_header(rng, data)
        elif level == "message":
            mutation, block = _mutate_message(rng, documents[victim])
            data = record(documents[victim], block)
        elif level == "page":
            mutation, html = mutate_page(rng, documents[victim])
            data = record(documents[victim], http(html, rng.choice(("", "gzip"))))
        elif level == "record":
            mutation, data = raw.mutate(rng, data)
            mutation = f"record:{mutation}"
        else:
            mutation, block, size = _bomb(rng, documents[victim])
            data = record(documents[victim], block)
        if not data.endswith(b"\n"):
            data += b"\r\n\r\n"  # the next record must still start a line
        records[victim] = Record(data, documents[victim])
        others = [d for d in documents if d is not documents[victim]]
        size += sum(len(r.data) for r in records)
        data = b"".join(_members(rng, ending, records))
        return make_input(stem + ending, data, mutation, others, documents, size)
    mutation, data, kept = _damage_file(rng, level, ending, records, victim)
    return make_input(stem + ending, data, mutation, kept, documents, sum(len(r.data) for r in records))


def _members(rng: Random, ending: str, records: Sequence[Record]) -> list[bytes]:
    """Compress each record alone, or all together."""
    if rng.random() < 0.75:
        return [containers.COMPRESS[ending](r.data) for r in records]
    return [containers.COMPRESS[ending](b"".join(r.data for r in records))]


def _damage_file(
    rng: Random, level: str, ending: str, records: Sequence[Record], victim: int
) -> tuple[str, bytes, list[Document]]:
    """Mutate what is around the records; return the mutation, the file and the documents that must survive."""
    documents = [r.document for r in records if r.document]
    compress = containers.COMPRESS[ending]
    if level == "member":
        members = [compress(r.data) for r in records]
        if rng.random() < 0.3:
            name, members[victim] = containers.bad_checksum(rng, ending, records[victim].data)
        else:
            name, members = containers.damage_one(rng, members, victim)
        if not ending and not members[victim].endswith(b"\n"):
            members[victim] += b"\r\n\r\n"
        return f"member:{name}", b"".join(members), [d for d in documents if d is not records[victim].document]
    if level == "file":
        # one member for all, or one each: whole records before the damage can be read
        together = rng.random() < 0.5
        data = compress(b"".join(r.data for r in records)) if together else b"".join(compress(r.data) for r in records)
        name, damaged, at = raw.mutate_behind(rng, data)
        safe = containers.readable(ending, data[:at])
        ends = accumulate(len(r.data) for r in records)
        kept = [d for d, end in zip(documents, ends, strict=True) if end + 8 <= safe]
        return f"file:{name}", damaged, kept
    if ending == ".zst" and rng.random() < 0.3:
        name, data, whole = containers.with_dictionary(rng, [r.data for r in records])
        return name, data, documents if whole else []
    if rng.random() < 0.3:
        name, data = containers.rewrap(rng, ending, b"".join(r.data for r in records))
        return name, data, documents
    name, members = containers.between(rng, ending, [compress(r.data) for r in records])
    if rng.random() < 0.2:  # members cut at other places than records
        data = b"".join(r.data for r in records)
        cuts = sorted(rng.sample(range(len(data)), 5))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        name, members = "odd_members", [compress(p) for p in pieces]
    return name, b"".join(members), documents


def _mutate_header(rng: Random, record: bytes) -> tuple[str, bytes]:
    """Mutate the header of a record."""
    head, end, rest = record.partition(b"\n" if not record.startswith(b"WARC") else b"\r\n\r\n")
    if not record.startswith(b"WARC"):
        return _mutate_arc_line(rng, head, end + rest)
    lines = head.split(b"\r\n")
    name = rng.choice(
        ("drop", "repeat", "length", "address", "date", "type", "big_field", "many_fields", "folded", "line_feeds",
         "returns", "version", "no_colon", "raw")
    )  # fmt: skip
    at = rng.randrange(1, len(lines))
    match name:
        case "drop":
            del lines[at]
        case "repeat":
            lines[at:at] = [lines[at]] * rng.choice((1, 40))
        case "length" | "address" | "date" | "type":
            field, values = {
                "length": (b"Content-Length", (*LENGTHS, b"%d" % rng.randrange(20_000))),
                "address": (b"WARC-Target-URI", ADDRESSES),
                "date": (b"WARC-Date", DATES),
                "type": (
                    b"WARC-Type",
                    (b"resource", b"warcinfo", b"", b"x" * 5000, b"continuation", b"revisit", b"\xff"),
                ),
            }[name]
            lines = [field + b": " + rng.choice(values) if line.startswith(field) else line for line in lines]
        case "big_field":
            lines.insert(at, b"X-Big: " + b"a" * rng.choice((60_000, 65_536, 300_000)))
        case "many_fields":
            lines[at:at] = [b"X: y"] * rng.choice((100, 20_000))
        case "folded":
            lines[at:at] = [b"X: y", b" z" * 500, b"\t"]
        case "line_feeds":
            return "header:line_feeds", record.replace(b"\r\n", b"\n")
        case "returns":
            return "header:returns", record.replace(b"\r\n", b"\r") + b"\n\n"
        case "version":
            lines[0] = rng.choice(
                (b"WARC/0.18", b"WARC/9.9", b"WARC/1", b"warc/1.0", b"WARC/1.0 ", b"HTTP/1.1 200 OK", b"")
            )
        case "no_colon":
            lines[at] = lines[at].replace(b":", b"", 1)
        case "raw":
            return "header:raw", raw.mutate(rng, head)[1] + end + rest
    return f"header:{name}", b"\r\n".join(lines) + end + rest


def _mutate_arc_line(rng: Random, line: bytes, rest: bytes) -> tuple[str, bytes]:
    fields = line.split(b" ")
    name = rng.choice(("length", "date", "address", "drop", "repeat", "raw"))
    match name:
        case "length":
            fields[-1] = rng.choice(LENGTHS)
        case "date":
            fields[2] = rng.choice(DATES)
        case "address":
            fields[0] = rng.choice(ADDRESSES)
        case "drop":
            del fields[rng.randrange(len(fields))]
        case "repeat":
            fields[1:1] = [b"192.0.2.1", b"20200101000000"] * rng.choice((1, 3000))
        case "raw":
            return "arc:raw", raw.mutate(rng, line)[1] + rest
    return f"arc:{name}", b" ".join(fields) + rest


def _mutate_message(rng: Random, document: Document) -> tuple[str, bytes]:
    """Mutate the HTTP message of a document."""
    body = page(document).encode()
    name = rng.choice(("coding", "charset", "chunks", "damaged_body", "status", "raw", "headers", "type"))
    good = http(body)
    match name:
        case "coding":
            return "http:coding", good.replace(b"Server: x", b"Content-Encoding: " + rng.choice(CODINGS))
        case "charset":
            return "http:charset", good.replace(b"charset=utf-8", b"charset=" + rng.choice(CHARSETS))
        case "chunks":
            size = rng.choice(
                (b"FFFFFFFF", b"-5", b"0x5", b"5;ext=" + b"a" * 70_000, b"", b"7fffffffffffffff", b"1\r\nx\r\n" * 9000)
            )
            return "http:chunks", http(body, "chunked").replace(b"2bc\r\n", size + b"\r\n", 1)
        case "damaged_body":
            coding = rng.choice(("gzip", "deflate", "br", "zstd", "gzip_chunked"))
            head, end, sent = http(body, coding).partition(b"\r\n\r\n")
            damage, sent = raw.mutate(rng, sent)
            return f"http:{coding}:{damage}", head + end + sent
        case "status":
            line = rng.choice(
                (
                    b"HTTP/1.1 404 No",
                    b"HTTP/9 200",
                    b"HTTP/1.1 \xff",
                    b"HTTP/1.1",
                    b"ICY 200 OK",
                    b"HTTP/1.1 " + b"2" * 5000,
                )
            )
            return "http:status", good.replace(b"HTTP/1.1 200 OK", line, 1)
        case "headers":
            more = rng.choice(
                (b"X: y\r\n" * 20_000, b"X-Big: " + b"a" * 90_000 + b"\r\n", b" folded\r\n", b":\r\n", b"\0\r\n")
            )
            return "http:headers", good.replace(b"Server: x\r\n", more, 1)
        case "type":
            kind = rng.choice(
                (b"", b"text/plain", b"application/pdf", b"text/html;" * 3000, b"TEXT/HTML;charset", b"image/svg+xml")
            )
            return "http:type", http(body, content_type=kind)
    damage, sent = raw.mutate(rng, good)
    return f"http:{damage}", sent


def _bomb(rng: Random, document: Document) -> tuple[str, bytes, int]:
    """Return a message of few bytes that unpacks to many, or that takes many steps to unpack."""
    size = rng.choice((1 << 20, 1 << 20, 4 << 20, 80 << 20 if rng.random() < 0.1 else 1 << 20))
    unit = rng.choice((b"\0", b"a", b"<b>", b"<p>x", b"&lt;", b"\n"))
    big = unit * (size // len(unit))
    name = rng.choice(("gzip", "br", "zstd", "gzip_twice", "empty_members", "tiny_chunks", "plain"))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    match name:
        case "gzip" | "br" | "zstd":
            return f"bomb:{name}", http(big, name), size
        case "gzip_twice":
            twice = gzip.compress(gzip.compress(big, 1, mtime=0), 1, mtime=0)
            return "bomb:gzip_twice", head + b"Content-Encoding: gzip, gzip\r\n\r\n" + twice, size
        case "empty_members":
            body = gzip.compress(b"", mtime=0) * 5000
            return "bomb:empty_members", head + b"Content-Encoding: gzip\r\n\r\n" + body, len(body)
        case "tiny_chunks":
            body = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
            return "bomb:tiny_chunks", head + b"Transfer-Encoding: chunked\r\n\r\n" + body, len(body)
    return "bomb:plain", http(big[: 2 << 20] + page(document).encode()), size
