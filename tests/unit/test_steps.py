"""Map steps: what they do beyond the functions that they call."""

from __future__ import annotations

import inspect
import math
from itertools import islice
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from curate.document import Document, Rejection
from curate.extract.extraction import ExtractConfig, extract_text
from curate.filters import rules
from curate.filters.presets import rules_of
from curate.quality.judge import judge_page
from pipelines.steps.domain import Domain
from pipelines.steps.extract import Extract
from pipelines.steps.heuristics import Heuristics
from pipelines.steps.language import Language
from pipelines.steps.quality import Quality

SAMPLE = Path(__file__).parents[2] / "sample_data" / "crawl"
GERMAN = "Der Hund schläft im Garten, und die Katze sitzt auf der Mauer und sieht ihm dabei zu. " * 4
# The texts of these tests repeat a sentence.
ANY_LENGTH = {
    rule.name: None
    for rule in rules_of(("default",), {})
    if rule.name.startswith(("gopher_top", "gopher_duplicate", "gopher_too_few")) or rule.name == "repetitive_lines"
}
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


def test_source_code_with_strings_in_another_script_does_not_pass_as_english(language):
    # Cherokee letters in random order are in no language.
    lines = "\n".join(f'put("ᏣᎳᎩᎦᏬᏂᎯᏍᏗᏗᎧᎿᏩᏛᏍᏗᏣᎳᎩᎦᏬᏂᎯᏍᏗ{i}");' for i in range(60))
    found = language(Document(id="0", text=lines))
    assert isinstance(found, Rejection) or found.language != "en"


def test_rules_of_a_language_are_for_texts_in_a_known_one():
    for text in (GERMAN, FRENCH):
        assert isinstance(Heuristics(rules=(), limits=ANY_LENGTH).make()(Document(id="0", text=text)), Document)
        wrong = Heuristics(limits=ANY_LENGTH).make()(Document(id="0", text=text, language="en"))
        assert isinstance(wrong, Rejection)
        assert wrong.rule == "gopher_stop_words"


def test_a_text_in_an_unknown_language_is_judged_without_the_words_of_english():
    document = Document(id="0", text=GERMAN)
    judged = Quality(min_score=0, max_spam=1, max_listing=1).make()(document)
    assert judged.quality == judge_page(GERMAN, language="xx").worth != judge_page(GERMAN, language="en").worth


def test_a_page_in_two_languages_has_the_share_of_each(language):
    (one,) = language(Document(id="0", text=GERMAN)).languages
    assert one == {"language": "de", "share": 1.0}
    both = Language(min_score=0.2).make()(Document(id="0", text=GERMAN + "\n" + FRENCH))
    shares = {row["language"]: row["share"] for row in both.languages}
    assert set(shares) == {"de", "fr"}
    assert shares["de"] == pytest.approx(0.5, abs=0.15)


def test_steps_judge_markdown_as_they_judge_text(language):
    judges = [language, Heuristics().make(), Quality().make(), Domain().make()]
    kept = 0
    for name in ("crawl-00.warc.gz", "crawl-01.warc.gz"):
        for record in islice(ArchiveIterator((SAMPLE / name).open("rb")), 120):
            page = Document(id="0", html=record.reader.read())
            judged = []
            for step in (Extract(), Extract(format="markdown")):
                result = step.make()(page)
                for judge in judges:
                    result = judge(result) if isinstance(result, Document) else result
                judged.append(result)
            plain, marked = judged
            assert type(plain) is type(marked)
            if isinstance(plain, Document):
                kept += 1
                assert marked.text_format == "markdown"
                assert marked.plain_text.split() == plain.text.split()
                assert (marked.signals, marked.quality) == (plain.signals, plain.quality)
                assert (marked.domain, marked.languages) == (plain.domain, plain.languages)
    assert kept > 20


def test_curates_own_engine_extracts_where_a_recipe_names_none():
    html = b"<body><div><p>We use cookies.</p></div><h1>Not found</h1><footer><p>About us</p></footer></body>"
    page = Document(id="0", html=html)
    texts = {e: extract_text(html, config=ExtractConfig(engine=e)).text for e in ("resiliparse", "blocks")}
    assert texts["resiliparse"] != texts["blocks"]
    assert Extract().make()(page).text == texts["blocks"]
    assert Extract(engine="resiliparse").make()(page).text == texts["resiliparse"]


def test_what_is_short_and_unsure_is_no_main_text():
    frame = "<div class=menu><a href=/>Home</a> <a href=/a>About</a></div><div class=cookie>We use cookies.</div>"
    page = Document(id="a", html=f"<title>x</title><body>{frame}".encode(), url="https://a.example/")
    confidence = extract_text(page.html, page.url).confidence
    limit = confidence + 0.05
    assert 0 < limit < 1
    assert Extract(min_confidence=limit).make()(page) == Rejection("no_main_text", confidence, limit)
    kept = Extract(min_confidence=0).make()(page)
    assert (kept.text_confidence, kept.page_type) == (confidence, extract_text(page.html, page.url).page_type)
    assert math.isnan(Extract().make()(Document(id="b", text="No page.")).text_confidence)
