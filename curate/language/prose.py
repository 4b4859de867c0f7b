"""The prose of a text: what its language is identified by.

A web page is not only prose. Identifiers, addresses and markup are made of English words or of no words at all, so a
German article with a list of sources looks English, and an article on programming looks like no language.

>>> find_prose("Das Rad steht still, siehe https://example.org/the-old-mill-in-the-valley für mehr.").text.split()
['Das', 'Rad', 'steht', 'still,', 'siehe', 'für', 'mehr.']
>>> find_prose("for (int i = 0; i < n; i++) {").share
0.0
"""

from __future__ import annotations

from dataclasses import dataclass

from curate.text.characters import SCRIPT_NAMES, character_table, code_points

#: With fewer letters of prose and a smaller share of all letters, a text is judged by all of it, because what is left
#: of a file of source code is scattered keywords. curate's own values.
LEAST_LETTERS, LEAST_SHARE = 100, 0.1


@dataclass(frozen=True, slots=True)
class Prose:
    """A text with spaces for what is not prose.

    ``letters`` is the number of letters of the prose, where those of scripts that say more with a letter count more
    (`curate.language.prose_kernels.HALF_LETTERS`). ``share`` is their share of all letters; 0 if there is hardly any
    prose, and ``text`` is then everything.
    """

    text: str
    letters: int
    share: float


def find_prose(text: str) -> Prose:
    """Find the prose of a text, in any language: no list of words is used.

    Lines of code, URLs, e-mail addresses, markup, identifiers, and numbers with letters are left out. The time is
    proportional to the length of the text, some 0.003 ms for 1,000 characters.

    Args:
        text: any string.

    >>> find_prose("Wait for it:\\n\\n  await loop.run(task);\\n\\nThen read the answer.").text.split()
    ['Wait', 'for', 'it:', 'Then', 'read', 'the', 'answer.']
    """
    from curate.language.prose_kernels import blank_code

    codes = code_points(text)
    blanked = codes.copy()
    kept, total = blank_code(codes, character_table(), blanked)
    if kept == total:
        return Prose(text, total // 2, 1.0)
    if kept == 0 or kept < min(2 * LEAST_LETTERS, LEAST_SHARE * total):
        return Prose(text, total // 2, 0.0)
    return Prose(blanked.tobytes().decode("utf-32-le", "surrogatepass"), kept // 2, kept / total)


def in_main_script(text: str) -> tuple[str, float]:
    """Return a text with spaces for the words of other scripts than its main one, and the share of that script.

    The main script is the one with the most letters, weighted as in `Prose`; Latin needs 3 letters for 2 of another
    (`curate.language.prose_kernels.LATIN_WEIGHT`). Han, kana and Hangul count as one script. Letters of scripts that
    are not in `text.characters.SCRIPTS` stay.

    >>> in_main_script("C++ の関数")
    (' ++ の関数', 0.8571428571428571)
    """
    import numpy as np

    from curate.language.prose_kernels import keep_main_script

    if text.isascii():
        return text, 1.0
    codes = code_points(text).copy()
    main, total = keep_main_script(codes, character_table(), np.empty(len(SCRIPT_NAMES), np.int64))
    if main == total:
        return text, 1.0
    return codes.tobytes().decode("utf-32-le", "surrogatepass"), main / total
