"""Signals of a text, rules over them, the filters of published corpora, text cleaning, URLs and personal data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
