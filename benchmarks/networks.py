"""Well-known networks with random weights, as ONNX: for benchmarks that need no file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Collects nodes and weights."""

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        self.name, self.shape = name, list(shape)
        self.random = np.random.default_rng(0)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output, and give the output's name."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, *shape: int) -> str:
        """A weight of a size that keeps activations near 1."""
        fan = int(np.prod(shape[1:])) or 1
        array = (self.random.standard_normal(shape) * np.sqrt(2.0 / fan)).astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, f"w{len(self.weights)}"))
        return str(self.weights[-1].name)

    def convolution(self, x: str, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> str:
        """A convolution with bias that keeps the image's size, but for the stride."""
        pad = (size - 1) // 2
        return self.node(
            "Conv", x, self.weight(outputs, inputs // groups, size, size), self.weight(outputs),
            kernel_shape=[size, size], strides=[stride, stride], pads=[pad] * 4, group=groups,
        )  # fmt: skip

    def relu6(self, x: str) -> str:
        """min(max(x, 0), 6)"""
        if not any(weight.name == "low" for weight in self.weights):
            self.weights += [numpy_helper.from_array(np.float32(v), n) for n, v in (("low", 0), ("high", 6))]
        return self.node("Clip", x, "low", "high")

    def classify(self, x: str, inputs: int) -> onnx.ModelProto:
        """The mean of each channel, and 1,000 classes of them."""
        x = self.node("Flatten", self.node("GlobalAveragePool", x), axis=1)
        last = self.node("Gemm", x, self.weight(1000, inputs), self.weight(1000), transB=1)
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, [self.shape[0], 1000])],
            self.weights,
        )  # fmt: skip
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def resnet18() -> onnx.ModelProto:
    """ResNet-18 for 224 x 224 images.  Source: He et al., Deep Residual Learning, 2015."""
    b = Builder("resnet18", (1, 3, 224, 224))
    x = b.node("Relu", b.convolution("x", 3, 64, 7, 2))
    x = b.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for outputs, first in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first, 1):
            y = b.node("Relu", b.convolution(x, inputs, outputs, 3, stride))
            y = b.convolution(y, outputs, outputs, 3)
            if stride != 1 or inputs != outputs:
                x = b.convolution(x, inputs, outputs, 1, stride)
            x = b.node("Relu", b.node("Add", y, x))
            inputs = outputs
    return b.classify(x, inputs)


def mobilenet_v2() -> onnx.ModelProto:
    """MobileNetV2 1.0 for 224 x 224 images.  Source: Sandler et al., MobileNetV2, 2018."""
    b = Builder("mobilenet_v2", (1, 3, 224, 224))
    x = b.relu6(b.convolution("x", 3, 32, 3, 2))
    inputs = 32
    blocks = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, outputs, count, first in blocks:
        for number in range(count):
            stride, hidden = (first if number == 0 else 1), inputs * expansion
            y = b.relu6(b.convolution(x, inputs, hidden, 1)) if expansion != 1 else x
            y = b.relu6(b.convolution(y, hidden, hidden, 3, stride, groups=hidden))
            y = b.convolution(y, hidden, outputs, 1)
            x = b.node("Add", x, y) if stride == 1 and inputs == outputs else y
            inputs = outputs
    return b.classify(b.relu6(b.convolution(x, inputs, 1280, 1)), 1280)


NETWORKS = {"resnet18": resnet18, "mobilenet_v2": mobilenet_v2}
