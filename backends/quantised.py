"""What quantised types mean to machines that take one scale for all elements."""

from ..dialects import nn
from ..dialects.mlir import ir
from .unsupported import Unsupported


def uniform(value: ir.Value) -> tuple[float, int]:
    """The one scale and zero point of a quantised type."""
    parameters = nn.quantization_parameters(value.type)
    if parameters is None or len(parameters.scale) != 1:
        raise Unsupported(f"{value.type}: only one scale for all elements is supported")
    if parameters.dtype.itemsize != 1:
        raise Unsupported(f"{value.type}: only quantised numbers of 8 bits are supported")
    return parameters.scale[0], parameters.zero_point[0]
