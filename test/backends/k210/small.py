"""Small random networks for the K210, as ONNX models."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Net:
    """A network that is built node by node; values are names."""

    def __init__(self, seed, *inputs):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants = [], []
        self.shapes = {f"x{number}": shape for number, shape in enumerate(inputs)}

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, operator, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def weights(self, *shape):
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))

    def conv(self, value, inputs, outputs, kernel=3, stride=1, groups=1, relu=True):
        bias = self.constant(self.rng.normal(0, 0.2, outputs).astype(np.float32))
        weight, pad = self.weights(outputs, inputs // groups, kernel, kernel), kernel // 2
        value = self.add("Conv", value, weight, bias, strides=[stride] * 2, pads=[pad] * 4, group=groups)
        return self.add("Relu", value) if relu else value

    def model(self, *results):
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in self.shapes.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)

    def samples(self, count=4):
        """Calibration data: a dictionary a sample."""
        rng = np.random.default_rng(1)
        return [
            {name: rng.standard_normal(shape).astype(np.float32) for name, shape in self.shapes.items()}
            for _ in range(count)
        ]


def residual(seed):
    """Convolutions of all kinds, a sum, a pooling; two outputs."""
    net = Net(seed, (1, 3, 16, 16))
    first = net.conv("x0", 3, 12)
    second = net.conv(net.conv(first, 12, 12, groups=12), 12, 12, kernel=1, relu=False)
    both = net.add("Add", first, second)
    small = net.add("MaxPool", both, kernel_shape=[2, 2], strides=[2, 2])
    return net, net.model(net.conv(small, 12, 5, relu=False), net.conv(both, 12, 7, kernel=1))


def two_inputs(seed):
    """Two maps, joined."""
    net = Net(seed, (1, 3, 8, 12), (1, 5, 8, 12))
    joined = net.add("Concat", net.conv("x0", 3, 6), net.conv("x1", 5, 10), axis=1)
    return net, net.model(net.conv(joined, 16, 4))


def classifier(seed):
    """Ends with a mean, a matrix and a softmax on the host."""
    net = Net(seed, (1, 1, 14, 10))
    value = net.conv(net.conv("x0", 1, 8), 8, 16, stride=2)
    value = net.add("Flatten", net.add("GlobalAveragePool", value))
    value = net.add("Gemm", value, net.weights(16, 6), net.constant(np.arange(6, dtype=np.float32)))
    return net, net.model(net.add("Softmax", value, axis=1))
