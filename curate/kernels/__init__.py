"""The compiled loops: whatever looks at every character, byte or signature.

Signals and the quantities of others (`scan`, `words`, `lines`, `ngrams`, `measure`, `watch`, `tokens`, and the
tokenisers `spacy`, `treebank` and `uax29`); `hashing` and `minhash`, and `clusters` of near duplicates; pages (`tags`,
`html`, `main_text`); and `trees`, the forests of the models. The kernels of a text take its code points (`minhash`: its
UTF-8) and flags from ``curate.characters``, and return counts, never ratios: ``tests/unit/reference_signals.py`` says
in plain Python what those of the signals count.
"""
