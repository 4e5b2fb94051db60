"""Groups of operations on images for tests of kernels: what they read, how it lies in memory, what numpy computes."""

import numpy as np
from native_harness import X86_64_V4_VNNI, logical, run_group
from numpy.typing import ArrayLike

from kpuc.backends.native.assign_layouts import needed_halo
from kpuc.backends.native.buffer import Buffer, element_of, plain_buffer
from kpuc.backends.native.generators import LOWERINGS
from kpuc.backends.native.group import Group
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import tensor_type
from kpuc.frontends.builder import NetworkBuilder


def constant(array: ArrayLike) -> ir.Value:
    return nn.Constant(value=np.asarray(array)).output


def place(values, layouts, lanes):
    """Buffers by value: "plain", or the halo of an image."""
    return {
        value: plain_buffer(value)
        if layout == "plain"
        else Buffer.image(element_of(value), value.type.shape, lanes, layout)
        for value, layout in zip(values, layouts, strict=True)
    }


def surrounded(buffer, array):
    """The array in its block of memory as a producer leaves it: the halo filled, noise in other unused elements."""
    block = np.full(buffer.extents, np.nan if array.dtype.kind == "f" else 77, array.dtype)
    if array.ndim == 4:
        block[:, : buffer.before[1] + buffer.shape[1]] = buffer.fill
    block[tuple(slice(b, b + s) for b, s in zip(buffer.before, buffer.shape, strict=True))] = array
    return np.ascontiguousarray(block.transpose(buffer.order))


def run(write, arrays, layouts, spec=X86_64_V4_VNNI, anchor=0, lower=None, family=""):
    """What the kernels of a group give, and what numpy does.

    write: makes the operations from values of the arrays; the one of which `anchor` is the number is the anchor.
    layouts: of the arrays, then of the results: "plain", or the halo of an image, None for the one that the anchor
    needs. lower: the generator, if not the one that the anchor has. family: what the last kernel must be one of.
    """
    with mlir.context():
        builder = NetworkBuilder("test")
        with ir.Location.unknown():
            types = [tensor_type(array.shape, array.dtype) for array in arrays]
            values = builder.start([(f"x{i}", type_) for i, type_ in enumerate(types)])
        with builder.node("op"):
            write(*values)
        block = builder.block
        operations = [op for op in block.operations if not isinstance(op, nn.Constant)]
        main = operations[anchor]
        results = list(operations[-1].operation.results)
        module = builder.finish([(f"y{i}", value) for i, value in enumerate(results)])
        group = Group(main, operations, results)
        layouts = [needed_halo(main) if layout is None else layout for layout in layouts]
        buffers = place([*values, *results], layouts, spec.lanes(4))
        inputs = dict(zip(values, arrays, strict=True))
        expected = evaluate(module, arrays)

        def checked(*given):
            kernels = (lower or LOWERINGS[type(main)])(*given)
            assert family in ("", kernels[-1].family)
            return kernels

        blocks = run_group(group, buffers, inputs, checked, spec, surrounded)
        return [
            (buffers[v], blocks[v], logical(buffers[v], blocks[v].view(e.dtype)), e)
            for v, e in zip(results, expected, strict=True)
        ]


__all__ = ["constant", "entry_function", "run"]
