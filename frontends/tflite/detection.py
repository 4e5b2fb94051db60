"""The operators at the end of detection networks: of many boxes, those that stand for something."""

from dataclasses import dataclass

import numpy as np
from flatbuffers import flexbuffers

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import shape_of
from ..builder import Unsupported
from .loader import guarded
from .node import Node, Output, converter
from .suppression import MOST_PLACES, NONE_LEFT, SUPPRESSION, Rule, Selection, as_type, count_of, or_zero
from .windows import extent


@converter(
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    builds=(nn.Transpose, nn.Split, *SUPPRESSION, nn.Squeeze),
    forms={"scores that decay": (nn.Mul, nn.Exp)},
)
def non_max_suppression(node: Node) -> Output:
    """Limits and thresholds must be constant. Of boxes with equal scores the first one is taken; LiteRT takes any."""
    (places,), soft = node.ints(2), node.operator.endswith("V5")
    limit, least, *sigma = (np.float32(node.constant(index).reshape(())) for index in range(3, 6 if soft else 5))
    corners = nn.Transpose(node.input(0), permutation=(1, 0)).output
    first, second = nn.Split(corners, axis=0, sizes=(2, 2)).outputs
    low, high = nn.Minimum(first, second).output, nn.Maximum(first, second).output
    row = nn.Unsqueeze(node.input(1), axes=(0,)).output
    rule = Rule(limit, least, np.float32(-0.5) / sigma[0] if soft and sigma[0] > 0 else None)
    indices, scores, good = Selection(node, low, high, row, rule).take(places)
    count = as_type(count_of(good), np.int32)
    indices, scores = (or_zero(node, good, one) for one in (as_type(indices, np.float32), scores))
    indices, scores = (nn.Squeeze(one, axes=(0,)).output for one in (as_type(indices, np.int32), scores))
    return [indices, scores, count] if soft else [indices, count]


@dataclass(frozen=True)
class Options:
    """Those of TFLite_Detection_PostProcess; `scales` are those of y, x, height and width."""

    places: int
    classes_per_box: int
    places_per_class: int
    by_class: bool
    rule: Rule
    classes: int
    scales: tuple[float, ...]


def _options(node: Node) -> Options:
    with guarded(node.builder.model):
        table = flexbuffers.GetRoot(bytes(node.table.CustomOptionsAsNumpy())).AsMap
        names = {key.AsKey for key in table.Keys}
        places, classes_per_box, classes = (
            table[name].AsInt for name in ("max_detections", "max_classes_per_detection", "num_classes")
        )
        per_class = table["detections_per_class"].AsInt if "detections_per_class" in names else 100
        by_class = "use_regular_nms" in names and table["use_regular_nms"].AsBool
        least, limit, *scales = (
            table[name].AsFloat
            for name in ("nms_score_threshold", "nms_iou_threshold", "y_scale", "x_scale", "h_scale", "w_scale")
        )
    one_more = np.nextafter(np.float32(limit), np.float32(np.inf))  # LiteRT drops what overlaps by more than the limit
    rule = Rule(one_more, np.nextafter(np.float32(least), np.float32(-np.inf)), once=True)
    return Options(places, classes_per_box, per_class, by_class, rule, classes, tuple(scales))


@converter(
    "CUSTOM TFLite_Detection_PostProcess",
    builds=(nn.Squeeze, nn.Slice, nn.Transpose, nn.Split, nn.Mul, nn.Exp, *SUPPRESSION, nn.Topk, nn.Expand, nn.Reshape),
)
def detection_postprocess(node: Node) -> Output:
    """Behind the detections that are counted there are zeros. Of equal scores the first one is taken."""
    options = _options(node)
    low, high = _corners(node, options.scales)
    boxes = nn.Transpose(nn.concat([low, high], 0), permutation=(1, 0)).output
    known = extent(node.input(1), 2)
    if not 0 < options.classes <= known or not 0 < options.classes_per_box <= MOST_PLACES:
        raise Unsupported(f"{options.classes} classes, {options.classes_per_box} a box, do not fit scores of {known}")
    scores = nn.Squeeze(node.input(1), axes=(0,)).output
    scores = _part(scores, 1, known - options.classes, known)
    if options.by_class:
        return _by_class(node, options, low, high, boxes, scores)
    return _by_best_class(node, options, low, high, boxes, scores)


def _part(value: ir.Value, axis: int, start: int, end: int) -> ir.Value:
    return nn.Slice(value, starts=(start,), ends=(end,), axes=(axis,), steps=(1,)).output


