"""The signals of `curate.filters.signals`, slowly and plainly: what the kernels must agree with on any text.

Nothing here is shared with the kernels but the lists of words and phrases, the names of scripts with their blocks, and
the numbers that say when a line is repetitive or code, and a text prose.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter

from curate.filters.error_pages import error_score
from curate.filters.scan_kernels import CODE_LINE
from curate.filters.signals import READS_AS_PROSE, REPETITIVE_LINE_SHARE, REPETITIVE_LINE_WORDS
from curate.text.characters import BULLETS, CODE_MARKS, SCRIPTS, TERMINAL_MARKS, code_points
from curate.text.folding import COMPOSES, compose, fold as fold_text, fold_table
from curate.text.word_kernels import BREAKS
from curate.text.words import POLICY_PHRASES, UNSPACED_LANGUAGES, dirty_words, scripts_of, stop_word_share, stop_words

MID_LETTER = set(":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a.'\u2018\u2019\u2024\ufe52\uff07\uff0e")
MID_NUMBER = set(
    ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b.'\u2018\u2019\u2024\ufe52\uff07\uff0e"
)
NO_BREAK_BEFORE = set("\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eb0\u0eb2\u0eb3\u0ebd\u0ec6") | set(
    "ぁぃぅぇぉっゃゅょゎゝゞァィゥェォッャュョヮヵヶーヽヾ々"
)
NO_BREAK_BEFORE |= {chr(code) for code in range(0x31F0, 0x3200)}
NO_BREAK_AFTER = {chr(code) for code in (*range(0xE40, 0xE45), *range(0xEC0, 0xEC5), 0x17D2, 0x1039)}
UNSPACED = ("han", "hiragana", "katakana", "bopomofo", "thai", "lao", "khmer", "burmese")


def category(c: str) -> str:
    return unicodedata.category(c)


def is_mark(c: str) -> bool:
    return category(c)[0] == "M" or category(c) == "Cf"


def in_word(c: str) -> bool:
    return c.isalpha() or category(c)[0] == "N" or is_mark(c) or category(c) == "Pc"


def is_noncharacter(c: str) -> bool:
    return 0xFDD0 <= ord(c) <= 0xFDEF or ord(c) & 0xFFFE == 0xFFFE


def script(c: str) -> str:
    """The script of a letter; "other" for what is none of ours, or no letter."""
    if c.isalpha():
        for name, blocks in SCRIPTS.items():
            if any(low <= ord(c) <= high for low, high in blocks):
                return name
    return "other"


def unspaced(c: str) -> bool:
    return script(c) in UNSPACED


def closes(c: str) -> bool:
    return category(c) in ("Pe", "Pf") or c in "\"'"


def chance(a: str, b: str) -> int:
    """A number from 0 to 255 that two neighbouring characters draw."""
    bits = (1 << 64) - 1
    h = 0x9E3779B97F4A7C15
    for c in (a, b):
        h = (h ^ ord(c)) * 0xBF58476D1CE4E5B9 & bits
    h = (h ^ h >> 32) * 0x94D049BB133111EB & bits
    return (h ^ h >> 29) & 255


def ends_word(text: str, last: str, i: int) -> bool:
    """Whether a word ends before character ``i``; ``last`` is the last one before it that is no mark."""
    after = text[i]
    if is_mark(after) or after in NO_BREAK_BEFORE or last in NO_BREAK_AFTER or text[i - 1] in NO_BREAK_AFTER:
        return False
    here, there = script(last), script(after)
    if here != there and not (here == "han" and there == "hiragana"):
        return True
    if here == there == "katakana":
        return False
    if here == there == "burmese" and text[i + 1 : i + 2] in ("\u103a", "\u1039"):
        return False
    return chance(text[i - 1], after) < BREAKS[list(SCRIPTS).index(there)]


def words_of(text: str) -> list[tuple[int, int]]:
    """Start and stop of each word."""
    found = []
    i = 0
    while i < len(text):
        if not (text[i].isalpha() or category(text[i])[0] == "N"):
            i += 1
            continue
        start = i
        last = text[i]
        i += 1
        while i < len(text):
            c = text[i]
            if in_word(c):
                if (unspaced(last) or unspaced(c)) and ends_word(text, last, i):
                    break
                if not is_mark(c):
                    last = c
            else:
                after = text[i + 1 : i + 2]
                letters = c in MID_LETTER and last.isalpha() and after.isalpha()
                digits = c in MID_NUMBER and category(last) == "Nd" and after and category(after) == "Nd"
                if not (letters and not unspaced(last) and not unspaced(after)) and not digits:
                    break
            i += 1
        found.append((start, i))
    return found


def fold(word: str) -> str:
    """Lower case of capitals below U+2000, of the letters that folding leaves, without vowel signs."""
    folded = [chr(code) for c in word if not is_vowel_sign(c) and (code := int(fold_table()[ord(c)]) & ~COMPOSES)]
    return "".join(c.lower()[0] if category(c) in ("Lu", "Lt") and ord(c) < 0x2000 else c for c in folded)


def is_vowel_sign(c: str) -> bool:
    """Hebrew points and accents, Arabic harakat and Quranic marks, the tatweel."""
    ranges = ((0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6ED))
    return c == "\u0640" or (is_mark(c) and any(low <= ord(c) <= high for low, high in ranges))


def split_phrase(phrase: str) -> tuple[str, ...]:
    return tuple(fold(phrase[a:b]) for a, b in words_of(phrase))


def phrases_in(words: list[str], phrases: list[str]) -> int:
    """How many words end one of the phrases (of one to three words)."""
    wanted = {split_phrase(phrase) for phrase in phrases}
    return sum(
        any(i + 1 >= n and tuple(words[i + 1 - n : i + 1]) in wanted for n in (1, 2, 3)) for i in range(len(words))
    )


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def copies(items: list[str], sizes: list[int]) -> tuple[int, int, int, int]:
    """Later copies, their sizes, all copies of what occurs more than once, their sizes."""
    counts, seen = Counter(items), set()
    later = [size for item, size in zip(items, sizes, strict=True) if item in seen or seen.add(item)]
    repeated = [size for item, size in zip(items, sizes, strict=True) if counts[item] > 1]
    return len(later), sum(later), len(repeated), sum(repeated)


def top_ngram(words: list[str], n: int, least: int = 2) -> int:
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    most = max(counts.values(), default=0)
    if most < least:
        return 0
    return most * max(sum(map(len, gram)) for gram, count in counts.items() if count == most)


def covered(words: list[str], n: int) -> int:
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    places = {j for i, gram in enumerate(grams) if counts[gram] > 1 for j in range(i, i + n)}
    return sum(len(words[j]) for j in places)


def later(words: list[str], n: int) -> int:
    """Walk over the words; an n-gram that the walk has seen is counted and jumped over."""
    seen: set[tuple[str, ...]] = set()
    characters = i = 0
    while i + n <= len(words):
        gram = tuple(words[i : i + n])
        if gram in seen:
            characters += sum(map(len, gram))
            i += n
        else:
            seen.add(gram)
            i += 1
    return characters


def is_text_line(raw: str) -> bool:
    """Whether a line reads as text rather than code."""
    line = raw.strip()
    if not any(map(str.isalpha, line)) or CODE_LINE * sum(c in CODE_MARKS for c in line) >= len(line):
        return False
    indent = len(raw) - len(raw.lstrip())
    return line[-1] not in CODE_MARKS + ";" and not (indent and (raw[0] == "\t" or indent > 1))


def is_mojibake(text: str, i: int) -> bool:
    """Whether a character that is no letter and the one before it were once two bytes of UTF-8."""
    c, before = text[i], text[i - 1 : i]
    if not before or not "\xc2" <= before <= "\xef" or before == "\xdf" or c.isspace() or c.isalpha() or c in "«»·":
        return False
    if before >= "\xe0" and not text[i + 1 : i + 2] >= "\x80":
        return False
    return "\x80" <= c <= "\xbf" or c in "€‚„†‡‰˜™"


def is_ellipsis(text: str) -> bool:
    return text.endswith(("…", "..."))


def repetitive(line: str) -> bool:
    """Whether a line consists of repeated 3-grams."""
    words = [line[a:b] for a, b in words_of(line)]
    if len(words) < REPETITIVE_LINE_WORDS or len("".join(words).encode("utf-8", "surrogatepass")) < 3 * len(words):
        return False
    return later(words, 3) > REPETITIVE_LINE_SHARE * sum(map(len, words))


def measure(text: str, language: str = "en") -> dict[str, float]:
    """The signals by name, in the order of `curate.filters.signals.signal_names`."""
    spans = words_of(text)
    words = [text[a:b] for a, b in spans]
    folded = [fold(word) for word in words]
    composed = compose(text)
    listed = [fold(composed[start:stop]) for start, stop in words_of(composed)]
    n, in_words = len(words), sum(map(len, words))
    counts = Counter(words)
    letters = [c for c in text if c.isalpha()]
    visible = [c for c in text if not c.isspace()]
    chunks = text.split()
    scripts = Counter(script(c) for c in letters)
    main = max(scripts.values(), default=0)
    expected = [list(SCRIPTS)[i] for i in scripts_of(language)]

    lines = [line.strip() for line in text.split("\n") if line.strip()]
    in_lines = sum(map(len, lines))
    paragraphs: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            paragraphs[-1].append(line.strip())
        elif paragraphs[-1]:
            paragraphs.append([])
    blocks = ["\n".join(lines) for lines in paragraphs if lines]
    block_sizes = [sum(map(len, lines)) for lines in paragraphs if lines]

    sentences = sum(
        c in TERMINAL_MARKS
        and text[i + 1 : i + 2] not in set(TERMINAL_MARKS)
        and (i + 1 == len(text) or text[i + 1].isspace() or closes(text[i + 1]) or c > "\u2fff")
        for i, c in enumerate(text)
    )
    ellipses = text.count("…") + text.count("...")
    links = text.count("://") + sum(chunk.startswith("www.") for chunk in chunks)

    if language in UNSPACED_LANGUAGES:
        text_folded = fold_text(text)
        stops = [text_folded.count(fold_text(word)) for word in stop_words(language)]
        stop, distinct = sum(stops), sum(times > 0 for times in stops)
        own = dirty_words(language)[len(dirty_words("en")) :]
        dirty = phrases_in(listed, list(dirty_words("en")))
        dirty += sum(text_folded.count(fold_text(word)) for word in own)
    else:
        stopping = {split_phrase(compose(word))[0] for word in stop_words(language)}
        stop = sum(word in stopping for word in listed)
        distinct = len(stopping.intersection(listed))
        dirty = phrases_in(listed, list(map(compose, dirty_words(language))))

    without_marks = [line.rstrip("".join({c for c in line if closes(c)})) or line[:1] for line in lines]
    bad = [line for line in text.split("\n") if repetitive(line)]
    raw_lines = [line for line in text.split("\n") if line.strip()]
    of_text = {i for i, raw in enumerate(raw_lines) if is_text_line(raw)}
    later_text = sum(len(line) for i, line in enumerate(lines) if i in of_text and line in lines[:i])
    expected_stops = n * stop_word_share(language)
    prose = stop > 0 and stop >= READS_AS_PROSE * expected_stops
    loose = [
        end[-1] not in TERMINAL_MARKS and len(line) + sum(map(unspaced, line)) <= 30
        for line, end in zip(lines, without_marks, strict=True)
    ]
    later_lines, later_chars, repeated_lines, repeated_chars = copies(lines, list(map(len, lines)))
    later_blocks, later_block_chars, repeated_blocks, repeated_block_chars = copies(blocks, block_sizes)
    plain = [[c for c in word if c.isalpha()] for word in words]
    known_scripts = [{script(c) for c in cs} - {"other"} for cs in plain]
    return {
        "characters": len(text),
        "bytes": len(text.encode("utf-8", "surrogatepass")),
        "words": n,
        "lines": len(lines),
        "paragraphs": len(blocks),
        "sentences": sentences,
        "sentences_or_verses": len(lines) if prose and not sentences else sentences,
        "mean_word_length": ratio(in_words, n),
        "words_per_sentence": ratio(n, sentences),
        "unique_word_share": ratio(len(counts), n),
        "top_word_share": ratio(max(counts.values(), default=0), n),
        "word_entropy": -sum(c / n * math.log(c / n) for c in counts.values()),
        "number_word_share": ratio(sum(not cs for cs in plain), n),
        "capital_word_share": ratio(
            sum(len(cs) > 1 and all(category(c) in ("Lu", "Lt") for c in cs) for cs in plain), n
        ),
        "mixed_script_word_share": ratio(sum(len(known) > 1 for known in known_scripts), n),
        "alphabetic_word_share": ratio(sum(any(map(str.isalpha, chunk)) for chunk in chunks), len(chunks)),
        "longest_chunk": max(map(len, chunks), default=0),
        "stop_words": stop,
        "distinct_stop_words": distinct,
        "stop_word_share": ratio(stop, n),
        "function_word_ratio": ratio(stop, expected_stops),
        "hash_word_ratio": ratio(text.count("#"), n),
        "ellipsis_word_ratio": ratio(ellipses, n),
        "link_word_ratio": ratio(links, n),
        "letter_share": ratio(len(letters), len(visible)),
        "uppercase_share": ratio(sum(category(c) in ("Lu", "Lt") for c in letters), len(letters)),
        "digit_share": ratio(sum(category(c) == "Nd" for c in text), len(visible)),
        "punctuation_share": ratio(sum(category(c)[0] == "P" for c in text), len(visible)),
        "symbol_share": ratio(sum(category(c)[0] == "S" and c != "\ufffd" for c in text), len(visible)),
        "space_share": ratio(len(text) - len(visible), len(text)),
        "broken_share": ratio(
            sum(
                c == "\ufffd" or (category(c) in ("Cc", "Cs", "Co") and not c.isspace()) or is_noncharacter(c)
                for c in text
            ),
            len(visible),
        ),
        "mojibake_share": ratio(2 * sum(is_mojibake(text, i) for i in range(len(text))), len(visible)),
        "curly_bracket_share": ratio(text.count("{") + text.count("}"), len(visible)),
        "main_script_share": ratio(main, len(letters)),
        "language_script_share": ratio(sum(scripts[name] for name in expected) if expected else main, len(letters)),
        "unspaced_share": ratio(sum(scripts[name] for name in UNSPACED), len(letters)),
        "mean_line_length": ratio(in_lines, len(lines)),
        "longest_line": max(map(len, lines), default=0),
        "bullet_line_share": ratio(sum(line[0] in BULLETS for line in lines), len(lines)),
        "ellipsis_line_share": ratio(sum(map(is_ellipsis, lines)), len(lines)),
        "terminal_line_share": ratio(sum(line[-1] in TERMINAL_MARKS for line in without_marks), len(lines)),
        "short_line_share": ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "loose_line_share": ratio(sum(loose), len(lines)),
        "menu_line_share": 0 if prose else ratio(sum(loose[i] for i in of_text), len(lines)),
        "uppercase_line_share": ratio(
            sum(2 * sum(category(c) in ("Lu", "Lt") for c in line) > len(line) for line in lines), len(lines)
        ),
        "numeric_line_share": ratio(sum(all(category(c) == "Nd" for c in line) for line in lines), len(lines)),
        "newline_word_ratio": ratio(text.count("\n"), n),
        "duplicate_line_share": ratio(later_lines, len(lines)),
        "duplicate_line_character_share": ratio(later_chars, in_lines),
        "duplicate_text_line_character_share": ratio(later_text, in_lines),
        "duplicate_paragraph_share": ratio(later_blocks, len(blocks)),
        "duplicate_paragraph_character_share": ratio(later_block_chars, in_lines),
        "repeated_line_share": ratio(repeated_lines, len(lines)),
        "repeated_line_character_share": ratio(repeated_chars, in_lines),
        "repeated_paragraph_share": ratio(repeated_blocks, len(blocks)),
        "repeated_paragraph_character_share": ratio(repeated_block_chars, in_lines),
        "repetitive_line_share": ratio(len(bad), len(lines)),
        "repetitive_line_character_share": ratio(sum(map(len, bad)), len(text)),
        **{f"top_{k}gram_share": ratio(top_ngram(words, k), in_words) for k in (2, 3, 4)},
        **{f"frequent_{k}gram_share": ratio(top_ngram(words, k, 3), in_words) for k in (2, 3, 4)},
        **{f"duplicate_{k}gram_share": ratio(later(words, k), in_words) for k in range(5, 11)},
        **{f"repeated_{k}gram_share": ratio(covered(words, k), in_words) for k in range(5, 11)},
        "lorem_ipsum": phrases_in(folded, ["lorem ipsum"]),
        "javascript": phrases_in(folded, ["javascript"]),
        "policy_phrases": phrases_in(folded, list(POLICY_PHRASES)),
        "error_page": error_score(code_points(text)),
        "dirty_words": dirty,
        "dirty_word_share": ratio(dirty, n),
    }
