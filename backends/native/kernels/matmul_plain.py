"""Matrix products that nothing faster suits: any elements and layouts; columns of one element as sums of vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..kernel import Kernel, flatten
from ..target import TargetSpec
from ..text import Index, Text
from .epilogue import Epilogue


def lower_plain_matmul(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel, whose tasks are the rows of the result."""
    for lanes in (spec.lanes(4), 1):
        try:
            return [_write(group, buffers, lanes)]
        except NotSideBySide:
            continue
    raise AssertionError("single elements are always side by side")


def _write(group: Group, buffers: Mapping[ir.Value, Buffer], lanes: int) -> Kernel:
    """The kernel, with sums along the inner axis in vectors of some lanes."""
    product, kernel = group.anchor, Kernel("plain_matmul")
    text, result = kernel.text, static_shape(product.output)
    left, right = static_shape(product.lhs), static_shape(product.rhs)
    columns = right[-1] if len(right) > 1 else 1
    lead = result[:-1] if len(right) > 1 else result
    batch = lead[:-1] if len(left) > 1 else lead
    kernel.tasks = flatten(lead)
    epilogue = Epilogue(kernel, group, buffers, product.output, -1, True)
    own = Arithmetic.of(Scalars(text, 1), dtype_of(product.output))
    with text.loop("%lo", "%hi") as task, text.loop(0, columns) as column:
        place = unravel(text, task, lead)
        row = place[len(batch) :]

        def left_at(k: Index) -> tuple[Index, ...]:
            return (*_batch(place[: len(batch)], left[:-2]), *row, k)

        def right_at(k: Index) -> tuple[Index, ...]:
            return (*_batch(place[: len(batch)], right[:-2]), k, *([column] if len(right) > 1 else []))

        total = _sum(kernel, group, buffers, left_at, right_at, lanes)
        last = [column] if len(right) > 1 else []
        epilogue.store([(total, (*place, *last))], 1, own.element)
    return kernel


def _sum(
    kernel: Kernel,
    group: Group,
    buffers: Mapping[ir.Value, Buffer],
    left_at: Callable[[Index], tuple[Index, ...]],
    right_at: Callable[[Index], tuple[Index, ...]],
    lanes: int,
) -> str:
    """One element of the product, from the operands' indices for a place along the inner axis."""
    product, text = group.anchor, kernel.text
    depth, axis = static_shape(product.lhs)[-1], max(-2, -len(static_shape(product.rhs)))

    def step(k: Index, total: str, width: int) -> str:
        own, work = _arithmetic(text, product, width)
        evaluation = Evaluation(kernel, group, buffers)
        a = own.convert(evaluation.at(product.lhs, Point(left_at(k), width, -1)), work)
        b = own.convert(evaluation.at(product.rhs, Point(right_at(k), width, axis)), work)
        return work.add(total, work.mul(a, b))

    own, work = _arithmetic(text, product, 1)
    total, whole = work.number(0), depth // lanes * lanes
    if lanes > 1 and whole:
        wide = _arithmetic(text, product, lanes)[1]
        parts = text.carry(
            0, whole, [wide.number(0)], [wide.type], lambda k, values: [step(k, values[0], lanes)], lanes
        )
        total = text.let(f"vector.reduction <add>, {parts[0]} : {wide.type} into {work.element}")
    if whole < depth or lanes == 1:
        first = whole if lanes > 1 else 0
        total = text.carry(first, depth, [total], [work.type], lambda k, values: [step(k, values[0], 1)])[0]
    return work.convert(total, own)


def _arithmetic(text: Text, product: nn.Matmul, lanes: int) -> tuple[Arithmetic, Arithmetic]:
    """Of the elements, and of the sums: those of f16 are f32."""
    own = Arithmetic.of(Scalars(text, lanes), dtype_of(product.output))
    return own, Arithmetic(own.scalars, "f32") if own.element == "f16" else own


def _batch(indices: tuple[Index, ...], sizes: tuple[int, ...]) -> tuple[Index, ...]:
    """Indices of an operand's matrices, for those of the result's."""
    return tuple(
        0 if dim == 1 else index for dim, index in zip(sizes, indices[len(indices) - len(sizes) :], strict=True)
    )


def unravel(text: Text, number: Index, sizes: Sequence[int]) -> tuple[Index, ...]:
    """The indices along axes of these sizes of the element with a number."""
    return tuple(
        text.rem(text.div(number, flatten(sizes[axis + 1 :])), size) if axis else text.div(number, flatten(sizes[1:]))
        for axis, size in enumerate(sizes)
    )
