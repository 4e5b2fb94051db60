"""Random parameters of the operators that have many, against onnxruntime."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from single_node import assert_as_onnxruntime, network, normal

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
small = st.integers(1, 3)


def pair(values):
    return st.lists(values, min_size=2, max_size=2)


@st.composite
def windows(draw):
    """Attributes of a sliding window over an image of 9 x 8."""
    attributes = {
        "kernel_shape": draw(pair(small)),
        "strides": draw(pair(small)),
        "dilations": draw(pair(st.integers(1, 2))),
    }
    auto_pad = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if auto_pad == "NOTSET":
        limit = min(attributes["kernel_shape"]) - 1  # pooling wants padding smaller than its kernel
        attributes["pads"] = draw(st.lists(st.integers(0, limit), min_size=4, max_size=4))
    else:
        attributes["auto_pad"] = auto_pad
    if auto_pad.startswith("SAME"):  # onnxruntime refuses dilations, and strides that leave out elements
        attributes["dilations"] = [1, 1]
        attributes["strides"] = list(map(min, attributes["strides"], attributes["kernel_shape"]))
    return attributes


@EXAMPLES
@given(windows(), st.sampled_from([1, 2, 4]), st.booleans())
def test_conv(attributes, groups, biased):
    weight = normal(4, 4 // groups, *attributes["kernel_shape"])
    inputs = [normal(2, 4, 9, 8), weight, normal(4) if biased else None]
    assert_as_onnxruntime(*network("Conv", inputs, constant=(1, 2), group=groups, **attributes))


@EXAMPLES
@given(windows(), st.booleans())
def test_max_pool(attributes, ceil):
    # with auto_pad the extent is given; ceil_mode then says nothing
    ceil_mode = int(ceil and "auto_pad" not in attributes)
    assert_as_onnxruntime(*network("MaxPool", [normal(2, 3, 9, 8)], opset=12, ceil_mode=ceil_mode, **attributes))


@EXAMPLES
@given(windows(), st.booleans())
def test_average_pool(attributes, include):
    del attributes["dilations"]
    assert_as_onnxruntime(
        *network("AveragePool", [normal(2, 3, 9, 8)], opset=17, count_include_pad=int(include), **attributes)
    )


@EXAMPLES
@given(windows(), st.sampled_from([1, 2]), st.lists(st.integers(0, 1), min_size=2, max_size=2))
def test_conv_transpose(attributes, groups, extra):
    assume("auto_pad" not in attributes)
    attributes["output_padding"] = [min(e, s - 1) for e, s in zip(extra, attributes["strides"], strict=True)]
    inputs = [normal(2, 4, 5, 4), normal(4, 3, *attributes["kernel_shape"]), normal(3 * groups)]
    extents = [
        (n - 1) * s + d * (k - 1) + 1 - sum(attributes["pads"][i::2])
        for i, (n, s, d, k) in enumerate(
            zip((5, 4), attributes["strides"], attributes["dilations"], attributes["kernel_shape"], strict=True)
        )
    ]
    assume(min(extents) > 0)
    assert_as_onnxruntime(*network("ConvTranspose", inputs, constant=(1, 2), group=groups, **attributes))


@EXAMPLES
@given(
    st.lists(st.integers(-9, 9), min_size=2, max_size=2),
    st.lists(st.integers(-9, 9), min_size=2, max_size=2),
    st.lists(st.sampled_from([-3, -1, 1, 2]), min_size=2, max_size=2),
    st.booleans(),
)
def test_slice(starts, ends, steps, computed):
    inputs = [normal(4, 5, 6), *(np.array(item) for item in (starts, ends, [2, 0], steps))]
    assert_as_onnxruntime(*network("Slice", inputs, constant=() if computed else (1, 2, 3, 4)))


@EXAMPLES
@given(
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.sampled_from(["constant", "reflect", "edge", "wrap"]),
    st.booleans(),
)
def test_pad(amounts, mode, computed):
    inputs = [normal(4, 5, 6), np.array(amounts), np.float32(1.5)]
    assert_as_onnxruntime(*network("Pad", inputs, opset=19, mode=mode, constant=() if computed else (1, 2)))


@EXAMPLES
@given(
    st.sampled_from(["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSumExp", "SumSquare"]),
    st.sets(st.integers(0, 2), min_size=1),
    st.booleans(),
)
def test_reduce(kind, axes, keep):
    inputs = [normal(3, 4, 5), np.array(sorted(axes))]
    assert_as_onnxruntime(*network(f"Reduce{kind}", inputs, opset=18, constant=(1,), keepdims=int(keep)))


@EXAMPLES
@given(
    st.sampled_from(["Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "GreaterOrEqual"]),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.integers(0, 3),
)
def test_broadcasting(operator, ones, dropped):
    shape = tuple(1 if one else n for one, n in zip(ones, (2, 3, 4), strict=True))[dropped:]
    assert_as_onnxruntime(*network(operator, [normal(2, 3, 4), normal(*shape, seed=1)]))


@EXAMPLES
@given(st.integers(0, 1), st.integers(0, 1), st.sampled_from([(3, 5), (5,), (1,), (3, 1), ()]), st.booleans())
def test_gemm(left, right, bias, constant):
    inputs = [normal(*((4, 3) if left else (3, 4))), normal(*((5, 4) if right else (4, 5))), normal(*bias)]
    options = {"transA": left, "transB": right, "alpha": 0.5, "beta": -2.0}
    assert_as_onnxruntime(*network("Gemm", inputs, constant=(1, 2) if constant else (), **options))


@EXAMPLES
@given(st.sampled_from([(0, -1), (-1, 1, 3), (2, 0, -1), (4, 12), (0, 0, 0)]), st.booleans())
def test_reshape(target, computed):
    inputs = [normal(4, 6, 2), np.array(target)]
    assert_as_onnxruntime(*network("Reshape", inputs, constant=() if computed else (1,)))
