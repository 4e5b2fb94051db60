"""Suppression of overlapping boxes on the version 7 stack machine: loops over batches, classes and the boxes that stay.

Each round takes the best box that is left, and drops those that it overlaps; all boxes of a class are compared with it
at once.
"""

import numpy as np

from ...dialects import nn
from ...runtime.stackvm.assembler7 import Code, Label, Local, Operand
from .calls7 import Calls
from .recurrent7 import EMITTERS, emits, ints

__all__ = ["EMITTERS"]

NONE_LEFT = np.float32(-3e38)
"""The score of a box that was taken or dropped: the runtime finds no largest element where all are -inf."""


@emits(nn.Nms)
def nms(code: Code, op: nn.Nms, boxes: Operand, scores: Operand) -> None:
    call = Calls(code)
    code.push(np.zeros((0, 3), np.int64))
    selected = call.keep()
    sizes = call("shape_of", scores)
    batches, classes, count = (call("gather", sizes, np.int64(axis), axis=0) for axis in range(3))
    call("compare", count, np.int64(0), into=sizes, kind="greater")
    call("where", sizes, batches, np.int64(0), into=batches, is_tf=False)  # no boxes: no round
    numbers = call("range", np.int64(0), count, np.int64(1))

    def batch(number: Local, _end: Label) -> None:
        corners = _corners(call, op, call("gather", boxes, number, axis=0))
        areas = _area(call, corners)
        own = call("gather", scores, number, axis=0)

        def label(kind: Local, _end: Label) -> None:
            left = call("gather", own, kind, axis=0)
            if op.score_threshold is not None:
                good = call("compare", left, np.float32(op.score_threshold), kind="greater")
                call("where", good, left, NONE_LEFT, into=left, is_tf=False)

            def select(_round: Local, end: Label) -> None:
                best = call("reduce_arg", left, ints(0), np.bool_(True), np.bool_(False), kind="argmax", dtype="i64")
                score = call("gather", left, best, axis=0)
                call("reshape", score, ints(()), into=score)
                call.leave_unless("greater", score, NONE_LEFT, end)
                place = [call("reshape", one, ints((1,))) for one in (number, kind)]
                row = call("concat", [*place, best], axis=0)
                call("reshape", row, ints((1, 3)), into=row)
                call("concat", [selected, row], axis=0, into=selected)
                overlap = _overlap(call, corners, areas, best)
                far = call("compare", overlap, np.float32(op.iou_threshold), kind="less_equal")
                call("where", far, left, NONE_LEFT, into=left, is_tf=False)
                taken = call("compare", numbers, best, kind="equal")
                call("where", taken, NONE_LEFT, left, into=left, is_tf=False)

            call.loop(np.int64(op.max_output_boxes_per_class), select)

        call.loop(classes, label)

    call.loop(batches, batch)
    code.push(selected)
    call.release()


def _corners(call: Calls, op: nn.Nms, boxes: Local) -> list[Local]:
    """Top, left, bottom and right of all boxes."""
    first, second, third, fourth = (call("gather", boxes, np.int64(column), axis=1) for column in range(4))
    if not op.center_point_box:
        pairs = ((first, third), (second, fourth))
        return [call("binary", *pair, kind=kind) for kind in ("min", "max") for pair in pairs]
    middle, size = (second, first), (fourth, third)
    halves = [call("binary", one, np.float32(2), kind="div") for one in size]
    return [call("binary", *pair, kind=kind) for kind in ("sub", "add") for pair in zip(middle, halves, strict=True)]


def _area(call: Calls, corners: list[Local]) -> Local:
    """Height * width"""
    top, left, bottom, right = corners
    height, width = call("binary", bottom, top, kind="sub"), call("binary", right, left, kind="sub")
    return call("binary", height, width, into=height, kind="mul")


def _overlap(call: Calls, corners: list[Local], areas: Local, best: Local) -> Local:
    """Intersection over union of all boxes with one of them; that of empty boxes is not above any threshold."""
    top, left, bottom, right = (call("gather", side, best, axis=0) for side in corners)
    sides = []
    for low, high, begin, end in ((corners[0], corners[2], top, bottom), (corners[1], corners[3], left, right)):
        start = call("binary", low, begin, kind="max")
        side = call("binary", high, end, kind="min")
        call("binary", side, start, into=side, kind="sub")
        sides.append(call("binary", side, np.float32(0), into=side, kind="max"))
    shared = call("binary", *sides, kind="mul")
    area = call("gather", areas, best, axis=0)
    call("binary", areas, area, into=area, kind="add")
    call("binary", area, shared, into=area, kind="sub")
    call("binary", shared, area, into=shared, kind="div")
    empty = call("compare", area, np.float32(0), kind="less_equal")
    return call("where", empty, np.float32(0), shared, into=shared, is_tf=False)
