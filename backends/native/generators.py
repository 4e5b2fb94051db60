"""All that writes machine code, in three tables by the class of operation: importing the generators registers them.

`EXPRESSIONS`: element-wise operations, in registers. `VIEWS`: operations that move elements, as places to read them
from. `LOWERINGS`: operations that have kernels of their own.
"""

from . import expressions, expressions_activation, expressions_quantization
from .evaluation import EXPRESSIONS, VIEWS
from .kernels import convolutions, matmul, norms, pooling, recurrent, reduction, search, softmax
from .lowerings import LOWERINGS

GENERATORS = (
    expressions,
    expressions_activation,
    expressions_quantization,
    convolutions,
    matmul,
    norms,
    pooling,
    recurrent,
    reduction,
    search,
    softmax,
)

__all__ = ["EXPRESSIONS", "LOWERINGS", "VIEWS"]
