"""The published quality filters, each a list of rules over plainly counted quantities.

Written from what the filters do (the version of each stands at its preset), slowly and without tricks, to be compared
with the originals themselves (`originals.py`) and with `filters.presets`. `DEFINITIONS[preset](text)` gives whether the
text is kept, the name of the first rule that drops it ("" if kept), and every quantity. Rule names are the originals'
own, where they have any. A quantity is NaN, and the rule "undefined", where the original divides by zero.
"""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

from text_units import (
    POLICY_PHRASES,
    PUNCTUATION,
    PUNCTUATION_2024,
    SIMPLE,
    STOP_WORDS,
    TERMINAL_PUNCTUATION,
    Tokenizers,
    letters,
    n_grams,
    ratio,
    repeated_at_all,
    repeats,
)

Quantities = dict[str, float]
Rule = tuple[str, str, str, float]  # name, quantity, comparison that DROPS the text, limit
Result = tuple[bool, str, Quantities]

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}

# Gopher, table A1 (arXiv 2112.11446). The key is n.
TOP_N_GRAM_LIMITS = {2: 0.20, 3: 0.18, 4: 0.16}
DUPLICATE_N_GRAM_LIMITS = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


def decide(quantities: Quantities, rules: Sequence[Rule]) -> Result:
    """Apply the rules in order."""
    for name, quantity, comparison, limit in rules:
        value = quantities[quantity]
        if math.isnan(value):
            return False, "undefined", quantities
        if COMPARISONS[comparison](value, limit):
            return False, name, quantities
    return True, "", quantities


# --- Gopher as datatrove has it: 0.10.1 ("HEAD") and 0.2.0, the code of FineWeb in 2024 ------------------------------

DATATROVE_REPETITION_RULES: list[Rule] = [
    ("dup_para_frac", "dup_para_frac", ">", 0.3),
    ("dup_para_char_frac", "dup_para_char_frac", ">", 0.2),
    ("dup_line_frac", "dup_line_frac", ">", 0.3),
    ("dup_line_char_frac", "dup_line_char_frac", ">", 0.2),
    *[(f"top_{n}_gram", f"top_{n}_gram", ">", limit) for n, limit in TOP_N_GRAM_LIMITS.items()],
    *[(f"duplicated_{n}_n_grams", f"dup_{n}_gram", ">", limit) for n, limit in DUPLICATE_N_GRAM_LIMITS.items()],
]
DATATROVE_QUALITY_RULES: list[Rule] = [
    ("gopher_short_doc", "words", "<", 50),
    ("gopher_long_doc", "words", ">", 100_000),
    ("gopher_below_avg_threshold", "mean_word_length", "<", 3),
    ("gopher_above_avg_threshold", "mean_word_length", ">", 10),
    ("gopher_too_many_hashes", "hash_ratio", ">", 0.1),
    ("gopher_too_many_ellipsis", "ellipsis_ratio", ">", 0.1),
    ("gopher_too_many_bullets", "bullet_line_ratio", ">", 0.9),
    ("gopher_too_many_end_ellipsis", "ellipsis_line_ratio", ">", 0.3),
    ("gopher_below_alpha_threshold", "alpha_word_ratio", "<", 0.8),
    ("gopher_enough_stop_words", "stop_words", "<", 2),
]
GOPHER_FINEWEB_2024_RULES = [*DATATROVE_REPETITION_RULES, *DATATROVE_QUALITY_RULES]
GOPHER_DATATROVE_RULES: list[Rule] = [("empty", "chars", "<", 1), *GOPHER_FINEWEB_2024_RULES]


