"""How each `nn` operation is called on the version 5 stack machine: one function an op, which reads operands and writes
results where the memory plan put them. Everything is dense and row-major; bool is stored as u8."""

import math
from collections.abc import Callable
from itertools import product
from operator import mul
from typing import Any, TypeVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel.build5 import Place, Tensor
from ...runtime.kmodel.elements import element_name, numpy_dtype
from ...runtime.stackvm.assembler5 import Code, Paddings
from ...runtime.stackvm.isa5 import unary as unary_functions
from ...runtime.stackvm.memory5 import dense
from .unsupported import Unsupported

Emit = Callable[["Writer", Any], None]
AnyEmit = TypeVar("AnyEmit", bound=Emit)
EMITTERS: dict[type[Op], Emit] = {}
UNBOUNDED = {"low": -math.inf, "high": math.inf}
LOOP_LIMIT = 1024
"""Instructions that one operation may become."""
COPY_RANK = 4
"""Axes that a copy may have: with more, the vendor's runtime crashes."""


class Writer:
    """What an operation is written with: the code, where each value lies, and memory that it may use meanwhile."""

    def __init__(self, code: Code, place: Callable[[ir.Value], Place]) -> None:
        self.code = code
        self.place = place
        self.working: Place | None = None

    def copy(self, source: Place, target: Place, tensor: Tensor, strides: tuple[int, ...]) -> None:
        """Copy a dense tensor into one with other strides."""
        self.strided_copy(source, target, tensor, dense(tensor.shape), strides)

    def strided_copy(
        self, source: Place, target: Place, tensor: Tensor, strides: tuple[int, ...], target_strides: tuple[int, ...]
    ) -> None:
        """Copy between two layouts of one shape, which are not of more than COPY_RANK axes once merged."""
        shape, strides, target_strides = merged(tensor.shape, strides, target_strides)
        outer = shape[:-COPY_RANK]
        if math.prod(outer) > LOOP_LIMIT:
            raise Unsupported(f"it moves elements along {len(shape)} axes, only {COPY_RANK} are supported")
        size = numpy_dtype(tensor.element).itemsize
        for index in np.ndindex(*outer):
            self.code.tensor(
                "copy",
                source.moved(size * sum(map(mul, index, strides))),
                target.moved(size * sum(map(mul, index, target_strides))),
                datatype=tensor.element,
                rshape=shape[-COPY_RANK:],
                rstride_src=strides[-COPY_RANK:],
                rstride_dest=target_strides[-COPY_RANK:],
            )


Ints = tuple[int, ...]


def merged(shape: Ints, strides: Ints, target_strides: Ints) -> tuple[Ints, Ints, Ints]:
    """A shape and two layouts of it, without axes of one element, and with axes joined that are one in both layouts."""
    axes: list[tuple[int, int, int]] = []
    for size, stride, target in zip(shape, strides, target_strides, strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1:] == (size * stride, size * target):
            axes[-1] = (axes[-1][0] * size, stride, target)
        else:
            axes.append((size, stride, target))
    first, second, third = zip(*(axes or [(1, 1, 1)]), strict=True)
    return first, second, third


def emits(*ops: type[Op]) -> Callable[[AnyEmit], AnyEmit]:
    """Register how op classes are emitted."""

    def register(emit: AnyEmit) -> AnyEmit:
        EMITTERS.update(dict.fromkeys(ops, emit))
        return emit

    return register


def stored(value: ir.Value) -> Tensor:
    """A value as version 5 stores it."""
    name = element_name(dtype_of(value))
    return Tensor("u8" if name == "bool" else name, static_shape(value))


def floats(op: Op, *values: ir.Value) -> None:
    """`Unsupported` unless all values are of float32."""
    for value in values:
        if dtype_of(value) != np.float32:
            raise Unsupported(f"it computes with {value.type}, only f32 is supported")


def require(code: Code, function: str) -> None:
    """`Unsupported` for a tensor function that the dialect does not have."""
    if not code.has(function):
        raise Unsupported(f"runtime {code.isa.dialect} has no {function}")


def _source(value: ir.Value) -> dict[str, tuple[int, ...]]:
    """The immediates of a single dense operand."""
    shape = static_shape(value)
    return {"rshape_src": shape, "rstride_src": dense(shape)}


