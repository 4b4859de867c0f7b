"""Main text of an HTML page.

>>> found = extract_text("<title>Tea</title><body><nav>Home</nav><main><h1>Tea</h1><p>Tea is a drink.</p></main>")
>>> found.title, found.text
('Tea', 'Tea\\n\\nTea is a drink.')
"""

from __future__ import annotations

from dataclasses import dataclass

from curate.charset import decode


@dataclass(frozen=True, slots=True)
class ExtractConfig:
    """How pages become text."""

    engine: str = "resiliparse"
    timeout: float = 10.0
    alt_texts: bool = True


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in a page: main text, title, the language that it names ("" if none), and the engine used."""

    text: str
    title: str
    language: str
    engine: str


def extract_text(
    html: bytes | str, url: str | None = None, config: ExtractConfig = ExtractConfig(), charset: str = ""
) -> Extraction:
    """Return the main text of a page.

    >>> extract_text("<p>One<br>two").text
    'One\\ntwo'
    """
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    text = decode(html, charset)[0] if isinstance(html, bytes) else html
    tree = HTMLTree.parse(text)
    body = extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=True,
        list_bullets=False,
        alt_texts=config.alt_texts,
        links=False,
        form_fields=False,
        noscript=False,
        comments=True,
        post_meta=False,
        hidden_elements=False,
        skip_elements=None,
    )
    return Extraction(body, tree.title or "", "", "resiliparse")
