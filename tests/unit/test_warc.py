import gzip
import io
import json
import os
import random
import time
import tracemalloc
import zlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import brotli
import pytest
import zstandard
from hypothesis import given, settings, strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from curate.input import http_message, warc
from curate.input.http_message import parse_headers, parse_media_type, parse_response
from curate.input.members import DICTIONARY
from curate.input.warc import Broken, Page, Skipped, is_html, read_records, utc

WARCS = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "warc"


def record(kind, url, block, date="2024-05-01T12:00:00Z", media="application/http; msgtype=response", extra=""):
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {date}\r\n{extra}"
    return f"{head}Content-Type: {media}\r\nContent-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def http(body, headers="Content-Type: text/html", status="200 OK"):
    return f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + body


def page(number, size=2000):
    text = random.Random(number).choices("abcdefgh ijklm\n", k=size)
    return record("response", f"http://example.org/{number}", http(f"<p>{number} {''.join(text)}".encode()))


def mixed_records(count):
    out = [record("warcinfo", "", b"software: test\r\n", media="application/warc-fields")]
    for i in range(count):
        out.append(record("request", f"http://example.org/{i}", b"GET / HTTP/1.1\r\n\r\n", media="application/http"))
        out.append(page(i, 300 * (i % 7)))
    return out


def zstd_with_dictionary(records):
    dictionary = zstandard.train_dictionary(4096, records * 20).as_bytes()
    compressor = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(dictionary), write_checksum=True)
    frame = zstandard.ZstdCompressor().compress(dictionary)
    head = DICTIONARY + len(frame).to_bytes(4, "little") + frame
    return head + b"".join(compressor.compress(r) for r in records)


PACKINGS = {
    "x.warc": b"".join,
    "x.warc.gz": lambda records: b"".join(gzip.compress(r, mtime=0) for r in records),
    "one-member.warc.gz": lambda records: gzip.compress(b"".join(records), mtime=0),
    "blocks.warc.gz": lambda records: b"".join(
        gzip.compress(b"".join(records)[i : i + 700], mtime=0) for i in range(0, len(b"".join(records)), 700)
    ),
    "x.warc.zst": lambda records: b"".join(zstandard.ZstdCompressor(write_checksum=True).compress(r) for r in records),
    "one-frame.warc.zst": lambda records: zstandard.ZstdCompressor().compress(b"".join(records)),
    "dictionary.warc.zst": zstd_with_dictionary,
}


def read(data, name="x.warc.gz", start=0, stop=None):
    return list(read_records(io.BytesIO(data), name, start, stop))


def kinds(found):
    return Counter(
        f"broken {r.reason}" if isinstance(r, Broken) else r.kind if isinstance(r, Skipped) else "page" for r in found
    )


@pytest.mark.skipif(not WARCS.is_dir(), reason="the evaluation data is not here")
def test_every_record_of_the_inventory_is_accounted_for():
    entries = [json.loads(line) for line in (WARCS / "inventory.jsonl").read_text().splitlines()]
    assert len(entries) == 23
    cut_off = {
        "resili__clipped.warc.gz": "response",
        "solrway__transfer_compression_none_truncated.warc.gz": "response",
    }
    for entry in entries:
        found = read((WARCS / entry["file"]).read_bytes(), entry["file"])
        broken = [r for r in found if isinstance(r, Broken)]
        seen = Counter(r.kind for r in found if not isinstance(r, Broken))
        pages = [
            r for r in found if isinstance(r, Page) and r.kind == "response" and is_html(r.content_type, r.content)
        ]
        size = sum(len(p.content) for p in pages)
        if entry["file"] in cut_off:
            assert [b.reason for b in broken] == ["truncated"]
            seen[cut_off[entry["file"]]] += 1
        else:
            # A DNS answer is a response record, but no page.
            assert not broken
            assert (len(pages), size) == (entry["html_responses"], entry["html_bytes"]), entry["file"]
        seen["response"] += seen.pop("dns", 0)
        assert seen == Counter(entry["records"]), entry["file"]


