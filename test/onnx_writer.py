"""Writes small ONNX networks with random weights, which tests compile."""

import numpy as np
import onnx
from onnx import helper, numpy_helper


class OnnxWriter:
    """A network that grows node by node; the values that nodes take and return are names."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.channels = {}
        self._inputs, self._nodes, self._constants = [], [], []

    def input(self, *shape):
        """A float32 input."""
        name = f"x{len(self._inputs)}"
        self._inputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
        self.channels[name] = shape[1]
        return name

    def constant(self, array):
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, kind, *inputs, channels=None, **attributes):
        """A node with one result, which has as many channels as its first input unless told otherwise."""
        name = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{name}", **attributes))
        self.channels[name] = self.channels.get(inputs[0]) if channels is None else channels
        return name

    def concat(self, *values):
        return self.op("Concat", *values, axis=1, channels=sum(self.channels[value] for value in values))

    def conv(self, x, outputs, kernel=(1, 1), group=1, **attributes):
        """A convolution whose results are about as large as its input."""
        shape = (outputs, self.channels[x] // group, *kernel)
        weight = self.random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        bias = self.random.standard_normal(outputs) / 4
        constants = [self.constant(array.astype(np.float32)) for array in (weight, bias)]
        return self.op("Conv", x, *constants, channels=outputs, kernel_shape=kernel, group=group, **attributes)

    def depthwise(self, x, kernel=(3, 3), **attributes):
        return self.conv(x, self.channels[x], kernel, self.channels[x], **attributes)

    def dense(self, x, inputs, outputs):
        """A matrix product of a row, with a bias."""
        weight = self.random.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        bias = self.random.standard_normal(outputs) / 4
        constants = [self.constant(array.astype(np.float32)) for array in (weight, bias)]
        return self.op("Gemm", x, *constants)

    def model(self, *outputs):
        """The file's bytes."""
        results = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "network", self._inputs, results, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        return model.SerializeToString()

    def samples(self, count):
        """Random inputs: a dictionary a sample."""
        return [
            {
                item.name: self.random.standard_normal(
                    [dim.dim_value for dim in item.type.tensor_type.shape.dim]
                ).astype(np.float32)
                for item in self._inputs
            }
            for _ in range(count)
        ]
