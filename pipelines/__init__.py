"""Recipes on Apache Beam, and their steps as Beam transforms.

>>> from pipelines import Apply
>>> from pipelines.steps import Language
>>> Apply(Language(min_score=0.5)).name
'language'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