@pytest.mark.parametrize("name", PACKINGS)
def test_the_packing_does_not_matter(name):
    records = mixed_records(40)
    found = read(PACKINGS[name](records), name)
    plain = read(b"".join(records), "x.warc")
    assert kinds(found) == {"warcinfo": 1, "request": 40, "page": 40}
    assert [(p.url, p.content) for p in found if isinstance(p, Page)] == [
        (p.url, p.content) for p in plain if isinstance(p, Page)
    ]


def test_what_warcio_writes_is_read(tmp_path):
    path = tmp_path / "x.warc.gz"
    with path.open("wb") as f:
        writer = WARCWriter(f, gzip=True)
        headers = StatusAndHeaders("404 Not Found", [("Content-Type", "text/html; charset=Big5")], protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(
                "http://example.org/ü", "response", io.BytesIO(b"gone"), http_headers=headers,
                warc_headers_dict={"WARC-Date": "2023-02-03T04:05:06.789Z"},
            )
        )  # fmt: skip
        writer.write_record(writer.create_warc_record("http://example.org/", "revisit", http_headers=headers))
    first, second = read(path.read_bytes())
    assert (first.status, first.charset, first.content_type, first.date) == (
        404, "big5", "text/html", "2023-02-03T04:05:06Z",
    )  # fmt: skip
    assert (first.content, first.offset) == (b"gone", 0)
    assert isinstance(second, Skipped)
    assert second.kind == "revisit"


def chunked(body, size):
    pieces = (body[i : i + size] for i in range(0, len(body), size))
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


