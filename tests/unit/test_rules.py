import math
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from curate.filters.presets import PRESETS, reference_filters_of, rules_of
from curate.filters.reference_filters import REFERENCE_FILTERS, quantity_names
from curate.filters.rules import Rule, decide
from curate.filters.signals import measure, signal_names

#: Text in many languages, and of code and formulas.
LANGUAGES = ("ar", "de", "en", "en_code", "en_maths", "es", "fr", "hi", "ja", "ru", "zh")
TEXTS = Path(__file__).parents[2] / "sample_data" / "text"
PAGE = (
    "This is the first of the sentences that we have here. " * 3 + "\n" + "And to be sure, here is another one.\n" * 2
)


@pytest.mark.parametrize(
    ("rule", "below", "equal", "above"),
    [
        (Rule("r", "words", minimum=5), False, True, True),
        (Rule("r", "words", minimum=5, strict=True), False, False, True),
        (Rule("r", "words", maximum=5), True, True, False),
        (Rule("r", "words", maximum=5, strict=True), True, False, False),
    ],
)
def test_a_limit_and_the_values_next_to_it(rule, below, equal, above):
    around = math.nextafter(5, 0), 5, math.nextafter(5, 9)
    assert tuple(map(rule.passes, around)) == (below, equal, above)


@pytest.mark.parametrize("limits", [{}, {"minimum": 1, "maximum": 2}])
def test_a_rule_has_one_limit(limits):
    with pytest.raises(ValueError, match="rule 'r' needs either a minimum or a maximum"):
        Rule("r", "words", **limits)


def test_the_first_rule_that_fails_is_the_reason_and_all_values_are_told():
    rules = [Rule("a", "x", minimum=1), Rule("b", "y", maximum=1), Rule("c", "z", minimum=1)]
    decision = decide({"x": 2, "y": 2, "z": 0}, rules)
    assert (decision.keep, decision.reason, decision.value, decision.limit) == (False, "b", 2, 1)
    assert decision.values == {"x": 2, "y": 2, "z": 0}
    assert decide({"x": 2, "y": 1, "z": 1}, rules).keep


def test_rules_by_language():
    stop, spaced = Rule("s", "x", minimum=1, where="stop_word_list"), Rule("w", "x", minimum=1, where="spaced_language")
    marks = Rule("m", "x", minimum=1, where="sentence_marks")
    for language, expected in {
        "en": (1, 1, 1),
        "zh": (1, 0, 1),
        "th": (1, 0, 0),
        "xx": (0, 1, 1),
        "bo": (0, 0, 1),
        "und": (0, 0, 0),
    }.items():
        assert tuple(rule.applies(language) for rule in (stop, spaced, marks)) == tuple(map(bool, expected)), language
    assert decide({"x": 0}, [stop, spaced], "bo").keep


def test_a_signal_that_was_not_measured_is_an_error_with_the_way_out():
    with pytest.raises(KeyError, match=r"word_count_min needs dolma_word_count.*reference_filters_of"):
        decide(measure(PAGE), PRESETS["gopher@dolma"])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_decides_over_what_it_asks_to_be_measured(preset):
    rules = rules_of([preset])
    assert len({rule.name for rule in rules}) == len(rules)
    reference_filters = reference_filters_of(rules)
    signals = measure(PAGE, "en", reference_filters)
    assert tuple(signals.as_dict()) == signal_names(reference_filters)
    assert set(decide(signals, rules).values) == {rule.signal for rule in rules}


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(sorted(PRESETS)))
def test_any_text_gets_a_decision(text, preset):
    rules = PRESETS[preset]
    decision = decide(measure(text, "en", reference_filters_of(rules)), rules)
    assert all(map(math.isfinite, decision.values.values()))
    assert decision.keep == (decision.reason == "")


def test_limits_change_or_remove_a_rule_and_only_that():
    changed = rules_of(["default"], {"gopher_too_few_words": 7, "loose_lines": None})
    by_name = {rule.name: rule.limit for rule in changed}
    assert by_name["gopher_too_few_words"] == 7
    assert "loose_lines" not in by_name
    assert len(changed) == len(PRESETS["default"]) - 1
    assert rules_of(["default"])[0].limit == 50


@pytest.mark.parametrize(
    ("presets", "limits", "message"),
    [
        (["gopher@datatrov"], {}, "did you mean 'gopher@datatrove'"),
        (["no such thing"], {}, "there are c4@datatrove"),
        (["default"], {"gopher_to_few_words": 3}, "did you mean 'gopher_too_few_words'"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest_right_one(presets, limits, message):
    with pytest.raises(ValueError, match=message):
        rules_of(presets, limits)


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        ("wrods", "rule 'short' needs the signal 'wrods', which does not exist: did you mean 'words'"),
        ("dolma_wordcount", "did you mean 'dolma_word_count'"),
        ("dclm_", "which does not exist"),
        ("", "docs/presets.md list all"),
    ],
)
def test_a_rule_over_no_signal_is_named_with_the_nearest_right_one(signal, message):
    with pytest.raises(ValueError, match=message):
        reference_filters_of([Rule("short", signal, minimum=5)])


@pytest.mark.parametrize("name", REFERENCE_FILTERS)
def test_each_quantity_has_one_owner(name):
    rules = [Rule("any", quantity, minimum=5) for quantity in quantity_names(name)]
    assert reference_filters_of(rules) == (name,)


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_default_keeps_ordinary_text_of_every_language(name):
    text, language = (TEXTS / f"{name}.txt").read_text("utf-8"), name[:2]
    assert decide(measure(text, language), rules_of(["default"]), language).reason == ""
