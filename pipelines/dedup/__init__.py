"""Deduplication: the order of copies, clusters computed in one process or on many, and sketches of earlier corpora."""