RAW = zlib.compressobj(wbits=-15)
BODY = "<p>Grüße aus der Küche</p>".encode() * 50
ENCODED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY[:100]) + gzip.compress(BODY[100:]),
    "deflate": zlib.compress(BODY),
    "Deflate": RAW.compress(BODY) + RAW.flush(),
    "br": brotli.compress(BODY),
    "zstd": zstandard.ZstdCompressor().compress(BODY),
    "identity": BODY,
    "gzip, br": brotli.compress(gzip.compress(BODY)),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_bodies_are_decoded(encoding):
    head = f"Content-Type: text/html\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked"
    for body in (chunked(ENCODED[encoding], 100), chunked(ENCODED[encoding], 100).removesuffix(b"0\r\n\r\n")):
        assert read(record("response", "http://a.example/", http(body, head)))[0].content == BODY
    assert read(record("response", "http://a.example/", http(ENCODED[encoding], head)))[0].content == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_the_crawler_decoded_already_is_left_alone(encoding):
    head = f"Content-Type: text/html\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked"
    assert read(record("response", "http://a.example/", http(BODY, head)))[0].content == BODY


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_a_damaged_body_costs_its_page(encoding):
    head = f"Content-Type: text/html\r\nContent-Encoding: {encoding}"
    noise = random.Random(0).randbytes(3000)
    whole = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.ZstdCompressor().compress}.get(
        encoding, zlib.compress
    )(noise)
    cut = record("response", "http://a.example/", http(whole[: len(whole) // 2], head))
    found = read(cut + page(1), "x.warc")
    assert isinstance(found[1], Page)
    assert isinstance(found[0], Broken)
    assert found[0].reason in ("truncated_body", "damaged_body")
    assert found[0].url == "http://a.example/"


def test_bombs_cost_their_page_and_no_memory(monkeypatch):
    monkeypatch.setattr(warc, "MAX_RECORD_BYTES", 1 << 20)
    monkeypatch.setattr(http_message, "MAX_RECORD_BYTES", 1 << 20)
    zeros = b"\0" * (1 << 20)
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(zeros) for _ in range(40)) + squeeze.flush()
    frame = zstandard.ZstdCompressor().compress(zeros * 40)
    pages = [
        record("response", "http://a.example/", http(body, f"Content-Type: text/html\r\nContent-Encoding: {encoding}"))
        for encoding, body in (("gzip", bomb), ("br", brotli.compress(zeros * 40, quality=1)), ("zstd", frame))
    ]
    start = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://b.example/\r\nContent-Length: {40 << 20}\r\n\r\n"
    )
    member = zlib.compressobj(9, wbits=31)
    large = b"".join([member.compress(start.encode()), *(member.compress(zeros) for _ in range(40)), member.flush()])
    data = PACKINGS["x.warc.gz"](pages) + large + gzip.compress(page(1))
    tracemalloc.start()
    found = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [r.reason for r in found[:4]] == ["too_large"] * 4
    assert isinstance(found[4], Page)
    assert len(found) == 5
    assert peak < 24 << 20  # a bite of 256 bytes of Zstandard can give 8 MiB


@pytest.mark.parametrize(
    ("function", "data"),
    [
        (parse_media_type, "text/html; charset=" + " " * 30_000 + ";"),
        (parse_headers, b"a: b\r\n" + b" more\r\n" * 200_000),
        (lambda data: parse_response(data).body, http(gzip.compress(b"") * 100_000, "Content-Encoding: gzip")),
        (read, b"a: 1.1.1.1 20200101 " + b"1.1.1.1 20200101 " * 20_000 + b"x\n"),
        (
            lambda data: read(data, "x.warc.gz"),
            gzip.compress(page(1).replace(b"Length: ", b"Length: 6000", 1)) * 20_000,
        ),
    ],
    ids=["charset", "folded header", "gzip members", "line of addresses", "lengths that are too great"],
)
def test_the_time_is_linear(function, data):
    start = time.process_time()
    function(data)
    assert time.process_time() - start < 3


def test_arc_1_and_2():
    body = http(b"<p>old")
    found = read(
        b"filedesc://x.arc 0.0.0.0 20140216050221 text/plain 9\n1 0 Test\n\n"
        b"http://example.org/a b 93.184.216.119 20040216050221 text/html %d\n%s\n"
        b"dns:example.org 93.184.216.119 20040216050221 text/dns 5\nhello\n"
        b"http://example.org/c 93.184.216.119 20040216050221 text/html 200 - - 0 x.arc %d\n%s\n"
        % (len(body), body, len(body), body),
        "x.arc",
    )
    assert kinds(found) == {"warcinfo": 1, "page": 2, "dns": 1}
    pages = [r for r in found if isinstance(r, Page)]
    assert [(p.url, p.date, p.content, p.status) for p in pages] == [
        ("http://example.org/a b", "2004-02-16T05:02:21Z", b"<p>old", 200),
        ("http://example.org/c", "2004-02-16T05:02:21Z", b"<p>old", 200),
    ]


def test_resources_and_conversions():
    html = b"<html><p>saved</html>"
    found = read(
        record("resource", "https://example.org/", html, media="text/html; charset=utf-8")
        + record("resource", "urn:text:https://example.org/", b"text", media="text/plain")
        + record("resource", "metadata://gnu.org/software/wget/warc/wget.log", b"log", media="text/plain")
        + record("conversion", "https://example.org/", b"plain", media="text/plain")
        + record("response", "dns:example.org", b"1.2.3.4", media="text/dns")
        + record("metadata", "https://example.org/", b"{}", media="application/json"),
        "x.warc",
    )
    assert [(r.kind, r.status, r.charset) for r in found if isinstance(r, Page)] == [
        ("resource", 0, "utf-8"),
        ("conversion", 0, ""),
    ]
    assert [r.kind for r in found if isinstance(r, Skipped)] == ["resource", "resource", "dns", "metadata"]


def test_a_page_that_the_crawler_cut_says_so():
    cut = record("response", "http://a.example/", http(b"<p>"), extra="WARC-Truncated: length\r\n")
    assert [p.truncated for p in read(cut + page(1), "x.warc")] == ["length", ""]


@pytest.mark.parametrize("name", ["x.warc.gz", "x.warc.zst", "dictionary.warc.zst"])
def test_damage_costs_the_record_that_it_hits(name):
    records = [page(i) for i in range(12)]
    whole = PACKINGS[name](records)
    sizes = [len(PACKINGS[name](records[:i])) for i in range(1, 13)] if "dict" not in name else None
    clean = {p.url: p.content for p in read(whole, name)}
    assert len(clean) == 12
    rng = random.Random(1)
    for _ in range(150):
        at = rng.randrange(sizes[0] if sizes else 3000, len(whole))
        hit = whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
        found = read(hit, name)
        pages = {p.url: p.content for p in found if isinstance(p, Page)}
        assert pages.items() <= clean.items()
        assert len(pages) >= 11
        assert len(pages) == 12 or any(isinstance(r, Broken) for r in found)


@pytest.mark.parametrize("name", PACKINGS)
def test_a_truncated_file_costs_the_last_record(name):
    records = mixed_records(6)
    whole = PACKINGS[name](records)
    clean = read(whole, name)
    for size in range(1, len(whole), 37):
        found = read(whole[:size], name)
        good = [r for r in found if not isinstance(r, Broken)]
        assert good == clean[: len(good)]
        assert len(found) - len(good) <= 1
        if name == "x.warc.gz":
            ends = [r.offset for r in clean[1:]] + [len(whole)]
            assert len(good) == sum(end <= size for end in ends)
            assert (len(good) == len(found)) == (size in ends)


def arc_record(number: int, body: bytes, too_long: int = 0) -> bytes:
    """A page of version 1, with a length that is too large by so many bytes."""
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    line = b"http://example.org/%d 192.0.2.1 20200101000000 text/html %d\n" % (number, len(block) + too_long)
    return line + block + b"\n"


def test_wrong_lengths_cost_their_record():
    good, bad = page(1), page(2)
    for wrong in (0, 5, 10**5, 10**9, 10**15 - 1):
        lied = bad.replace(
            b"Content-Length: %d" % (len(bad.split(b"\r\n\r\n", 1)[1]) - 4), b"Content-Length: %d" % wrong
        )
        assert lied != bad
        for pack, name in ((b"".join, "x.warc"), (PACKINGS["x.warc.gz"], "x.warc.gz")):
            found = read(pack([good, lied, page(3), page(4)]), name)
            assert kinds(found) == {"page": 3, "broken wrong_length": 1}, (wrong, name)
            assert [p.url[-1] for p in found if isinstance(p, Page)] == ["1", "3", "4"]


@pytest.mark.parametrize("more", range(1, 40))
def test_a_length_that_is_too_large_costs_its_record_alone(more):
    good = page(2)
    length = len(good.split(b"\r\n\r\n", 1)[1]) - 4
    long = good.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length + more))
    arc = [arc_record(i, b"<p>page %d" % i, more * (i == 2)) for i in range(1, 5)]
    for records, name in (([page(1), long, page(3), page(4)], "x.warc"), (arc, "x.arc")):
        for data, ending in ((b"".join(records), ""), (gzip.compress(b"".join(records)), ".gz")):
            found = [p.url[-1] for p in read(data, name + ending) if isinstance(p, Page)]
            assert [url for url in found if url != "2"] == ["1", "3", "4"]


