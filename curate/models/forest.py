"""A forest of regression trees as plain arrays: the part of the small models that weighs the signals.

`quality_models.grow` trains one; this module only reads it, so that scoring needs only NumPy and numba.

>>> import numpy as np
>>> # One tree: "words <= 50" leads to a leaf of 0.1, everything else to one of 0.9.
>>> forest = Forest(("words",), np.array([0], "i4"), np.array([0, -1, -1], "i2"), np.array([50, 0.1, 0.9]),
...                 np.array([1, 0, 0], "i4"))
>>> forest.predict(np.array([[20.0], [500.0]])).tolist()
[0.1, 0.9]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curate.models.tree_kernels import Numbered

_DTYPES = ["<i4", "<i2", "<f8", "<i4"]  # of roots, feature, value and left, for which the kernel is compiled


@dataclass(frozen=True)
class Forest:
    """Trees stored one after the other in three arrays, one node per entry.

    ``names`` are the features, in the order of the columns; ``roots`` [trees] is the first node of each tree. A node
    with ``feature`` >= 0 sends rows whose feature is <= ``value`` to node ``left`` and the others to ``left + 1``; a
    node with ``feature`` -1 is a leaf that predicts ``value``.
    """

    names: tuple[str, ...]
    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    value: NDArray[np.float64]
    left: NDArray[np.int32]

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of the trees for each row.

        Args:
            rows: features, float64 [n, len(names)], no NaN.

        Returns:
            float64 [n].

        Raises:
            ValueError: the rows do not have as many features as the forest.

        >>> import numpy as np
        >>> leaf = Forest(("words",), np.array([0], "i4"), np.array([-1], "i2"), np.array([0.3]), np.array([0], "i4"))
        >>> leaf.predict(np.empty((0, 1))).tolist()
        []
        """
        from curate.models.tree_kernels import predict_rows

        if rows.shape[1] != len(self.names):
            raise ValueError(f"the rows have {rows.shape[1]} features, and the forest has {len(self.names)}")
        return predict_rows(rows, self.roots, self.feature, self.value, self.left, self._numbered)

    @cached_property
    def _numbered(self) -> Numbered:
        from curate.models.tree_kernels import number_leaves

        return number_leaves(self.roots, self.feature, self.value, self.left)

    def check(self) -> None:
        """Raise ValueError unless the arrays form trees, because the loop that walks them checks nothing.

        Every node must be a root or the child of exactly one node, so that no row visits a node twice.
        """
        import numpy as np

        nodes = len(self.feature)
        inner = np.flatnonzero(self.feature >= 0)
        whole = (
            all(array.ndim == 1 for array in (self.roots, self.feature, self.value, self.left))
            and [array.dtype.str for array in (self.roots, self.feature, self.value, self.left)] == _DTYPES
            and nodes == len(self.value) == len(self.left)
            and len(self.roots) > 0
            and bool(((self.roots >= 0) & (self.roots < nodes)).all())
            and bool((self.feature < len(self.names)).all())
            # children come after their parent, so that every walk ends
            and bool((self.left[inner] > inner).all() and (self.left[inner] < nodes - 1).all())
            and bool(np.isfinite(self.value).all())
        )
        if whole:
            reached = np.concatenate([self.roots, self.left[inner], self.left[inner] + 1])
            whole = bool((np.bincount(reached, minlength=nodes) == 1).all())
        if not whole:
            raise ValueError("the arrays of the forest do not fit together: the file is damaged or of another version")


def read_forest(parts: Mapping[str, bytes], names: tuple[str, ...], prefix: str = "") -> Forest:
    """Return the forest whose arrays are parts of a model.

    Args:
        parts: the model's parts, by name.
        names: of the features.
        prefix: of the names of the four parts.

    Raises:
        ValueError: a part is missing, is not an array of the expected type, or does not fit the others.
    """
    import numpy as np

    from curate.models.model_file import read_array

    roots = read_array(parts, f"{prefix}roots.npy", "<i4", (None,))
    feature = read_array(parts, f"{prefix}feature.npy", "<i2", (None,))
    value = read_array(parts, f"{prefix}value.npy", "<f4 <f8", (None,)).astype(np.float64)
    left = read_array(parts, f"{prefix}left.npy", "<i4", (None,))
    forest = Forest(names, roots, feature, value, left)
    forest.check()
    return forest
