"""Convolutions that nothing faster suits: any groups, any layout, padding that no halo holds; element by element."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, Point, Scalars, element_in_register
from ..group import Group
from ..halo import fill_row
from ..kernel import Kernel
from ..rowwise import numbers_of
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue
from .windows import Window


def lower_plain_convolution(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel over N x C x H x W, whose tasks are the rows of the result."""
    conv, kernel = group.anchor, Kernel("plain_convolution")
    text = kernel.text
    batch, channels, rows, columns = static_shape(conv.output)
    epilogue = Epilogue(kernel, group, buffers, conv.output, 1, True, conv.clamp)
    kernel.tasks = batch * rows
    with text.loop("%lo", "%hi") as task:
        image, row = text.div(task, rows), text.rem(task, rows)
        with text.loop(0, channels) as channel, text.loop(0, columns) as column:
            total = _sum(kernel, group, buffers, (image, channel, row, column))
            epilogue.store([(total, (image, channel, row, column))], 1, element_in_register(conv.output))
        for value in group.results:
            name = kernel.operand(value, buffers[value], written=True)
            fill_row(text, name, buffers[value], image, row, spec.lanes(4))
    return [kernel]


def _sum(kernel: Kernel, group: Group, buffers: Mapping[ir.Value, Buffer], place: tuple[Index, ...]) -> str:
    """One element of the result; what lies beside the image counts as zero."""
    conv, text = group.anchor, kernel.text
    window = Window.of(conv)
    image, channel, row, column = place
    own = Arithmetic.of(Scalars(text, 1), dtype_of(conv.output))
    work = numbers_of(conv.output).arithmetic(text, 1)
    inputs = static_shape(conv.weight)[1]
    per_group = static_shape(conv.weight)[0] // conv.groups
    first = text.mul(text.div(channel, per_group), inputs)
    start = work.number(0)
    if conv.bias is not None:
        start = own.convert(Evaluation(kernel, group, buffers).at(conv.bias, Point((channel,))), work)
    top, left = window.first(text, 0, row), window.first(text, 1, column)

    def term(c: Index, y: Index, x: Index, total: str) -> str:
        evaluation = Evaluation(kernel, group, buffers)
        place = (
            image,
            text.add(first, c),
            text.add(top, text.mul(y, window.dilations[0])),
            text.add(left, text.mul(x, window.dilations[1])),
        )
        value = own.convert(evaluation.at(conv.input, Point(place)), work)
        weight = own.convert(evaluation.at(conv.weight, Point((channel, c, y, x))), work)
        return work.add(total, work.mul(value, weight))

    low, high = window.clip(text, 0, top, static_shape(conv.input)[2])
    near, far = window.clip(text, 1, left, static_shape(conv.input)[3])

    def line(c: Index, y: Index, total: str) -> str:
        return text.carry(near, far, [total], [work.type], lambda x, values: [term(c, y, x, values[0])])[0]

    def area(c: Index, total: str) -> str:
        return text.carry(low, high, [total], [work.type], lambda y, values: [line(c, y, values[0])])[0]

    return work.convert(text.carry(0, inputs, [start], [work.type], lambda c, values: [area(c, values[0])])[0], own)
