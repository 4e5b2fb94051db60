"""Nodes of version 4, each as a file of its own, against onnxruntime or the definition in plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from files34 import FULL, layer, run4, window
from onnx import TensorProto, helper

from kpuc.errors import KmodelError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import builder4, nodes4
from kpuc.runtime.kmodel.fields4 import Rescale, place

RNG = np.random.default_rng(44)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def bytes_(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


def ort(kind, inputs, rank=4, **attributes):
    """One ONNX node in onnxruntime; inputs that are not float32 or uint8 arrays of the network are constants."""
    names = [f"x{i}" if one is not None else "" for i, one in enumerate(inputs)]
    node = helper.make_node(kind, names, ["y"], **attributes)
    constants = [onnx.numpy_helper.from_array(one, name) for name, one in zip(names, inputs, strict=True) if name]
    element = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8}[inputs[0].dtype.name]
    output = helper.make_tensor_value_info("y", element, [None] * rank)
    graph = helper.make_graph([node], "one", [], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {})[0]


SHAPES = [((1, 3, 4, 5), (1, 3, 4, 5)), ((2, 3, 4, 5), (1, 3, 1, 1)), ((1, 1, 1, 5), (2, 3, 4, 1))]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kind", nodes4.BINARIES)
def test_binary(kind, shapes):
    a, b = (floats(*shape) for shape in shapes)
    shape = np.broadcast_shapes(*shapes)
    name = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max"}[kind]
    expected = np.clip(ort(name, [a, b]), -0.5, 1.5)
    result = run4(nodes4.Binary, [a, b], "f32", expected.size, operation=nodes4.BINARIES.index(kind), shape_a=a.shape,
                  shape_b=b.shape, shape=shape, low=-0.5, high=1.5)  # fmt: skip
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, **CLOSE)


def test_an_index_beyond_an_operand_counts_as_0():
    a, b = floats(1, 1, 1, 4), floats(1, 1, 1, 2)
    result = run4(nodes4.Binary, [a, b], "f32", 4, operation=0, shape_a=a.shape, shape_b=b.shape, shape=a.shape, **FULL)
    np.testing.assert_array_equal(result.ravel(), a.ravel() + b.ravel()[[0, 1, 0, 0]])


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("make", [floats, bytes_])
def test_concat(axis, make):
    dims = (2, 3, 1)
    parts = [make(*(dim if i == axis else size for i, size in enumerate((2, 3, 4, 5)))) for dim in dims]
    expected = np.concatenate(parts, axis)
    element = "f32" if make is floats else "u8"
    builder, at, rows = builder4.Builder(), 0, []
    for part in parts:
        made = builder.input(place("main", element, at, part.size), part.shape)
        rows.append((made.location, made.element, made.start, made.bytes))
        at += made.bytes
    output = place("main", element, at, expected.size)
    inner = int(np.prod(expected.shape[axis + 1 :])) * expected.itemsize
    fields = nodes4.Concat(output=output, inner=inner, outer=int(np.prod(expected.shape[:axis])), count=3)
    builder.output(builder.add(fields, np.array(rows, np.uint32), np.array(dims, np.int32)))
    result = Simulator(builder.write()).run(*parts)["output0"]
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


CONVOLUTIONS = [
    ((2, 4, 7, 6), 6, 1, window((3, 3), pad_h=(1, 1), pad_w=(1, 1))),
    ((1, 4, 8, 9), 6, 2, window((3, 2), (2, 1), pad_h=(0, 1), pad_w=(2, 0))),
    ((1, 4, 9, 9), 4, 4, window((2, 3), (1, 2), (2, 3), (1, 0), (3, 2))),
    ((1, 5, 3, 4), 2, 1, window()),
]


def padding_of(it):
    return [it.pad_h[0], it.pad_w[0], it.pad_h[1], it.pad_w[1]]


def ort_conv(x, weights, bias, groups, it):
    return ort(
        "Conv", [x, weights, bias], group=groups, strides=it.strides, dilations=it.dilations, pads=padding_of(it)
    )


@pytest.mark.parametrize(("shape", "channels", "groups", "it"), CONVOLUTIONS)
def test_conv2d(shape, channels, groups, it):
    x, weights, bias = floats(*shape), floats(channels, shape[1] // groups, *it.kernel), floats(channels)
    expected = np.clip(ort_conv(x, weights, bias, groups, it), -2, 3)
    result = run4(nodes4.Conv2D, [x], "f32", expected.size, (weights, bias), shape=shape, groups=groups,
                  channels=channels, window=it, low=-2.0, high=3.0)  # fmt: skip
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, **CLOSE)


@pytest.mark.parametrize(("shape", "channels", "groups", "it"), [one for one in CONVOLUTIONS if one[2] == 1])
def test_cpu_conv2d(shape, channels, groups, it):
    x, weights, bias = floats(*shape), floats(channels, shape[1], *it.kernel), floats(channels)
    expected = ort_conv(x, weights, bias, 1, it).transpose(0, 2, 3, 1)
    result = run4(nodes4.CpuConv2D, [np.ascontiguousarray(x.transpose(0, 2, 3, 1))], "f32", expected.size,
                  (np.ascontiguousarray(weights.transpose(0, 2, 3, 1)), bias),
                  shape=tuple(x.transpose(0, 2, 3, 1).shape), channels=channels, window=it, **FULL)  # fmt: skip
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, **CLOSE)


def test_cpu_depthwise_conv2d():
    shape, channels, _, it = CONVOLUTIONS[2]
    x, weights, bias = floats(*shape), floats(channels, 1, *it.kernel), floats(channels)
    expected = ort_conv(x, weights, bias, channels, it).transpose(0, 2, 3, 1)
    result = run4(nodes4.CpuDepthwiseConv2D, [np.ascontiguousarray(x.transpose(0, 2, 3, 1))], "f32", expected.size,
                  (weights[:, 0], bias), shape=tuple(x.transpose(0, 2, 3, 1).shape), window=it, **FULL)  # fmt: skip
    np.testing.assert_allclose(result, expected, **CLOSE)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    "it", [window((3, 3), (2, 2), pad_h=(1, 1), pad_w=(1, 1)), window((2, 3), (1, 3), (2, 1), (0, 1), (1, 0))]
)
def test_conv2d_transpose(groups, it):
    """ONNX has weights (in, out / groups); the file has (out, in / groups)."""
    x, weights = floats(1, 4, 5, 6), floats(4, 6 // groups, *it.kernel)
    expected = ort("ConvTranspose", [x, weights], group=groups, strides=it.strides, dilations=it.dilations,
                   pads=padding_of(it))  # fmt: skip
    stored = weights.reshape(groups, 4 // groups, 6 // groups, *it.kernel).transpose(0, 2, 1, 3, 4)
    stored = np.ascontiguousarray(stored).reshape(6, 4 // groups, *it.kernel)
    result = run4(nodes4.Conv2DTranspose, [x], "f32", expected.size, (stored, np.zeros(6, np.float32)), shape=x.shape,
                  shape_out=expected.shape, groups=groups, window=it, **FULL)  # fmt: skip
    np.testing.assert_allclose(result, expected, **CLOSE)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("kind", "onnx_kind", "init"), [("mean", "AveragePool", 0.0), ("max", "MaxPool", -np.inf)])
@pytest.mark.parametrize("it", [
    window((2, 2), (2, 2)), window((3, 3), (1, 2), pad_h=(1, 1), pad_w=(1, 0)), window((7, 6)),
])  # fmt: skip
def test_reduce_window2d(kind, onnx_kind, init, it, channels_last):
    x = floats(2, 3, 7, 6)
    expected = ort(onnx_kind, [x], kernel_shape=it.kernel, strides=it.strides, pads=padding_of(it))
    fields, order = nodes4.ReduceWindow2D, (0, 1, 2, 3)
    if channels_last:
        fields, order = nodes4.CpuReduceWindow2D, (0, 2, 3, 1)
    image = np.ascontiguousarray(x.transpose(order))
    result = run4(fields, [image], "f32", expected.size, operation=nodes4.REDUCTIONS.index(kind), shape=image.shape,
                  window=it, init=init, **FULL)  # fmt: skip
    np.testing.assert_allclose(result, expected.transpose(order), **CLOSE)


def test_reduce_window2d_with_dilation_sums_what_is_inside():
    x, it = floats(1, 1, 5, 5), window((2, 2), (1, 1), (2, 2), (1, 1), (1, 1))
    expected = np.full((5, 5), 10.0)
    for y, z, u, v in itertools.product(range(5), range(5), (0, 2), (0, 2)):
        if 0 <= y + u - 1 < 5 and 0 <= z + v - 1 < 5:
            expected[y, z] += x[0, 0, y + u - 1, z + v - 1]
    result = run4(nodes4.ReduceWindow2D, [x], "f32", 25, operation=3, shape=x.shape, window=it, init=10.0, **FULL)
    np.testing.assert_allclose(result.reshape(5, 5), expected, **CLOSE)


@pytest.mark.parametrize("kind", nodes4.REDUCTIONS)
@pytest.mark.parametrize("axes", [(2, 3), (1,), (0, 1, 2, 3)])
def test_reduce(kind, axes):
    x = floats(2, 3, 4, 5)
    expected = ort(f"Reduce{kind.title()}", [x, np.array(axes)], keepdims=1)
    init = {"min": np.inf, "max": -np.inf}.get(kind, 0.0)
    result = run4(nodes4.Reduce, [x], "f32", expected.size, operation=nodes4.REDUCTIONS.index(kind), shape=x.shape,
                  shape_out=expected.shape, init=init)  # fmt: skip
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, **CLOSE)


@pytest.mark.parametrize("make", [floats, bytes_])
def test_moving_elements(make):
    x = make(2, 3, 4, 5)
    element = "f32" if make is floats else "u8"
    result = run4(nodes4.Transpose, [x], element, x.size, shape=x.shape, permutation=(0, 3, 1, 2))
    np.testing.assert_array_equal(result, ort("Transpose", [x], perm=(0, 3, 1, 2)))
    value = np.asarray(7, x.dtype)
    expected = ort("Pad", [x, np.array([0, 1, 0, 2, 1, 0, 3, 0]), value])
    result = run4(nodes4.Pad, [x], element, expected.size, shape=x.shape, padding=(0, 1, 1, 0, 0, 3, 2, 0),
                  value_element=0, value=value.tobytes().ljust(4, b"\0"))  # fmt: skip
    np.testing.assert_array_equal(result, expected)
    starts, ends, steps = (1, 2, 0, 4), (2, 0, 4, 0), (1, -1, 2, -2)
    expected = ort("Slice", [x, *map(np.array, (starts, ends, range(4), steps))])
    result = run4(
        nodes4.StridedSlice, [x], element, expected.size, shape=x.shape, begin=starts, end=ends, strides=steps
    )
    np.testing.assert_array_equal(result, expected)


def test_memory_copy_and_table():
    x, table = bytes_(1, 2, 3, 4), bytes_(256)
    np.testing.assert_array_equal(run4(nodes4.MemoryCopy, [x], "u8", 24), x)
    np.testing.assert_array_equal(run4(nodes4.TableLookup1D, [x], "u8", 24, constants=[table]), table[x])


@pytest.mark.parametrize("size", [(8, 10), (3, 4), (4, 5), (7, 3)])
@pytest.mark.parametrize("make", [floats, bytes_])
def test_resize_nearest(size, make):
    x = make(1, 2, 4, 5)
    expected = ort("Resize", [x, None, None, np.array([1, 2, *size])], mode="nearest",
                   coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    result = run4(nodes4.ResizeImage, [x], "f32" if make is floats else "u8", expected.size, shape=x.shape,
                  height=size[0], width=size[1], mode=1, align_corners=0)  # fmt: skip
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("size", [(8, 10), (3, 4), (1, 1), (7, 3)])
@pytest.mark.parametrize("corners", [0, 1])
def test_resize_bilinear(size, corners):
    """ONNX's align_corners of a single result differs: it is 0 here too."""
    x = floats(1, 2, 4, 5)
    mode = "align_corners" if corners else "asymmetric"
    expected = ort(
        "Resize", [x, None, None, np.array([1, 2, *size])], mode="linear", coordinate_transformation_mode=mode
    )
    result = run4(nodes4.ResizeImage, [x], "f32", expected.size, shape=x.shape, height=size[0], width=size[1], mode=0,
                  align_corners=corners)  # fmt: skip
    np.testing.assert_allclose(result, expected, **CLOSE)


