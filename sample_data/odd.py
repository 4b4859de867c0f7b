"""Records that are no good page and never will be: other status, other type, no page at all, or broken."""

from __future__ import annotations

import json

import archive
from pages import REJECTED, SKIPPED, crawled

HTTP = "application/http; msgtype=response"
ARTICLE = (
    b"<html><head><title>Minutes</title></head><body><p>The meeting was opened at nine, and nobody could later say by "
    b"whom. The minutes of the last one were read and approved without a vote.</p></body></html>"
)
BINARY = bytes(range(256)) * 4


def odd_records() -> list[tuple[str, bytes, dict]]:
    """The file a record goes into, its bytes, and its label without the file's name; the last one is cut in two."""
    return [*statuses(), *types(), *no_pages(), *broken_http(), *rows(), truncated()]


def label(url: str, date: str, record: str, category: str, fate: str, step: str, rule: str, why: str) -> dict:
    """A label in the order of all others."""
    return {
        "url": url, "date": date, "record": record, "language": "", "category": category,
        "fate": fate, "step": step, "rule": rule, "why": why,
    }  # fmt: skip


def statuses() -> list[tuple[str, bytes, dict]]:
    """Answers other than 200."""
    found = []
    for n, status in enumerate((404, 404, 403, 302, 500)):
        url, date = f"https://gone.example/{n + 1}", crawled("status", n)
        body = f"<html><body><h1>{status} {archive.STATUS[status]}</h1></body></html>".encode()
        data = archive.record("response", url, date, HTTP, archive.http_response(body, status, "text/html", ""))
        why = f"The server answered with status {status}."
        found.append(("warc", data, label(url, date, "response", "status", REJECTED, "read", "status", why)))
    return found


def types() -> list[tuple[str, bytes, dict]]:
    """Answers that are no HTML."""
    bodies = (
        ("application/pdf", b"%PDF-1.4\n" + BINARY),
        ("image/png", b"\x89PNG\r\n\x1a\n" + BINARY),
        ("application/json", json.dumps({"items": list(range(40))}).encode()),
        ("text/css", b"body { margin: 0 } nav li { display: inline }\n" * 8),
        ("application/javascript", b"export const answer = 42;\n" * 12),
        ("application/xml", b'<?xml version="1.0"?><urlset><url><loc>https://a.example/</loc></url></urlset>'),
    )
    found = []
    for n, (kind, body) in enumerate(bodies):
        url, date = f"https://files.example/{n + 1}", crawled("type", n)
        data = archive.record("response", url, date, HTTP, archive.http_response(body, 200, kind, ""))
        why = f"A file of type {kind} and no page."
        found.append(
            ("warc", data, label(url, date, "response", "content_type", REJECTED, "read", "content_type", why))
        )
    return found


def no_pages() -> list[tuple[str, bytes, dict]]:
    """Records that stand beside the pages in every crawl."""
    found = []

    def add(kind: str, url: str, date: str, content_type: str, block: bytes, why: str, *more: str) -> None:
        data = archive.record(kind, url, date, content_type, block, *more)
        found.append(("warc", data, label(url, date, kind, kind, SKIPPED, "read", kind, why)))

    for n in range(4):
        url, date = f"https://wayfarer.example/{n + 1}/town-{n + 1}.html", crawled("request", n)
        head = f"GET /{n + 1}/town-{n + 1}.html HTTP/1.1\r\nHost: wayfarer.example\r\nUser-Agent: sample\r\n\r\n"
        add("request", url, date, "application/http; msgtype=request", head.encode(), "What the crawler asked for.")
    for n in range(3):
        url, date = f"https://wildnotes.example/{n + 1}/animal-{n + 1}.html", crawled("revisit", n, months=(7, 7))
        profile = "WARC-Profile: http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        add("revisit", url, date, HTTP, head, "The page was seen before; nothing was stored again.", profile)
    for n in range(2):
        url, date = f"https://wildnotes.example/{n + 1}/animal-{n + 1}.html", crawled("metadata", n)
        add("metadata", url, date, "application/warc-fields", b"fetchTimeMs: 412\r\n", "What the crawler noted.")
    return found


def broken_http() -> list[tuple[str, bytes, dict]]:
    """Whole records whose content cannot be read."""
    whole = archive.http_response(ARTICLE, 200, "text/html", "gzip")
    damaged = bytearray(whole)
    damaged[-24:-8] = b"\xff" * 16
    cases = (
        (b"\x00\x01 not an answer of any server\r\n" + BINARY, "It is no HTTP answer."),
        (bytes(damaged), "Its gzip body is damaged."),
        (archive.http_response(ARTICLE, 200, "text/html", "chunked")[:-60], "Its last chunk is missing."),
    )
    found = []
    for n, (block, why) in enumerate(cases):
        url, date = f"https://damaged.example/{n + 1}", crawled("broken", n)
        data = archive.record("response", url, date, HTTP, block)
        found.append(("legacy", data, label(url, date, "response", "broken", REJECTED, "read", "broken", why)))
    return found


def rows() -> list[tuple[str, bytes, dict]]:
    """Lines of the JSON export that are no pages."""
    cases = (
        ("jsonl", b'{"text": "A row that breaks off in the mid\n', "", "", "The line is no JSON."),
        ("jsonl", b'{"url": "https://rows.example/2", "title": "No text"}\n', "", "", "The row has no text."),
        ("zst", b"[1, 2, 3]\n", "", "", "The line is JSON, but no object."),
    )
    found = [
        (file, data, label(url, date, "row", "broken", REJECTED, "read", "broken", why))
        for file, data, url, date, why in cases
    ]
    url, date = "https://rows.example/4", crawled("rows", 4)
    data = json.dumps({"text": " \n ", "url": url, "date": date}).encode() + b"\n"
    found.append(
        ("zst", data, label(url, date, "row", "empty", REJECTED, "extract", "empty_text", "The row's text is blank."))
    )
    return found


def truncated() -> tuple[str, bytes, dict]:
    """The last record of a file, which `archive.warc` cuts."""
    url, date = "https://damaged.example/last", crawled("truncated")
    data = archive.record("response", url, date, HTTP, archive.http_response(ARTICLE * 3, 200, "text/html", ""))
    why = "The file breaks off in the middle of it."
    return "legacy", data, label(url, date, "response", "broken", REJECTED, "read", "broken", why)
