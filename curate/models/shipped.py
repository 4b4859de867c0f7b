"""The models that come with curate: their weights are data of the package ``quality_models``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

#: The folder that contains them.
SHIPPED = Path(str(resources.files("quality_models").joinpath("models")))


def is_shipped(path: str | Path) -> bool:
    """Say whether a model is one of those that come with curate.

    >>> is_shipped(SHIPPED / "quality-en.zip"), is_shipped("quality-en.zip")
    (True, False)
    """
    return Path(path).absolute().parent == SHIPPED.absolute()