def test_resize_bilinear_of_bytes_cuts_off():
    x = np.array([0, 10, 20, 255], np.uint8).reshape(1, 1, 1, 4)
    result = run4(nodes4.ResizeImage, [x], "u8", 16, shape=x.shape, height=1, width=16, mode=0, align_corners=0)
    assert result.ravel().tolist() == [0, 2, 5, 7, 10, 12, 15, 17, 20, 78, 137, 196, 255, 255, 255, 255]


def test_softmax_and_matmul():
    x = floats(3, 5) * 4
    result = run4(nodes4.Softmax, [x], "f32", 15, inner=5, outer=3, beta=0.5)
    np.testing.assert_allclose(result.reshape(3, 5), ort("Softmax", [x * np.float32(0.5)], rank=2, axis=1), **CLOSE)
    a, b, bias = floats(3, 7), floats(7, 4), floats(4)
    expected = np.clip(ort("Gemm", [a, b, bias], rank=2), -1, 1)
    result = run4(nodes4.Matmul, [a], "f32", 12, (bias,), [b], rows=3, inner=7, columns=4, low=-1.0, high=1.0)
    np.testing.assert_allclose(result, expected, **CLOSE)


EXACT = {"rsqrt": lambda x: 1 / np.sqrt(x.astype(np.float64)), "square": lambda x: x.astype(np.float64) ** 2}


