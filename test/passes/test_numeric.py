"""No pass changes what a network computes, beyond float rounding.

The networks are small, random where it matters, and each makes a pattern fire; the evaluator runs before and after.
"""

import numpy as np
import pytest

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.passes.pipeline import parse_pipeline

CONV = "strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64"
IMAGE, RESULT = "tensor<1x2x6x6xf32>", "tensor<1x3x6x6xf32>"
SHIFTED = '%k3 = "nn.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>'


def constant(name, shape, seed=0, positive=False):
    values = np.random.default_rng(seed).standard_normal(shape)
    array = (np.abs(values) + 0.5 if positive else values).astype(np.float32)
    type_ = f"tensor<{'x'.join(map(str, shape))}xf32>"
    return f'{name} = "nn.constant"() {{value = dense<{array.tolist()}> : {type_}}} : () -> {type_}'


def conv(result="%1", source="%x", weight="%w"):
    types = f"({IMAGE}, tensor<3x2x1x1xf32>) -> {RESULT}"
    return f'{result} = "nn.conv"({source}, {weight}) {{{CONV}}} : {types}'


def unary(op, result, source, type_=RESULT, attributes=""):
    return f'{result} = "nn.{op}"({source}) {{{attributes}}} : ({type_}) -> {type_}'


def binary(op, result, lhs, rhs, left=RESULT, right=RESULT):
    return f'{result} = "nn.{op}"({lhs}, {rhs}) : ({left}, {right}) -> {left}'


WEIGHT = constant("%w", (3, 2, 1, 1))
PER_CHANNEL = "tensor<1x3x1x1xf32>"
NHWC = "tensor<1x6x6x3xf32>"
TO_NHWC = f'%2 = "nn.transpose"(%1) {{permutation = array<i64: 0, 2, 3, 1>}} : ({RESULT}) -> {NHWC}'

