"""Find the n-grams of a text and add up what the model knows of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32

#: Longest n-gram. Ours: on sources held out of training, 3, 4 and 5 gave macro F1 .827, .866 and .867, and 5 more with
#: more training.
LONGEST = 5
#: Longest run of letters that also counts as a whole word: longer ones are not words (Thai, Chinese, base64).
LONGEST_WORD = 24
#: Of a text with n n-grams, exp(-n / EVIDENCE) of the evidence is missing: of a word of five letters, with 24, two
#: thirds. DOUBT times that part, the log prior is added to the logits, and DOUBT times its cube, they are made smaller.
#: Ours, chosen on half of the measuring texts, cut to 1 to 10 words: the cross entropy over languages is smallest there
#: (.6 and .7 gave .909 and .910, .8 .922, none 1.088), and so on the other half (.935, .937, .949; 1.117). Weighted by
#: the languages' share of the web it falls on, but more rare languages are lost, and F1 of whole sentences falls.
EVIDENCE, DOUBT = 60.0, 0.7
#: Less than this is nothing: from 700 n-grams on, some 140 letters, a text is judged by its n-grams alone.
_NONE_MISSING = 1e-5
#: Classes of code points: no letter; a letter of the training texts; a letter that they never had.
NO_LETTER, KNOWN, UNSEEN = 0, 1, 2

_BOUNDARY = np.uint32(1)
_KNUTH = np.uint32(2654435761)  # multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)


@kernel
def ngram_rows(
    codes: NDArray[np.uint32], classes: NDArray[np.uint8], mask: int, rows: NDArray[np.int32], found: int
) -> tuple[int, int, int]:
    """Write the row of each n-gram into ``rows`` from place ``found`` on; stop where it is full.

    Returns the number of rows written so far, of known letters and of unseen ones.
    """
    known = unseen = 0
    end = 0
    while end < len(codes):
        start = end
        while start < len(codes) and classes[codes[start]] != KNOWN:
            unseen += classes[codes[start]] == UNSEEN
            start += 1
        end = start
        while end < len(codes) and classes[codes[end]] == KNOWN:
            end += 1
        length = end - start
        known += length
        if length == 0 or found + (length + 1) * LONGEST + 1 > len(rows):
            break
        for first in range(-1, length):
            state = FNV32_BASIS
            for i in range(first, min(first + LONGEST, length + 1)):
                letter = _BOUNDARY if i < 0 or i == length else codes[start + i]
                state = fnv1a_32(state, letter)
                state ^= state >> np.uint32(15)
                if i >= 0:  # the boundary alone says nothing
                    rows[found] = _row(state, mask)
                    found += 1
        if LONGEST <= length <= LONGEST_WORD:
            state = np.uint32(~FNV32_BASIS)
            for i in range(start, end):
                state = fnv1a_32(state, codes[i])
                state ^= state >> np.uint32(15)
            rows[found] = _row(state, mask)
            found += 1
    return found, known, unseen


@kernel
def _row(state: np.uint32, mask: int) -> np.int32:
    state = np.uint32(state * _KNUTH)
    return np.int32((state ^ (state >> np.uint32(16))) & np.uint32(mask))


@kernel
def predict(
    codes: NDArray[np.uint32],
    classes: NDArray[np.uint8],
    table: NDArray[np.int8],
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    sharpest: float,
    half: float,
    prior: NDArray[np.float32],
    scripts: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
) -> tuple[int, int]:
    """Write the probability of each label; returns the number of known and of unseen letters.

    The arrays are those of `curate.language.model.LanguageModel`.
    """
    width, labels = weights.shape
    # Of a run of letters, (length + 1) * LONGEST n-grams or fewer, and the word; a character stands between two runs.
    rows = np.empty((len(codes) + 1) * (LONGEST + 1), np.int32)
    found, known, unseen = ngram_rows(codes, classes, len(table) - 1, rows, 0)
    # int32 has room for 16 million n-grams; `curate.language.detection` asks of 12,000 characters.
    total = np.zeros(width, np.int32)
    for i in range(found):
        row = table[rows[i]]
        for j in range(width):
            total[j] += row[j]
    sharpness = np.float32(sharpest * found / (found + half)) if found else np.float32(0)
    missing = np.exp(-found / EVIDENCE)
    if missing > _NONE_MISSING:
        sharpness *= np.float32(1 - DOUBT * missing**3)
    mean = sharpness / np.float32(max(found, 1))
    for label in range(labels):
        probabilities[label] = bias[label] * sharpness
    for j in range(width):
        factor = total[j] * mean
        for label in range(labels):
            probabilities[label] += factor * weights[j, label]
    if missing > _NONE_MISSING:
        expected = prior[_main_script(codes, classes, scripts, len(prior))]
        for label in range(labels):
            probabilities[label] += np.float32(DOUBT * missing) * expected[label]
    largest = probabilities.max()
    for label in range(labels):
        probabilities[label] = np.exp(probabilities[label] - largest)
    probabilities /= probabilities.sum()
    return known, unseen


@kernel
def _main_script(codes: NDArray[np.uint32], classes: NDArray[np.uint8], scripts: NDArray[np.uint8], n: int) -> int:
    """Return the script that most known letters are in."""
    letters = np.zeros(n, np.int32)
    for code in codes:
        if classes[code] == KNOWN:
            letters[scripts[code]] += 1
    return int(letters.argmax())
