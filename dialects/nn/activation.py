"""Activation functions."""

import math
from typing import Any, Literal

from ..mlir import ir
from ..ods import F64, Operand, Result, require
from ..tensors import shape_of
from .base import ElementwiseOp, NNOp, broadcast, require_same_elements
from .quantization import require_represented, stored_number


class Relu(ElementwiseOp, name="relu"):
    """y = max(x, 0).  Source: ONNX Relu-14."""


class LeakyRelu(ElementwiseOp, name="leaky_relu"):
    """y = x if x >= 0 else alpha * x.  Source: ONNX LeakyRelu-16."""

    alpha: F64


class Elu(ElementwiseOp, name="elu"):
    """y = x if x >= 0 else alpha * (e^x - 1).  Source: ONNX Elu-22."""

    alpha: F64


class Selu(ElementwiseOp, name="selu"):
    """y = gamma * (x if x > 0 else alpha * (e^x - 1)).  Source: ONNX Selu-22."""

    alpha: F64
    gamma: F64


class Celu(ElementwiseOp, name="celu"):
    """y = max(0, x) + min(0, alpha * (e^(x / alpha) - 1)).  Source: ONNX Celu-12."""

    alpha: F64


class Sigmoid(ElementwiseOp, name="sigmoid"):
    """y = 1 / (1 + e^-x).  Source: ONNX Sigmoid-13."""


class HardSigmoid(ElementwiseOp, name="hard_sigmoid"):
    """y = max(0, min(1, alpha * x + beta)).  Source: ONNX HardSigmoid-22."""

    alpha: F64
    beta: F64


class HardSwish(ElementwiseOp, name="hard_swish"):
    """y = x * max(0, min(1, x / 6 + 0.5)).  Source: ONNX HardSwish-22."""


class Silu(ElementwiseOp, name="silu"):
    """y = x / (1 + e^(-alpha * x)).  Source: ONNX Swish-24."""

    alpha: F64


class Mish(ElementwiseOp, name="mish"):
    """y = x * tanh(log(1 + e^x)).  Source: ONNX Mish-22."""


class Softplus(ElementwiseOp, name="softplus"):
    """y = log(1 + e^x).  Source: ONNX Softplus-22."""


class Softsign(ElementwiseOp, name="softsign"):
    """y = x / (1 + |x|).  Source: ONNX Softsign-22."""


class ThresholdedRelu(ElementwiseOp, name="thresholded_relu"):
    """y = x if x > alpha else 0.  Source: ONNX ThresholdedRelu-22."""

    alpha: F64


class Shrink(ElementwiseOp, name="shrink"):
    """y = x + bias if x < -lambd, x - bias if x > lambd, else 0.  Source: ONNX Shrink-9."""

    lambd: F64
    bias: F64


class Gelu(ElementwiseOp, name="gelu"):
    """y = x / 2 * (1 + erf(x / sqrt(2))), or with `tanh` its usual approximation.  Source: ONNX Gelu-20."""

    approximate: Literal["none", "tanh"]


class Clamp(ElementwiseOp, name="clamp"):
    """y = min(max(x, min), max).  Source: ONNX Clip-13 with constant bounds."""

    on_storage = True

    min: F64
    max: F64

    def verify(self) -> None:
        require(self.min <= self.max, f"min {self.min} is above max {self.max}")
        for name, bound in (("min", self.min), ("max", self.max)):
            if math.isfinite(bound):
                require_represented(self.input.type, bound, name)

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        type_ = self.input.type
        return {"min": stored_number(type_, self.min), "max": stored_number(type_, self.max)}


class Prelu(NNOp, name="prelu"):
    """y = x if x >= 0 else slope * x; the slope broadcasts to the input.  Source: ONNX PRelu-16."""

    input: Operand
    slope: Operand
    output: Result

    def infer(self) -> ir.Type:
        require_same_elements(self.input, self.slope)
        shape = shape_of(self.input)
        require(
            len(broadcast(shape, shape_of(self.slope))) == len(shape),
            f"slope {self.slope.type} does not broadcast to {self.input.type}",
        )
        return self.input.type
