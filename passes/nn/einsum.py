"""Express sums of products that equations name (`nn.einsum`) through products of matrices."""

from __future__ import annotations

from dataclasses import dataclass

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.linalg import split_equation
from ...dialects.tensors import is_static, static_shape
from ..rewriter import NO_MATCH, Match, Rewriter, pattern


@dataclass(frozen=True)
class Labelled:
    """A tensor with a label for each axis."""

    value: ir.Value
    labels: str

    def size(self, label: str) -> int:
        """Elements along a label."""
        return static_shape(self.value)[self.labels.index(label)]

    def sizes(self, labels: str) -> tuple[int, ...]:
        """Elements along several labels."""
        return tuple(self.size(label) for label in labels)

    def ordered(self, labels: str) -> Labelled:
        """With the axes in another order."""
        if labels == self.labels:
            return self
        order = tuple(self.labels.index(label) for label in labels)
        return Labelled(nn.Transpose(self.value, permutation=order).output, labels)

    def shaped(self, *shape: int) -> ir.Value:
        """The tensor under another shape."""
        return self.value if static_shape(self.value) == shape else nn.Reshape(self.value, shape=shape).output

    def diagonal(self) -> Labelled:
        """Each label once: of axes with the same label the elements whose indices are equal."""
        label = next((label for label in self.labels if self.labels.count(label) > 1), None)
        if label is None:
            return self
        first, second = [axis for axis, one in enumerate(self.labels) if one == label][:2]
        others = [axis for axis in range(len(self.labels)) if axis not in (first, second)]
        size, rest = self.size(label), [static_shape(self.value)[axis] for axis in others]
        moved = nn.Transpose(self.value, permutation=(*others, first, second)).output
        flat = nn.Reshape(moved, shape=(*rest, size * size)).output
        axis = len(rest)
        picked = nn.Slice(flat, starts=(0,), ends=(size * size,), axes=(axis,), steps=(size + 1,)).output
        return Labelled(picked, "".join(self.labels[axis] for axis in others) + label).diagonal()

    def summed(self, kept: str) -> Labelled:
        """The sums along all labels but some."""
        gone = [axis for axis, label in enumerate(self.labels) if label not in kept]
        if not gone:
            return self
        total = nn.Reduce(self.value, kind="sum", axes=tuple(gone), keepdims=False).output
        return Labelled(total, "".join(label for label in self.labels if label in kept))

    def without_units(self, other: Labelled) -> Labelled:
        """Without axes of one element that are longer in another tensor: they are broadcast."""
        gone = [
            axis
            for axis, label in enumerate(self.labels)
            if label in other.labels and self.size(label) == 1 and other.size(label) > 1
        ]
        if not gone:
            return self
        labels = "".join(label for axis, label in enumerate(self.labels) if axis not in gone)
        return Labelled(nn.Squeeze(self.value, axes=tuple(gone)).output, labels)


def product(left: Labelled, right: Labelled, kept: str) -> Labelled:
    """Products summed along all labels but those that are kept: a batch of products of matrices."""
    left, right = left.without_units(right), right.without_units(left)
    left, right = left.summed(kept + right.labels), right.summed(kept + left.labels)
    both = [label for label in left.labels if label in right.labels]
    batch = "".join(label for label in both if label in kept)
    inner = "".join(label for label in both if label not in kept)
    rows = "".join(label for label in left.labels if label not in both)
    columns = "".join(label for label in right.labels if label not in both)
    sizes, height, width = left.sizes(batch), left.sizes(rows), right.sizes(columns)
    left, right = left.ordered(batch + rows + inner), right.ordered(batch + inner + columns)
    if inner:
        depth = _flat(left.sizes(inner))
        made = nn.Matmul(left.shaped(*sizes, _flat(height), depth), right.shaped(*sizes, depth, _flat(width))).output
    else:
        made = nn.Mul(left.shaped(*sizes, _flat(height), 1), right.shaped(*sizes, 1, _flat(width))).output
    labels = batch + rows + columns
    return Labelled(Labelled(made, "").shaped(*sizes, *height, *width), labels)


def _flat(sizes: tuple[int, ...]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


@pattern(nn.Einsum)
def einsum(op: nn.Einsum, rewriter: Rewriter) -> Match:
    """Two operands after the other become one, as a product of matrices."""
    if not all(map(is_static, op.inputs)) or any(0 in static_shape(value) for value in op.inputs):
        return NO_MATCH
    terms, output = split_equation(op.equation, [len(static_shape(value)) for value in op.inputs])
    waiting = [Labelled(value, labels).diagonal() for value, labels in zip(op.inputs, terms, strict=True)]
    result = waiting.pop(0)
    while waiting:
        following = waiting.pop(0)
        result = product(result, following, output + "".join(one.labels for one in waiting))
    return rewriter.replace(op, result.summed(output).ordered(output).value)
