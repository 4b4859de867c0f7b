import pytest
from hypothesis import given, settings, strategies as st

from curate.language.codes import _codes, _names, canonical, name

CODES = sorted(_codes())


@pytest.mark.parametrize(
    ("given_code", "expected"),
    [
        *[("fr", "fr"), ("fra", "fr"), ("fre", "fr"), ("FRA", "fr"), ("fra_Latn", "fr"), ("fr-CA", "fr")],
        *[("__label__fra_Latn", "fr"), ("zh_CN", "zh"), ("zho_Hant", "zh"), ("cmn_Hani", "zh"), ("sr@latin", "sr")],
        *[("pt-br", "pt"), (" en ", "en"), ("no", "nb"), ("nor", "nb"), ("iw", "he"), ("in", "id"), ("mo", "ro")],
        *[("fil", "tl"), ("arb_Arab", "ar"), ("swh_Latn", "sw"), ("als_Latn", "sq"), ("ydd", "yi"), ("zsm", "ms")],
        *[("yue", "yue"), ("arz", "arz"), ("gsw", "gsw"), ("isv", "isv"), ("und", "und"), ("ltg", "ltg")],
    ],
)
def test_every_way_of_writing_a_code(given_code, expected):
    assert canonical(given_code) == expected


@given(st.sampled_from(CODES))
def test_a_canonical_code_stands_for_itself_and_has_a_name(code):
    found = canonical(code)
    assert canonical(found) == found
    assert len(found) in (2, 3)
    assert name(code)


def test_every_language_of_two_letters_is_reached_from_three():
    two = {code for code in _names() if len(code) == 2}
    assert len(two) == 183
    assert two <= {canonical(code) for code in CODES if len(code) == 3}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        *[("French", "'fr' (French)"), ("jp", "'ja' (Japanese)"), ("cn", "'zh' (Chinese)"), ("frn", "'fr' (French)")],
        *[
            ("englsh", "'en' (English)"),
            ("Deutsch", "'de' (German)"),
            ("ua", "'uk' (Ukrainian)"),
            ("Farsi", "'fa' (Persian)"),
        ],
    ],
)
def test_a_wrong_code_is_refused_with_the_right_one(wrong, right):
    with pytest.raises(ValueError, match="unknown language code") as error:
        canonical(wrong)
    assert f"did you mean {right}?" in str(error.value)


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_a_code_or_refused(text):
    try:
        assert canonical(text) in _names()
    except ValueError as error:
        assert "unknown language code" in str(error)  # noqa: PT017