def _corners(node: Node, scales: tuple[float, ...]) -> tuple[ir.Value, ir.Value]:
    """The low and high corners of boxes (2 x n): anchors that are moved by parts of their sizes, and made larger."""
    moves = nn.Transpose(_part(nn.Squeeze(node.input(0), axes=(0,)).output, 1, 0, 4), permutation=(1, 0)).output
    anchors = nn.Transpose(node.input(2), permutation=(1, 0)).output
    (move, growth), (middle, size) = (nn.Split(one, axis=0, sizes=(2, 2)).outputs for one in (moves, anchors))
    move_scale, growth_scale = (
        node.new_constant(np.reshape(pair, (2, 1)), np.float32) for pair in (scales[:2], scales[2:])
    )
    middle = nn.Add(nn.Mul(nn.Div(move, move_scale).output, size).output, middle).output
    size = nn.Mul(nn.Exp(nn.Div(growth, growth_scale).output).output, size).output
    half = nn.Mul(size, node.like(0.5, size)).output
    return nn.Sub(middle, half).output, nn.Add(middle, half).output


def _by_best_class(
    node: Node, options: Options, low: ir.Value, high: ir.Value, boxes: ir.Value, scores: ir.Value
) -> list[ir.Value]:
    """Boxes compete by the scores of their best classes; each one that is taken is there with its best ones."""
    places, wanted = options.places, options.classes_per_box
    top = nn.Topk(scores, k=min(wanted, options.classes), axis=1, largest=True, sorted=True)
    row = nn.Transpose(_part(top.output, 1, 0, 1), permutation=(1, 0)).output
    indices, _, good = Selection(node, low, high, row, options.rule).take(places)
    indices, column = nn.Squeeze(indices, axes=(0,)).output, nn.Transpose(good, permutation=(1, 0)).output
    found = [boxes, as_type(top.indices, np.float32), top.output]
    found = [or_zero(node, column, nn.Gather(one, indices, axis=0, batch_dims=0).output) for one in found]
    missing = node.new_constant(np.zeros((places, max(wanted - options.classes, 0)), np.float32))
    boxes, classes, values = found[0], *(nn.concat([one, missing], 1) for one in found[1:])
    wide = nn.Expand(nn.Unsqueeze(boxes, axes=(1,)).output, shape=(places, wanted, 4)).output
    return _results(node, options, wide, classes, values, count_of(good))


def _by_class(
    node: Node, options: Options, low: ir.Value, high: ir.Value, boxes: ir.Value, scores: ir.Value
) -> list[ir.Value]:
    """Boxes compete in each class; the best ones of all classes are there."""
    places, per_class = options.places, min(options.places, options.places_per_class)
    rows = nn.Transpose(scores, permutation=(1, 0)).output
    indices, values, good = Selection(node, low, high, rows, options.rule).take(per_class)
    values = nn.Where(good, values, node.like(float(NONE_LEFT), values)).output
    size = options.classes * per_class
    rest = max(places - size, 0)
    values = nn.concat([nn.Reshape(values, shape=(size,)).output, node.new_constant(np.full(rest, NONE_LEFT))], 0)
    indices = nn.concat([nn.Reshape(indices, shape=(size,)).output, node.new_constant(np.zeros(rest, np.int64))], 0)
    top = nn.Topk(values, k=places, axis=0, largest=True, sorted=True)
    good = nn.Greater(top.output, node.like(float(NONE_LEFT), top.output)).output
    numbers = node.new_constant(np.append(np.repeat(np.arange(options.classes), per_class), np.zeros(rest)), np.float32)
    numbers, indices = (nn.Gather(one, top.indices, axis=0, batch_dims=0).output for one in (numbers, indices))
    boxes = nn.Gather(boxes, indices, axis=0, batch_dims=0).output
    boxes = or_zero(node, nn.Unsqueeze(good, axes=(1,)).output, boxes)
    numbers, values = (or_zero(node, good, one) for one in (numbers, top.output))
    return _results(node, options, boxes, numbers, values, count_of(good))


def _results(
    node: Node, options: Options, boxes: ir.Value, classes: ir.Value, scores: ir.Value, count: ir.Value
) -> list[ir.Value]:
    """The outputs: as many places as there may be classes for each box, zeros behind those that are given."""
    places, results = options.places * options.classes_per_box, []
    for value, width in ((boxes, 4), (classes, 1), (scores, 1)):
        given = nn.Reshape(value, shape=(-1, width)).output
        rest = node.new_constant(np.zeros((places - (shape_of(given)[0] or 0), width), np.float32))
        shape = (1, places, width) if width > 1 else (1, places)
        results.append(nn.Reshape(nn.concat([given, rest], 0), shape=shape).output)
    return [*results, nn.Reshape(count, shape=(1,)).output]
