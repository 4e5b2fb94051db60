"""A layer before quantisation: what the KPU will compute, in real numbers."""

from collections.abc import Callable
from typing import Any

from ..mlir import ir
from ..ods import Bool, Elements, Operand, Operands, Result, Violation, require
from ..tensors import shape_of
from .base import KPUOp, PoolName, layer_type


class Layer(KPUOp, name="layer"):
    """pool(activation(conv(concat(inputs), weight) + bias)), in float32.

    The convolution has stride 1 and zero padding that keeps height and width; weights are O x C x k x k, or
    C x 1 x k x k when `depthwise`. `activation` is a function as two rows: ascending x and the y that belong to them,
    straight lines in between and beyond; without it the result is as the convolution leaves it.
    """

    inputs: Operands
    weight: Operand
    bias: Operand
    output: Result
    depthwise: Bool
    pool: PoolName
    activation: Elements | None

    @property
    def kernel(self) -> int:
        """1 or 3."""
        return shape_of(self.weight)[2] or 0

    @property
    def value(self) -> ir.Value:
        """The first input, of layers that have one."""
        (value,) = self.inputs
        return value

    def infer(self) -> ir.Type:
        require(
            self.activation is None or (self.activation.ndim == 2 and self.activation.shape[0] == 2),
            "activation must have two rows, x and y",
        )
        if shape_of(self.bias) != shape_of(self.weight)[:1]:
            raise Violation(f"bias is {self.bias.type}, one value a channel")
        return layer_type(self.inputs, self.weight, self.depthwise, self.pool, self.weight)

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.kpu import layer

        return layer