@pytest.mark.parametrize("line", [b"", b"\xff\xfe", b"http://example.org/2 192.0.2.1 text/html 12", b"\0" * 9000])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_record_before_a_damaged_line_of_arc_is_whole(line, pack):
    records = [arc_record(i, b"<p>page %d" % i) for i in range(4)]
    records[2] = line + records[2][records[2].index(b"\n") :]
    found = read(pack(b"".join(records)), "x.arc" + (".gz" if pack is not bytes else ""))
    assert [p.url[-1] for p in found if isinstance(p, Page)] == ["0", "1", "3"]
    assert kinds(found) == {"page": 3, "broken bad_header": 1}


def test_the_record_before_a_damaged_record_that_ends_its_lines_with_line_feeds_is_whole():
    records = [page(i).replace(b"\r\n", b"\n") for i in range(4)]
    size = len(page(0).split(b"\r\n\r\n", 1)[1]) - 4
    short = len(records[0].split(b"\n\n", 1)[1]) - 2
    records = [r.replace(b"Content-Length: %d" % size, b"Content-Length: %d" % short) for r in records]
    records[2] = records[2].replace(b"WARC/1.0", b"WXRC/1.0")
    assert [p.url[-1] for p in read(b"".join(records)) if isinstance(p, Page)] == ["0", "1", "3"]


