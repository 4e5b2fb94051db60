"""All that writes machine code, in three tables by the class of operation: importing the generators registers them.

`EXPRESSIONS`: element-wise operations, in registers. `VIEWS`: operations that move elements, as places to read them
from. `LOWERINGS`: operations that have kernels of their own.
"""

from . import computations, expressions, expressions_activation, expressions_quantization, indexing, resampling, views
from .evaluation import EXPRESSIONS, VIEWS
from .kernels import (
    convolution,
    cumsum,
    indices,
    matmul,
    moves,
    norms,
    pooling,
    recurrent,
    reduction,
    search,
    softmax,
    topk,
)
from .lowerings import LOWERINGS

GENERATORS = (
    computations,
    expressions,
    expressions_activation,
    expressions_quantization,
    indexing,
    resampling,
    views,
    convolution,
    cumsum,
    indices,
    matmul,
    moves,
    norms,
    pooling,
    recurrent,
    reduction,
    search,
    softmax,
    topk,
)

__all__ = ["EXPRESSIONS", "LOWERINGS", "VIEWS"]
