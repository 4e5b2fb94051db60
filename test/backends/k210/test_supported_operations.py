"""What docs/ops.md says that the KPU computes becomes a layer, or a part of one, in a small network."""

import numpy as np
import pytest
from small import Net

import kpuc
from kpuc.dialects import nn
from kpuc.passes.kpu.rules import LAYERS

ACTIVATIONS = {
    nn.Abs: ("Abs", {}),
    nn.Atan: ("Atan", {}),
    nn.Celu: ("Celu", {}),
    nn.Clamp: ("Clip", {}),
    nn.Elu: ("Elu", {}),
    nn.Erf: ("Erf", {}),
    nn.Exp: ("Exp", {}),
    nn.Gelu: ("Gelu", {}),
    nn.HardSigmoid: ("HardSigmoid", {}),
    nn.HardSwish: ("HardSwish", {}),
    nn.LeakyRelu: ("LeakyRelu", {"alpha": 0.1}),
    nn.Mish: ("Mish", {}),
    nn.Neg: ("Neg", {}),
    nn.Relu: ("Relu", {}),
    nn.Selu: ("Selu", {}),
    nn.Sigmoid: ("Sigmoid", {}),
    nn.Silu: ("Swish", {}),
    nn.Softplus: ("Softplus", {}),
    nn.Softsign: ("Softsign", {}),
    nn.Square: ("Pow", {}),
    nn.Tanh: ("Tanh", {}),
    nn.ThresholdedRelu: ("ThresholdedRelu", {}),
}
"""The ONNX operators of functions of an element."""


def numbers(*shape):
    return np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(np.float32)


def between(net, op, value):
    """The operation on a map of 8 channels, 16 x 16 pixels."""
    if op in ACTIVATIONS:
        operator, attributes = ACTIVATIONS[op]
        more = {nn.Clamp: [np.float32(-0.5), np.float32(0.5)], nn.Square: [np.float32(2)]}.get(op, [])
        return net.add(operator, value, *map(net.constant, more), **attributes)
    if op is nn.Add:
        return net.add("Add", value, net.conv("x0", 3, 8))
    if op in (nn.Sub, nn.Mul):
        return net.add(op.__name__, value, net.constant(numbers(1, 8, 1, 1)))
    if op is nn.BatchNorm:
        return net.add("BatchNormalization", value, *(net.constant(numbers(8)) for _ in range(4)))
    if op is nn.Prelu:
        return net.add("PRelu", value, net.constant(numbers(8, 1, 1)))
    if op is nn.MaxPool:
        return net.add("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2])
    if op is nn.AvgPool:
        return net.add("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2])
    if op is nn.ConvTranspose:
        return net.add("ConvTranspose", value, net.weights(8, 8, 2, 2), strides=[2, 2])
    assert op is nn.Conv
    return net.conv(value, 8, 8, relu=False)


@pytest.mark.parametrize("op", [op for op in LAYERS if op is not nn.Matmul], ids=lambda op: op.__name__)
def test_it_is_in_a_layer(op, tmp_path):
    net = Net(3, (1, 3, 16, 16))
    value = between(net, op, net.conv("x0", 3, 8, relu=False))
    model = net.model(net.conv(value, 8, 4, relu=False))
    model.opset_import[0].version = 24
    kpuc.compile(model, target="k210", calibration=net.samples(), dump_ir=tmp_path)
    assert f'"{op.OPERATION_NAME}"' not in _behind(tmp_path, "kpu-form-layers")


def test_a_product_of_many_rows(tmp_path):
    net = Net(3, (1, 256, 32))
    model = net.model(net.add("MatMul", "x0", net.constant(numbers(32, 16))))
    kpuc.compile(model, target="k210", calibration=net.samples(), dump_ir=tmp_path)
    assert '"nn.matmul"' not in _behind(tmp_path, "kpu-form-layers")


def _behind(folder, name):
    """The network behind a pass."""
    (path,) = folder.glob(f"*_{name}.mlir")
    return path.read_text()
