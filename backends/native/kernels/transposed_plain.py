"""Transposed convolutions that no dense ones suit: any groups, layouts and elements."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import BYTES, Buffer, element_of
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..halo import fill_row
from ..kernel import Kernel
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue, has_room, side_by_side


def lower_plain_transposed(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel, whose tasks are the rows of the result; a depthwise one in vectors where channels are innermost."""
    conv = group.anchor
    channels, filters = static_shape(conv.input)[1], static_shape(conv.output)[1]
    lanes = spec.lanes(BYTES[element_of(conv.output)])
    if conv.groups == channels == filters and side_by_side(group, buffers, conv.output, 1):
        source = buffers.get(conv.input)
        try:
            if source is None or has_room(source, 1, lanes):
                return [_write(group, buffers, spec, lanes)]
        except NotSideBySide:
            pass
    return [_write(group, buffers, spec, 1)]


def _write(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, lanes: int) -> Kernel:
    conv, kernel = group.anchor, Kernel("plain_transposed")
    text = kernel.text
    batch, channels, rows, columns = static_shape(conv.output)
    epilogue = Epilogue(kernel, group, buffers, conv.output, 1, lanes == 1, conv.clamp)
    whole = channels if epilogue.roomy(lanes) else channels // lanes * lanes
    kernel.tasks = batch * rows
    with text.loop("%lo", "%hi") as task:
        image, row = text.div(task, rows), text.rem(task, rows)
        for first, last, width in ((0, whole, lanes), (whole, channels, 1)):
            if first < last:
                with text.loop(0, columns) as column, text.loop(first, last, width) as channel:
                    place = (image, channel, row, column)
                    total = _sum(kernel, group, buffers, place, width)
                    epilogue.store([(total, place)], width, element_of(conv.output))
        for value in group.results:
            name = kernel.operand(value, buffers[value], written=True)
            fill_row(text, name, buffers[value], image, row, spec.lanes(4))
    return kernel


def _sum(kernel: Kernel, group: Group, buffers: Mapping[ir.Value, Buffer], place: tuple[Index, ...], lanes: int) -> str:
    """One element of the result, or one of each of `lanes` channels."""
    conv, text = group.anchor, kernel.text
    image, channel, row, column = place
    inputs, per_group, *sizes = static_shape(conv.weight)
    each = inputs // conv.groups
    number, place_in_group = text.div(channel, per_group), text.rem(channel, per_group)
    first = channel if lanes > 1 else text.mul(number, each)
    own = Arithmetic.of(Scalars(text, lanes), dtype_of(conv.output))
    work = Arithmetic(own.scalars, "f32") if own.element == "f16" else own
    start = work.number(0)
    if conv.bias is not None:
        bias = Evaluation(kernel, group, buffers).at(conv.bias, Point((channel,), lanes, 0))
        start = own.convert(bias, work)

    def term(c: Index, y: Index, x: Index, total: str) -> str:
        top, in_rows = _source(kernel, conv, 0, row, y)
        left, in_columns = _source(kernel, conv, 1, column, x)
        evaluation, source = Evaluation(kernel, group, buffers), text.add(first, c)
        value = own.convert(evaluation.at(conv.input, Point((image, source, top, left), lanes, 1)), work)
        weight = own.convert(evaluation.at(conv.weight, Point((source, place_in_group, y, x), lanes, 0)), work)
        met = text.let(f"arith.andi {in_rows}, {in_columns} : i1")
        product = work.mul(value, weight)
        return work.add(total, text.let(f"arith.select {met}, {product}, {work.number(0)} : {work.type}"))

    def line(c: Index, y: Index, total: str) -> str:
        return text.carry(0, sizes[1], [total], [work.type], lambda x, values: [term(c, y, x, values[0])])[0]

    def area(c: Index, total: str) -> str:
        return text.carry(0, sizes[0], [total], [work.type], lambda y, values: [line(c, y, values[0])])[0]

    total = text.carry(0, each, [start], [work.type], lambda c, values: [area(c, values[0])])[0]
    return work.convert(total, own)


def _source(kernel: Kernel, conv: ir.OpView, axis: int, place: Index, tap: Index) -> tuple[Index, str]:
    """Which element of the input meets a tap where the result lies at a place, and whether there is one; else 0."""
    text, size = kernel.text, static_shape(conv.input)[2 + axis]
    stride = conv.strides[axis]
    distance = text.index(text.sub(text.add(place, conv.padding[axis]), text.mul(tap, conv.dilations[axis])))
    number = text.let(f"arith.divsi {distance}, {text.index(stride)} : index")
    rest = text.let(f"arith.remsi {distance}, {text.index(stride)} : index")
    exact = text.let(f"arith.cmpi eq, {rest}, {text.index(0)} : index")
    within = text.let(f"arith.cmpi ult, {number}, {text.index(size)} : index")
    met = text.let(f"arith.andi {exact}, {within} : i1")
    return text.let(f"arith.select {met}, {number}, {text.index(0)} : index"), met
