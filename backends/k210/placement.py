"""Which operations a network leaves to the K210's processor, and why.

On entry: a module behind `kpu-form-layers`, which notes broken rules on operations. On exit: plain data for the report.
"""

import math
from typing import Any

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir
from ...dialects.tensors import is_static, static_shape
from ...passes.kpu.rules import REASON
from ...runtime.cycles import MULTIPLY_ADD


def host_operations(module: ir.Module) -> list[dict[str, Any]]:
    """Operations that broke a rule, in their order: operation, where (the network's node), rule, sentence, got, remedy,
    and milliseconds, an estimate of what they take in floating point (None: unknown)."""
    found = []
    for op in entry_function(module).regions[0].blocks[0].operations:
        if REASON not in op.operation.attributes:
            continue
        code, sentence, got, remedy = (text.value for text in op.operation.attributes[REASON])
        found.append({
            "operation": op.operation.name, "where": describe(op.location), "rule": code, "sentence": sentence,
            "got": got, "remedy": remedy, "milliseconds": _milliseconds(op),
        })  # fmt: skip
    return found


def _milliseconds(op: Any) -> float | None:
    if not isinstance(op, nn.Conv) or not is_static(op.output) or not is_static(op.weight):
        return None
    batch, _, *extents = static_shape(op.output)
    return (batch * math.prod(extents) * math.prod(static_shape(op.weight)) * MULTIPLY_ADD).milliseconds
