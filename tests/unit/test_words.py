import pytest
from reference_signals import words_of

from curate.filters.signals import measure
from curate.text.characters import SCRIPT_NAMES, character_table
from curate.text.words import UNSPACED_LANGUAGES, _lists, dirty_words, scripts_of, stop_words, watch_table

LANGUAGES = sorted(_lists("stop_words"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_stop_words_are_words_that_can_be_found(language):
    words = stop_words(language)
    assert 8 <= len(words) <= 64  # one bit each
    assert len(set(words)) == len(words)
    for word in words:
        assert word == word.lower()
        if language not in UNSPACED_LANGUAGES:
            assert len(words_of(word)) == 1, word
    found = measure(" ".join(words), language)
    assert found.stop_words >= len(words) - 1  # "a'" is "a" without its apostrophe
    assert found.distinct_stop_words >= len(words) - 2


@pytest.mark.parametrize("language", sorted(_lists("dirty_words")))
def test_dirty_words_and_phrases_are_found(language):
    for word in dirty_words(language):
        assert word == word.lower()
        assert len(words_of(word)) <= 3 or language in UNSPACED_LANGUAGES
        assert measure(f"({word})", language).dirty_words >= 1, word


def test_phrases_are_found_in_capitals_and_with_anything_between_their_words():
    assert (
        measure("TERMS of-use. We Use: Cookies! Lorem\nipsum, JavaScript").as_dict().items()
        >= {
            "policy_phrases": 2.0,
            "lorem_ipsum": 1.0,
            "javascript": 1.0,
        }.items()
    )


def test_a_language_without_a_list_has_no_stop_words_and_the_english_dirty_ones():
    found = measure("the and of porn", "xx")
    assert (found.stop_words, found.dirty_words) == (0, 1)
    assert [len(part) for part in watch_table("xx")] == [len(watch_table("xx")[0])] * 2


def test_letters_of_a_language_are_of_its_scripts():
    for language in ("en", "ru", "el", "ar", "hi", "ja", "zh", "ko", "th", "my", "ka", "am"):
        word = {"ja": "日本のカ", "zh": "中文", "th": "ภาษา", "my": "မြန်မာ"}.get(language) or stop_words(language)[-1]
        kinds = {SCRIPT_NAMES[character_table()[ord(c)] >> 24] for c in word if c.isalpha()}
        assert kinds <= {SCRIPT_NAMES[i] for i in scripts_of(language)}, (language, kinds)
