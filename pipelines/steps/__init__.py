"""The steps that a recipe can name, one file per word; `pipelines.steps.base` defines what a step is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