NETWORKS = {
    "fold_batch_norm": [
        WEIGHT,
        *(constant(f"%p{i}", (3,), i + 1, positive=i == 3) for i in range(4)),
        conv(),
        '%y = "nn.batch_norm"(%1, %p0, %p1, %p2, %p3) {epsilon = 1.0e-3 : f64} : '
        f"({RESULT}, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> {RESULT}",
    ],
    "fold_scale": [WEIGHT, constant("%s", (1, 3, 1, 1), 1), conv(), binary("mul", "%y", "%1", "%s", right=PER_CHANNEL)],
    "fold_bias": [WEIGHT, constant("%s", (1, 3, 1, 1), 1), conv(), binary("add", "%y", "%1", "%s", right=PER_CHANNEL)],
    "fold_divisor": [
        WEIGHT,
        constant("%s", (1, 3, 1, 1), 1, positive=True),
        conv(),
        binary("div", "%y", "%1", "%s", right=PER_CHANNEL),
    ],
    "fuse_clamp": [WEIGHT, conv(), unary("clamp", "%y", "%1", attributes="min = -0.5 : f64, max = 0.5 : f64")],
    "hard_swish": [
        WEIGHT,
        conv(),
        SHIFTED,
        '%k6 = "nn.constant"() {value = dense<6.0> : tensor<f32>} : () -> tensor<f32>',
        binary("add", "%2", "%1", "%k3", right="tensor<f32>"),
        unary("clamp", "%3", "%2", attributes="min = 0.0 : f64, max = 6.0 : f64"),
        binary("mul", "%4", "%1", "%3"),
        binary("div", "%y", "%4", "%k6", right="tensor<f32>"),
    ],
    "silu": [WEIGHT, conv(), unary("sigmoid", "%2", "%1"), binary("mul", "%y", "%1", "%2")],
    "mish": [
        WEIGHT,
        conv(),
        unary("softplus", "%2", "%1"),
        unary("tanh", "%3", "%2"),
        binary("mul", "%y", "%1", "%3"),
    ],
    "gelu": [
        WEIGHT,
        conv(),
        f'%r = "nn.constant"() {{value = dense<{np.sqrt(0.5)}> : tensor<f32>}} : () -> tensor<f32>',
        '%k1 = "nn.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>',
        '%h = "nn.constant"() {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>',
        binary("mul", "%2", "%1", "%r", right="tensor<f32>"),
        unary("erf", "%3", "%2"),
        binary("add", "%4", "%3", "%k1", right="tensor<f32>"),
        binary("mul", "%5", "%1", "%4"),
        binary("mul", "%y", "%5", "%h", right="tensor<f32>"),
    ],
    "sink_transposes": [
        WEIGHT,
        constant("%s", (3,), 1),
        conv(),
        TO_NHWC,
        binary("mul", "%3", "%2", "%s", left=NHWC, right="tensor<3xf32>"),
        unary("softmax", "%4", "%3", NHWC, "axis = 3 : i64"),
        f'%y = "nn.transpose"(%4) {{permutation = array<i64: 0, 3, 1, 2>}} : ({NHWC}) -> {RESULT}',
    ],
    "space_to_depth": [
        '%1 = "nn.space_to_depth"(%x) {block = 2 : i64, mode = "DCR"} : (tensor<1x2x6x6xf32>) -> tensor<1x8x3x3xf32>',
        '%2 = "nn.depth_to_space"(%1) {block = 2 : i64, mode = "CRD"} : (tensor<1x8x3x3xf32>) -> tensor<1x2x6x6xf32>',
        WEIGHT,
        conv("%y", "%2"),
    ],
    "unroll_lstm": [
        '%t = "nn.reshape"(%x) {shape = array<i64: 6, 4, 3>} : (tensor<1x2x6x6xf32>) -> tensor<6x4x3xf32>',
        constant("%lw", (2, 8, 3), 1),
        constant("%lr", (2, 8, 2), 2),
        constant("%lb", (2, 16), 3),
        '%l:3 = "nn.lstm"(%t, %lw, %lr, %lb) {direction = "bidirectional", hidden_size = 2 : i64, activations = '
        '["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Tanh", "Tanh"], activation_alpha = array<f64>, activation_beta = '
        "array<f64>, layout = 0 : i64, input_forget = false, cell_clip = 0.7 : f64, operandSegmentSizes = "
        "array<i32: 1, 1, 1, 1, 0, 0, 0, 0>} : (tensor<6x4x3xf32>, tensor<2x8x3xf32>, tensor<2x8x2xf32>, "
        "tensor<2x16xf32>) -> (tensor<6x2x4x2xf32>, tensor<2x4x2xf32>, tensor<2x4x2xf32>)",
        '%r = "nn.reshape"(%l#0) {shape = array<i64: 1, 96, 1, 1>} : (tensor<6x2x4x2xf32>) -> tensor<1x96x1x1xf32>',
        '%y = "nn.expand"(%r) {shape = array<i64: 1, 96, 1, 1>} : (tensor<1x96x1x1xf32>) -> tensor<1x96x1x1xf32>',
    ],
}
RESULTS = {"unroll_lstm": "tensor<1x96x1x1xf32>"}

STAGES = (
    "builtin.module(nn-canonicalize,nn-recognize,nn-sink-transposes,nn-canonicalize,nn-fuse-convolutions)",
    "builtin.module(nn-unroll,nn-decompose,nn-fold-constants,nn-canonicalize,canonicalize,cse)",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_results_stay(name):
    lines = "\n".join(NETWORKS[name])
    result = RESULTS.get(name, RESULT)
    text = f"func.func @main(%x: {IMAGE}) -> {result} {{\n{lines}\nreturn %y : {result} }}"
    x = np.random.default_rng(9).standard_normal((1, 2, 6, 6)).astype(np.float32) * 3
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        before, forms = evaluate(module, [x]), {str(module)}
        for stage in STAGES:
            parse_pipeline(stage).run(module)
            forms.add(str(module))
            after = evaluate(module, [x])
            # products of a few float32 constants are reassociated
            np.testing.assert_allclose(after[0], before[0], rtol=2e-6, atol=2e-6)
    assert len(forms) > 1, "nothing fired"