def _pair(lhs: ir.Value, rhs: ir.Value, result: ir.Value) -> dict[str, tuple[int, ...]]:
    """The immediates of two dense operands that are broadcast."""
    stated: dict[str, tuple[int, ...]] = {}
    for name, value in (("src1", lhs), ("src2", rhs), ("dest", result)):
        shape = static_shape(value)
        stated |= {f"rshape_{name}": shape, f"rstride_{name}": dense(shape)}
    return stated


_UNARY: dict[type[Op], str] = {
    nn.Abs: "abs",
    nn.Acos: "acos",
    nn.Asin: "asin",
    nn.Ceil: "ceil",
    nn.Cos: "cos",
    nn.Erf: "erf",
    nn.Exp: "exp",
    nn.Floor: "floor",
    nn.Log: "log",
    nn.Neg: "neg",
    nn.Round: "round",
    nn.Sign: "sign",
    nn.Sin: "sin",
    nn.Sqrt: "sqrt",
    nn.Square: "square",
    nn.Tanh: "tanh",
}
_BINARY: dict[type[Op], str] = {
    nn.Add: "add",
    nn.Sub: "sub",
    nn.Mul: "mul",
    nn.Div: "div",
    nn.Minimum: "min",
    nn.Maximum: "max",
    nn.Pow: "pow",
}
_COMPARE: dict[type[Op], str] = {
    nn.Equal: "equal",
    nn.NotEqual: "not_equal",
    nn.Less: "less",
    nn.LessEqual: "less_equal",
    nn.Greater: "greater",
    nn.GreaterEqual: "greater_equal",
}


@emits(*_UNARY)
def unary(w: Writer, op: Any) -> None:
    floats(op, op.input)
    name = _UNARY[type(op)]
    if name not in unary_functions(w.code.isa.dialect).codes:
        raise Unsupported(f"runtime {w.code.isa.dialect} has no {name}")
    strides = dense(static_shape(op.output))
    w.code.tensor(
        "unary",
        w.place(op.input),
        w.place(op.output),
        datatype="f32",
        unary_op=name,
        rstride_dest=strides,
        **_source(op.input),
    )


@emits(*_BINARY)
def binary(w: Writer, op: Any) -> None:
    floats(op, op.lhs, op.rhs)
    w.code.tensor(
        "binary",
        w.place(op.lhs),
        w.place(op.rhs),
        w.place(op.output),
        datatype="f32",
        binary_op=_BINARY[type(op)],
        **_pair(op.lhs, op.rhs, op.output),
        **UNBOUNDED,
    )


@emits(nn.Clamp)
def clamp(w: Writer, op: nn.Clamp) -> None:
    """x * 1, limited by what is fused into every binary function."""
    floats(op, op.input)
    shape = static_shape(op.input)
    w.code.tensor(
        "binary",
        w.place(op.input),
        w.code.constant(np.ones(1, np.float32)),
        w.place(op.output),
        datatype="f32",
        binary_op="mul",
        rshape_src1=shape,
        rstride_src1=dense(shape),
        rshape_src2=(1,) * len(shape),
        rstride_src2=(1,) * len(shape),
        rshape_dest=shape,
        rstride_dest=dense(shape),
        low=op.min,
        high=op.max,
    )


@emits(*_COMPARE)
def compare(w: Writer, op: Any) -> None:
    require(w.code, "compare")
    element = stored(op.lhs).element
    if element not in ("u8", "f32", "i32", "i64"):
        raise Unsupported(f"it compares {op.lhs.type}")
    w.code.tensor(
        "compare",
        w.place(op.lhs),
        w.place(op.rhs),
        w.place(op.output),
        datatype=element,
        compare_op=_COMPARE[type(op)],
        **_pair(op.lhs, op.rhs, op.output),
    )


@emits(nn.Cast)
def cast(w: Writer, op: nn.Cast) -> None:
    source, target = stored(op.input), stored(op.output)
    for element in ("f16", "f64"):
        if element in (source.element, target.element):
            raise Unsupported(f"it converts {element}")
    strides = dense(target.shape)
    stated: dict[str, Any] = {"in_datatype": source.element, "dst_datatype": target.element}
    w.code.tensor("convert", w.place(op.input), w.place(op.output), rstride_dest=strides, **stated, **_source(op.input))


