"""All texts of the shared evaluation data as JSON lines: ``python shared_texts.py OUT.jsonl``.

The pages' main text as people marked it, the same pages as resiliparse extracts them (main content, and everything),
and the documents of `quality/`; a text that stood there before is left out. Needs the project's own environment; the
data is found through CURATE_SHARED_DATA or in the folder ``shared/data`` beside the checkout.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def shared_data() -> Path:
    return Path(os.environ.get("CURATE_SHARED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def rows(path: Path) -> Iterator[dict]:
    import zstandard

    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
        for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n"):
            yield json.loads(line)


def decoded(row: dict) -> str:
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    html = row["html"].encode("latin-1")
    return bytes_to_str(html, detect_encoding(html))


def texts() -> Iterator[tuple[str, str]]:
    """Id and text; the id begins with the file and says which text of a page it is."""
    from resiliparse.extract.html2text import extract_plain_text

    pages = sorted((shared_data() / "extraction").glob("*.jsonl.zst"))
    for path in pages:
        for row in rows(path):
            yield f"{path.name.split('.')[0]}/{row['id']}/gold", row["gold"] or ""
            yield f"{path.name.split('.')[0]}/{row['id']}/main", extract_plain_text(decoded(row), main_content=True)
    for path in sorted((shared_data() / "quality").glob("*.jsonl.zst")):
        for row in rows(path):
            yield f"{path.name.split('.')[0]}/{row['id']}", row["text"]
    for path in pages:
        for row in rows(path):
            yield f"{path.name.split('.')[0]}/{row['id']}/all", extract_plain_text(decoded(row), main_content=False)


if __name__ == "__main__":
    seen: set[str] = set()
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for key, text in texts():
            if text in seen:
                continue
            seen.add(text)
            out.write(json.dumps({"id": key, "text": text}) + "\n")
