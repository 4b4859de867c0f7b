"""Every number that the rules use, measured in one pass over a text.

>>> signals = measure("The cat sat on the mat.\\nThe cat sat on the mat.")
>>> signals.words, signals.lines, signals.duplicate_line_share
(12.0, 2.0, 0.5)

`docs/signals.md` has the formula and the source of each. A share whose whole is empty is 0; nothing is ever NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Signals:
    """What was measured of a text: counts, means and shares; see `docs/signals.md`.

    A word is what `curate.kernels.words` cuts; a line is stripped and not empty; a paragraph is a run of such lines. A
    chunk is what stands between white space.
    """

    # size
    characters: float
    bytes: float
    words: float
    lines: float
    paragraphs: float
    sentences: float
    # words and chunks
    mean_word_length: float
    unique_word_share: float
    alphabetic_word_share: float
    longest_chunk: float
    stop_words: float
    distinct_stop_words: float
    stop_word_share: float
    hash_word_ratio: float
    ellipsis_word_ratio: float
    # characters
    letter_share: float
    uppercase_share: float
    digit_share: float
    punctuation_share: float
    symbol_share: float
    space_share: float
    broken_share: float
    curly_bracket_share: float
    main_script_share: float
    unspaced_share: float
    # lines
    mean_line_length: float
    longest_line: float
    bullet_line_share: float
    ellipsis_line_share: float
    terminal_line_share: float
    short_line_share: float
    uppercase_line_share: float
    numeric_line_share: float
    newline_word_ratio: float
    # copies inside the text
    duplicate_line_share: float
    duplicate_line_character_share: float
    duplicate_paragraph_share: float
    duplicate_paragraph_character_share: float
    repeated_line_share: float
    repeated_line_character_share: float
    repeated_paragraph_share: float
    repeated_paragraph_character_share: float
    top_2gram_share: float
    top_3gram_share: float
    top_4gram_share: float
    duplicate_5gram_share: float
    duplicate_6gram_share: float
    duplicate_7gram_share: float
    duplicate_8gram_share: float
    duplicate_9gram_share: float
    duplicate_10gram_share: float
    repeated_5gram_share: float
    repeated_6gram_share: float
    repeated_7gram_share: float
    repeated_8gram_share: float
    repeated_9gram_share: float
    repeated_10gram_share: float
    # what it speaks of
    lorem_ipsum: float
    javascript: float
    policy_phrases: float
    dirty_words: float
    dirty_word_share: float
    # what was asked for beside these: quantities as the filters of others measure them
    originals: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, float]:
        """Return the signals by name, in the order of `signal_names`."""
        return {**{name: getattr(self, name) for name in _NAMES}, **self.originals}


_NAMES = tuple(field.name for field in fields(Signals))[:-1]


def signal_names(originals: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of all signals, in order.

    Args:
        originals: names in `curate.originals.ORIGINALS`; their quantities follow our own signals.

    >>> signal_names()[:3], signal_names(["c4_tfds"])[-1]
    (('characters', 'bytes', 'words'), 'c4_tfds_sentences')
    """
    from curate.originals import original_names

    return (*_NAMES, *(name for original in originals for name in original_names(original)))


