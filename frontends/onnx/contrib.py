"""Onnxruntime's own float operators: what its optimiser and its converters for transformers make of standard ones."""

from typing import Any

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ..builder import Unsupported
from ..converter import Form
from .convolution import kernel_of, lowest, windows
from .node import Node, Output, converter

ACTIVATIONS: dict[str, tuple[type[nn.ElementwiseOp], tuple[str, ...]]] = {
    "Relu": (nn.Relu, ()),
    "Tanh": (nn.Tanh, ()),
    "Sigmoid": (nn.Sigmoid, ()),
    "LeakyRelu": (nn.LeakyRelu, ("alpha",)),
    "Clip": (nn.Clamp, ("min", "max")),
    "HardSigmoid": (nn.HardSigmoid, ("alpha", "beta")),
}
"""What is fused into convolutions and products, and what its parameters are, in their order."""
FUSED = {f"an activation {name}": op for name, (op, _) in ACTIVATIONS.items()}


def _activated(node: Node, value: ir.Value, parameters: list[float]) -> ir.Value:
    """A value behind the activation that the node names."""
    name = node.attribute("activation", "")
    if not name:
        return value
    if name not in ACTIVATIONS:
        raise Unsupported(f"a fused activation '{name}' is not supported")
    op, names = ACTIVATIONS[name]
    require(len(parameters) >= len(names), f"the activation {name} takes {len(names)} parameters")
    attributes: dict[str, Any] = dict(zip(names, parameters, strict=False))
    return op(value, **attributes).output


@converter("com.microsoft.FusedConv", builds=nn.Conv, forms={**FUSED, "a summand": nn.Add})
def fused_conv(node: Node) -> Output:
    """A convolution, a sum and an activation."""
    value, attributes = windows(node, node.input(0), kernel_of(node))
    operands = value, node.input(1), node.optional(2)
    result = nn.Conv(*operands, groups=node.attribute("group", 1), **attributes).output
    summand = node.optional(3)
    if summand is not None:
        result = nn.Add(result, summand).output
    return _activated(node, result, node.floats("activation_params"))


@converter(
    "com.microsoft.FusedGemm", builds=(nn.Matmul, nn.Add), forms={**FUSED, "alpha and beta other than 1": nn.Mul}
)
def fused_gemm(node: Node) -> Output:
    """A matrix product and an activation."""
    product = nn.Matmul(_turned(node, 0, "transA"), _turned(node, 1, "transB")).output
    result = _scaled(node, product, node.attribute("alpha", 1.0))
    bias = node.optional(2)
    if bias is not None:
        result = nn.Add(result, node.builder.folded(_scaled(node, bias, node.attribute("beta", 1.0)))).output
    names = ("activation_alpha", "activation_beta", "activation_gamma")
    return _activated(node, result, [node.attribute(name, 0.0) for name in names if name in node.attributes])


@converter(
    "com.microsoft.FusedMatMul",
    "com.microsoft.TransposeMatMul",
    builds=nn.Matmul,
    forms={"alpha other than 1": nn.Mul, "operands to transpose": nn.Transpose},
)
def fused_matmul(node: Node) -> Output:
    """alpha * A' * B', without `transBatchA` and `transBatchB`."""
    if node.attribute("transBatchA", 0) or node.attribute("transBatchB", 0):
        raise Unsupported("batches cannot be transposed", "export the network without onnxruntime's optimisations")
    product = nn.Matmul(_turned(node, 0, "transA"), _turned(node, 1, "transB")).output
    return _scaled(node, product, node.attribute("alpha", 1.0))


def _turned(node: Node, index: int, attribute: str) -> ir.Value:
    """A matrix, transposed if the attribute says so."""
    value, rank = node.input(index), node.rank(index)
    if not node.attribute(attribute, 0) or rank < 2:
        return value
    return node.builder.folded(nn.Transpose(value, permutation=(*range(rank - 2), rank - 1, rank - 2)).output)


