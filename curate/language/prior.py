"""The prior probability of each language, which `curate.language.model` uses for short texts.

It comes from Common Crawl's pages (curate/language/language_shares.tsv), for each script: English is the likeliest
language of a text in Latin letters, Russian of one in Cyrillic, where English is no likelier than Cree.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import SCRIPT_NAMES, SCRIPTS
from curate.text.words import scripts_of

#: Share of a language that is not in the list, so that none is impossible. curate's own value.
RAREST = 1e-5
#: Shares of the texts in a script that are in an unknown language, not a language, and code. curate's own values: ten
#: times as many change macro F1 of short texts by 0.001.
NONE_OF_THEM = (1e-4, 1e-3, 1e-3)


def web_shares() -> dict[str, float]:
    """Return the share of the web's pages, 0 to 1, of each listed language.

    >>> shares = web_shares()
    >>> shares["en"] > 5 * shares["ru"] > 5 * shares["tr"]
    True
    """
    text = resources.files("curate.language").joinpath("language_shares.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {language: float(percent) / 100 for language, percent in rows}


def log_prior(labels: Sequence[str]) -> NDArray[np.float32]:
    """Return the log prior of each label in a text of each script, 0 for the likeliest: float32 [scripts, labels].

    The scripts are those of `text.characters.SCRIPT_NAMES`; the last three labels are not languages. In a script
    without listed languages, all labels are equally likely.
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
    """Return the index in `curate.text.characters.SCRIPT_NAMES` of the script of each code point: uint8 [0x110000].

    >>> table = scripts_of_letters()
    >>> [SCRIPT_NAMES[table[ord(letter)]] for letter in "aжか"]
    ['latin', 'cyrillic', 'hiragana']
    """
    table = np.zeros(0x110000, np.uint8)
    for place, name in enumerate(SCRIPT_NAMES):
        for first, last in SCRIPTS[name]:
            table[first : last + 1] = place
    return table