@pytest.mark.parametrize("kind", nodes4.UNARIES)
def test_unary_and_the_same_as_a_program(kind):
    x = np.abs(floats(1, 2, 3, 4)) + np.float32(0.1) if kind in ("log", "rsqrt") else floats(1, 2, 3, 4)
    expected = EXACT[kind](x) if kind in EXACT else ort(kind.title(), [x])
    number = nodes4.UNARIES.index(kind)
    np.testing.assert_allclose(run4(nodes4.Unary, [x], "f32", 24, operation=number), expected, **CLOSE)
    program = np.array([0x03, 0x20 + number, 0xA0], np.uint8)
    np.testing.assert_allclose(run4(nodes4.NnilUnary, [x], "f32", 24, (program,)), expected, **CLOSE)


def test_programs():
    """push, dup, constants, the binary operations in order, clamp: hard swish and a mixture."""
    x = floats(1, 1, 1, 30) * 5
    literal = lambda value: b"\x06" + np.float32(value).tobytes()  # noqa: E731
    hard_swish = b"\x03\x01" + literal(3) + b"\x40\x04" + literal(6) + b"\x80\x42" + literal(6) + b"\x43\xa0"
    result = run4(nodes4.NnilUnary, [x], "f32", 30, (np.frombuffer(hard_swish, np.uint8),))
    np.testing.assert_allclose(result, ort("Mul", [x, np.clip(x + 3, 0, 6) / np.float32(6)]), **CLOSE)
    mixture = b"\x00\x03\x05\x41\x03\x02\x03\x44" + literal(-2) + b"\x45\xa0\xff"
    result = run4(nodes4.NnilUnary, [x], "f32", 30, (np.frombuffer(mixture, np.uint8),))
    np.testing.assert_allclose(result, np.maximum(np.minimum(x - 1, x), -2), **CLOSE)


