"""The originals' own tokenisers, for `definitions.py`: runs in the environment `datatrove` of `build_peers.sh`."""

from __future__ import annotations

import re
from functools import lru_cache

from text_units import Tokenizers


def live_tokenizers(nltk_data: str) -> Tokenizers:
    """spaCy and sentences through datatrove, NLTK, uniseg, fastText. `nltk_data` is the folder with Punkt in it."""
    import fasttext
    import nltk
    from datatrove.utils.text import split_into_sentences, split_into_words
    from nltk.tokenize import sent_tokenize, word_tokenize
    from uniseg.wordbreak import words

    # uniseg takes 40 microseconds a character. There is a word boundary on both sides of a newline or a run of spaces,
    # whatever stands there (UAX-29, WB3a, WB3b, WB999), so the pieces between them can be cut each by itself and
    # remembered. Segments of white space, which no definition counts, are lost by it.
    words_of_piece = lru_cache(1 << 20)(lambda piece: tuple(words(piece)))

    nltk.data.path.insert(0, nltk_data)
    return Tokenizers(
        # datatrove's helpers strip the tokens, leave out empty ones, and cope with a string spaCy cannot read.
        spacy_words=lru_cache(4)(split_into_words),
        spacy_sentences=lambda text: len(split_into_sentences(text)),
        nltk_words=lru_cache(4)(word_tokenize),
        punkt_sentences=lambda text: len(sent_tokenize(text)),
        uax29_words=lambda text: [word for piece in re.split(r"[ \n]+", text) for word in words_of_piece(piece)],
        fasttext_words=fasttext.FastText.tokenize,
    )
