"""What is stated of the weights of single products, as discardable attributes on them.

`nn.weight_reach = array<f64: 0.5, 2.0>`: the magnitude that the integers of each output channel reach to; without it,
that of the channel's weights. `nn.weight_bits = array<i64: 16>`: their bits, 32 for weights that stay real.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import describe, ir
from ...dialects.ranges import REAL
from ...dialects.tensors import Array
from ...errors import PassError
from .stored import is_product

REACH, BITS = "nn.weight_reach", "nn.weight_bits"


@dataclass(frozen=True)
class Weights:
    """Of a product: the reach of each output channel's integers, None for their own; and their bits, None for the
    usual ones."""

    reach: tuple[float, ...] | None = None
    bits: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As files of ranges hold it."""
        return {name: value for name, value in (("reach", self.reach), ("bits", self.bits)) if value is not None}

    @classmethod
    def of(cls, content: Any) -> "Weights | None":
        """From what `as_json` gives; None if it is something else."""
        if not isinstance(content, dict) or not content.keys() <= {"reach", "bits"}:
            return None
        reach, bits = content.get("reach"), content.get("bits")
        numbers = reach is None or (isinstance(reach, list) and all(isinstance(one, float | int) for one in reach))
        if not numbers or bits not in (None, 8, 16, REAL):
            return None
        return cls(None if reach is None else tuple(map(float, reach)), bits)


def channel_axis(op: Any) -> int:
    """The axis of a product's weight along which its output channels lie."""
    return 0 if isinstance(op, nn.Conv) else 1


def weight_of(op: Any) -> Array:
    """A product's weight, its output channels along the first axis."""
    weight = nn.constant_value(op.operation.operands[1])
    assert weight is not None
    return np.moveaxis(weight, channel_axis(op), 0)


def stated_reach(op: Any) -> Array | None:
    """What is stated of each output channel."""
    attributes = op.operation.attributes
    return np.array(list(ir.DenseF64ArrayAttr(attributes[REACH]))) if REACH in attributes else None


def stated_bits(op: Any) -> int | None:
    """The bits that are stated of a product's weight."""
    attributes = op.operation.attributes
    return int(next(iter(ir.DenseI64ArrayAttr(attributes[BITS])))) if BITS in attributes else None


def products(named: Mapping[str, ir.Value]) -> Iterator[tuple[str, Any]]:
    """The products among what computes some values, each by the name of its result."""
    for name, value in named.items():
        op = value.owner.opview if isinstance(value, ir.OpResult) else None
        if is_product(op):
            yield name, op


def weights_of(named: Mapping[str, ir.Value]) -> dict[str, Array]:
    """The weights of products, by the names of their results."""
    weights = {name: nn.constant_value(op.operation.operands[1]) for name, op in products(named)}
    return {name: weight for name, weight in weights.items() if weight is not None}


def set_weights(named: Mapping[str, ir.Value], weights: Mapping[str, Array]) -> None:
    """Give products other weights. Raises `PassError` K0718 unless there is one of its shape for each."""
    for name, op in products(named):
        own, weight = nn.constant_value(op.operation.operands[1]), weights.get(name)
        if own is None or weight is None or own.shape != weight.shape:
            cause = "its weight is another one where sizes are the greatest, for which weights were rounded"
            raise PassError("K0718", where=describe(op.location), cause=cause, remedy="leave out rounding")
        with op.location, ir.InsertionPoint(op):
            op.operation.operands[1] = nn.Constant(value=weight).output


def state_weights(op: Any, weights: Weights) -> None:
    """State what is known of a product's weight. Raises `PassError` K0718 when it has other channels."""
    if weights.reach is not None:
        channels = len(weight_of(op))
        if len(weights.reach) != channels:
            cause = f"{len(weights.reach)} ranges are given of a weight of {channels} output channels"
            raise PassError("K0718", where=describe(op.location), cause=cause)
        op.operation.attributes[REACH] = ir.DenseF64ArrayAttr.get(list(weights.reach))
    if weights.bits is not None:
        op.operation.attributes[BITS] = ir.DenseI64ArrayAttr.get([weights.bits])


def cut_off(op: Any) -> None:
    """Let no weight be larger than what is stated: for targets that choose scales by the weights themselves."""
    reach = stated_reach(op)
    if reach is None:
        return
    weight = weight_of(op)
    limits = reach.reshape(-1, *[1] * (weight.ndim - 1)).astype(np.float32)
    cut = np.ascontiguousarray(np.moveaxis(np.clip(weight, -limits, limits), 0, channel_axis(op)))
    with op.location, ir.InsertionPoint(op):
        op.operation.operands[1] = nn.Constant(value=cut).output
