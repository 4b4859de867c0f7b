"""Signals of a text, rules over them, and the filters of published corpora; cleaning, URLs, personal data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