def test_quantize_rounds_halves_away_from_zero():
    x = np.array([0.25, -0.25, 0.75, 1.25, -9, 200, 0.2499999, np.nan], np.float32).reshape(1, 1, 2, 4)
    result = run4(nodes4.Quantize, [x], "u8", 8, zero_point=3, scale=2.0)
    assert result.ravel().tolist() == [4, 3, 5, 6, 0, 255, 3, 0]
    back = run4(nodes4.Dequantize, [result], "f32", 8, zero_point=3, scale=2.0)
    assert back.ravel().tolist() == [0.5, 0, 1, 1.5, -1.5, 126, 0, -1.5]


def carried(value, factor, shift):
    """In Python's integers: value * factor / 2**shift, halves up."""
    product = int(value) * factor
    return product if shift == 0 else (product + (1 << (shift - 1))) >> shift


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("groups", [1, 3])
def test_quantized_conv2d(groups, last):
    x, weights, bias = bytes_(1, 3, 5, 4), bytes_(3, 3 // groups, 3, 2), RNG.integers(-9000, 9000, 3).astype(np.int32)
    it = window((3, 2), (2, 1), (1, 1), (1, 1), (0, 1))
    sign = -1 if last else 1  # what the channels-last kinds subtract
    how = Rescale(input_offset=-100 * sign, weights_offset=-130 * sign, factor=1234, shift=20, output_offset=90)
    expected = np.zeros((1, 3, 3, 4), np.uint8)
    for o, y, z in itertools.product(range(3), range(3), range(4)):
        total = int(bias[o])
        for c, u, v in itertools.product(range(3 // groups), range(3), range(2)):
            row, column, channel = 2 * y + u - 1, z + v, c if groups == 1 else o
            if 0 <= row < 5 and column < 4:
                total += (int(x[0, channel, row, column]) - 100) * (int(weights[o, c, u, v]) - 130)
        expected[0, o, y, z] = np.clip(carried(total, 1234, 20) + 90, 0, 255)
    assert len(np.unique(expected)) > 10
    if not last:
        result = run4(nodes4.QuantizedConv2D, [x], "u8", 36, (bias, weights), shape=x.shape, groups=groups, channels=3,
                      window=it, rescale=how)  # fmt: skip
        np.testing.assert_array_equal(result, expected)
        return
    image = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    fields, kernels, more = nodes4.CpuQuantizedConv2D, weights.transpose(0, 2, 3, 1), {"channels": 3}
    if groups == 3:
        fields, kernels, more = nodes4.CpuQuantizedDepthwiseConv2D, weights[:, 0], {}
    result = run4(fields, [image], "u8", 36, (np.ascontiguousarray(kernels), bias), shape=image.shape, window=it,
                  rescale=how, **more)  # fmt: skip
    np.testing.assert_array_equal(result, expected.transpose(0, 2, 3, 1))


def test_quantized_matmul():
    a, b, bias = bytes_(3, 7), bytes_(7, 4), RNG.integers(-900, 900, 4).astype(np.int32)
    result = run4(nodes4.QuantizedMatmul, [a, b], "u8", 12, (bias,), rows=3, inner=7, columns=4, offset_a=-120,
                  offset_b=-90, factor=700, shift=17, output_offset=100)  # fmt: skip
    total = (a.astype(object) - 120) @ (b.astype(object) - 90) + bias.astype(object)
    expected = [[min(255, max(0, carried(one, 700, 17) + 100)) for one in row] for row in total]
    assert result.tolist() == expected


@pytest.mark.parametrize("kind", nodes4.BINARIES)
def test_quantized_binary(kind):
    a, b = bytes_(1, 2, 3, 5), bytes_(1, 2, 3, 1)
    offset, factor_b = (-61, 256) if kind == "div" else (-40, 500)
    scale = {"offset_a": -60, "factor_a": 300, "shift_a": 6, "offset_b": offset, "factor_b": factor_b, "shift_b": 8}
    if kind == "div":
        a, b[0, ..., 0] = 50 + a % 25, [[40, 58, 59], [60, 62, 75]]
    factor, shift = {"mul": (1, 8), "div": (11, 3)}.get(kind, (9, 4))
    out = {"output_factor": factor, "output_shift": shift, "output_offset": 80}
    result = run4(nodes4.QuantizedBinary, [a, b], "u8", 30, operation=nodes4.BINARIES.index(kind), shape_a=a.shape,
                  shape_b=b.shape, shape=a.shape, **scale, **out)  # fmt: skip
    cut = lambda p, q: abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1)  # noqa: E731
    operate = {"add": int.__add__, "sub": int.__sub__, "mul": int.__mul__, "min": min, "max": max,
               "div": lambda p, q: cut(p + cut(q, 2), q)}[kind]  # fmt: skip
    for index in np.ndindex(*a.shape):
        p = carried(int(a[index]) - 60, 300, 6)
        q = carried(int(b[0, index[1], index[2], 0]) + offset, factor_b, 8)
        expected = min(255, max(0, carried(operate(p, q), factor, shift) + 80))
        assert result[index] == expected


def test_what_the_builder_refuses():
    builder = builder4.Builder("cpu")
    with pytest.raises(KmodelError, match=r"K0408.*cpu has no KPU"):
        builder.input(place("kpu", "u8", 0, 4), (1, 1, 2, 2))
    with pytest.raises(KmodelError, match="four dimensions in 16 bytes"):
        builder.input(place("main", "f32", 0, 4), (1, 1, 2, 3))
    with pytest.raises(KmodelError, match="multiple of 4"):
        builder.input(place("main", "f32", 2, 4), (1, 1, 2, 2))
    image = builder.input(place("main", "f32", 0, 4), (1, 1, 2, 2))
    with pytest.raises(KmodelError, match="constants cannot be written"):
        constant = builder.constant(np.ones(4, np.float32))
        builder.add(nodes4.Unary(input=image, output=constant, operation=0))
    with pytest.raises(KmodelError, match="an output lies in main memory"):
        builder.output(constant)
    with pytest.raises(KmodelError, match=r"shape .* does not fit main"):
        builder.add(
            nodes4.Transpose(
                input=image, output=place("main", "f32", 16, 3), shape=(1, 1, 2, 2), permutation=(0, 1, 3, 2)
            )
        )
    with pytest.raises(KmodelError, match="does not add a bias"):
        fields = nodes4.Conv2DTranspose(input=image, output=place("main", "f32", 16, 4), shape=(1, 1, 2, 2),
                                        shape_out=(1, 1, 2, 2), groups=1, window=window(), **FULL)  # fmt: skip
        builder.add(fields, np.ones((1, 1, 1, 1), np.float32), np.ones(1, np.float32))
    with pytest.raises(KmodelError, match=r"weights is float64\[1, 1, 1, 1\], expected float32"):
        builder.add(fields, np.ones((1, 1, 1, 1)), np.zeros(1, np.float32))
    with pytest.raises(KmodelError, match="3 arrays are given, expected weights, bias"):
        builder.add(fields, np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32), image)
    with pytest.raises(KmodelError, match="not one of cpu, k210"):
        builder4.Builder("k230").write()
    builder = builder4.Builder()
    ram = place("kpu", "u8", 64, 64)
    with pytest.raises(KmodelError, match="start at a multiple of 8"):
        builder.add(nodes4.KpuUpload(input=place("main", "u8", 4, 64), output=ram, shape=(1, 4, 4, 4)))
    with pytest.raises(KmodelError, match="start at a multiple of 64"):
        builder.input(place("kpu", "u8", 32, 64), (1, 4, 4, 4))
    with pytest.raises(KmodelError, match="at or before 2097152"):
        builder.input(place("kpu", "u8", 2**21 - 128, 64), (1, 4, 4, 4))
    layer4 = layer(RNG, (1, 4, 4, 4), 4, 4096, kernel=1)
    with pytest.raises(KmodelError, match=r"a result of u8\[1, 4, 4, 4\] does not go to"):
        builder.kpu_conv2d(*layer4, output=place("main", "u8", 0, 60))
    with pytest.raises(KmodelError, match="use kpu_conv2d"):
        builder.add(nodes4.KpuConv2D(output=ram, registers=(0,) * 12))