@pytest.mark.parametrize("header", [b"WXRC/1.0", b"\xff\xfe\x00", b"WARC/1.0\r\nContent-Length: -3\r\n\r\n"])
def test_a_header_that_is_none_costs_its_record(header):
    lost = page(2).replace(b"WARC/1.0", header, 1)
    for pack, name in ((b"".join, "x.warc"), (PACKINGS["x.warc.gz"], "x.warc.gz")):
        found = read(pack([page(1), lost, page(3)]), name)
        assert [p.url[-1] for p in found if isinstance(p, Page)] == ["1", "3"]
        assert kinds(found)["broken bad_header"] == 1


def test_garbage_between_members_is_one_loss():
    members = [gzip.compress(page(i)) for i in range(4)]
    found = read(members[0] + b"garbage" * 99 + members[1] + b"\0" * 999 + members[2] + members[3])
    assert kinds(found) == {"page": 4, "broken damaged_compression": 1}


def test_a_file_that_starts_with_damage_is_read_behind_it():
    members = [gzip.compress(page(i)) for i in range(3)]
    found = read(b"\x1e" + members[0][1:] + members[1] + members[2])
    assert kinds(found) == {"page": 2, "broken damaged_compression": 1}


@pytest.mark.parametrize(
    "data", [b"", b"\n" * 10, b"\x1f\x8b", b"\x1f\x8b\x08", b"hello", b"\x28\xb5\x2f\xfd", b"\0" * 99]
)
def test_what_is_no_archive_gives_at_most_one_loss(data):
    for name in ("x.warc", "x.warc.gz", "x.warc.zst"):
        assert not [r for r in read(data, name) if not isinstance(r, Broken)]
        assert len(read(data, name)) <= 1


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_cut_into_ranges_gives_what_the_whole_file_gives(data):
    name = data.draw(st.sampled_from(list(PACKINGS)))
    inner = PACKINGS["x.warc.gz"]([page(i + 50, 900) for i in range(4)])
    nested = record("response", "http://n.example/", http(inner, "Content-Type: application/gzip"))
    records = [*mixed_records(5), nested, *mixed_records(3)]
    whole = PACKINGS[name](records)
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    bounds = [0, *cuts, len(whole)]
    parts = [r for a, b in pairwise(bounds) if a < b for r in read(whole, name, a, b)]
    assert parts == read(whole, name)


def test_ranges_share_the_work():
    whole = PACKINGS["x.warc.gz"]([page(i, 20_000) for i in range(120)])
    half = len(whole) // 2
    first, second = read(whole, stop=half), read(whole, start=half)
    assert len(first) + len(second) == 120
    assert min(len(first), len(second)) > 40


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["x.warc", "x.warc.gz", "x.warc.zst", "x.arc"]))
def test_any_bytes_are_survived(data, name):
    read(data, name)
    read(b"WARC/1.0\r\n" + data, name)
    read(gzip.compress(data), name)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_response_is_survived(data):
    for start in (
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200",
    ):
        found = read(record("response", "http://a.example/", start + data), "x.warc")
        assert len(found) == 1
        assert isinstance(found[0], Page) or found[0].reason in ("bad_http", "truncated_body", "damaged_body")


@given(st.text(max_size=40))
def test_any_date_is_survived(text):
    assert utc(text) == "" or len(utc(text)) == 20


def one(block, **record_args):
    (found,) = read(record("response", "http://a.example/", block, **record_args), "x.warc")
    return found


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip", "zstd"])
@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf \n<p>markup", "Ein Text ohne Auszeichnung über Flüsse. ".encode() * 9,
        b"ok", b"x^2 + y^2 = z^2, " * 40,
        "Текст без разметки, в старой кодировке. ".encode("cp1251") * 9, b"\xff\xfe" + "<p>утф".encode("utf-16-le"),
    ],
)  # fmt: skip
def test_a_text_that_the_crawler_decoded_already_is_left_alone(encoding, body):
    assert one(http(body, f"Content-Type: text/html\r\nContent-Encoding: {encoding}")).content == body