def datatrove_repetition(text: str, words: list[str], lines: list[str]) -> Quantities:
    """Shares of the text's characters (white space included) in repeated paragraphs, lines and n-grams."""
    paragraphs = re.split(r"\n{2,}", text.strip())
    out: Quantities = {}
    for unit, parts in (("para", paragraphs), ("line", lines)):
        count, chars = repeats(parts)
        out[f"dup_{unit}_frac"] = ratio(count, len(parts))
        out[f"dup_{unit}_char_frac"] = ratio(chars, len(text))
    for n in TOP_N_GRAM_LIMITS:
        grams = [" ".join(gram) for gram in n_grams(words, n)]
        # The most frequent one, the first of them on a tie, even if it stands there only once.
        gram, count = Counter(grams).most_common(1)[0] if grams else ("", 0)
        out[f"top_{n}_gram"] = ratio(len(gram) * count, len(text)) if grams else 0.0
    for n in DUPLICATE_N_GRAM_LIMITS:
        # Walk over the words; a run seen before is counted and jumped over. Words are joined with nothing between
        # them, so "ab c" is a repetition of "a bc".
        seen: set[str] = set()
        chars = i = 0
        while i + n <= len(words):
            gram = "".join(words[i : i + n])
            if gram in seen:
                chars += len(gram)
                i += n
            else:
                seen.add(gram)
                i += 1
        out[f"dup_{n}_gram"] = ratio(chars, len(text))
    return out


