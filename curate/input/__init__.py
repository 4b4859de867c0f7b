"""Bytes to records: WARC and ARC archives, HTTP messages, compressed and untrusted files, dates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