@emits(nn.Sigmoid)
def sigmoid(w: Writer, op: nn.Sigmoid) -> None:
    floats(op, op.input)
    require(w.code, "sigmoid")
    strides = dense(static_shape(op.output))
    w.code.tensor(
        "sigmoid", w.place(op.input), w.place(op.output), datatype="f32", rstride_dest=strides, **_source(op.input)
    )


@emits(nn.Softmax)
def softmax(w: Writer, op: nn.Softmax) -> None:
    floats(op, op.input)
    require(w.code, "softmax")
    shape = static_shape(op.input)
    w.code.tensor(
        "softmax",
        w.place(op.input),
        w.place(op.output),
        datatype="f32",
        axis=op.axis % max(len(shape), 1),
        beta=1.0,
        rstride_dest=dense(shape),
        **_source(op.input),
    )


@emits(nn.Where)
def where(w: Writer, op: nn.Where) -> None:
    """The condition has to be of float32 there."""
    floats(op, op.x, op.y)
    require(w.code, "ternary")
    assert w.working is not None
    strides = dense(static_shape(op.condition))
    stated: dict[str, Any] = {"in_datatype": "u8", "dst_datatype": "f32", "rstride_dest": strides}
    w.code.tensor("convert", w.place(op.condition), w.working, **stated, **_source(op.condition))
    shapes: dict[str, tuple[int, ...]] = {}
    for number, value in enumerate((op.condition, op.x, op.y), start=1):
        shape = static_shape(value)
        shapes |= {f"rshape_src{number}": shape, f"rstride_src{number}": dense(shape)}
    w.code.tensor(
        "ternary",
        w.working,
        w.place(op.x),
        w.place(op.y),
        w.place(op.output),
        datatype="f32",
        rstride_dest=dense(static_shape(op.output)),
        **shapes,
    )


