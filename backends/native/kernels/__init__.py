"""The generators of kernels: importing them registers them, and the expressions that they evaluate."""

from .. import expressions, expressions_activation
from . import norms, reduction, search, softmax

__all__ = ["expressions", "expressions_activation", "norms", "reduction", "search", "softmax"]
