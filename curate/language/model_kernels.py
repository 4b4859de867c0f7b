"""Find the n-grams of a text and sum the model's evidence for each label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32

#: Longest n-gram. curate's own value: on sources held out of training, 3, 4 and 5 gave macro F1 0.827, 0.866 and 0.867,
#: and 5 gains more from more training.
LONGEST = 5
#: Longest run of letters that also counts as a whole word: longer ones are not words (Thai, Chinese, base64).
LONGEST_WORD = 24
#: In a text with n n-grams, the part exp(-n / EVIDENCE) of the evidence is missing: two thirds for a word of five
#: letters, with 24 n-grams. The log prior is added to the logits DOUBT times that part, and the logits shrink by DOUBT
#: times its cube. curate's own values, chosen on one half of the test texts, cut to 1 to 10 words: the cross entropy
#: over languages is smallest there (0.6 and 0.7 gave 0.909 and 0.910, 0.8 gave 0.922, none 1.088), and likewise on the
#: other half (0.935, 0.937, 0.949; 1.117). Weighted by the languages' shares of the web it would fall further, but more
#: rare languages are lost, and F1 of whole sentences falls.
EVIDENCE, DOUBT = 60.0, 0.7
#: Less than this is ignored: from 700 n-grams on, some 140 letters, a text is judged by its n-grams alone.
_NONE_MISSING = 1e-5
#: Classes of code points: not a letter; a letter of the training texts; a letter that they never had.
NO_LETTER, KNOWN, UNSEEN = 0, 1, 2

_BOUNDARY = np.uint32(1)
_KNUTH = np.uint32(2654435761)  # multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)


@kernel
def ngram_rows(
    codes: NDArray[np.uint32], classes: NDArray[np.uint8], mask: int, rows: NDArray[np.int32], n_rows: int
) -> tuple[int, int, int]:
    """Write the row of each n-gram into ``rows`` from index ``n_rows`` on; stop when it is full.

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
        if length == 0 or n_rows + (length + 1) * LONGEST + 1 > len(rows):
            break
        for first in range(-1, length):
            state = FNV32_BASIS
            for i in range(first, min(first + LONGEST, length + 1)):
                letter = _BOUNDARY if i < 0 or i == length else codes[start + i]
                state = fnv1a_32(state, letter)
                state ^= state >> np.uint32(15)
                if i >= 0:  # the boundary alone says nothing
                    rows[n_rows] = _row(state, mask)
                    n_rows += 1
        if LONGEST <= length <= LONGEST_WORD:
            state = np.uint32(~FNV32_BASIS)
            for i in range(start, end):
                state = fnv1a_32(state, codes[i])
                state ^= state >> np.uint32(15)
            rows[n_rows] = _row(state, mask)
            n_rows += 1
    return n_rows, known, unseen


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
    """Write the probability of each label; return the number of known and of unseen letters.

    The arrays are those of `curate.language.model.LanguageModel`.
    """
    width, labels = weights.shape
    # A run of letters has at most (length + 1) * LONGEST n-grams, and the word; a character separates two runs.
    rows = np.empty((len(codes) + 1) * (LONGEST + 1), np.int32)
    n_rows, known, unseen = ngram_rows(codes, classes, len(table) - 1, rows, 0)
    # int32 has room for 16 million n-grams; `curate.language.detection` reads at most 20,000 characters.
    total = np.zeros(width, np.int32)
    for i in range(n_rows):
        row = table[rows[i]]
        for j in range(width):
            total[j] += row[j]
    sharpness = np.float32(sharpest * n_rows / (n_rows + half)) if n_rows else np.float32(0)
    missing = np.exp(-n_rows / EVIDENCE)
    if missing > _NONE_MISSING:
        sharpness *= np.float32(1 - DOUBT * missing**3)
    mean = sharpness / np.float32(max(n_rows, 1))
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