@emits(nn.Conv)
def conv(w: Writer, op: nn.Conv) -> None:
    floats(op, op.input, op.weight)
    if len(op.kernel) != 2:
        raise Unsupported(f"a convolution over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    shape, kernel, result = (static_shape(value) for value in (op.input, op.weight, op.output))
    bias = w.code.constant(np.zeros(kernel[0], np.float32)) if op.bias is None else w.place(op.bias)
    low, high = op.clamp or (-math.inf, math.inf)
    top, left, bottom, right = op.padding
    w.code.tensor(
        "conv2d",
        w.place(op.input),
        w.place(op.weight),
        bias,
        w.place(op.output),
        *w.code.window((top, bottom), (left, right)),
        datatype="f32",
        rshape_kernel=kernel,
        rstride_kernel=dense(kernel),
        rstride_bias=(1,),
        rstride_dest=dense(result),
        groups=op.groups,
        stride_h=op.strides[0],
        stride_w=op.strides[1],
        dilation_h=op.dilations[0],
        dilation_w=op.dilations[1],
        low=low,
        high=high,
        rshape_src=shape,
        rstride_src=dense(shape),
    )


@emits(nn.MaxPool, nn.AvgPool)
def pool(w: Writer, op: nn.MaxPool | nn.AvgPool) -> None:
    floats(op, op.input)
    if len(op.kernel) != 2:
        raise Unsupported(f"pooling over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    if isinstance(op, nn.AvgPool) and op.count_include_pad and any(op.padding):
        raise Unsupported("an average that counts padding is not supported")
    top, left, bottom, right = _overhang(op)
    w.code.tensor(
        "reduce_window2d",
        w.place(op.input),
        float(np.finfo(np.float32).min) if isinstance(op, nn.MaxPool) else 0.0,
        w.place(op.output),
        *w.code.window((top, bottom), (left, right)),
        datatype="f32",
        reduce_op="max" if isinstance(op, nn.MaxPool) else "mean",
        filter_h=op.kernel[0],
        filter_w=op.kernel[1],
        stride_h=op.strides[0],
        stride_w=op.strides[1],
        dilation_h=op.dilations[0],
        dilation_w=op.dilations[1],
        rstride_dest=dense(static_shape(op.output)),
        **_source(op.input),
        **UNBOUNDED,
    )


def _overhang(op: nn.MaxPool | nn.AvgPool) -> tuple[int, ...]:
    """The padding with `ceil_mode` written out: what the last windows hang over is padding too."""
    sizes, extents = static_shape(op.input)[2:], static_shape(op.output)[2:]
    ends = [
        (extents[i] - 1) * op.strides[i] + op.dilations[i] * (op.kernel[i] - 1) + 1 - sizes[i] - op.padding[i]
        for i in range(2)
    ]
    return (*op.padding[:2], *(max(end, stated) for end, stated in zip(ends, op.padding[2:], strict=True)))


@emits(nn.Reduce)
def reduce(w: Writer, op: nn.Reduce) -> None:
    floats(op, op.input)
    rank = len(static_shape(op.input))
    stated: dict[str, Any] = {
        "datatype": "f32",
        "rshape_axis": tuple(axis % rank for axis in op.axes),
        "keep_dims": op.keepdims,
        "rstride_dest": dense(static_shape(op.output)),
    }
    operands = w.place(op.input), w.place(op.output)
    if op.kind == "prod":
        require(w.code, "reduce_prod")
        w.code.tensor("reduce_prod", *operands, **stated, **_source(op.input))
        return
    limit = float(np.finfo(np.float32).max)
    first = {"max": -limit, "min": limit}.get(op.kind, 0.0)
    w.code.tensor("reduce", *operands, first, reduce_op=op.kind, **stated, **_source(op.input))


@emits(nn.ArgReduce)
def arg_reduce(w: Writer, op: nn.ArgReduce) -> None:
    floats(op, op.input)
    require(w.code, "reduce_arg")
    w.code.tensor(
        "reduce_arg",
        w.place(op.input),
        w.place(op.output),
        datatype="f32",
        dst_datatype="i64",
        reduce_arg_op=op.kind,
        rshape_axis=(op.axis % len(static_shape(op.input)),),
        keep_dims=op.keepdims,
        select_last_index=op.select_last_index,
        rstride_dest=dense(static_shape(op.output)),
        **_source(op.input),
    )


@emits(nn.Matmul)
def matmul(w: Writer, op: nn.Matmul) -> None:
    """One product of matrices for each matrix of the batch."""
    floats(op, op.lhs, op.rhs)
    left, right = static_shape(op.lhs), static_shape(op.rhs)
    left = (1, *left) if len(left) == 1 else left
    right = (*right, 1) if len(right) == 1 else right
    rows, depth, columns = left[-2], left[-1], right[-1]
    if len(right) == 2:
        left, rows = (rows * math.prod(left[:-2]), depth), rows * math.prod(left[:-2])
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    if math.prod(batch) > LOOP_LIMIT:
        raise Unsupported(f"{math.prod(batch)} products of matrices in one are not supported, only {LOOP_LIMIT}")
    strides = [np.multiply(_batch_strides(shape[:-2], batch), math.prod(shape[-2:])) for shape in (left, right)]
    for number, index in enumerate(product(*map(range, batch))):
        lhs, rhs = (
            w.place(value).moved(4 * int(np.dot(index, steps)))
            for value, steps in zip((op.lhs, op.rhs), strides, strict=True)
        )
        _product(w, lhs, rhs, w.place(op.output).moved(4 * number * rows * columns), (rows, depth, columns))


def _batch_strides(shape: tuple[int, ...], batch: tuple[int, ...]) -> list[int]:
    """How many matrices further the next one of each axis is; 0 where they are repeated."""
    own = [0 if size == 1 else step for size, step in zip(shape, dense(shape), strict=True)]
    return [0] * (len(batch) - len(shape)) + own


def _product(w: Writer, lhs: Place, rhs: Place, output: Place, sizes: tuple[int, int, int]) -> None:
    rows, depth, columns = sizes
    bias = w.code.constant(np.zeros(columns, np.float32))
    if w.code.has("matmul"):
        w.code.tensor(
            "matmul",
            lhs,
            rhs,
            bias,
            output,
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
    w.code.tensor(
        "conv2d",
        lhs,
        rhs,
        bias,
        output,
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


@emits(nn.Transpose)
def transpose(w: Writer, op: nn.Transpose) -> None:
    strides = dense(static_shape(op.output))
    w.code.tensor(
        "transpose",
        w.place(op.input),
        w.place(op.output),
        datatype=stored(op.input).element,
        rshape_perm=op.permutation,
        rstride_dest=strides,
        **_source(op.input),
    )


@emits(nn.Slice)
def slice_(w: Writer, op: nn.Slice) -> None:
    shape = static_shape(op.input)
    parts = [(0, size, 1) for size in shape]
    for start, end, axis, step in zip(op.starts, op.ends, op.axes, op.steps, strict=True):
        parts[axis] = slice(start, end, step).indices(shape[axis])
    _slice(w, op.input, op.output, parts)


def _slice(w: Writer, value: ir.Value, result: ir.Value, parts: list[tuple[int, int, int]]) -> None:
    """A strided copy; steps backwards need the function for slices."""
    shape, tensor = static_shape(value), stored(result)
    if math.prod(tensor.shape) == 0:
        return
    steps = dense(shape)
    if all(step > 0 for _, _, step in parts):
        start = sum(begin * step for (begin, _, _), step in zip(parts, steps, strict=True))
        strides = tuple(stride * step for (_, _, step), stride in zip(parts, steps, strict=True))
        source = w.place(value).moved(start * dtype_of(value).itemsize)
        w.strided_copy(source, w.place(result), tensor, strides, dense(tensor.shape))
        return
    begins, ends, strides = zip(*parts, strict=True)
    w.code.tensor(
        "slice",
        w.place(value),
        w.place(result),
        datatype=tensor.element,
        rbegins=begins,
        rends=ends,
        rstrides=strides,
        rstride_dest=dense(tensor.shape),
        **_source(value),
    )


@emits(nn.Split)
def split(w: Writer, op: nn.Split) -> None:
    shape, start = static_shape(op.input), 0
    axis = op.axis % len(shape)
    for result, size in zip(op.outputs, op.sizes, strict=True):
        parts = [(0, extent, 1) for extent in shape]
        parts[axis] = (start, start + size, 1)
        _slice(w, op.input, result, parts)
        start += size


@emits(nn.Concat)
def concat(w: Writer, op: nn.Concat) -> None:
    shape, start = static_shape(op.output), 0
    axis, strides = op.axis % len(shape), dense(shape)
    for value in op.inputs:
        target = w.place(op.output).moved(start * strides[axis] * dtype_of(value).itemsize)
        if stored(value).bytes:
            w.copy(w.place(value), target, stored(value), strides)
        start += static_shape(value)[axis]


@emits(nn.Expand)
def expand(w: Writer, op: nn.Expand) -> None:
    shape = static_shape(op.output)
    w.code.tensor(
        "broadcast",
        w.place(op.input),
        w.place(op.output),
        datatype=stored(op.input).element,
        rshape_dest=shape,
        rstride_dest=dense(shape),
        **_source(op.input),
    )


@emits(nn.Pad)
def pad(w: Writer, op: nn.Pad) -> None:
    if op.mode == "wrap":
        raise Unsupported("padding that wraps around is not supported")
    tensor, rank = stored(op.input), len(static_shape(op.input))
    if tensor.element in ("i64", "u64", "f64"):
        raise Unsupported(f"padding of {op.input.type} is not supported")
    axes = tuple((op.padding[i], op.padding[rank + i], 0) for i in range(rank))
    value = op.value if tensor.element == "f32" else int(op.value)
    w.code.tensor(
        "pad",
        w.place(op.input),
        w.place(op.output),
        value,
        datatype=tensor.element,
        rpaddings=Paddings(axes),
        pad_mode=op.mode,
        rstride_dest=dense(static_shape(op.output)),
        **_source(op.input),
    )


@emits(nn.Gather)
def gather(w: Writer, op: nn.Gather) -> None:
    if op.batch_dims:
        raise Unsupported("gathering with batch dimensions is not supported")
    _gather(w, op, "gather", axis=op.axis % len(static_shape(op.input)))


@emits(nn.GatherNd)
def gather_nd(w: Writer, op: nn.GatherNd) -> None:
    _gather(w, op, "gather_nd", batch_dims=op.batch_dims)


def _gather(w: Writer, op: Any, name: str, **stated: int) -> None:
    if dtype_of(op.indices) != np.int32:
        raise Unsupported(f"indices of {op.indices.type} are not supported, only i32")
    shape = static_shape(op.output)
    w.code.tensor(
        name,
        w.place(op.input),
        w.place(op.output),
        w.place(op.indices),
        datatype=stored(op.input).element,
        rshape_dest=shape,
        rstride_dest=dense(shape),
        rshape_indices=static_shape(op.indices),
        **stated,
        **_source(op.input),
    )


@emits(nn.Cumsum)
def cumsum(w: Writer, op: nn.Cumsum) -> None:
    floats(op, op.input)
    require(w.code, "cumsum")
    axis = op.axis % len(static_shape(op.input))
    stated: dict[str, Any] = {"axis": axis, "exclusive": op.exclusive, "reverse": op.reverse}
    w.code.tensor("cumsum", w.place(op.input), w.place(op.output), datatype="f32", **stated, **_source(op.input))


@emits(nn.Topk)
def topk(w: Writer, op: nn.Topk) -> None:
    floats(op, op.input)
    require(w.code, "topk")
    values, indices = op.operation.results
    w.code.tensor(
        "topk",
        w.place(op.input),
        w.place(values),
        w.place(indices),
        datatype="f32",
        rshape_dest1=static_shape(values),
        rstride_dest1=dense(static_shape(values)),
        rshape_dest2=static_shape(indices),
        rstride_dest2=dense(static_shape(indices)),
        k=op.k,
        axis=op.axis % len(static_shape(op.input)),
        largest=op.largest,
        sorted=op.sorted,
        **_source(op.input),
    )


@emits(nn.Quantize)
def quantize(w: Writer, op: nn.Quantize) -> None:
    floats(op, op.input)
    scale, zero_point = _uniform(op.output)
    _scaled(w, "quantize", op, 1 / scale, zero_point)


@emits(nn.Dequantize)
def dequantize(w: Writer, op: nn.Dequantize) -> None:
    floats(op, op.output)
    scale, zero_point = _uniform(op.input)
    _scaled(w, "dequantize", op, scale, -zero_point * scale)


def _uniform(value: ir.Value) -> tuple[float, int]:
    """The one scale and zero point of a quantised type."""
    parameters = nn.quantization_parameters(value.type)
    if parameters is None or len(parameters.scale) != 1:
        raise Unsupported(f"{value.type}: only one scale for all elements is supported")
    if parameters.dtype.itemsize != 1:
        raise Unsupported(f"{value.type}: only quantised numbers of 8 bits are supported")
    return parameters.scale[0], parameters.zero_point[0]


def _scaled(w: Writer, name: str, op: Any, scale: float, bias: float) -> None:
    source, target = stored(op.input), stored(op.output)
    stated: dict[str, Any] = {"in_datatype": source.element, "dst_datatype": target.element}
    w.code.tensor(
        name,
        w.place(op.input),
        w.place(op.output),
        float(scale),
        float(bias),
        rstride_dest=dense(target.shape),
        **stated,
        **_source(op.input),
    )


@emits(nn.Trilu)
def trilu(w: Writer, op: nn.Trilu) -> None:
    floats(op, op.input)
    require(w.code, "trilu")
    w.code.tensor(
        "trilu", w.place(op.input), w.place(op.output), datatype="f32", upper=op.upper, k=op.k, **_source(op.input)
    )


_HALF_PIXEL = {"half_pixel": (False, True), "align_corners": (True, False), "asymmetric": (False, False)}
"""align_corners and half_pixel_centers for each way of placing pixels."""


@emits(nn.Resize)
def resize(w: Writer, op: nn.Resize) -> None:
    floats(op, op.input)
    shape, sizes = static_shape(op.input), static_shape(op.output)
    coordinate = op.coordinate
    if coordinate == "pytorch_half_pixel" and min(sizes[2:]) > 1:
        coordinate = "half_pixel"
    if op.mode != "linear" or op.antialias or coordinate not in _HALF_PIXEL:
        raise Unsupported(f"resizing in mode '{op.mode}' with coordinates '{op.coordinate}' is not supported")
    if len(shape) != 4 or sizes[:2] != shape[:2]:
        raise Unsupported("only the height and width of images can be resized")
    ratios = [size / extent for size, extent in zip(sizes, shape, strict=True)]
    if any(abs(ratio - scale) > 1e-6 * scale for ratio, scale in zip(ratios, op.scales, strict=True)):
        raise Unsupported(f"scales {op.scales} that are not the ratio of the sizes are not supported")
    corners, half = _HALF_PIXEL[coordinate]
    w.code.tensor(
        "resize_image",
        sizes[2],
        sizes[3],
        w.place(op.input),
        w.place(op.output),
        datatype="f32",
        align_corners=corners,
        half_pixel_centers=half,
        resize_mode="linear",
        rstride_dest=dense(sizes),
        **_source(op.input),
    )
