"""Maps that the host scales, means over maps and products of matrices are, as layers, what the network computes."""

import numpy as np
import pytest
from onnx_writer import OnnxWriter
from test_form_layers import ROUNDING, SAME, convolution, formed


def gate(net, x, channels, name="HardSigmoid"):
    """Squeeze and excitation."""
    mean = net.op("GlobalAveragePool", x)
    inner = net.op("Relu", net.conv(mean, channels // 4, (1, 1)))
    return net.op("Mul", x, net.op(name, net.conv(inner, channels, (1, 1))))


@pytest.mark.parametrize("size", [(40, 64), (38, 70), (41, 64)])
@pytest.mark.parametrize("kind", ["plain", "residual", "blocks", "added", "two users"])
def test_scaled_maps(kind, size):
    net = OnnxWriter(20)
    channels = 44
    x = net.op("Relu", convolution(net, net.input(1, 3, *size), channels))
    if kind == "blocks":
        x = net.op("Relu", net.depthwise(x, (5, 5), pads=[2, 2, 2, 2]))
    y = gate(net, x, channels)
    if kind == "residual":
        y = net.op("Add", x, y)
    if kind == "added":
        y = net.op("Add", y, net.op("Relu", convolution(net, x, channels)))
    results = [convolution(net, y, 5, (1, 1))]
    if kind == "two users":
        results.append(net.op("Relu", net.depthwise(y, pads=SAME)))
    operations, error = formed(net, *results, count=1)
    assert error <= ROUNDING
    portions = operations.count("nn.mul")
    assert portions > 1 if kind != "two users" else portions == 1


def test_sum_of_scaled_maps_of_two_sizes():
    """A pyramid's: the smaller map is scaled on the host, and made larger; the sum is a layer nevertheless."""
    net = OnnxWriter(21)
    x = convolution(net, net.input(1, 3, 24, 32), 24)
    small = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    large = net.op("Resize", gate(net, small, 24), "", scales, **options)
    operations, error = formed(net, convolution(net, net.op("Add", gate(net, x, 24), large)))
    assert error <= ROUNDING
    assert operations.count("nn.mul") >= 2
    last = max(number for number, name in enumerate(operations) if name in ("nn.mul", "nn.resize"))
    assert operations[last:].count("kpu.layer") == 2  # the sum, and the convolution of it


@pytest.mark.parametrize("shape", [(1, 40, 32), (2, 20, 32), (36, 32), (41, 32), (6, 32), (3, 2, 16, 32)])
@pytest.mark.parametrize("bias", ["none", "behind", "before", "scalar"])
def test_rows_of_a_matrix(shape, bias):
    net = OnnxWriter(22)
    x = net.op("Tanh", net.input(*shape))
    y = net.op("MatMul", x, net.constant(net.random.standard_normal((32, 48)).astype(np.float32)))
    if bias != "none":
        other = net.constant(net.random.standard_normal((1,) if bias == "scalar" else (48,)).astype(np.float32))
        y = net.op("Add", *((other, y) if bias == "before" else (y, other)), channels=48)
    operations, error = formed(net, y)
    assert error <= ROUNDING
    fits = shape not in ((41, 32), (6, 32))
    assert ("kpu.layer" in operations) == fits
    assert ("nn.matmul" in operations) != fits
    assert "nn.add" not in operations or not fits


@pytest.mark.parametrize("kind", ["dense", "depthwise", "residual", "pooled", "5x5"])
def test_slopes_of_many_channels(kind):
    """Two blocks of channels and a rest, which stay blocks through what goes channel by channel."""
    net = OnnxWriter(23)
    channels = 76

    def slopes(x):
        values = net.random.uniform(-0.5, 1.5, (channels, 1, 1)).astype(np.float32)
        return net.op("PRelu", x, net.constant(values))

    x = slopes(convolution(net, net.input(1, 3, 12, 10), channels))
    if kind in ("depthwise", "5x5"):
        size = 3 if kind == "depthwise" else 5
        x = slopes(net.depthwise(x, (size, size), pads=[size // 2] * 4))
    if kind in ("residual", "pooled"):
        inner = convolution(net, net.depthwise(x, pads=SAME), channels, (1, 1))
        x = slopes(net.op("Add", inner, x))
    if kind == "pooled":
        x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    operations, error = formed(net, convolution(net, x, 5))
    assert error <= ROUNDING
    assert not {"nn.prelu", "nn.add", "nn.max_pool", "nn.concat"} & set(operations)