@pytest.mark.parametrize(
    ("headers", "pack"),
    [
        ("Transfer-Encoding: gzip, chunked", lambda b: chunked(gzip.compress(b), 50)),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", lambda b: chunked(gzip.compress(b), 50)),
        ("Transfer-Encoding: deflate", zlib.compress),
        ("Transfer-Encoding: identity", bytes),
        ("Transfer-Encoding: chunked, chunked", lambda b: chunked(b, 50)),
        ("X-Transfer-Encoding: chunked", lambda b: chunked(b, 50)),
        ("Transfer-Encoding: chunked", lambda b: b"\r\n" + chunked(b, 50)),
        ("Transfer-Encoding: chunked", lambda b: b"%024X\r\n%s\r\n0x0\r\n\r\n" % (len(b), b)),
        ("Content-Encoding: gzip\r\nContent-Encoding: gzip", gzip.compress),
        ("Content-Encoding: br\r\nContent-Encoding: br", brotli.compress),
        ("Content-Encoding: gzip\r\nContent-Encoding: br", lambda b: brotli.compress(gzip.compress(b))),
        ('Content-Encoding: "gzip"', gzip.compress),
        ("Content-Encoding: br", gzip.compress),
        ("Content-Encoding: deflate", lambda b: zstandard.ZstdCompressor().compress(b)),
        ("Content-Encoding: utf-8, none", bytes),
    ],
)
def test_bodies_in_other_encodings_than_a_plain_header_says(headers, pack):
    assert one(http(pack(BODY), f"Content-Type: text/html\r\n{headers}")).content == BODY


def test_a_text_that_looks_like_chunks_is_a_text():
    for body in (b"add\r\n<p>Not a chunk</p>", b"5\r\nhello world, and no last chunk\r\n", b"beef\r\n<p>0\r\n\r\n"):
        assert one(http(body)).content == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity"])
@pytest.mark.parametrize("in_chunks", [False, True])
def test_what_the_crawler_cut_off_gives_what_there_is(encoding, in_chunks):
    """A record that says why it is cut (WARC 1.1, section 5.13) has a page; one that does not say it is damaged."""
    body = random.Random(3).randbytes(300_000).hex().encode()
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "identity": bytes}.get(
        encoding, zstandard.ZstdCompressor().compress
    )(body)
    packed = chunked(packed, 30_000) if in_chunks else packed
    block = http(
        packed[: len(packed) // 2], f"Content-Encoding: {encoding}" + "\r\nTransfer-Encoding: chunked" * in_chunks
    )
    page = one(block, extra="WARC-Truncated: length\r\n")
    assert body.startswith(page.content)
    assert 100_000 < len(page.content) < 500_000
    assert page.truncated == "length"
    if in_chunks or encoding != "identity":
        assert one(block).reason in ("truncated_body", "damaged_body")


@pytest.mark.parametrize(
    "status",
    [
        "HTTP/2 200", "HTTP/1.10 200 OK", "HTTP 200 OK", "HTTP/ 200", "http/1.1 200 ok",
        "\r\nHTTP/1.1 200 OK", "HTTP/1.1 200OK",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK",
        "HTTP/1.0 200 Connection established\r\n\r\nHTTP/1.1 200 OK",
    ],
)  # fmt: skip
def test_status_lines_of_servers_and_crawlers(status):
    block = status.encode() + b"\r\nContent-Type: text/html; charset=big5\r\n\r\n<p>page"
    for form in (block, block.replace(b"\r\n", b"\n"), block.replace(b"\r\n", b"\r\r\n")):
        found = one(form)
        assert (found.status, found.charset, found.content) == (200, "big5", b"<p>page")


def test_a_response_without_headers_is_a_page():
    page = one(b"<html><p>HTTP/0.9</html>")
    assert (page.kind, page.content_type, is_html(page.content_type, page.content)) == ("resource", "", True)
    assert one(b"not a page").reason == "bad_http"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"text/html;charset=koi8-r"', ("text/html", "koi8-r")),
        ("text/html charset=koi8-r", ("text/html", "koi8-r")),
        ("text/html: charset:koi8-r", ("text/html", "koi8-r")),
        ("text / html;;charset='koi8-r'; charset=utf-8", ("text/html", "koi8-r")),
        ("Content-Type: text/html", ("text/html", "")),
        ("<text/html>", ("text/html", "")),
        ("text/html, text/plain", ("text/html", "")),
        ("htm; charset=koi8-r", ("htm", "koi8-r")),
        ("charset=koi8-r", ("charset=koi8-r", "koi8-r")),
        ("text//html", ("text//html", "")),
    ],
)
def test_media_types_as_servers_write_them(value, expected):
    assert parse_media_type(value) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["text/html; charset=utf-8", "text/html"], "text/html; charset=utf-8"),
        (["text/html; charset=utf-8", "nonsense"], "text/html; charset=utf-8"),
        (["text/html; charset=utf-8", "", "*/*"], "text/html; charset=utf-8"),
        (["text/html; charset=utf-8", "text/plain"], "text/plain"),
        (["nonsense", "text/html"], "text/html"),
        (["nonsense", "more"], "more"),
    ],
)
def test_the_media_type_may_be_given_twice(values, expected):
    assert parse_headers("".join(f"Content-Type: {v}\r\n" for v in values).encode()) == {"content-type": expected}


