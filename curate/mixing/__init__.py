"""Mixture of a corpus, divergence of documents from it, and decontamination from benchmarks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
