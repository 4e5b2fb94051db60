"""A small network that finds red, green and blue things up to 24 pixels wide, with YOLOv8's output, from known weights.

How much of a colour there is comes first. In a window around each place, the sum of that is the area of a thing, the
sums of its rows' and columns' squares its height and width, and its mean place the middle.

    python test/nncase/detector.py things.onnx
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIZE, WINDOW, STRIDE = 64, 32, 8
NAMES = "red,green,blue"


def detector(is_open=False):
    """The ONNX file's bytes: image (1, 3, 64, 64) to (1, 7, 64).

    `is_open`: the file has names for the image's dimensions, and nodes that compute with them, as PyTorch writes it:
    image (1, 3, height, width), both multiples of 8, to (1, 7, height * width / 64).
    """
    nodes, constants = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def op(kind, *inputs, **attributes):
        name = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    colour = 2 * np.float32([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]]).reshape(3, 3, 1, 1)
    much = op("Conv", "image", constant("colour", colour), constant("least", [-0.6] * 3))
    there = op("Clip", op("Mul", much, constant("gain", 4)), constant("zero", 0), constant("one", 1))
    reach = np.arange(WINDOW, dtype=np.float32) - (WINDOW - 1) / 2
    kernels = np.stack([np.ones((WINDOW, WINDOW)), np.tile(reach, (WINDOW, 1)), np.tile(reach[:, None], (1, WINDOW))])
    kernels = np.concatenate([kernels, kernels[1:] ** 2])[:, None] / WINDOW**2
    scale = np.float32([1, 1 / WINDOW, 1 / WINDOW, WINDOW**-2, WINDOW**-2]).reshape(5, 1, 1, 1)
    weight = np.tile(kernels * scale, (3, 1, 1, 1))
    pad = (WINDOW - STRIDE) // 2
    sums = op("Conv", there, constant("moments", weight), group=3, strides=[STRIDE, STRIDE], pads=[pad] * 4)
    places = (SIZE // STRIDE) ** 2
    for name, value in (("shape", [3, 5, places]), ("from", [2]), ("to", [4]), ("head", [3, 5])):
        constants.append(numpy_helper.from_array(np.int64(value), name))
    size = op("Slice", op("Shape", sums), "from", "to")
    shape = op("Concat", "head", op("ReduceProd", size, axes=[0], keepdims=1), axis=0) if is_open else "shape"
    sums = op("Reshape", sums, shape)  # (3 colours, 5 sums, places)
    area, x, y, xx, yy = (
        op("Gather", sums, index(constants, number), axis=1) for number in range(5)
    )  # (3 colours, places) each
    floor = op("Add", area, constant("tiny", 1e-4))
    x, y, xx, yy = (op("Div", one, floor) for one in (x, y, xx, yy))
    spread = [op("Sub", square, op("Mul", mean, mean)) for square, mean in ((xx, x), (yy, y))]
    width, height = (  # a thing of width w has a variance of w^2 / 12
        op("Mul", op("Sqrt", op("Max", one, constant(f"low{n}", 1e-6))), constant(f"twelve{n}", np.sqrt(12) * WINDOW))
        for n, one in enumerate(spread)
    )
    # sure where the thing is in the middle of the window and as large as its sides say
    grid = (np.arange(SIZE // STRIDE) + 0.5) * STRIDE
    middle = [constant(f"g{n}", one.ravel()) for n, one in enumerate(np.meshgrid(grid, grid))]
    if is_open:
        for name, value in (("none", 0), ("one_more", 1), ("every", [-1]), ("column", [-1, 1])):
            constants.append(numpy_helper.from_array(np.int64(value), name))
        counts = [op("Range", "none", op("Gather", size, f"pick{n}", axis=0), "one_more") for n in (0, 1)]
        steps = [
            op("Mul", op("Cast", one, to=TensorProto.FLOAT), constant(f"stride{n}", STRIDE))
            for n, one in enumerate(counts)
        ]
        rows, columns = (op("Add", one, constant(f"half{n}", STRIDE / 2)) for n, one in enumerate(steps))
        rows = op("Reshape", rows, "column")
        middle = [op("Reshape", op("Expand", one, size), "every") for one in (columns, rows)]
    x, y = (op("Mul", one, constant(f"wide{n}", WINDOW)) for n, one in enumerate((x, y)))
    off = op("Add", op("Abs", x), op("Abs", y))
    full = op("Mul", area, constant("whole", WINDOW**2))
    doubt = op("Mul", off, constant("each", 0.5))
    sure = op("Sub", op("Mul", full, constant("pixel", 0.03)), doubt)
    best = op("Softmax", op("Mul", area, constant("sharp", 400)), axis=0)
    scores = op("Mul", op("Sigmoid", op("Sub", sure, constant("enough", 1.5))), best)
    parts = [
        op("ReduceSum", op("Mul", one, best), "first", keepdims=1)
        for one in (
            op("Add", x, middle[0]),
            op("Add", y, middle[1]),
            width,
            height,
        )
    ]
    constants.append(numpy_helper.from_array(np.int64([0]), "first"))
    found = op("Concat", *parts, scores, axis=0)
    nodes.append(helper.make_node("Unsqueeze", [found, "first"], ["output0"], name="output"))
    image = ["batch", 3, "height", "width"] if is_open else [1, 3, SIZE, SIZE]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, image)
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 7, "places" if is_open else places])
    graph = helper.make_graph(nodes, "detector", [image], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


def index(constants, number):
    """A constant that picks one of an axis."""
    constants.append(numpy_helper.from_array(np.int64(number), f"pick{number}"))
    return f"pick{number}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(detector())
