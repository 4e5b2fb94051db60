"""BlazeFace, a trained network that finds faces, with YOLOv8's input and output.

It takes an image in -1..1 with the channels last, and gives for 2 boxes at each of 16 x 16 places, then for 6 at each
of 8 x 8, a score (its sigmoid is how sure it is), and box and landmarks as distances in pixels from the place.
Source: the MediaPipe model card; anchors of a fixed size.

    python test/nncase/faces.py blazeface_front.onnx faces.onnx
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 128
GRIDS = ((16, 2), (8, 6))
"""Places along each side, and boxes at each."""


def places():
    """The middle of each box before it is moved: (2, boxes)."""
    found = []
    for count, boxes in GRIDS:
        y, x = (np.indices((count, count)) + 0.5) * (SIZE / count)
        found.append(np.repeat(np.stack([x.ravel(), y.ravel()]), boxes, axis=1))
    return np.concatenate(found, axis=1).astype(np.float32)


def faces(blazeface):
    """The ONNX file's bytes, of the ONNX file `blazeface`: image (1, 3, 128, 128) in 0..1 to (1, 5, 896)."""
    model = onnx.load(blazeface)
    graph = model.graph
    scores, boxes = ([value.name for value in graph.output[at : at + 2]] for at in (0, 2))
    constants = {
        "two": np.float32(2),
        "one": np.float32(1),
        "places": places()[None],
        "box": np.int64([0, 4]),
        "middle": np.int64([0, 2]),
        "size": np.int64([2, 4]),
        "axis": np.int64([1]),
    }
    graph.initializer.extend(numpy_helper.from_array(np.asarray(array), f"yolo_{n}") for n, array in constants.items())

    def part(value, name, into):
        ends = [helper.make_tensor(f"{into}_{n}", TensorProto.INT64, [1], [at]) for n, at in enumerate(constants[name])]
        graph.initializer.extend(ends)
        return helper.make_node("Slice", [value, ends[0].name, ends[1].name, "yolo_axis"], [into])

    before = [
        helper.make_node("Mul", ["image", "yolo_two"], ["doubled"]),
        helper.make_node("Sub", ["doubled", "yolo_one"], ["centred"]),
        helper.make_node("Transpose", ["centred"], [graph.input[0].name], perm=[0, 2, 3, 1]),
    ]
    behind = [
        helper.make_node("Concat", scores, ["all_scores"], axis=1),
        helper.make_node("Transpose", ["all_scores"], ["score_rows"], perm=[0, 2, 1]),
        helper.make_node("Sigmoid", ["score_rows"], ["sure"]),
        helper.make_node("Concat", boxes, ["all_boxes"], axis=1),
        helper.make_node("Transpose", ["all_boxes"], ["box_rows"], perm=[0, 2, 1]),
        part("box_rows", "middle", "moved"),
        part("box_rows", "size", "sizes"),
        helper.make_node("Add", ["moved", "yolo_places"], ["middles"]),
        helper.make_node("Concat", ["middles", "sizes", "sure"], ["found"], axis=1),
    ]
    nodes = [*before, *graph.node, *behind]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 5, places().shape[1]])
    made = helper.make_graph(nodes, "faces", [image], [found], graph.initializer)
    return helper.make_model(made, opset_imports=model.opset_import, ir_version=model.ir_version).SerializeToString()


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(faces(sys.argv[1]))
