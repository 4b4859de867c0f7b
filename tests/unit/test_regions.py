"""Regions of a page that are kept as a whole: what is chosen of their blocks, and what stays a hole."""

from __future__ import annotations

import time

import numpy as np
import pytest

from curate.extract.blocks import cut
from curate.extract.main_text import _layout_kinds, places
from curate.extract.region_kernels import complete

TABLE = "<table><tr><th>Day<th>Height<tr><td>Monday<td>2<tr><td>Tuesday<td>3</table>"
LONG = "<table><tr><td>" + "word " * 250 + "<td>a<tr><td>b<td>c</table>"


def completed(page, kept, chance=0.0):
    """The texts that are kept of a page after some of them were chosen."""
    blocks = cut(page)
    texts = blocks.texts()
    keep = np.array([text in kept for text in texts])
    chances = np.full(len(texts), chance)
    complete(blocks.blocks, blocks.elements, _layout_kinds(), places(blocks), chances, keep)
    return [text for text, stays in zip(texts, keep, strict=True) if stays]


@pytest.mark.parametrize(
    ("page", "kept", "expected"),
    [
        ("<p>Before</p><pre>x = 1</pre><p>After</p>", ["Before"], ["Before", "x = 1"]),
        ("<p>Before</p><pre>x</pre><pre>y</pre><p>After</p>", ["After"], ["x", "y", "After"]),
        ("<p>Before</p><pre>x</pre><p>After</p>", [], []),
        (TABLE, ["Day", "Height", "Monday"], ["Day", "Height", "Monday", "2", "Tuesday", "3"]),
        (TABLE, ["Tuesday"], ["Tuesday"]),
        (TABLE.replace("Day", "<a href=/>Day of the week</a>"), ["Monday", "Tuesday"], ["Monday", "Tuesday"]),
        (LONG, ["a", "b"], ["a", "b"]),
        ("<ul><li>one<li>two<li>three<li>four</ul>", ["one", "two", "three"], ["one", "two", "three", "four"]),
        ("<ul><li>one<li>two<li>three<li>four</ul>", ["one", "two"], ["one", "two"]),
        ("<nav><ul><li>one<li>two<li>three<li>four</ul></nav>", ["one", "two", "three"], ["one", "two", "three"]),
    ],
    ids=["code after text", "code before text", "code alone", "table", "table, hardly kept", "table of links",
         "table of layout", "list", "list, half kept", "navigation"],
)  # fmt: skip
def test_what_is_mostly_kept_is_kept_as_a_whole(page, kept, expected):
    assert completed(page, kept) == expected


@pytest.mark.parametrize(
    ("page", "chance", "expected"),
    [
        (f"<p>See the heights:</p>{TABLE}", 0.2, True),
        (f"<p>See the heights:</p>{TABLE}", 0.1, False),
        (f"<p>Other</p>{TABLE}", 0.2, False),
        ("<p>See the heights:</p><ul><li>2 metres<li>3 metres</ul><p>Last.</p>", 0.2, True),
        ("<p>See the heights:</p><ul><li>2 metres<li>3 metres</ul><p>Other</p>", 0.2, False),
        ("<p>See the heights:</p><p>$$h = 2$$</p><p>$$k = 3$$</p>", 0.2, True),
        ("<p>See the heights:</p><p>They are $5.</p>", 0.2, False),
    ],
)
def test_what_is_likely_is_kept_beside_what_is(page, chance, expected):
    known = ["See the heights:", "Last."]
    assert (set(completed(page, known, chance)) - set(known) != set()) is expected


def test_the_time_is_linear_in_nested_lists():
    page = "<ul><li>a" * 20_000 + "</li>b</ul>" * 20_000
    completed("<p>a", [])
    start = time.process_time()
    completed(page, ["a"], 0.2)
    assert time.process_time() - start < 2
