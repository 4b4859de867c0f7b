"""Write the sample crawl and its labels: ``python sample_data/make.py [FOLDER]`` gives the same bytes every time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import archive  # noqa: E402
from copies import copied_pages  # noqa: E402
from good import good_pages  # noqa: E402
from grammar import choose  # noqa: E402
from junk import junk_pages  # noqa: E402
from noise import noise_pages  # noqa: E402
from odd import odd_records  # noqa: E402
from pages import Page  # noqa: E402

FILES = {
    "warc": "crawl-00.warc.gz",
    "legacy": "crawl-01.warc.gz",
    "wet": "crawl-02.warc.wet.gz",
    "jsonl": "export-00.jsonl.gz",
    "zst": "export-01.jsonl.zst",
}


WARCS = ("warc", "legacy", "wet")


def header(file: str) -> dict:
    """The label of the record that opens a WARC file."""
    line = {"file": FILES[file], "url": "", "date": archive.WRITTEN, "record": "warcinfo", "language": ""}
    why = "It describes the file."
    return line | {"category": "warcinfo", "fate": "skipped", "step": "read", "rule": "warcinfo", "why": why}


def label(page: Page, file: str, kind: str) -> dict:
    """The line of labels.jsonl for a page."""
    line = {
        "file": FILES[file],
        "url": page.url,
        "date": page.date,
        "record": kind,
        "language": page.language,
        "category": page.category,
        "fate": page.fate,
    }
    if page.fate != "kept":
        line |= {"step": page.step, "rule": page.rule}
    if page.may_be_cut:
        line["may_be_cut"] = True
    line["why"] = page.why
    line |= {name: list(texts) for name, texts in (("contains", page.contains), ("lacks", page.lacks)) if texts}
    return line


def record_of(page: Page, file: str) -> tuple[str, bytes]:
    """A page as its file holds it, and the kind of record that is."""
    if file == "wet":
        return "conversion", archive.record("conversion", page.url, page.date, "text/plain", page.text.encode())
    if file in ("jsonl", "zst"):
        return "row", row(page, choose(3, "row", page.url))
    kind = f"{page.content_type}; charset={page.named}" if page.named else page.content_type
    response = archive.http_response(page.body, page.status, kind, page.transfer)
    return "response", archive.record("response", page.url, page.date, "application/http; msgtype=response", response)


def row(page: Page, shape: int) -> bytes:
    """A JSON line: the fields at the top, below ``metadata``, or with HTML for text."""
    where = {"url": page.url, "date": page.date}
    match shape:
        case 0:
            data = {"text": page.text, **where}
        case 1:
            data = {"text": page.text, "metadata": where}
        case _:
            data = {"html": page.html, **where}
    return json.dumps(data, ensure_ascii=shape == 1).encode() + b"\n"


def make() -> dict[str, bytes]:
    """Every file of the crawl by its name, and ``labels.jsonl``."""
    pages = [*good_pages(), *copied_pages(), *(("warc", page) for page in [*junk_pages(), *noise_pages()])]
    # As a crawl would have it: in the order of the visits.
    pages.sort(key=lambda item: (item[0], item[1].date, item[1].url))
    records: dict[str, list[bytes]] = {file: [] for file in FILES}
    labels: dict[str, list[dict]] = {file: [header(file)] if file in WARCS else [] for file in FILES}
    for file, page in pages:
        kind, data = record_of(page, file)
        records[file].append(data)
        labels[file].append(label(page, file, kind))
    for file, data, line in odd_records():
        records[file].append(data)
        labels[file].append({"file": FILES[file], **line})
    made = {
        f"crawl/{FILES['warc']}": archive.warc(records["warc"]),
        f"crawl/{FILES['legacy']}": archive.warc(records["legacy"], cut_last=True),
        f"crawl/{FILES['wet']}": archive.warc(records["wet"]),
        f"crawl/{FILES['jsonl']}": archive.gzip_member(b"".join(records["jsonl"])),
        f"crawl/{FILES['zst']}": archive.zstd_stored(b"".join(records["zst"])),
    }
    lines = [line for file in FILES for line in labels[file]]
    made["labels.jsonl"] = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
    return made


def main() -> None:
    """Write everything below the folder named on the command line, or below ``sample_data/``."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, data in make().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{name:32} {len(data):9,} bytes")


if __name__ == "__main__":
    main()
