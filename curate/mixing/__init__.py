"""The mix of a corpus: target shares, divergence from it, benchmarks to keep out of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
