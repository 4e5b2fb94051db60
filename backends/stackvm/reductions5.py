"""Version 5 code of what combines elements along axes: reductions, searches, scans, softmax, products of matrices."""

import numpy as np

from ...dialects import nn
from ...dialects.tensors import static_shape
from ...runtime.kmodel.build5 import Place
from ...runtime.stackvm.assembler5 import Immediate
from ..products import Products
from ..unsupported import Unsupported, floats
from . import scans5
from .loops5 import INTEGERS
from .writer5 import LOOP_LIMIT, UNBOUNDED, Writer, emits, joined, stored


@emits(nn.Reduce)
def reduce(w: Writer, op: nn.Reduce) -> None:
    if scans5.in_loops(w, "reduce_prod" if op.kind == "prod" else "reduce", op.input):
        scans5.reduce(w, op)
        return
    shape = static_shape(op.input)
    axes = [axis % len(shape) for axis in op.axes]
    shapes = joined(dest=tuple(1 if i in axes else size for i, size in enumerate(shape)), src=shape)
    pairs = zip(shapes["rshape_src"], shapes["rshape_dest"], strict=True)
    left = tuple(i for i, (size, result) in enumerate(pairs) if size != result)
    stated: dict[str, Immediate] = {**shapes, "rshape_axis": left, "keep_dims": True}
    if op.kind == "prod":
        w.apply("reduce_prod", op, **stated)
        return
    limit = float(np.finfo(np.float32).max)
    first = {"max": -limit, "min": limit}.get(op.kind, 0.0)
    w.apply("reduce", op, first, reduce_op=op.kind, **stated)
    if op.kind in ("max", "min"):
        scans5.allow_infinities(w, op, limit)


@emits(nn.ArgReduce)
def arg_reduce(w: Writer, op: nn.ArgReduce) -> None:
    if scans5.in_loops(w, "reduce_arg", op.input):
        scans5.arg_reduce(w, op)
        return
    if op.kind == "argmax" and w.code.isa.dialect != "1.6":
        raise Unsupported(f"argmax of negative numbers crashes runtime {w.code.isa.dialect}")
    w.apply(
        "reduce_arg",
        op,
        dst_datatype="i64",
        reduce_arg_op=op.kind,
        rshape_axis=(op.axis % len(static_shape(op.input)),),
        keep_dims=op.keepdims,
        select_last_index=op.select_last_index,
    )


@emits(nn.Cumsum)
def cumsum(w: Writer, op: nn.Cumsum) -> None:
    if scans5.in_loops(w, "cumsum", op.input):
        scans5.cumsum(w, op)
        return
    axis = op.axis % len(static_shape(op.input))
    w.apply("cumsum", op, axis=axis, exclusive=op.exclusive, reverse=op.reverse)


@emits(nn.Softmax)
def softmax(w: Writer, op: nn.Softmax) -> None:
    floats(op.input)
    w.apply("softmax", op, axis=op.axis % max(len(static_shape(op.input)), 1), beta=1.0)


@emits(nn.Matmul)
def matmul(w: Writer, op: nn.Matmul) -> None:
    """One product of matrices for each matrix of the batch."""
    if stored(op.lhs).element in INTEGERS:
        scans5.matmul(w, op)
        return
    products = Products.of(op, LOOP_LIMIT)
    rows, depth, columns = products.sizes
    for left, right, result in products.places():
        lhs, rhs = w.place(op.lhs).moved(4 * left * rows * depth), w.place(op.rhs).moved(4 * right * depth * columns)
        _product(w, lhs, rhs, w.place(op.output).moved(4 * result * rows * columns), products.sizes)


def _product(w: Writer, lhs: Place, rhs: Place, output: Place, sizes: tuple[int, int, int]) -> None:
    rows, depth, columns = sizes
    operands = lhs, rhs, w.code.constant(np.zeros(columns, np.float32)), output
    if w.code.has("matmul"):
        w.call(
            "matmul",
            *operands,
            rshape_src1=(rows, depth),
            rstride_src1=(depth, 1),
            rshape_src2=(depth, columns),
            rstride_src2=(columns, 1),
            rshape_dest=(rows, columns),
            rstride_dest=(columns, 1),
            **UNBOUNDED,
        )
        return
    # every row is an image of one pixel, and the transposed matrix, which strides make, a kernel of one
    w.call(
        "conv2d",
        *operands,
        *w.code.window((0, 0), (0, 0)),
        datatype="f32",
        rshape_src=(rows, depth, 1, 1),
        rstride_src=(depth, 1, 1, 1),
        rshape_kernel=(columns, depth, 1, 1),
        rstride_kernel=(1, columns, 1, 1),
        rstride_bias=(1,),
        rstride_dest=(columns, 1, 1, 1),
        groups=1,
        stride_h=1,
        stride_w=1,
        dilation_h=1,
        dilation_w=1,
        **UNBOUNDED,
    )
