"""The compiled loops behind ``curate.signals``: characters, words, lines and n-grams of one text.

Each takes the text as uint32 code points and flags from ``curate.characters``; what they return is counts, never
ratios. ``tests/unit/reference_signals.py`` says the same in plain Python.
"""