def arc_line(number: int, before_length: bytes, block: bytes) -> bytes:
    return b"http://example.org/%d %s %d\n%s\n" % (number, before_length, len(block), block)


@pytest.mark.parametrize(
    "fields",
    [
        b"192.0.2.1 20010203040506 no-type", b"192.0.2.1 20010203040506", b"192.0.2.1 20010203040506 ",
        b"- 20010203040506 unknown",
        b" 20010203040506 text/html", b"2001:db8::7 20010203040506 text/html", b"0.0.0.0 20010203040506789 html",
        b"192.0.2.1 20010203040506 text/html, application/x-js", b"192.0.2.1 20010203040506 text/html; charset=utf-8",
        b"192.0.2.1 20010203040506 no-type 200 - http://example.org/to 0 x.arc", b"192.0.2.1 20010203040506 -",
    ],
)  # fmt: skip
def test_lines_of_arc_with_missing_or_odd_fields(fields):
    for block in (b"<SCRIPT src=x></SCRIPT><P>old page", http(b"<P>old page", "Server: x")):
        (page, last) = read(arc_line(1, fields, block) + arc_record(2, b"<p>next"), "x.arc")
        assert (page.url, page.date) == ("http://example.org/1", "2001-02-03T04:05:06Z")
        assert page.content == block.rpartition(b"\r\n\r\n")[2]
        assert is_html(page.content_type, page.content)
        assert last.url == "http://example.org/2"


