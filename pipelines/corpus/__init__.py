"""Corpus steps: each takes small keys from every document, decides over all of them, and hands back a small table."""