def datatrove_quality(text: str, tokens: list[str], punctuation: frozenset[str]) -> Quantities:
    """Gopher's quality quantities; words are the tokens with a character that is not punctuation."""
    words = [token for token in tokens if not punctuation.issuperset(token)]
    lines = text.splitlines()
    return {
        "words": len(words),
        "mean_word_length": ratio(letters(words), len(words)),
        "hash_ratio": ratio(text.count("#"), len(tokens)),
        "ellipsis_ratio": ratio(text.count("...") + text.count("…"), len(tokens)),
        "bullet_line_ratio": ratio(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_line_ratio": ratio(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "alpha_word_ratio": ratio(sum(any(c.isalpha() for c in token) for token in tokens), len(tokens)),
    }


def gopher_datatrove(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """datatrove 0.10.1: GopherRepetitionFilter, then GopherQualityFilter (the order of FineWeb), spaCy words."""
    tokens = tokenizers.spacy_words(text)
    quantities = {
        "chars": len(text),
        **datatrove_repetition(text, tokens, re.split(r"\n+", text)),
        **datatrove_quality(text, tokens, PUNCTUATION),
        "stop_words": len(STOP_WORDS.intersection(tokens)),  # different ones
    }
    return decide(quantities, GOPHER_DATATROVE_RULES)


def gopher_fineweb_2024(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """datatrove 0.2.0 (and its commit 05194d39, FineWeb as published): NLTK words, blank lines are lines."""
    tokens = tokenizers.nltk_words(text)
    quantities = {
        **datatrove_repetition(text, tokens, text.splitlines()),
        **datatrove_quality(text, tokens, PUNCTUATION_2024),
        "stop_words": sum(token in STOP_WORDS for token in tokens),  # occurrences
    }
    return decide(quantities, GOPHER_FINEWEB_2024_RULES)


# --- Gopher as DCLM has it (baselines/mappers/filters/content_filters.py) --------------------------------------------

DCLM_REPETITION_RULES: list[Rule] = [
    ("repetition_empty", "lines", "<", 1),
    ("dup_line_frac", "dup_line_frac", ">", 0.3),
    ("dup_para_frac", "dup_para_frac", ">", 0.3),
    ("dup_line_char_frac", "dup_line_char_frac", ">", 0.2),
    ("dup_para_char_frac", "dup_para_char_frac", ">", 0.2),
    *[(f"top_{n}_gram", f"top_{n}_gram", ">", limit) for n, limit in TOP_N_GRAM_LIMITS.items()],
    *[(f"dup_{n}_gram", f"dup_{n}_gram", ">", limit) for n, limit in DUPLICATE_N_GRAM_LIMITS.items()],
]
DCLM_GOPHER_RULES: list[Rule] = [
    ("words_min", "words", "<", 50),
    ("words_max", "words", ">", 100_000),
    ("mean_word_length_min", "mean_word_length", "<", 3),
    ("mean_word_length_max", "mean_word_length", ">", 10),
    ("symbol_ratio", "symbol_ratio", ">", 0.1),
    ("bullet_line_ratio", "bullet_line_ratio", ">", 0.9),
    ("ellipsis_line_ratio", "ellipsis_line_ratio", ">", 0.3),
    ("non_alpha_word_ratio", "non_alpha_word_ratio", ">", 0.2),
    ("stop_words", "stop_words", "<", 2),
    *DCLM_REPETITION_RULES,
]


def dclm_words(text: str, tokenizers: Tokenizers) -> list[str]:
    """UAX-29 words that begin with a letter or digit."""
    return [word for word in tokenizers.uax29_words(text) if word[0].isalnum()]


def dclm_repetition(text: str, tokenizers: Tokenizers) -> Quantities:
    """A line, paragraph or n-gram that is repeated counts with all its occurrences."""
    out: Quantities = {}
    for unit, mark in (("line", "\n"), ("para", "\n\n")):
        parts = [part.strip() for part in text.split(mark) if part.strip()]
        count, chars = repeated_at_all(parts)
        out[f"{unit}s"] = len(parts)
        out[f"dup_{unit}_frac"] = count / len(parts) if parts else 0.0
        out[f"dup_{unit}_char_frac"] = chars / letters(parts) if parts else 0.0
    words = dclm_words(text, tokenizers)
    total = letters(words)
    for n in TOP_N_GRAM_LIMITS:
        counts = Counter(n_grams(words, n))
        most = max(counts.values(), default=0)
        longest = max((letters(gram) for gram, count in counts.items() if count == most), default=0)
        out[f"top_{n}_gram"] = most * longest / total if most > 1 else 0.0
    for n in DUPLICATE_N_GRAM_LIMITS:
        grams = n_grams(words, n)
        counts = Counter(grams)
        covered = {j for i, gram in enumerate(grams) if counts[gram] > 1 for j in range(i, i + n)}
        out[f"dup_{n}_gram"] = letters([words[j] for j in sorted(covered)]) / total if covered else 0.0
    return out


def dclm_gopher_quantities(text: str, tokenizers: Tokenizers) -> Quantities:
    """Word count over fastText tokens that begin with a letter or digit, the rest over white-space words."""
    words = text.split()
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    symbols = sum(text.count(symbol) for symbol in ("#", "...", ". . .", "…"))
    return {
        "words": sum(token[0].isalnum() for token in tokenizers.fasttext_words(text)),
        "mean_word_length": ratio(letters(words), len(words)),
        "symbol_ratio": ratio(symbols, len(words)),
        "bullet_line_ratio": ratio(sum(line.startswith(("●", "•", "*", "-")) for line in lines), len(lines)),
        "ellipsis_line_ratio": ratio(sum(line.endswith(("...", ". . .", "…")) for line in lines), len(lines)),
        "non_alpha_word_ratio": ratio(sum(not any(c.isalpha() for c in word) for word in words), len(words)),
        "stop_words": sum(word.lower() in STOP_WORDS for word in words),  # occurrences, any case
        **dclm_repetition(text, tokenizers),
    }


def gopher_dclm(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """DCLM-baseline steps 8-15: words, mean length, symbols, bullets, ellipses, alphabetic, stop words, repetition."""
    return decide(dclm_gopher_quantities(text, tokenizers), DCLM_GOPHER_RULES)


# --- DCLM-baseline: Gopher, then RefinedWeb's line corrections and their 5 % limit -----------------------------------

DCLM_BASELINE_RULES: list[Rule] = [*DCLM_GOPHER_RULES, ("removed_word_ratio", "removed_word_ratio", ">", 0.05)]

COUNTER_LINE = re.compile(
    r"^\W*\d(?:,|\.|\d)*(?:K|k|M|m|B|b)?\s+"
    r"(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)\W*$"
)


def dclm_edit_line(line: str) -> str | None:
    """The line after RefinedWeb's corrections, or None if it goes."""
    if not line:
        return line
    if sum(c.isupper() for c in line) / len(line) > 0.5:
        return None
    if sum(c.isdigit() for c in line) / len(line) > 0.999999:
        return None
    if COUNTER_LINE.search(line.lower()):
        return None
    if len(line.split()) < 2:
        return None
    if len(line.split()) <= 10:
        edited = re.sub(r"\s?items in cart", "", line)
        edited = re.sub(r"\s?read more...$", "", edited)
        edited = re.sub(r"^sign-in\s?", "", edited)
        if edited != line and not edited.strip():
            return None
        return edited
    return line


def dclm_baseline(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """DCLM-baseline (dclm_baseline_refinedweb.yaml), what it does with a text alone: steps 6 and 8-17.

    Left out: URL lists, URL and IP address removal inside the text, language identification, Bloom filter, classifier.
    """
    text = re.sub(r"\n{3,}", "\n\n", text)
    quantities = dclm_gopher_quantities(text, tokenizers)
    before = len(dclm_words(text, tokenizers))
    edited = [dclm_edit_line(line) for line in text.split("\n")]
    after = len(dclm_words("\n".join(line for line in edited if line is not None), tokenizers))
    quantities["removed_lines"] = edited.count(None)
    quantities["removed_word_ratio"] = ratio(before - after, before)
    return decide(quantities, DCLM_BASELINE_RULES)


# --- Gopher and C4 as dolma 1.2.1 tags them ---------------------------------------------------------------------------

# dolma's tagger has no limits: these are Gopher's own, in Gopher's order.
DOLMA_GOPHER_RULES: list[Rule] = [
    ("word_count_min", "word_count", "<", 50),
    ("word_count_max", "word_count", ">", 100_000),
    ("median_word_length_min", "median_word_length", "<", 3),
    ("median_word_length_max", "median_word_length", ">", 10),
    ("symbol_to_word_ratio", "symbol_to_word_ratio", ">", 0.1),
    ("fraction_of_lines_starting_with_bullet_point", "fraction_of_lines_starting_with_bullet_point", ">", 0.9),
    ("fraction_of_lines_ending_with_ellipsis", "fraction_of_lines_ending_with_ellipsis", ">", 0.3),
    ("fraction_of_words_with_alpha_character", "fraction_of_words_with_alpha_character", "<", 0.8),
    ("required_word_count", "required_word_count", "<", 2),
    ("fraction_of_duplicate_lines", "fraction_of_duplicate_lines", ">", 0.3),
    ("fraction_of_characters_in_duplicate_lines", "fraction_of_characters_in_duplicate_lines", ">", 0.2),
    *[
        (f"fraction_of_characters_in_most_common_{n}grams", f"fraction_of_characters_in_most_common_{n}grams", ">", x)
        for n, x in TOP_N_GRAM_LIMITS.items()
    ],
    *[
        (f"fraction_of_characters_in_duplicate_{n}grams", f"fraction_of_characters_in_duplicate_{n}grams", ">", x)
        for n, x in DUPLICATE_N_GRAM_LIMITS.items()
    ],
]


def gopher_dolma(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """dolma's tagger gopher_v1: white-space words, median length, blank lines are lines, all occurrences count."""
    words = text.split()
    lines = text.split("\n")
    total = letters(words)
    count, chars = repeated_at_all(lines)
    quantities: Quantities = {
        "character_count": len(text),
        "word_count": len(words),
        "median_word_length": median(map(len, words)) if words else 0.0,
        "symbol_to_word_ratio": sum("#" in word or "…" in word for word in words) / max(len(words), 1),
        "fraction_of_words_with_alpha_character": sum(any(c.isalpha() for c in word) for word in words)
        / max(len(words), 1),
        "required_word_count": sum(word in STOP_WORDS for word in words),
        "fraction_of_lines_starting_with_bullet_point": sum(line.startswith(("*", "-")) for line in lines) / len(lines),
        "fraction_of_lines_ending_with_ellipsis": sum(line.endswith("…") for line in lines) / len(lines),
        "fraction_of_duplicate_lines": count / len(lines),
        # Of the characters of words: lines have white space too, so this can exceed 1.
        "fraction_of_characters_in_duplicate_lines": chars / max(total, 1),
    }
    for n in TOP_N_GRAM_LIMITS:
        counts = Counter(n_grams(words, n))
        gram, times = counts.most_common(1)[0] if counts else ((), 0)
        quantities[f"fraction_of_characters_in_most_common_{n}grams"] = times * letters(gram) / max(total, 1)
    for n in DUPLICATE_N_GRAM_LIMITS:
        # Overlapping n-grams: a word is counted once for each that it is in, above and below the line.
        counts = Counter(n_grams(words, n))
        repeated = sum(letters(gram) * times for gram, times in counts.items() if times > 1)
        everything = sum(letters(gram) * times for gram, times in counts.items())
        quantities[f"fraction_of_characters_in_duplicate_{n}grams"] = repeated / max(everything, 1)
    return decide(quantities, DOLMA_GOPHER_RULES)


# --- C4 ---------------------------------------------------------------------------------------------------------------

C4_TFDS_RULES: list[Rule] = [
    ("too_long", "chars", ">", 190_000),
    ("loremipsum", "lorem_ipsum", ">", 0),
    ("squigglybracket", "curly_bracket", ">", 0),
    ("too_few_sentences", "sentences", "<", 3),
]
C4_DATATROVE_RULES: list[Rule] = [
    ("lorem_ipsum", "lorem_ipsum", ">", 0),
    ("curly_bracket", "curly_bracket", ">", 0),
    ("too_few_sentences", "sentences", "<", 5),
]

CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


def c4_page(
    text: str, end_marks: tuple[str, ...], min_words: int, words_after_citations: bool, sentences: Callable[[str], int]
) -> Quantities:
    """Lines kept and removed, by what removed them, and what drops the page; the page ends where it is dropped.

    Without ``end_marks`` a line may end in anything.
    """
    out: Quantities = dict.fromkeys(
        (
            "lines",
            "too_long_word",
            "no_terminal_punct",
            "too_few_words",
            "lorem_ipsum",
            "javascript",
            "curly_bracket",
            "policy",
            "kept_lines",
            "sentences",
        ),
        0.0,
    )
    out["chars"] = len(text)
    for raw in text.splitlines():
        stripped = raw.strip()
        line = CITATION.sub("", stripped)
        words = (line if words_after_citations else stripped).split()
        lower = line.lower()
        out["lines"] += 1
        if any(len(word) > 1000 for word in stripped.split()):
            out["too_long_word"] += 1
        elif end_marks and (not line.endswith(end_marks) or line.endswith("...")):
            out["no_terminal_punct"] += 1
        elif len(words) < min_words:
            out["too_few_words"] += 1
        elif "lorem ipsum" in lower:
            out["lorem_ipsum"] = 1
            return out
        elif "javascript" in lower:
            out["javascript"] += 1
        elif "{" in line:
            out["curly_bracket"] = 1
            return out
        elif any(phrase in lower for phrase in POLICY_PHRASES):
            out["policy"] += 1
        else:
            out["kept_lines"] += 1
            out["sentences"] += sentences(line)
    return out


def c4_tfds(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """TFDS 4.9.10 c4_utils: is_valid_length, then clean_page. Left out: bad words, line dedup, language."""
    quantities = c4_page(text, (".", "?", "!", '"'), 5, True, tokenizers.punkt_sentences)
    return decide(quantities, C4_TFDS_RULES)


def c4_datatrove(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """datatrove 0.10.1, C4QualityFilter with its defaults: also ``'`` ends a line, 3 words, 5 sentences (spaCy)."""
    quantities = c4_page(text, (".", "?", "!", '"', "'"), 3, False, tokenizers.spacy_sentences)
    return decide(quantities, C4_DATATROVE_RULES)


def c4_fineweb_2024(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """datatrove 0.2.0, C4QualityFilter as FineWeb used it (examples/fineweb.py): no terminal mark asked for, Punkt."""
    return decide(c4_page(text, (), 3, False, tokenizers.punkt_sentences), C4_DATATROVE_RULES)


# --- FineWeb's own filter ---------------------------------------------------------------------------------------------


FINEWEB_DATATROVE_RULES: list[Rule] = [
    ("empty", "lines", "<", 1),
    ("line_punct_ratio", "line_punct_ratio", "<", 0.12),
    ("short_line_ratio", "short_line_ratio", ">", 0.67),
    ("char_dup_ratio", "char_dup_ratio", ">", 0.01),
    ("list_ratio", "list_ratio", ">", 0.3),
]
FINEWEB_2024_RULES: list[Rule] = [
    ("line_punct_ratio", "line_punct_ratio", "<=", 0.12),
    ("short_line_ratio", "short_line_ratio", ">=", 0.67),
    ("char_dup_ratio", "char_dup_ratio", ">=", 0.01),
    ("list_ratio", "list_ratio", ">", 0.3),
]
# The paper gives three filters, and .1 where the code has .01.
FINEWEB_PAPER_RULES: list[Rule] = [*FINEWEB_2024_RULES[:2], ("char_dup_ratio", "char_dup_ratio", ">=", 0.1)]


def fineweb_quantities(text: str, lines: list[str], marks: tuple[str, ...], tokens: list[str]) -> Quantities:
    """Ends of lines, short lines, characters in repeated lines, newlines per word."""
    _, repeated = repeats([line for line in lines if line.strip()])
    return {
        "lines": len(lines),
        "line_punct_ratio": ratio(sum(line.endswith(marks) for line in lines), len(lines)),
        "short_line_ratio": ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "char_dup_ratio": ratio(repeated, len(text.replace("\n", ""))),
        "list_ratio": ratio(text.count("\n"), len(tokens)),
    }


def fineweb_datatrove(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """datatrove 0.10.1, FineWebQualityFilter: blank lines left out, marks of all scripts, no quotes."""
    lines = [line for line in text.split("\n") if line.strip()]
    quantities = fineweb_quantities(text, lines, tuple(TERMINAL_PUNCTUATION), tokenizers.spacy_words(text))
    return decide(quantities, FINEWEB_DATATROVE_RULES)


def fineweb_published(text: str, tokenizers: Tokenizers) -> Quantities:
    """What the code that made FineWeb counts (datatrove 0.2.0): blank lines count, quotes end a line."""
    marks = (".", "'", '"', "!", "?")
    return fineweb_quantities(text, text.split("\n"), marks, tokenizers.nltk_words(text))


def fineweb_2024(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """datatrove 0.2.0 (commit 05194d39), FineWebQualityFilter with its defaults: characters in repeated lines .01."""
    return decide(fineweb_published(text, tokenizers), FINEWEB_2024_RULES)


def fineweb_paper(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """The three filters of the FineWeb paper (arXiv 2406.17557, 3.4), units as in the code published with it: .1."""
    return decide(fineweb_published(text, tokenizers), FINEWEB_PAPER_RULES)


# --- NeMo Curator 1.4.0, heuristic_filter_english_pipeline.yaml -------------------------------------------------------

NEMO_RULES: list[Rule] = [
    ("alpha_numeric", "alpha_numeric", ">", 0.25),
    ("symbol_to_word", "symbol_to_word", ">", 0.1),
    ("numbers_ratio", "numbers_ratio", ">", 0.15),
    ("urls_ratio", "urls_ratio", ">", 0.2),
    ("white_space", "white_space", ">", 0.25),
    ("parentheses_ratio", "parentheses_ratio", ">", 0.1),
    ("boilerplate_string_ratio", "boilerplate_string_ratio", ">", 0.4),
    ("repeated_lines", "repeated_lines", "<", 0.7),
    ("repeated_paragraphs", "repeated_paragraphs", "<", 0.7),
    ("repeated_lines_char", "repeated_lines_char", "<", 0.8),
    ("repeated_paragraphs_char", "repeated_paragraphs_char", "<", 0.8),
    ("word_count_min", "word_count", "<", 50),
    ("word_count_max", "word_count", ">", 100_000),
    ("punctuation", "punctuation", ">", 0.85),
    ("words_without_alphabets", "words_without_alphabets", "<", 0.8),
    ("common_english_words", "common_english_words", "<", 2),
    ("mean_word_length_min", "mean_word_length", "<", 3),
    ("mean_word_length_max", "mean_word_length", ">", 10),
    ("max_word_length", "max_word_length", ">", 1000),
    ("ellipsis", "ellipsis", ">", 0.3),
    *[(f"repeating_top_{n}grams", f"repeating_top_{n}grams", ">", x) for n, x in TOP_N_GRAM_LIMITS.items()],
    *[(f"repeating_dup_{n}gram", f"repeating_dup_{n}gram", ">", x) for n, x in DUPLICATE_N_GRAM_LIMITS.items()],
    ("bullet_ratio", "bullet_ratio", ">", 0.9),
]
NEMO_ELLIPSES = ("...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more")
NEMO_BULLETS = tuple("•‣⁃⁌⁍∙○●◘◦⦾⦿")
NEMO_URL = re.compile(r"https?://(?:[-A-Za-z0-9$_@.&+/:=?#~!*(),]|%[0-9A-Fa-f]{2})+")
# NeMo's list has C4's phrases, these, and five whole texts of cookie banners. Two of the five contain "uses cookies"
# already; the other three are here.
NEMO_BOILERPLATE = (
    *POLICY_PHRASES,
    "privacy overview",
    "privacy & cookies policy",
    "privacy and cookies policy",
    "necessary cookies are absolutely essential for the website to function properly. this category only includes "
    "cookies that ensures basic functionalities and security features of the website. these cookies do not store any "
    "personal information.",
    "any cookies that may not be particularly necessary for the website to function and is used specifically to "
    "collect user personal data via analytics, ads, other embedded contents are termed as non-necessary cookies. it is "
    "mandatory to procure user consent prior to running these cookies on your website.",
    "if you continue to browse this site without changing your cookie settings, you agree to this use. acceptread more",
)


def nemo_alphabetic(c: str) -> bool:
    """What [[:alpha:]] of the `regex` package matches, but for vowel signs: letters, letter numbers, circled ones."""
    return c.isalpha() or unicodedata.category(c) == "Nl" or "Ⓐ" <= c <= "ⓩ"


def nemo_new_chars(words: list[str], n: int) -> int:
    """Characters in n-grams seen before, each word once, and the spaces between words that stand side by side."""
    seen: set[tuple[str, ...]] = set()
    total = covered = 0  # words before `covered` are counted already
    for i, gram in enumerate(n_grams(words, n)):
        if gram in seen:
            fresh = words[max(i, covered) : i + n]
            total += letters(fresh) + min(len(fresh), n - 1)
            covered = i + n
        seen.add(gram)
    return total


def nemo_top_shares(text: str, n: int) -> Iterator[float]:
    """What the text loses if its most frequent n-gram is taken out wherever it stands: for each that is so frequent."""
    counts = Counter(n_grams(text.split(), n))
    most = max(counts.values(), default=0)
    for gram, count in counts.items():
        if count == most:
            yield ratio(len(text) - len(text.replace(" ".join(gram), "")), len(text))


def nemo_english(text: str, tokenizers: Tokenizers = SIMPLE) -> Result:
    """NeMo Curator's English cascade over white-space words; "sentences" are non-blank lines.

    The most frequent n-gram is the first of those with the same count; the original takes any (set order of hashes).
    """
    words = text.split()
    lines = [line for line in text.split("\n") if line.strip()]
    paragraphs = text.split("\n\n")
    lower_paragraphs = [paragraph.strip().lower() for paragraph in paragraphs]
    n_chars = len(text)

    def share(count: float) -> float:
        return count / n_chars if n_chars else 1.0

    quantities: Quantities = {
        "alpha_numeric": share(n_chars - len(re.findall(r"[a-zA-Z0-9\n?!,.]", text))),
        # Mostly "#": runs of "#" over the length must exceed a half, which only "#" itself does.
        "symbol_to_word": ratio(sum(word in NEMO_ELLIPSES or word == "#" for word in words), len(words)),
        "numbers_ratio": share(sum(c in "0123456789" for c in text)),
        "urls_ratio": share(letters(NEMO_URL.findall(text))),
        "white_space": share(sum(c in "\t\n\r\b " for c in text)),
        "parentheses_ratio": share(sum(c in "{}⟨⟩[]()" for c in text)),
        "boilerplate_string_ratio": 1.0
        if any("lorem ipsum" in paragraph for paragraph in lower_paragraphs)
        else sum(any(phrase in paragraph for phrase in NEMO_BOILERPLATE) for paragraph in lower_paragraphs)
        / len(paragraphs),
        "repeated_lines": ratio(len(set(lines)), len(lines)),
        "repeated_paragraphs": ratio(len(set(paragraphs)), len(paragraphs)),
        "repeated_lines_char": ratio(letters(list(set(lines))), letters(lines)),
        "repeated_paragraphs_char": ratio(letters(list(set(paragraphs))), letters(paragraphs)),
        "word_count": len(words),
        "punctuation": ratio(sum(not line.strip().endswith((".", "?", "!", '"', "'")) for line in lines), len(lines)),
        "words_without_alphabets": ratio(sum(any(nemo_alphabetic(c) for c in word) for word in words), len(words)),
        "common_english_words": min(sum(word in STOP_WORDS for word in words), 2),  # stops counting at 2
        "mean_word_length": ratio(letters(words), len(words)),
        "max_word_length": max(map(len, words), default=float("nan")),
        "ellipsis": ratio(sum(line.strip().lower().endswith(NEMO_ELLIPSES) for line in lines), len(lines)),
        "bullet_ratio": ratio(sum(line.strip().startswith(NEMO_BULLETS) for line in lines), len(lines)),
    }
    for n in TOP_N_GRAM_LIMITS:
        quantities[f"repeating_top_{n}grams"] = next(nemo_top_shares(text, n), 1.0)
    for n in DUPLICATE_N_GRAM_LIMITS:
        quantities[f"repeating_dup_{n}gram"] = share(nemo_new_chars(words, n)) if len(words) >= n else 1.0
    return decide(quantities, NEMO_RULES)


DEFINITIONS: dict[str, Callable[..., Result]] = {
    "gopher@datatrove": gopher_datatrove,
    "gopher@fineweb-2024": gopher_fineweb_2024,
    "gopher@dclm": gopher_dclm,
    "gopher@dolma": gopher_dolma,
    "c4@tfds": c4_tfds,
    "c4@datatrove": c4_datatrove,
    "c4@fineweb-2024": c4_fineweb_2024,
    "fineweb@datatrove": fineweb_datatrove,
    "fineweb@2024": fineweb_2024,
    "fineweb@paper": fineweb_paper,
    "dclm@baseline": dclm_baseline,
    "nemo@english": nemo_english,
}
RULES: dict[str, list[Rule]] = {
    "gopher@datatrove": GOPHER_DATATROVE_RULES,
    "gopher@fineweb-2024": GOPHER_FINEWEB_2024_RULES,
    "gopher@dclm": DCLM_GOPHER_RULES,
    "gopher@dolma": DOLMA_GOPHER_RULES,
    "c4@tfds": C4_TFDS_RULES,
    "c4@datatrove": C4_DATATROVE_RULES,
    "c4@fineweb-2024": C4_DATATROVE_RULES,
    "fineweb@datatrove": FINEWEB_DATATROVE_RULES,
    "fineweb@2024": FINEWEB_2024_RULES,
    "fineweb@paper": FINEWEB_PAPER_RULES,
    "dclm@baseline": DCLM_BASELINE_RULES,
    "nemo@english": NEMO_RULES,
}


def with_tokenizers(tokenizers: Tokenizers) -> dict[str, Callable[[str], Result]]:
    """The same definitions over other tokenisers than the simple ones."""
    return {name: partial(definition, tokenizers=tokenizers) for name, definition in DEFINITIONS.items()}
