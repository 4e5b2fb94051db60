"""Operators whose form changed between opsets, every form against onnxruntime."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from single_node import assert_as_onnxruntime, ints, network, normal, run

X = normal(2, 3, 4, 5)
NONE = np.zeros(0, np.float32)


def case(name, operator, inputs, **options):
    return pytest.param(operator, inputs, options, id=name)


FORMS = [
    case("clip-7", "Clip", [X], opset=7, min=-0.5, max=0.5),
    case("clip-11", "Clip", [X, np.float32(-0.5), None], opset=11, constant=(1,)),
    case("clip-computed", "Clip", [X, np.float32(-0.5), np.float32(0.5)], opset=13),
    case("clip-crossing", "Clip", [X, np.float32(0.5), np.float32(-0.5)], opset=13, constant=(1, 2)),
    case("clip-integers", "Clip", [ints(1, 5, 9), np.array(3)], opset=13, constant=(1,)),
    case("slice-9", "Slice", [X], opset=9, starts=[1, -3], ends=[9, -1], axes=[1, 3]),
    case("slice-10", "Slice", [X, ints(1), ints(3), ints(2)], opset=10, constant=(1, 2, 3)),
    case("slice-back", "Slice", [X, ints(-1), ints(-99), ints(3), ints(-2)], opset=13, constant=(1, 2, 3, 4)),
    case("slice-computed", "Slice", [X, ints(1), ints(3), ints(2)], opset=13),
    case("pad-7", "Pad", [X], opset=7, pads=[0, 0, 1, 1, 0, 0, 1, 2], value=3.0),
    case("pad-11", "Pad", [X, ints(0, 0, -1, 1, 0, 0, 0, -2)], opset=11, constant=(1,)),
    case("pad-18", "Pad", [X, ints(1, 2, 1, 0), np.float32(2), ints(-1, 2)], opset=18, constant=(1, 2, 3)),
    case("pad-19", "Pad", [X, ints(0, 0, 1, 1, 0, 0, 2, 2)], opset=19, constant=(1,), mode="wrap"),
    case("pad-reflect", "Pad", [X, ints(0, 0, 1, 1, 0, 0, 2, 2)], opset=13, constant=(1,), mode="reflect"),
    case("pad-computed", "Pad", [X, ints(0, 0, 1, 1, 0, 0, 2, 2)], opset=13, mode="edge"),
    case("squeeze-11", "Squeeze", [normal(1, 3, 1)], opset=11, axes=[-1]),
    case("squeeze-13", "Squeeze", [normal(1, 3, 1), ints(0)], opset=13, constant=(1,)),
    case("squeeze-all", "Squeeze", [normal(1, 3, 1)], opset=13),
    case("squeeze-empty", "Squeeze", [normal(1, 3, 1), ints()], opset=13, constant=(1,)),
    case("unsqueeze-11", "Unsqueeze", [normal(3)], opset=11, axes=[0, 2]),
    case("unsqueeze-13", "Unsqueeze", [normal(3), ints(-1, 0)], opset=13, constant=(1,)),
    case("split-11", "Split", [normal(2, 6)], opset=11, outputs=2, axis=-1, split=[2, 4]),
    case("split-11-even", "Split", [normal(2, 6)], opset=11, outputs=3, axis=-1),
    case("split-13", "Split", [normal(2, 6), ints(1, 5)], opset=13, outputs=2, axis=1, constant=(1,)),
    case("split-18", "Split", [normal(7, 2)], opset=18, outputs=3, num_outputs=3),
    case("sum-11", "ReduceSum", [X], opset=11, axes=[1, -1], keepdims=0),
    case("sum-13", "ReduceSum", [X, ints(1, -1)], opset=13, constant=(1,)),
    case("mean-17", "ReduceMean", [X], opset=17, axes=[2]),
    case("mean-18", "ReduceMean", [X, ints(2)], opset=18, constant=(1,)),
    case("max-all", "ReduceMax", [X], opset=12),
    *[
        case(f"{kind}-noop", f"Reduce{kind}", [abs(X), ints()], opset=18, constant=(1,), noop_with_empty_axes=1)
        for kind in ("Sum", "Mean", "Max", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
    ],
    case("softmax-11", "Softmax", [X], opset=11),
    case("softmax-11-last", "Softmax", [X], opset=11, axis=-1),
    case("softmax-13", "Softmax", [X], opset=13),
    case("log-softmax-11", "LogSoftmax", [X], opset=11, axis=2),
    case("hardmax-11", "Hardmax", [X], opset=11, axis=2),
    case("dropout-7", "Dropout", [X], opset=7, outputs=2),
    case("dropout-10", "Dropout", [X], opset=10, outputs=2),
    case("dropout-12", "Dropout", [X, np.float32(0.5), np.array(False)], constant=(1, 2), opset=12, outputs=2),
    case("batch-norm-7", "BatchNormalization", [X, *[abs(normal(3))] * 4], opset=7, constant=(1, 2, 3, 4)),
    case("batch-norm-9", "BatchNormalization", [X, *[abs(normal(3))] * 4], opset=9, constant=(1, 2, 3, 4)),
    case("batch-norm-15", "BatchNormalization", [X, *[abs(normal(3))] * 4], opset=15, epsilon=1e-3),
    case(
        "batch-norm-7-elements",
        "BatchNormalization",
        [X, *[abs(normal(3, 4, 5))] * 4],
        opset=7,
        constant=(1, 2, 3, 4),
        spatial=0,
    ),
    case("topk-9", "TopK", [X], opset=9, outputs=2, k=2),
    case("topk-10", "TopK", [X, ints(2)], opset=10, outputs=2, constant=(1,)),
    case("topk-11", "TopK", [X, ints(3)], opset=11, outputs=2, constant=(1,), largest=0, axis=1),
    case("upsample-7", "Upsample", [X], opset=7, scales=[1.0, 1.0, 2.0, 3.0]),
    case("upsample-7-linear", "Upsample", [X], opset=7, scales=[1.0, 1.0, 2.0, 3.0], mode="linear"),
    case("upsample-9", "Upsample", [X, np.float32([1, 1, 2, 3])], opset=9, constant=(1,)),
    case("resize-10", "Resize", [X, np.float32([1, 1, 2.5, 1.7])], opset=10, constant=(1,)),
    case("resize-10-linear", "Resize", [X, np.float32([1, 1, 2.5, 1.7])], opset=10, constant=(1,), mode="linear"),
    case("scatter-9", "Scatter", [normal(3, 3), ints([1, 0, 2], [0, 2, 1]), normal(2, 3)], opset=9, constant=(1,)),
    case("cast-9", "Cast", [X * 9], opset=9, to=TensorProto.INT32),
    case("cast-13-bool", "Cast", [np.float32([0, 1, -2])], opset=13, to=TensorProto.BOOL),
    case("gemm-9", "Gemm", [normal(3, 4), normal(5, 3), normal(5)], opset=9, transA=1, transB=1, alpha=0.5, beta=2.0),
    case("gemm-11", "Gemm", [normal(3, 4), normal(4, 5)], opset=11, constant=(1,)),
    case("pow-7", "Pow", [abs(X), normal(5)], opset=7),
    case("pow-12-integer-base", "Pow", [np.int32([4, 9, 2]), np.float32([0.5, 0.5, 3])], opset=12),
    case("pow-12-integer-exponent", "Pow", [abs(normal(3)), ints(2, 3, 1)], opset=12),
    case(
        "group-norm-18",
        "GroupNormalization",
        [normal(2, 4, 3), normal(2), normal(2)],
        opset=18,
        constant=(1, 2),
        num_groups=2,
    ),
    case("group-norm-21", "GroupNormalization", [normal(2, 4, 3), normal(4), normal(4)], opset=21, num_groups=2),
    case("layer-norm-17", "LayerNormalization", [X, normal(5), normal(5)], constant=(1, 2), outputs=3),
    case("average-pool-7", "AveragePool", [X], opset=7, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
    case("average-pool-19", "AveragePool", [normal(1, 2, 9, 9)], opset=19, kernel_shape=[3, 3], dilations=[2, 2]),
    case("max-pool-8", "MaxPool", [X], opset=8, outputs=2, kernel_shape=[2, 2]),
    case("max-pool-10", "MaxPool", [X], opset=10, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    case("shape-15", "Shape", [X], opset=15, start=-3, end=-1),
    case("arg-max-12", "ArgMax", [np.float32([[1, 3, 3], [2, 2, 0]])], opset=12, axis=1, select_last_index=1),
    case("gelu-20", "Gelu", [X], opset=20, approximate="tanh"),
    case("constant-12", "Constant", [], opset=12, value_floats=[1.0, 2.0]),
    case("constant-int", "Constant", [], opset=12, value_int=7),
    case(
        "constant-of-shape-large",
        "ConstantOfShape",
        [ints(2)],
        constant=(0,),
        value=helper.make_tensor("v", TensorProto.INT64, [1], [2**62 + 1]),
    ),
]


@pytest.mark.parametrize(("operator", "inputs", "options"), FORMS)
def test_form(operator, inputs, options):
    assert_as_onnxruntime(*network(operator, inputs, **options))


RESIZE_MODES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]


@pytest.mark.parametrize("by", ["scales", "sizes"])
@pytest.mark.parametrize("coordinate", RESIZE_MODES)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("opset", [11, 13, 18, 19])
def test_resize(opset, mode, coordinate, by):
    empty = NONE if opset == 11 else None
    if by == "scales":
        inputs, constant = [X, empty, np.float32([1, 1, 1.6, 0.7])], (1, 2)
    else:
        inputs, constant = [X, empty, empty, ints(2, 3, 7, 3)], (1, 2, 3)
    options = {"mode": mode, "coordinate_transformation_mode": coordinate}
    assert_as_onnxruntime(*network("Resize", inputs, opset=opset, constant=constant, **options))


RECURRENT = [
    case("lstm-7", "LSTM", [normal(4, 2, 3), normal(1, 20, 3), normal(1, 20, 5), normal(1, 40)], opset=7, outputs=3),
    case("lstm-hidden", "LSTM", [normal(4, 2, 3), normal(1, 20, 3), normal(1, 20, 5)], outputs=["", "h", "c"]),
    case("lstm-clip", "LSTM", [normal(4, 2, 3), normal(1, 20, 3), normal(1, 20, 5)], outputs=3, clip=0.5),
    case(
        "lstm-all",
        "LSTM",
        [
            *[normal(4, 2, 3), normal(1, 20, 3), normal(1, 20, 5), normal(1, 40), np.int32([4, 2])],
            *[normal(1, 2, 5), normal(1, 2, 5), normal(1, 15)],
        ],
        outputs=3,
    ),
    case(
        "lstm-activations",
        "LSTM",
        [normal(4, 2, 3), normal(1, 20, 3), normal(1, 20, 5)],
        activations=["HardSigmoid", "Relu", "Softsign"],
        activation_alpha=[0.3],
        activation_beta=[0.4],
    ),
    case("gru-3", "GRU", [normal(4, 2, 3), normal(1, 15, 3), normal(1, 15, 5), normal(1, 30)], outputs=2),
    case(
        "gru-reset", "GRU", [normal(4, 2, 3), normal(1, 15, 3), normal(1, 15, 5), normal(1, 30)], linear_before_reset=1
    ),
    case(
        "rnn-both-ways",
        "RNN",
        [normal(4, 2, 3), normal(2, 5, 3), normal(2, 5, 5), normal(2, 10), np.int32([4, 2])],
        outputs=2,
        direction="bidirectional",
    ),
]


@pytest.mark.parametrize(("operator", "inputs", "options"), RECURRENT)
def test_recurrent(operator, inputs, options):
    constant = tuple(range(1, len(inputs)))
    assert_as_onnxruntime(*network(operator, inputs, constant=constant, hidden_size=5, **options))


def test_hidden_size_follows_from_the_weights():
    inputs = [normal(4, 2, 3), normal(1, 20, 3), normal(1, 20, 5)]
    stated, feed = network("LSTM", inputs, constant=(1, 2), hidden_size=5)
    silent, _ = network("LSTM", inputs, constant=(1, 2))
    np.testing.assert_array_equal(run(silent, feed)[0], run(stated, feed)[0])
