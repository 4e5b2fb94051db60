"""Layers of version 3, each in a file of its own, against onnxruntime or the definition in plain loops."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from files34 import layer, run3
from test_nodes4 import CLOSE, bytes_, floats, ort

from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import builder3, layers3, v3
from kpuc.runtime.kpu.registers import layer_arguments

RNG = np.random.default_rng(33)


def small_bytes(*shape):
    """Bytes that, four at a time, are finite floats."""
    return RNG.integers(0, 127, shape, np.uint8)


def test_float_layers():
    a, b = floats(24), floats(24)
    np.testing.assert_array_equal(run3(layers3.Add, [a, b], 96, count=24), a + b)
    x = a.reshape(1, 4, 3, 2)
    result = run3(layers3.GlobalAveragePool2D, [a], 16, kernel_size=6, channels=4)
    assert result.shape == (1, 4, 1, 1)
    np.testing.assert_allclose(result, ort("GlobalAveragePool", [x]), **CLOSE)
    np.testing.assert_allclose(run3(layers3.Softmax, [a], 96, channels=24)[0], ort("Softmax", [a], rank=1), **CLOSE)
    np.testing.assert_allclose(run3(layers3.Logistic, [a], 96, channels=24)[0], ort("Sigmoid", [a], rank=1), **CLOSE)
    norm = ort("LpNormalization", [a], rank=1, axis=0, p=2)
    np.testing.assert_allclose(run3(layers3.L2Normalization, [a], 96, channels=24)[0], norm, **CLOSE)
    flat = run3(layers3.TensorflowFlatten, [a], 96, shape=(2, 3, 4))
    np.testing.assert_array_equal(flat, ort("Transpose", [x], perm=(0, 2, 3, 1)))


def test_softmax_of_logits_far_below_zero_fails_as_on_the_board():
    """The maximum begins above zero, so all powers are 0."""
    assert np.all(np.isnan(run3(layers3.Softmax, [np.full(4, -200, np.float32)], 16, channels=4)))
    assert np.all(run3(layers3.L2Normalization, [np.zeros(4, np.float32)], 16, channels=4) == 0)


@pytest.mark.parametrize(("kernel", "strides", "padding"), [
    ((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 0)), ((2, 3), (2, 1), (1, 1)),
])  # fmt: skip
def test_pooling(kernel, strides, padding):
    """In the file: width, height."""
    image = floats(1, 3, 5, 6)
    options = {"kernel_shape": kernel[::-1], "strides": strides[::-1], "pads": (*padding[::-1], *padding[::-1])}
    expected = ort("AveragePool", [image], **options)
    stated = {"shape": (6, 5, 3), "shape_out": (*expected.shape[:1:-1], 3), "kernel": kernel, "strides": strides,
              "padding": padding}  # fmt: skip
    result = run3(layers3.AveragePool2D, [image.reshape(-1)], 4 * expected.size, **stated)
    np.testing.assert_allclose(result, expected, **CLOSE)
    quantised = small_bytes(1, 3, 5, 6)
    result = run3(layers3.QuantizedMaxPool2D, [quantised.reshape(-1)], expected.size, **stated)
    np.testing.assert_array_equal(result, ort("MaxPool", [quantised], **options))


@pytest.mark.parametrize(("width", "height"), [(8, 10), (3, 4), (5, 2)])
def test_resize(width, height):
    stated = {"shape": (5, 4, 2), "width": width, "height": height}
    for fields, x in (
        (layers3.ResizeNearestNeighbor, floats(1, 2, 4, 5)),
        (layers3.QuantizedResizeNearestNeighbor, small_bytes(1, 2, 4, 5)),
    ):
        expected = ort("Resize", [x, None, None, np.array([1, 2, height, width])], mode="nearest",
                       coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
        np.testing.assert_array_equal(run3(fields, [x.reshape(-1)], expected.nbytes, **stated), expected)


def test_between_floats_and_bytes():
    x = np.array([1.25, 0.75, 1, 0, 9, -3, 0.5, 64.6], np.float32)
    result = run3(layers3.Quantize, [x], 8, count=8, scale=0.25, bias=0.125)
    assert result.ravel().tolist() == [5, 3, 4, 0, 36, 0, 2, 255]
    q = small_bytes(12)
    result = run3(layers3.Dequantize, [q], 48, count=12, scale=0.25, bias=-3.0)
    np.testing.assert_array_equal(result, q * np.float32(0.25) - 3)
    pairs = np.array([[0.5, 1], [2, -7], [1, 0]], np.float32)
    result = run3(layers3.ChannelwiseDequantize, [q], 48, (pairs,), channels=3, channel_size=4)
    np.testing.assert_array_equal(result, (q.reshape(3, 4) * pairs[:, :1] + pairs[:, 1:]).ravel())
    table = bytes_(256)
    np.testing.assert_array_equal(run3(layers3.Requantize, [q], 12, (table,), count=12), table[q])


def test_concat():
    a, b = floats(6), floats(4)
    rows = np.array([[24, 16], [0, 24]], np.uint32)
    result = run3(layers3.Concat, [a, b], 40, (rows,), count=2)
    np.testing.assert_array_equal(result, np.concatenate([b, a]))
    q = small_bytes(16)
    result = run3(layers3.QuantizedConcat, [q], 5, (np.array([[9, 2], [1, 3]], np.uint32),), count=2)
    np.testing.assert_array_equal(result, q[[9, 10, 1, 2, 3]])


@pytest.mark.parametrize("activation", layers3.ACTIVATIONS)
def test_fully_connected(activation):
    x, weights, bias = floats(7) * 3, floats(5, 7), floats(5)
    builder = builder3.Builder()
    number = layers3.ACTIVATIONS.index(activation)
    builder.add(layers3.FullyConnected(input=0, output=32, inputs=7, outputs=5, activation=number), weights, bias)
    builder.output(32, 20)
    expected = ort("Gemm", [x[None], weights, bias], rank=2, transB=1)
    expected = {"none": expected, "relu": np.maximum(expected, 0), "relu6": np.clip(expected, 0, 6)}[activation]
    np.testing.assert_allclose(Simulator(builder.write()).run(x[None])["output0"], expected, **CLOSE)


def carried(value, shift):
    """Half and more goes up, but down for negative values: the SDK's shift, in Python's integers."""
    if shift == 0:
        return value
    doubled = value >> (shift - 1)
    return (doubled >> 1) + ((-1 if doubled < 0 else 1) if doubled & 1 else 0)


@pytest.mark.parametrize("shifts", [(6, 6), (5, 7)])
def test_quantized_add(shifts):
    a, b = small_bytes(24), small_bytes(24)
    options = {"offset_a": -70, "factor_a": 90, "shift_a": shifts[0], "offset_b": -50, "factor_b": 131,
               "shift_b": shifts[1], "output_offset": 100, "output_factor": 13, "output_shift": 5}  # fmt: skip
    result = run3(layers3.QuantizedAdd, [a, b], 24, count=21, **options)
    for p, q, one in zip(a.tolist(), b.tolist(), result.tolist(), strict=True):
        p, q = (p - 70) * 90, (q - 50) * 131
        total = (p + q) >> shifts[0] if shifts[0] == shifts[1] else (p >> shifts[0]) + (q >> shifts[1])
        assert one == min(255, max(0, carried(total * 13, 5) + 100))


def test_maps_of_one_pixel_go_in_and_out_of_kpu_ram():
    """Twelve channels of 1x1, padded to 4x4 in KPU RAM, through a 1x1 layer that passes the first pixel on."""
    rng = np.random.default_rng(1)
    arguments, weights, norm, activation = layer(rng, (1, 12, 4, 4), 8, 0, kernel=1)
    arguments = layer_arguments(1024, 4096, (1, 12, 4, 4), 8, kernel=1, weight_zero=120)
    values = small_bytes(12)
    builder = builder3.Builder()
    raw = values.view(np.float32)
    builder.add(
        layers3.FullyConnected(input=0, output=64, inputs=3, outputs=3),
        np.eye(3, dtype=np.float32),
        np.zeros(3, np.float32),
    )
    builder.add(layers3.K210AddPadding(input=64, kpu_output=16, channels=12))
    builder.k210_conv(arguments, weights, norm, activation, output=128)
    builder.add(layers3.K210RemovePadding(input=128, output=512, channels=8))
    builder.add(layers3.K210Upload(input=128, kpu_output=512, width=4, height=4, channels=8))
    builder.output(128, 128)
    builder.output(512, 8)
    maps, pixels = Simulator(builder.write()).run(raw[None]).values()
    assert maps.shape == (1, 8, 4, 4)
    np.testing.assert_array_equal(pixels.ravel(), maps[0, :, 0, 0])
    image = np.zeros((1, 12, 4, 4), np.uint8)
    image[0, :, 0, 0] = values
    direct = builder3.Builder()
    direct.k210_conv(arguments, weights, norm, activation, output=0)
    direct.output(0, 128)
    np.testing.assert_array_equal(Simulator(direct.write()).run(image)["output0"], maps)


def test_what_the_builder_refuses():
    builder = builder3.Builder()
    with pytest.raises(KmodelError, match=r"K0408.*begins with a k210_conv or fully_connected"):
        builder.add(layers3.Softmax(input=0, output=0, channels=4))
    with pytest.raises(KmodelError, match="at least one layer"):
        builder.write()
    eye = np.eye(4, dtype=np.float32), np.zeros(4, np.float32)
    builder.add(layers3.FullyConnected(input=0, output=16, inputs=4, outputs=4), *eye)
    with pytest.raises(KmodelError, match="multiple of 4"):
        builder.add(layers3.Softmax(input=0, output=2, channels=4))
    with pytest.raises(KmodelError, match="activation 3"):
        builder.add(layers3.FullyConnected(input=0, output=16, inputs=4, outputs=4, activation=3), *eye)
    with pytest.raises(KmodelError, match="ignores its activation"):
        builder.add(layers3.AveragePool2D(input=0, output=0, shape=(2, 2, 1), shape_out=(1, 1, 1), kernel=(2, 2),
                                          strides=(1, 1), padding=(0, 0), activation=1))  # fmt: skip
    with pytest.raises(KmodelError, match="input at 4 has to start at a multiple of 8"):
        builder.add(layers3.K210Upload(input=4, kpu_output=0, width=4, height=4, channels=4))
    with pytest.raises(KmodelError, match="not in KPU RAM"):
        builder.add(layers3.K210Upload(input=0, kpu_output=32767, width=4, height=4, channels=4))
    arguments, *rest = layer(np.random.default_rng(0), (1, 4, 4, 4), 4, 4096, kernel=1)
    with pytest.raises(KmodelError, match="multiple of 8"):
        builder.k210_conv(arguments, *rest, output=4)
    with pytest.raises(KmodelError, match="register wb_group is 0, expected 4"):
        builder.k210_conv(dataclasses.replace(arguments, wb_group=0), *rest)
    with pytest.raises(KmodelError, match="register para_start_addr is 64, expected 0"):
        builder.k210_conv(dataclasses.replace(arguments, para_start_addr=64), *rest)
    with pytest.raises(KmodelError, match="weights are float32"):
        builder.k210_conv(arguments, rest[0].astype(np.float32), *rest[1:])


def test_files_that_are_not_executed():
    builder = builder3.Builder()
    builder.k210_conv(*layer(np.random.default_rng(0), (1, 4, 4, 4), 4, 4096, kernel=1))
    builder.output(0, 8)
    model = builder.build()
    with pytest.raises(ExecutionError, match=r"K0507.*16 bits"):
        Simulator(v3.write(dataclasses.replace(model, flags=0)))
    with pytest.raises(KmodelError, match=r"K0402.*the first layer is missing"):
        Simulator(v3.write(dataclasses.replace(model, steps=())))
