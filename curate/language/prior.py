"""How likely each language is before a text is read: what `curate.language.model` goes by where a text is too short.

The prior is that of Common Crawl's pages (curate/language/language_shares.tsv), for each script: of a text in Latin
letters English is the likeliest, of one in Cyrillic Russian, and English no likelier there than Cree.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import SCRIPT_NAMES, SCRIPTS
from curate.text.words import scripts_of

#: Share of a language that the list does not have, so that none is lost. Ours.
RAREST = 1e-5
#: Of the texts in a script, so many are in an unknown language, in none, and code. Ours: ten times as many change macro
#: F1 of short texts by .001.
NONE_OF_THEM = (1e-4, 1e-3, 1e-3)


def web_shares() -> dict[str, float]:
    """Return the part of the web's pages, 0 to 1, that each listed language has.

    >>> shares = web_shares()
    >>> shares["en"] > 5 * shares["ru"] > 5 * shares["tr"]
    True
    """
    text = resources.files("curate.language").joinpath("language_shares.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {language: float(percent) / 100 for language, percent in rows}


def log_prior(labels: Sequence[str]) -> NDArray[np.float32]:
    """Return the logarithm of how likely a label is in a text of a script, 0 for the likeliest: [scripts, labels].

    The scripts are those of `text.characters.SCRIPT_NAMES`; the last three labels are those that are no language. In
    a script of no listed language all are as likely.
    """
    prior = np.zeros((len(SCRIPT_NAMES), len(labels)))
    latin = (SCRIPT_NAMES.index("latin"),)
    shares = web_shares()
    for place, language in enumerate(labels[:-3]):
        for script in scripts_of(language) or latin if language in shares else ():
            prior[script, place] = shares[language]
    total = prior.sum(axis=1, keepdims=True)
    prior += RAREST
    prior[:, -3:] = np.maximum(total * NONE_OF_THEM, RAREST)
    return np.log(prior / prior.max(axis=1, keepdims=True)).astype(np.float32)


def scripts_of_letters() -> NDArray[np.uint8]:
    """Return the place in `curate.text.characters.SCRIPT_NAMES` of the script of each code point: [0x110000].

    >>> table = scripts_of_letters()
    >>> [SCRIPT_NAMES[table[ord(letter)]] for letter in "aжか"]
    ['latin', 'cyrillic', 'hiragana']
    """
    table = np.zeros(0x110000, np.uint8)
    for place, name in enumerate(SCRIPT_NAMES):
        for first, last in SCRIPTS[name]:
            table[first : last + 1] = place
    return table
