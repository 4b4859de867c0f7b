"""Listings: pages whose paragraphs other pages of their site keep, whatever the blocks and the order."""

from __future__ import annotations

import random

from hypothesis import given, settings, strategies as st

from curate.document import Document
from pipelines.steps.listings import Listings
from tests.pipelines.decisions import applied

WORDS = "mill river stone wheel corn flour sack beam church valley winter flood miller bread".split()


def paragraph(number, words=30):
    return f"Paragraph {number}: " + " ".join(random.Random(number).choices(WORDS, k=words)) + "."


def document(i, path, text, host="a.example"):
    return Document(id=f"{i:032x}", url=f"https://{host}/{path}", text=text)


def lost(documents, blocks=2):
    """The ids of the listings, with the share of each."""
    parts = [documents[i::blocks] for i in range(blocks)]
    return {
        part[row].id: why.value
        for part, means in zip(parts, applied(Listings(), parts), strict=True)
        for row, why in means.rejections()
    }


POSTS = [document(i, f"post-{i}", "\n\n".join(paragraph(10 * i + n) for n in range(4))) for i in range(12)]


def test_archives_with_whole_posts_go_and_posts_stay():
    archive = document(100, "2026/05/", "\n\n".join(post.text for post in POSTS))
    front = document(101, "", "News\n\n" + "\n\n".join(post.text for post in POSTS[:5]))
    assert set(lost([*POSTS, archive, front])) == {archive.id, front.id}


def test_excerpts_that_are_cut_off_count_as_what_they_are_taken_from():
    tag = document(100, "tea", "\n\n".join(f"{post.text[:150]} […] Read more" for post in POSTS))
    assert set(lost([*POSTS, tag])) == {tag.id}
    assert not lost([*POSTS, document(101, "tea", tag.text, host="b.example")])  # of another site


def test_a_page_with_something_of_its_own_stays():
    quoting = document(100, "answer", POSTS[0].text + "\n\n" + "\n\n".join(paragraph(n) for n in range(900, 904)))
    notice = paragraph(77)
    verses = [
        document(200 + i, f"poem-{i}", f"{notice}\n" + "\n".join(f"line {i}-{n}" for n in range(40))) for i in range(9)
    ]
    assert not lost([*POSTS, quoting, *verses])


def test_what_many_pages_of_a_site_have_is_its_frame():
    licence = paragraph(999, 90)
    notes = [document(300 + i, f"note-{i}", f"Note {i}\n\nShort: {WORDS[i]}.\n\n{licence}") for i in range(12)]
    assert not lost([*POSTS, *notes])
    assert len(lost([*POSTS, *notes[:4]])) == 3  # of four, one keeps it


def test_of_two_listings_of_the_same_one_stays_if_no_other_page_has_what_they_list():
    listings = [document(100 + i, f"tag/{i}", "\n\n".join(post.text for post in POSTS)) for i in range(3)]
    assert len(lost(listings)) == 2


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_a_listing_has_stays_in_another_page_and_order_makes_no_difference(data):
    pages = data.draw(st.lists(st.lists(st.integers(0, 25), min_size=1, max_size=9), min_size=2, max_size=14))
    documents = [
        document(
            i, data.draw(st.sampled_from(["tag/x", "post", "2026/01"])) + f"/{i}", "\n\n".join(map(paragraph, page))
        )
        for i, page in enumerate(pages)
    ]
    gone = lost(documents, 1)
    assert lost(documents[::-1], 3) == gone
    held = {line for d in documents if d.id not in gone for line in d.text.split("\n\n")}
    for d in documents:
        lines = set(d.text.split("\n\n"))
        if d.id in gone:
            assert sum(map(len, lines & held)) >= 0.5 * sum(map(len, lines))
