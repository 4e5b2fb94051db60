"""All that writes machine code, in three tables by the class of operation: importing the generators registers them.

`EXPRESSIONS`: element-wise operations, in registers. `VIEWS`: operations that move elements, as places to read them
from. `LOWERINGS`: operations that have kernels of their own.
"""

from importlib import import_module

from .evaluation import EXPRESSIONS, VIEWS
from .lowerings import LOWERINGS

MODULES = (
    "computations",
    "expressions",
    "expressions_activation",
    "expressions_quantization",
    "indexing",
    "resampling",
    "views",
    "kernels.convolutions",
    "kernels.cumsum",
    "kernels.dynamic_rounding",
    "kernels.indices",
    "kernels.lrn",
    "kernels.moves",
    "kernels.norms",
    "kernels.pooling",
    "kernels.pooling_plain",
    "kernels.products",
    "kernels.recurrent",
    "kernels.reduction",
    "kernels.search",
    "kernels.softmax",
    "kernels.topk",
    "kernels.transposed",
)
for name in MODULES:
    import_module(f".{name}", __package__)

__all__ = ["EXPRESSIONS", "LOWERINGS", "VIEWS"]
