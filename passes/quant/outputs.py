"""Lets a network return integers instead of the real numbers that they stand for.

On entry: a network whose ranges may be stated. On exit its float32 outputs, but for states, are quantised last.
"""

from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.function import entry_function, initial_states, result_names, update_types
from ...dialects.mlir import describe, file_loc, ir
from ...dialects.ranges import Range, value_range
from ...dialects.tensors import dtype_of, shape_of
from ...errors import OptionError
from .affine import asymmetric


def quantize_outputs(module: ir.Module, dtype: str, span: Range | None) -> dict[str, dict[str, Any]]:
    """Return uint8 or int8, over `span` or each output's own range; what they stand for, (q - zero_point) * scale.

    int8 is uint8 less 128. Raises `OptionError` K0721 when a range is not known.
    """
    function = entry_function(module)
    end = function.regions[0].blocks[0].operations[-1]
    states, stated = initial_states(function), {}
    for number, name in enumerate(result_names(function)):
        value = end.operands[number]
        if name in states or dtype_of(value) != np.float32:
            continue
        known = span or value_range(value)
        if known is None:
            cause = f"output '{name}' shall be {dtype}, but its range is not known"
            raise OptionError("K0721", cause=cause, remedy="give calibration data, or the range of outputs")
        affine = asymmetric(known)
        zero = affine.zero_point + int(np.iinfo(dtype).min)
        type_ = nn.quantized_tensor_type(shape_of(value), [affine.scale], [zero], -1, np.dtype(dtype))
        with file_loc(describe(function.location), f"output type {name}"), ir.InsertionPoint(end):
            end.operands[number] = nn.StorageCast(nn.Quantize(value, results=[type_]).output).output
        stated[name] = {"scale": affine.scale, "zero_point": zero}
    update_types(module)
    return stated