def _scaled(node: Node, value: ir.Value, factor: float) -> ir.Value:
    return value if factor == 1.0 else nn.Mul(value, node.like(factor, value)).output


@converter("com.microsoft.Gelu", builds=nn.Gelu)
def gelu(node: Node) -> Output:
    return nn.Gelu(node.input(0), approximate="none").output


@converter(
    "com.microsoft.FastGelu",
    "com.microsoft.BiasGelu",
    builds={"com.microsoft.FastGelu": Form(nn.Gelu, "by tanh"), "com.microsoft.BiasGelu": nn.Gelu},
    forms={"a bias": nn.Add},
)
def bias_gelu(node: Node) -> Output:
    bias = node.optional(1)
    value = node.input(0) if bias is None else nn.Add(node.input(0), bias).output
    return nn.Gelu(value, approximate="tanh" if node.operator == "FastGelu" else "none").output


@converter("com.microsoft.QuickGelu", builds=nn.Silu)
def quick_gelu(node: Node) -> Output:
    """x * sigmoid(alpha * x)"""
    return nn.Silu(node.input(0), alpha=node.attribute("alpha", 1.702)).output


@converter("com.microsoft.SkipLayerNormalization", builds=(nn.Add, nn.LayerNorm))
def skip_layer_normalization(node: Node) -> Output:
    """Layer normalisation of a sum, which may be a result too; mean and deviation are none."""
    total = _sum_of(node, 4)
    epsilon = node.attribute("epsilon", 1e-12)
    result = nn.LayerNorm(total, node.input(2), node.optional(3), axis=-1, epsilon=epsilon).output
    return _with_sum(node, result, total)


@converter("com.microsoft.SkipSimplifiedLayerNormalization", builds=(nn.Add, nn.RmsNorm))
def skip_rms_normalization(node: Node) -> Output:
    """Division of a sum by its root mean square; the sum may be a result too."""
    total = _sum_of(node, 3)
    result = nn.RmsNorm(total, node.input(2), axis=-1, epsilon=node.attribute("epsilon", 1e-12)).output
    return _with_sum(node, result, total)


@converter("com.microsoft.SimplifiedLayerNormalization", builds=nn.RmsNorm)
def simplified_layer_normalization(node: Node) -> Output:
    """Written in the standard's domain."""
    axis, epsilon = node.attribute("axis", -1), node.attribute("epsilon", 1e-5)
    return nn.RmsNorm(node.input(0), node.input(1), axis=axis, epsilon=epsilon).output


def _sum_of(node: Node, bias: int) -> ir.Value:
    """The first two inputs and a bias."""
    total, extra = nn.Add(node.input(0), node.input(1)).output, node.optional(bias)
    return total if extra is None else nn.Add(total, extra).output


def _with_sum(node: Node, result: ir.Value, total: ir.Value) -> Output:
    """Results as these operators have them: of the others between, none may be used."""
    if node.has_output(1) or node.has_output(2):
        raise Unsupported("mean and deviation are not supported as results")
    return [result, result, result, total]


@converter("com.microsoft.NhwcMaxPool", builds=(nn.Transpose, Form(nn.MaxPool, "of bytes")))
def nhwc_max_pool(node: Node) -> Output:
    """MaxPool of bytes, with the channels behind the pixels."""
    rank = node.rank()
    require(rank > 2, f"needs an image, got rank {rank}")
    kernel = node.ints_of("kernel_shape", rank - 2, 1)
    image = nn.Transpose(node.input(0), permutation=(0, rank - 1, *range(1, rank - 1))).output
    image, attributes = windows(node, image, kernel, lowest(image))
    pooled = nn.MaxPool(image, kernel=kernel, ceil_mode=bool(node.attribute("ceil_mode", 0)), **attributes).output
    return nn.Transpose(pooled, permutation=(0, *range(2, rank), 1)).output