@pytest.mark.parametrize("less", [1, 2, 5, 16, 17, 40])
def test_a_length_a_few_bytes_too_small_gives_the_whole_page(less):
    """Debatable: other readers give the page without its end, or nothing. Where a record ends is beyond doubt if the
    lines that close it and the next record follow in a few bytes, so curate gives all of it; a length that is off by
    more is no miscount, and the record is broken."""
    block = http(b"<p>all of this page, to the last word</p>")
    short = record("response", "http://example.org/2", block).replace(
        b"Content-Length: %d" % len(block), b"Content-Length: %d" % (len(block) - less)
    )
    for records in ([page(1), short, page(3)], [page(1), short]):
        for pack, name in ((b"".join, "x.warc"), (PACKINGS["x.warc.gz"], "x.warc.gz")):
            first, second, *rest = read(pack(records), name)
            if less <= 16:
                assert second.content.endswith(b"to the last word</p>")
            else:
                assert second.reason == "wrong_length"
            assert [first.url[-1], *(p.url[-1] for p in rest)] == (["1", "3"] if len(records) == 3 else ["1"])


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("text/html", b"plain", True),
        ("text/html", b"\x89PNG\r\n", False),
        ("application/xhtml+xml", b"<?xml version='1.0'?><html>", True),
        ("", b"  <!-- note --> <HTML>", True),
        ("", b"<!-- x --> " * 300 + b"?", False),
        ("application/octet-stream", b"\xef\xbb\xbf<!DOCTYPE html>", True),
        ("text/xml", b"<rss>", False),
        ("text/plain", b"<html>", False),
        ("image/png", b"<html>", False),
        ("no-type", b"<SCRIPT SRC='x'>", True),
        ("html", b"<p>x", True),
        ("html", b"plain words", False),
        ("none", b"<abbr>", False),
        ("text/htmlcharset=utf-8", b"plain", True),
        ("application/html", b"<h1>x", True),
        ("text/xml", b"<p>x", False),
    ],
)
def test_is_html(kind, content, expected):
    assert is_html(kind, content) is expected


def test_a_damaged_zstandard_dictionary_is_told():
    # a skippable frame that holds the dictionary (its magic and nothing usable behind), then a frame
    dictionary = b"\x37\xa4\x30\xec" + b"\x00" * 60
    skippable = b"\x5d\x2a\x4d\x18" + len(dictionary).to_bytes(4, "little") + dictionary
    found = list(read_records(io.BytesIO(skippable + b"\x28\xb5\x2f\xfd" + b"\x00" * 50), "x.warc.zst"))
    assert [type(record).__name__ for record in found] == ["Broken"]


def test_an_arc_line_in_which_an_address_and_a_date_stand_twice():
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>One"
    line = b"http://e.org/a b 1.2.3.4 20140216050221 text/html 52 1.2.3.4 20140216 %d\n" % len(body)
    (page,) = read(line + body + b"\n", "x.arc")
    assert (page.url, page.date, page.content) == ("http://e.org/a b", "2014-02-16T05:02:21Z", b"<p>One")


def test_a_file_of_one_large_member_is_not_searched_to_its_end_for_every_range():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            found = super().read(size)
            Counting.taken += len(found)
            return found

    pages = [record("response", f"http://e.org/{i}", os.urandom(100_000)) for i in range(200)]
    data = gzip.compress(b"".join(pages), mtime=0)
    cuts = range(0, len(data), len(data) // 16)
    for start in cuts[1:]:
        list(read_records(Counting(data), "x.warc.gz", start, start + len(data) // 16))
    assert Counting.taken < 3 * len(data)


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (http(b"", "Content-Encoding: " + ", ".join(["gzip"] * 6)), "6 encodings; the limit is 5"),
        (http(b"", "A: b\r\n" * 50_000), "the HTTP header does not end within 262,144 bytes"),
    ],
    ids=["encodings", "header"],
)
def test_an_http_header_has_limits(response, problem):
    (found,) = read(record("response", "http://a.example/", response), "x.warc")
    assert (found.reason, found.detail) == ("bad_http", problem)


def test_a_charset_that_is_no_name_is_none():
    assert parse_media_type("text/html; charset=" + "x" * 1000) == ("text/html", "")


@pytest.mark.parametrize("lost", [1, 3, 4, 8, 60])
@pytest.mark.parametrize("count", [2, 4])
def test_a_zstandard_frame_that_takes_the_start_of_the_next_for_its_own_end_costs_itself(lost, count):
    bodies = [b"<p>" + random.Random(i).randbytes(9000) for i in range(count)]
    frames = [
        zstandard.compress(record("response", f"http://example.org/{i}", http(body))) for i, body in enumerate(bodies)
    ]
    frames[0] = frames[0][:5000] + frames[0][5000 + lost :]  # a block of bytes as they are, and no checksum
    found = read(b"".join(frames), "x.warc.zst")
    assert [p.url[-1] for p in found if isinstance(p, Page) and p.url[-1] != "0"] == [str(i) for i in range(1, count)]
