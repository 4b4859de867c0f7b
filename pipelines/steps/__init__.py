"""The steps that a recipe can name, a file per word; `pipelines.steps.base` says what a step is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