def code_points(text: str) -> NDArray[np.uint32]:
    """Return a text as its code points, lone surrogates too.

    >>> code_points("aé").tolist()
    [97, 233]
    """
    import numpy as np

    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def measure(text: str, language: str = "en", originals: Iterable[str] = ()) -> Signals:
    """Measure a text.

    Args:
        text: any string: empty, ten megabytes in one line, lone surrogates, NUL.
        language: ISO 639-1 code, else 639-3: chooses the lists of stop words and dirty words. A language without a list
            has no stop words, and the English dirty words.
        originals: whose quantities to measure beside our own, names in `curate.originals.ORIGINALS`. What a list of
            rules needs, `curate.presets.originals_of` tells.

    >>> measure("").words
    0.0
    >>> measure("Der Hund und die Katze sind im Haus.", "de").distinct_stop_words
    5.0
    """
    import numpy as np

    from curate.characters import character_table
    from curate.kernels.measure import measure_codes
    from curate.originals import measure_original
    from curate.words import UNSPACED_LANGUAGES, lower_table, pieces_found, stop_words, watch_table
    from curate.words import dirty_words as dirty_words_of

    codes = code_points(text)
    chars = np.empty(24, np.int64)
    lines = np.empty(24, np.int64)
    words = np.empty(40, np.int64)
    measure_codes(codes, character_table(), lower_table(), *watch_table(language), chars, lines, words)
    (
        size, letters, digits, uppers, punctuation, symbols, spaces, newlines, broken, unspaced,
        curly, hash_signs, ellipses, sentences, main_script, chunks, chunks_with_letter, longest_chunk,
    ) = chars.tolist()[:18]  # fmt: skip
    (
        n_lines, line_characters, bullets, ellipsis_lines, terminal, short, longest_line, upper_lines, numeric_lines,
        later_lines, later_line_characters, all_lines, all_line_characters,
        paragraphs, paragraph_characters,
        later_paragraphs, later_paragraph_characters, all_paragraphs, all_paragraph_characters,
    ) = lines.tolist()[:19]  # fmt: skip
    n_words, word_characters, different, stops, dirty, policy, lorem, javascript, different_stops, *ngrams = (
        words.tolist()
    )
    top, later, covered = ngrams[:3], ngrams[3:9], ngrams[9:15]
    if language in UNSPACED_LANGUAGES:
        found = pieces_found(text, stop_words(language))
        stops, different_stops = sum(found), sum(times > 0 for times in found)
        english = len(dirty_words_of("en"))
        dirty += sum(pieces_found(text, dirty_words_of(language)[english:]))
    characters = len(codes)
    visible = characters - spaces
    return Signals(
        characters=float(characters),
        bytes=float(size),
        words=float(n_words),
        lines=float(n_lines),
        paragraphs=float(paragraphs),
        sentences=float(sentences),
        mean_word_length=_share(word_characters, n_words),
        unique_word_share=_share(different, n_words),
        alphabetic_word_share=_share(chunks_with_letter, chunks),
        longest_chunk=float(longest_chunk),
        stop_words=float(stops),
        distinct_stop_words=float(different_stops),
        stop_word_share=_share(stops, n_words),
        hash_word_ratio=_share(hash_signs, n_words),
        ellipsis_word_ratio=_share(ellipses, n_words),
        letter_share=_share(letters, visible),
        uppercase_share=_share(uppers, letters),
        digit_share=_share(digits, visible),
        punctuation_share=_share(punctuation, visible),
        symbol_share=_share(symbols, visible),
        space_share=_share(spaces, characters),
        broken_share=_share(broken, visible),
        curly_bracket_share=_share(curly, visible),
        main_script_share=_share(main_script, letters),
        unspaced_share=_share(unspaced, letters),
        mean_line_length=_share(line_characters, n_lines),
        longest_line=float(longest_line),
        bullet_line_share=_share(bullets, n_lines),
        ellipsis_line_share=_share(ellipsis_lines, n_lines),
        terminal_line_share=_share(terminal, n_lines),
        short_line_share=_share(short, n_lines),
        uppercase_line_share=_share(upper_lines, n_lines),
        numeric_line_share=_share(numeric_lines, n_lines),
        newline_word_ratio=_share(newlines, n_words),
        duplicate_line_share=_share(later_lines, n_lines),
        duplicate_line_character_share=_share(later_line_characters, line_characters),
        duplicate_paragraph_share=_share(later_paragraphs, paragraphs),
        duplicate_paragraph_character_share=_share(later_paragraph_characters, paragraph_characters),
        repeated_line_share=_share(all_lines, n_lines),
        repeated_line_character_share=_share(all_line_characters, line_characters),
        repeated_paragraph_share=_share(all_paragraphs, paragraphs),
        repeated_paragraph_character_share=_share(all_paragraph_characters, paragraph_characters),
        top_2gram_share=_share(top[0], word_characters),
        top_3gram_share=_share(top[1], word_characters),
        top_4gram_share=_share(top[2], word_characters),
        duplicate_5gram_share=_share(later[0], word_characters),
        duplicate_6gram_share=_share(later[1], word_characters),
        duplicate_7gram_share=_share(later[2], word_characters),
        duplicate_8gram_share=_share(later[3], word_characters),
        duplicate_9gram_share=_share(later[4], word_characters),
        duplicate_10gram_share=_share(later[5], word_characters),
        repeated_5gram_share=_share(covered[0], word_characters),
        repeated_6gram_share=_share(covered[1], word_characters),
        repeated_7gram_share=_share(covered[2], word_characters),
        repeated_8gram_share=_share(covered[3], word_characters),
        repeated_9gram_share=_share(covered[4], word_characters),
        repeated_10gram_share=_share(covered[5], word_characters),
        lorem_ipsum=float(lorem),
        javascript=float(javascript),
        policy_phrases=float(policy),
        dirty_words=float(dirty),
        dirty_word_share=_share(dirty, n_words),
        originals={
            name: value for original in originals for name, value in measure_original(original, text, codes).items()
        },
    )
