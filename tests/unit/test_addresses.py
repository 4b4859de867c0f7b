"""Which address of a page is the right one: what it says itself, and the shape of listings."""

from __future__ import annotations

import pytest

from curate.dedup.addresses import address_rank, listing_address
from curate.extract.canonical import canonical_url


@pytest.mark.parametrize(
    "path",
    [
        "", "index.html", "tag/tea/", "tags/tea/index.html", "category/food/tea", "categorie/the/", "2010/12/",
        "2010/12/24", "author/ann", "page/7/", "blog/page2", "post/feed/", "post/amp", "?p=17", "?cat=3&paged=2",
        "post?replytocom=8", "search?q=tea", "kategori/te", "archives/", "label/tea",
    ],
)  # fmt: skip
def test_listings_and_other_forms_of_pages_are_known_by_their_address(path):
    assert listing_address(f"https://www.a.example/{path}")


@pytest.mark.parametrize(
    "path",
    ["2010/12/24/tea", "tea", "the-tag-of-tea", "wiki/Category_theory", "2010-12-24-tea.html", "docs/page-setup",
     "a?id=7", "posts/authors-of-tea", "en/tea/history"],
)  # fmt: skip
def test_articles_are_no_listings(path):
    assert not listing_address(f"https://a.example/{path}")


def test_a_page_that_names_the_front_page_names_none():
    assert address_rank("http://a.example/tea", "http://a.example/") == 1
    assert address_rank("http://a.example/tea", "http://a.example/index.php") == 1
    assert address_rank("http://a.example/tea", "https://www.a.example/tea/") == 0
    assert address_rank("http://a.example/tag/tea", "http://a.example/tag/tea") == 2


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ("<link href='https://b.example/x?a=1&amp;b=2' rel='canonical'>", "https://b.example/x?a=1&b=2"),
        ("<LINK REL=canonical HREF=../tea />", "https://a.example/tea"),
        ("<link rel='alternate' href='/x'><link rel='shortlink canonical' href='/y'>", ""),
        ("<link rel=canonical>", ""),
        ("<link rel=canonical href='javascript:alert(1)'>", ""),
        ("<link rel=canonical href='http://[bad'>", ""),
        ("<p>" + "<link " * 9999, ""),
    ],
)
def test_the_address_that_a_page_calls_its_own(html, address):
    assert canonical_url(html, "https://a.example/food/green") == address
