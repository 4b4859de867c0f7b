"""Map steps: what they do beyond the functions that they call."""

from __future__ import annotations

import inspect

import pytest

from curate.document import Document, Rejection
from curate.extract.extraction import ExtractConfig, extract_text
from curate.filters import rules
from pipelines.steps.extract import Extract
from pipelines.steps.language import Language

GERMAN = "Der Hund schläft im Garten, und die Katze sitzt auf der Mauer und sieht ihm dabei zu. " * 4
FRENCH = "Le chien dort dans le jardin, et le chat est assis sur le mur et le regarde faire. " * 4


@pytest.fixture(scope="module")
def language():
    return Language(min_score=0.5).make()


def test_source_code_passes_as_english(language):
    code = "\n".join(f"    total_{i} = values[{i}] * weights[{i}];" for i in range(60))
    for text in (code, inspect.getsource(rules)):
        kept = language(Document(id="0", text=text))
        assert isinstance(kept, Document)
        assert kept.language == "en"
    assert isinstance(language(Document(id="0", text="xkq vbnwj zzrtp qlfhd wpmxc jgkvb qzxwt hbnfl")), Rejection)


def test_a_page_in_two_languages_has_the_share_of_each(language):
    (one,) = language(Document(id="0", text=GERMAN)).languages
    assert one == {"language": "de", "share": 1.0}
    both = Language(min_score=0.2).make()(Document(id="0", text=GERMAN + "\n" + FRENCH))
    shares = {row["language"]: row["share"] for row in both.languages}
    assert set(shares) == {"de", "fr"}
    assert shares["de"] == pytest.approx(0.5, abs=0.15)


def test_curates_own_engine_extracts_where_a_recipe_names_none():
    html = b"<body><div><p>We use cookies.</p></div><h1>Not found</h1><footer><p>About us</p></footer></body>"
    page = Document(id="0", html=html)
    texts = {e: extract_text(html, config=ExtractConfig(engine=e)).text for e in ("resiliparse", "blocks")}
    assert texts["resiliparse"] != texts["blocks"]
    assert Extract().make()(page).text == texts["blocks"]
    assert Extract(engine="resiliparse").make()(page).text == texts["resiliparse"]
