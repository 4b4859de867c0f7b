"""Raw web text in, a high-quality token corpus out: every step of the recipe as a plain function of text and numbers.

>>> import curate
>>> curate.normalize_url("HTTPS://www.Example.org:443/a?utm_source=x#top")
'http://example.org/a'

The public names are those of ``__init__.pyi``. They load their modules on first use, so that the import costs nothing;
nothing here imports Apache Beam.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
