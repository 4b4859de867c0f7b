"""Whole pages written for this test, each with the exact text that a careful reader takes from it.

``pages/NAME.html`` is a page, ``pages/NAME.txt`` its main text, and ``pages/NAME.md``, where there is one, the same as
Markdown. The first line of a page is a comment with its address and the options it is read with; it is not part of
the page. The texts were written before anybody looked at what the extractor gives.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curate.extract import ExtractConfig, extract_text

PAGES = Path(__file__).with_name("pages")
NAMES = sorted(path.stem for path in PAGES.glob("*.html"))
MARKDOWN = sorted(path.stem for path in PAGES.glob("*.md"))
# Kinds of content and page, each the first word of the names of its pages.
THEMES = {
    "alt",
    "bare",
    "cjk",
    "code",
    "docs",
    "forum",
    "jsonld",
    "kind",
    "list",
    "maths",
    "odd",
    "rtl",
    "ruby",
    "script",
    "table",
}
# Pages whose text is not yet right, and what is wrong with it. A page that becomes right has to leave the list.
WRONG_TODAY: dict[str, str] = {}
_OPTIONS = re.compile(r"<!-- url=(\S+)(?: alt_texts=(all))? -->")


def _marked(file_names: list[str]) -> list[object]:
    return [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=WRONG_TODAY[name]))
        if name in WRONG_TODAY
        else name
        for name in file_names
    ]


def _extracted(name: str, **options: str) -> str:
    first, _, page = (PAGES / name.partition(".")[0]).with_suffix(".html").read_text("utf-8").partition("\n")
    found = _OPTIONS.fullmatch(first)
    assert found, f"{name}: the first line has to be <!-- url=... --> with alt_texts=all if it is read so"
    return extract_text(page, found[1], ExtractConfig(alt_texts=found[2] or "formulas", **options)).text


def _expected(name: str) -> str:
    return (PAGES / name).read_text("utf-8").removesuffix("\n")


@pytest.mark.parametrize("file", _marked([f"{name}.txt" for name in NAMES]))
def test_the_text_of_a_page(file: str) -> None:
    assert _extracted(file) == _expected(file)


@pytest.mark.parametrize("file", _marked([f"{name}.md" for name in MARKDOWN]))
def test_the_markdown_of_a_page(file: str) -> None:
    assert _extracted(file, format="markdown") == _expected(file)


def test_there_are_pages_of_every_kind() -> None:
    assert len(NAMES) >= 60
    assert {name.partition("-")[0] for name in NAMES} == THEMES
    assert {path.stem for path in PAGES.iterdir()} == set(NAMES)
    assert {path.stem for path in PAGES.glob("*.txt")} == set(NAMES)
    files = {path.name for path in PAGES.iterdir()}
    assert set(WRONG_TODAY) <= files
