"""A network whose second layer reads one channel that is 60 times the others, of which 8 bits leave little then."""

import numpy as np
from onnx_writer import OnnxWriter


def scaled(net, x, factors, outputs):
    """A convolution whose weights are multiplied with factors, an input channel or an output channel."""
    weight = net.random.standard_normal((outputs, net.channels[x], 3, 3)) / np.sqrt(9 * net.channels[x])
    weight = net.constant((weight * factors).astype(np.float32))
    return net.op("Conv", x, weight, channels=outputs, kernel_shape=(3, 3), pads=(1, 1, 1, 1))


def network():
    net = OnnxWriter(3)
    large = np.where(np.arange(8) == 0, 60.0, 1.0)
    first = net.op("Relu", scaled(net, net.input(1, 3, 12, 12), large[:, None, None, None], 8))
    second = net.op("Relu", scaled(net, first, 1 / large[:, None, None], 8))
    third = net.op("Relu", scaled(net, second, 1, 8))
    return net, net.model(scaled(net, third, 1, 4))


NET, MODEL = network()
