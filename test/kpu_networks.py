"""Small random networks with what a KPU compiler has to get right, one family after the other."""

from onnx_writer import OnnxWriter

SAME = (1, 1, 1, 1)
WIDTHS = (8, 20, 40)
"""Four, two and one channel share a line of KPU memory."""
ACTIVATIONS = ("Relu", "Clip6", "LeakyRelu", "HardSwish", "Sigmoid", "Silu", "Tanh", "PRelu", "none")


def activate(net, x, kind):
    """An activation by name."""
    if kind == "none":
        return x
    if kind == "Clip6":
        return net.op("Clip", x, net.constant(_number(0)), net.constant(_number(6)))
    if kind == "LeakyRelu":
        return net.op("LeakyRelu", x, alpha=0.125)
    if kind == "Silu":
        return net.op("Mul", x, net.op("Sigmoid", x))
    if kind == "PRelu":
        slopes = net.random.uniform(-0.25, 0.5, (net.channels[x], 1, 1)).astype("float32")
        return net.op("PRelu", x, net.constant(slopes))
    return net.op(kind, x)


def _number(value):
    import numpy as np

    return np.float32(value)


def layer(net, x, outputs, kernel=(3, 3), kind=None, **attributes):
    """A convolution that keeps the size, and an activation."""
    if "pads" not in attributes and "auto_pad" not in attributes:
        before = [(size - 1) // 2 for size in kernel]
        attributes["pads"] = [*before, *(size - 1 - b for size, b in zip(kernel, before, strict=True))]
    y = net.conv(x, outputs, kernel, **attributes)
    return activate(net, y, kind or str(net.random.choice(ACTIVATIONS)))


def few(net):
    """A number of channels, rarely a multiple of 4."""
    return int(net.random.integers(1, 12))


def image(net, channels=None):
    """An input; and its size."""
    size = int(net.random.integers(8, 21)), int(net.random.choice(WIDTHS))
    return net.input(1, channels or few(net), *size), size


def chain(net):
    x, _ = image(net)
    for _ in range(4):
        x = layer(net, x, few(net), [(1, 1), (3, 3)][net.random.integers(2)])
    return [x]


def residual(net):
    x, _ = image(net)
    x = layer(net, x, channels := few(net))
    for _ in range(2):
        inner = layer(net, layer(net, x, few(net), (1, 1)), channels, kind="none")
        x = activate(net, net.op("Add", x, inner), ["Relu", "none"][net.random.integers(2)])
    return [x]


def joined(net):
    x, _ = image(net)
    parts = [layer(net, x, few(net), [(1, 1), (3, 3)][net.random.integers(2)]) for _ in range(3)]
    both = net.concat(*parts)
    return [layer(net, net.concat(layer(net, both, few(net)), parts[0], x), few(net), (1, 1))]


def pooled(net):
    x, (height, width) = image(net)
    x = layer(net, x, few(net))
    kinds = [("MaxPool", 2), ("AveragePool", 2), ("MaxPool", 4), ("AveragePool", 4), ("MaxPool", 3)]
    kind, size = kinds[net.random.integers(len(kinds))]
    stride = 2 if size == 3 else size
    y = net.op(kind, x, kernel_shape=(size, size), strides=(stride, stride))
    if height // stride >= 4 and width // stride >= 4:
        y = layer(net, y, few(net))
    return [y]


def strided(net):
    x, _ = image(net)
    x = layer(net, x, few(net), strides=(2, 2))
    x = activate(net, net.depthwise(x, strides=(1, 1), pads=SAME), "Clip6")
    x = layer(net, x, few(net), (1, 1))
    begin = [SAME, (0, 0, 1, 1), (0, 0, 0, 0)][net.random.integers(3)]
    x = activate(net, net.depthwise(x, strides=(2, 2), pads=begin), "Relu")
    return [layer(net, x, few(net), (1, 1))]


def large_kernels(net):
    x, _ = image(net, 3)
    kernel = [(5, 5), (7, 7), (1, 5), (10, 4), (2, 2), (4, 4)][net.random.integers(6)]
    return [layer(net, layer(net, x, few(net), kernel), few(net), dilations=(1, 1))]


def dilated(net):
    x, _ = image(net)
    step = int(net.random.integers(2, 4))
    x = layer(net, x, few(net), dilations=(step, step), pads=(step,) * 4)
    return [activate(net, net.depthwise(x, dilations=(2, 2), pads=(2,) * 4), "Relu")]


def classifier(net):
    x, _ = image(net)
    x = layer(net, x, inner := 4 * few(net), strides=(2, 2))
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    if net.random.integers(2):
        x, inner = net.op("Relu", net.dense(x, inner, 16)), 16
    return [net.op("Softmax", net.dense(x, inner, 10), axis=-1)]


def flattened(net):
    x, _ = image(net)
    x = layer(net, x, 4, strides=(4, 4))
    x = net.op("GlobalMaxPool", layer(net, x, 24))
    return [net.dense(net.op("Flatten", x), 24, 5)]


def many_ends(net):
    size = int(net.random.integers(8, 17)), int(net.random.choice(WIDTHS))
    a, b = (net.input(1, few(net), *size) for _ in range(2))
    x, y = layer(net, a, channels := few(net)), layer(net, b, channels, (1, 1))
    both = layer(net, net.op("Add", x, y), few(net))
    host = layer(net, net.op("Resize", both, "", net.constant(_scales()), mode="nearest"), few(net))
    return [x, host, net.op("Sigmoid", both)]


def _scales():
    import numpy as np

    return np.array([1, 1, 2, 2], np.float32)


def transposed_inputs(net):
    """Channels last on the outside, and a map that the host only moves."""
    size = int(net.random.integers(8, 17)), int(net.random.choice(WIDTHS))
    x = net.input(1, *size, channels := few(net))
    x = net.op("Transpose", x, perm=(0, 3, 1, 2), channels=channels)
    x = layer(net, x, few(net))
    x = net.op("Pad", x, net.constant(_int64(0, 1, 0, 0, 0, 2, 0, 0)), channels=net.channels[x] + 3)
    x = layer(net, x, few(net))
    x = net.op("Slice", x, *(net.constant(_int64(*values)) for values in ((1, 2), (7, 8), (2, 3))))
    return [net.op("Transpose", layer(net, x, few(net)), perm=(0, 2, 3, 1))]


def _int64(*values):
    import numpy as np

    return np.array(values, np.int64)


FAMILIES = (
    chain,
    residual,
    joined,
    pooled,
    strided,
    large_kernels,
    dilated,
    classifier,
    flattened,
    many_ends,
    transposed_inputs,
)


def network(seed):
    """A network's writer, and the model's bytes; families follow each other by seed."""
    net = OnnxWriter(seed)
    return net, net.model(*FAMILIES[seed % len(FAMILIES)](net))
