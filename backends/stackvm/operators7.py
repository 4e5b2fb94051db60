"""How each `nn` operation is called on the version 7 stack machine: one function an op, which leaves the result on the
stack. Operands come as the assembler takes them, in the order of the op's fields."""

import builtins
import math
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import Array, Shape, dtype_of, is_static, shape_of, static_shape
from ...runtime.kmodel.elements import element_name
from ...runtime.stackvm.assembler7 import PUSHED, Code, Local, Operand, QuantParam
from ..emitters import Emitters
from ..unsupported import Unsupported

EMITTERS = Emitters()
emits = EMITTERS.emits
UNBOUNDED = (-math.inf, math.inf)


def ints(values: Any) -> Array:
    """A parameter vector of integers."""
    return np.asarray(values, np.int64)


def pairs(padding: tuple[int, ...]) -> Array:
    """All begins, then all ends, as [[before, after], ...]."""
    half = len(padding) // 2
    return ints(list(zip(padding[:half], padding[half:], strict=True)))


def bounds(op: nn.Conv) -> Array:
    """The limits of a convolution's result."""
    return np.asarray(op.clamp or UNBOUNDED, np.float32)


_PLAIN: dict[type[Op], str] = {
    nn.Erf: "erf",
    nn.HardSwish: "hard_swish",
    nn.Prelu: "prelu",
    nn.Relu: "relu",
    nn.Sigmoid: "sigmoid",
    nn.Softplus: "softplus",
    nn.Softsign: "softsign",
    nn.Matmul: "mat_mul",
}
_UNARY: dict[type[Op], str] = {
    nn.Abs: "abs",
    nn.Acos: "acos",
    nn.Acosh: "acosh",
    nn.Asin: "asin",
    nn.Asinh: "asinh",
    nn.Ceil: "ceil",
    nn.Cos: "cos",
    nn.Cosh: "cosh",
    nn.Exp: "exp",
    nn.Floor: "floor",
    nn.Log: "log",
    nn.LogicalNot: "logical_not",
    nn.Neg: "neg",
    nn.Sign: "sign",
    nn.Sin: "sin",
    nn.Sinh: "sinh",
    nn.Sqrt: "sqrt",
    nn.Square: "square",
    nn.Tanh: "tanh",
}
_BINARY: dict[type[Op], str] = {
    nn.Add: "add",
    nn.Sub: "sub",
    nn.Mul: "mul",
    nn.Div: "div",
    nn.Mod: "mod",
    nn.Maximum: "max",
    nn.Minimum: "min",
    nn.Pow: "pow",
    nn.LogicalAnd: "logical_and",
    nn.LogicalOr: "logical_or",
    nn.LogicalXor: "logical_xor",
}
_COMPARE: dict[type[Op], str] = {
    nn.Equal: "equal",
    nn.NotEqual: "not_equal",
    nn.Less: "less",
    nn.LessEqual: "less_equal",
    nn.Greater: "greater",
    nn.GreaterEqual: "greater_equal",
}


@emits(*_PLAIN)
def plain(code: Code, op: Op, *operands: Operand) -> None:
    code.tensor(_PLAIN[type(op)], *operands)


@emits(*_UNARY)
def unary(code: Code, op: Op, value: Operand) -> None:
    code.tensor("unary", value, kind=_UNARY[type(op)])


@emits(nn.Round)
def round_(code: Code, op: nn.Round, value: Operand) -> None:
    """sign(x) * round(|x|): of negative numbers the runtime makes 0 from -1.5."""
    code.tensor("unary", value, kind="sign")
    sign = code.store()
    code.tensor("unary", value, kind="abs")
    code.tensor("unary", PUSHED, kind="round")
    code.tensor("binary", sign, PUSHED, kind="mul")
    code.release(sign)


@emits(*_BINARY)
def binary(code: Code, op: Op, lhs: Operand, rhs: Operand) -> None:
    if isinstance(op, nn.Mod) and not op.fmod:
        raise Unsupported("a remainder with the divisor's sign is not supported")
    code.tensor("binary", lhs, rhs, kind=_BINARY[type(op)])


@emits(*_COMPARE)
def compare(code: Code, op: Any, lhs: Operand, rhs: Operand) -> None:
    if dtype_of(op.lhs) == np.float16:
        raise Unsupported("float16 is compared wrongly there")
    code.tensor("compare", lhs, rhs, kind=_COMPARE[type(op)])


@emits(nn.LeakyRelu)
def leaky_relu(code: Code, op: nn.LeakyRelu, value: Operand) -> None:
    code.tensor("leaky_relu", value, np.float32(op.alpha))


@emits(nn.Elu)
def elu(code: Code, op: nn.Elu, value: Operand) -> None:
    code.tensor("elu", value, np.float32(op.alpha))


@emits(nn.Celu)
def celu(code: Code, op: nn.Celu, value: Operand) -> None:
    if dtype_of(op.input) == np.float16:
        raise Unsupported("it is computed wrongly for float16 there")
    code.tensor("celu", value, np.float32(op.alpha))


@emits(nn.Selu)
def selu(code: Code, op: nn.Selu, value: Operand) -> None:
    code.tensor("selu", value, np.float32(op.alpha), np.float32(op.gamma))


@emits(nn.HardSigmoid)
def hard_sigmoid(code: Code, op: nn.HardSigmoid, value: Operand) -> None:
    code.tensor("hard_sigmoid", value, np.float32(op.alpha), np.float32(op.beta))


@emits(nn.Clamp)
def clamp(code: Code, op: nn.Clamp, value: Operand) -> None:
    if dtype_of(op.input) != np.float32:
        raise Unsupported(f"clamp of {op.input.type} is not supported, only of f32")
    code.tensor("clamp", value, np.float32(op.min), np.float32(op.max))


@emits(nn.Where)
def where(code: Code, op: nn.Where, condition: Operand, x: Operand, y: Operand) -> None:
    code.tensor("where", condition, x, y, is_tf=False)


@emits(nn.Cast)
def cast(code: Code, op: nn.Cast, value: Operand) -> None:
    if np.float64 in (dtype_of(op.input), dtype_of(op.output)):
        raise Unsupported("it converts float64")
    code.tensor("cast", value, dtype=element_name(dtype_of(op.to)), mode="default")


@emits(nn.Bitcast)
def bitcast(code: Code, op: nn.Bitcast, value: Operand) -> None:
    """Integers of one width keep their bits when converted. The machine's own bitcast is not executed."""
    if "f" in (dtype_of(op.input).kind, dtype_of(op.output).kind):
        raise Unsupported("it takes the bits of floats, only those of integers and booleans are supported")
    code.tensor("cast", value, dtype=element_name(dtype_of(op.to)), mode="default")


def _require_floats(op: Op, value: ir.Value) -> None:
    """The runtime computes windows of floats only."""
    if dtype_of(value).kind != "f":
        raise Unsupported(f"a window over {value.type} is not supported, only over floats")


@emits(nn.Conv)
def conv(code: Code, op: nn.Conv, value: Operand, weight: Operand, bias: Operand) -> None:
    if len(op.kernel) != 2:
        raise Unsupported(f"a convolution over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    _require_floats(op, op.input)
    if bias is None:
        bias = np.zeros(shape_of(op.weight)[0], dtype_of(op.input))
    code.tensor(
        "conv2d",
        value,
        weight,
        bias,
        ints(op.strides),
        pairs(op.padding),
        ints(op.dilations),
        ints(op.groups),
        bounds(op),
        pad_mode="constant",
    )


@emits(nn.ConvTranspose)
def conv_transpose(code: Code, op: nn.ConvTranspose, value: Operand, weight: Operand, bias: Operand) -> None:
    array = nn.constant_value(op.weight)
    if array is None or array.ndim != 4:
        raise Unsupported("only transposed convolutions over 1 or 2 dimensions with constant weights are supported")
    inputs, per_group, *kernel = array.shape
    grouped = array.reshape(op.groups, inputs // op.groups, per_group, *kernel).swapaxes(1, 2)
    swapped = np.ascontiguousarray(grouped).reshape(op.groups * per_group, inputs // op.groups, *kernel)
    if bias is None:
        bias = np.zeros(op.groups * per_group, dtype_of(op.input))
    window = (ints(op.strides), ints(op.dilations), pairs(op.padding), ints(op.output_padding), ints(op.groups))
    shape: Operand = ints(shape_of(op.output)) if is_static(op.output) else None
    if shape is None:
        code.tensor("shape_of", value)
        whole = code.store()
        code.tensor("conv2d_transpose_shape", whole, ints((per_group, *swapped.shape[1:])), *window)
        shape = code.store(whole)
    code.tensor(
        "conv2d_transpose",
        value,
        swapped,
        bias,
        shape,
        ints(op.strides),
        pairs(op.padding),
        ints(op.output_padding),
        ints(op.dilations),
        ints(op.groups),
        np.asarray(UNBOUNDED, np.float32),
        pad_mode="constant",
    )
    if isinstance(shape, Local):
        code.release(shape)
    if op.clamp is not None:  # the runtime limits partial sums when it is told to clamp here
        whole = code.store()
        code.tensor("clamp", whole, *(np.float32(bound) for bound in op.clamp))
        code.release(whole)


@emits(nn.MaxPool, nn.AvgPool)
def pool(code: Code, op: nn.MaxPool | nn.AvgPool, value: Operand) -> None:
    if len(op.kernel) != 2:
        raise Unsupported(f"pooling over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    _require_floats(op, op.input)
    largest = isinstance(op, nn.MaxPool)
    padding, padded = window_padding(op), None
    if largest and any(padding):  # the runtime lets the zeros of its own padding win against negative elements
        full = ints([(0, 0), (0, 0), *pairs(padding)])
        code.tensor("pad", value, full, np.float32(-math.inf), mode="constant")
        value = padded = code.store()
        padding = (0, 0, 0, 0)
    code.tensor(
        "reduce_window2d",
        value,
        np.float32(np.finfo(np.float32).min if largest else 0),
        ints(op.kernel),
        ints(op.strides),
        pairs(padding),
        ints(op.dilations),
        np.bool_(False),
        np.bool_(isinstance(op, nn.AvgPool) and op.count_include_pad),
        kind="max" if largest else "mean",
    )
    if padded is not None:
        code.release(padded)


def window_padding(op: nn.MaxPool | nn.AvgPool) -> tuple[int, ...]:
    """The padding with `ceil_mode` written out: what the last windows hang over is padding too."""
    rank = len(op.kernel)
    ends = list(op.padding[rank:])
    for i in range(rank):
        size, extent = shape_of(op.input)[2 + i], shape_of(op.output)[2 + i]
        span = op.dilations[i] * (op.kernel[i] - 1) + 1
        if size is not None and extent is not None:
            ends[i] = max(ends[i], (extent - 1) * op.strides[i] + span - size - op.padding[i])
        elif op.ceil_mode:
            if ends[i] + op.strides[i] > span:
                raise Unsupported(f"dimension {2 + i} is not known, and a window may lie in its padding altogether")
            ends[i] += op.strides[i] - 1
    if isinstance(op, nn.AvgPool) and op.count_include_pad and tuple(ends) != op.padding[rank:]:
        raise Unsupported("an average that counts padding and rounds its size up is not supported")
    return (*op.padding[:rank], *ends)


@emits(nn.Reduce)
def reduce(code: Code, op: nn.Reduce, value: Operand) -> None:
    dtype = dtype_of(op.input)
    if dtype == np.bool_:
        raise Unsupported("reductions of booleans are not supported")
    if not op.axes:  # the runtime would take that for all axes
        code.push(value)
        return
    lowest, highest = (-math.inf, math.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    first = {"max": lowest, "min": highest, "prod": 1}.get(op.kind, 0)
    code.tensor("reduce", value, ints(op.axes), dtype.type(first), np.bool_(op.keepdims), kind=op.kind)


@emits(nn.ArgReduce)
def arg_reduce(code: Code, op: nn.ArgReduce, value: Operand) -> None:
    last = np.bool_(op.select_last_index)
    code.tensor("reduce_arg", value, ints(op.axis), np.bool_(op.keepdims), last, kind=op.kind, dtype="i64")


@emits(nn.Softmax, nn.LogSoftmax, nn.Hardmax)
def softmax(code: Code, op: nn.SoftmaxOp, value: Operand) -> None:
    code.tensor(op.OPERATION_NAME.removeprefix("nn."), value, ints(op.axis))


@emits(nn.Cumsum)
def cumsum(code: Code, op: nn.Cumsum, value: Operand) -> None:
    code.tensor("cum_sum", value, ints(op.axis), ints(op.exclusive), ints(op.reverse))


@emits(nn.Topk)
def topk(code: Code, op: nn.Topk, value: Operand) -> None:
    code.tensor("top_k", value, ints(op.k), ints(op.axis), ints(op.largest), ints(op.sorted))


@emits(nn.Reshape)
def reshape(code: Code, op: nn.Reshape, value: Operand) -> None:
    code.tensor("reshape", value, ints(shape_of(op.output) if is_static(op.output) else op.shape))


@emits(nn.Transpose)
def transpose(code: Code, op: nn.Transpose, value: Operand) -> None:
    code.tensor("transpose", value, ints(op.permutation))


@emits(nn.Slice)
def slice(code: Code, op: nn.Slice, value: Operand) -> None:
    """Bounds count from the front where that is known: of a vector from 0 on the runtime takes no negative end."""
    shape, starts, ends = shape_of(op.input), list(op.starts), list(op.ends)
    for i, (axis, step) in enumerate(zip(op.axes, op.steps, strict=True)):
        size = shape[axis]
        if size is not None:
            starts[i], end, _ = builtins.slice(starts[i], ends[i], step).indices(size)
            ends[i] = max(end, starts[i]) if step > 0 else end if end >= 0 else -size - 1
    code.tensor("slice", value, ints(starts), ints(ends), ints(op.axes), ints(op.steps))


@emits(nn.Concat)
def concat(code: Code, op: nn.Concat, values: list[Operand]) -> None:
    code.tensor("concat", values, axis=op.axis % len(shape_of(op.output)))


@emits(nn.Split)
def split(code: Code, op: nn.Split, value: Operand) -> None:
    code.tensor("split", value, ints(op.axis), ints(op.sizes))


@emits(nn.Expand)
def expand(code: Code, op: nn.Expand, value: Operand) -> None:
    code.tensor("expand", value, ints(op.shape))


@emits(nn.Tile)
def tile(code: Code, op: nn.Tile, value: Operand) -> None:
    code.tensor("tile", value, ints(op.repeats))


@emits(nn.Pad)
def pad(code: Code, op: nn.Pad, value: Operand) -> None:
    if op.mode == "wrap":
        raise Unsupported("padding that wraps around is not supported")
    if min(op.padding) < 0:
        raise Unsupported("padding that crops is not supported")
    code.tensor("pad", value, pairs(op.padding), dtype_of(op.input).type(op.value), mode=op.mode)


@emits(nn.Gather)
def gather(code: Code, op: nn.Gather, value: Operand, indices: Operand) -> None:
    if op.batch_dims:
        raise Unsupported("gathering with batch dimensions is not supported")
    code.tensor("gather", value, indices, axis=op.axis % len(shape_of(op.input)))


@emits(nn.GatherElements)
def gather_elements(code: Code, op: nn.GatherElements, value: Operand, indices: Operand) -> None:
    """Indices have to be counted from the front."""
    size = shape_of(op.input)[op.axis] or 0
    if isinstance(indices, np.ndarray):
        code.tensor("gather_elements", value, ints(op.axis), np.where(indices < 0, indices + size, indices))
        return
    code.tensor("compare", indices, ints(0), kind="less")
    below = code.store()
    code.tensor("binary", indices, ints(size), kind="add")
    front = code.store()
    code.tensor("where", below, front, indices, is_tf=False)
    front = code.store(front)
    code.tensor("gather_elements", value, ints(op.axis), front)
    code.release(below)
    code.release(front)


@emits(nn.GatherNd)
def gather_nd(code: Code, op: nn.GatherNd, value: Operand, indices: Operand) -> None:
    code.tensor("gather_nd", value, ints(op.batch_dims), indices)


@emits(nn.ScatterNd)
def scatter_nd(code: Code, op: nn.ScatterNd, value: Operand, indices: Operand, updates: Operand) -> None:
    if op.reduction != "none":
        raise Unsupported(f"scattering with reduction '{op.reduction}' is not supported")
    code.tensor("scatter_nd", value, indices, updates)


@emits(nn.OneHot)
def one_hot(code: Code, op: nn.OneHot, indices: Operand, values: Operand) -> None:
    axis = op.axis % len(shape_of(op.output))
    code.tensor("one_hot", indices, ints(op.depth), values, ints(axis), mode="process_negative")


@emits(nn.Trilu)
def trilu(code: Code, op: nn.Trilu, value: Operand) -> None:
    code.tensor("trilu", value, ints(op.k), ints(op.upper))


@emits(nn.ReverseSequence)
def reverse_sequence(code: Code, op: nn.ReverseSequence, value: Operand, lengths: Operand) -> None:
    code.tensor("reverse_sequence", value, lengths, ints(op.batch_axis), ints(op.time_axis))


@emits(nn.BatchNorm)
def batch_norm(code: Code, op: nn.BatchNorm, *operands: Operand) -> None:
    code.tensor("batch_normalization", *operands, np.float32(op.epsilon), np.float32(0.9))


@emits(nn.InstanceNorm)
def instance_norm(code: Code, op: nn.InstanceNorm, value: Operand, scale: Operand, bias: Operand) -> None:
    code.tensor("instance_normalization", value, scale, bias, np.float32(op.epsilon))


def is_known_as(shape: Shape, wanted: Shape) -> bool:
    """Whether a shape is what is wanted, as far as that is known."""
    return len(shape) == len(wanted) and all(b in (a, None) for a, b in zip(shape, wanted, strict=True))


@emits(nn.LayerNorm)
def layer_norm(code: Code, op: nn.LayerNorm, value: Operand, scale: Operand, bias: Operand) -> None:
    rank = len(shape_of(op.input))
    axis = op.axis % rank
    wanted = shape_of(op.input)[axis:]
    for parameter in (op.scale, op.bias):
        if parameter is not None and not is_known_as(shape_of(parameter), wanted):
            raise Unsupported(f"layer normalisation needs scale and bias of shape {nn.shape_text(wanted)}")
    if bias is None:
        if not is_static(op.scale):
            raise Unsupported(f"layer normalisation without bias needs a scale of known shape, not {op.scale.type}")
        bias = np.zeros(static_shape(op.scale), dtype_of(op.input))
    code.tensor("layer_norm", value, scale, bias, axis=axis, epsilon=op.epsilon, use_mean=True)


@emits(nn.Quantize)
def quantize(code: Code, op: nn.Quantize, value: Operand) -> None:
    """Halves of x / scale + zero_point go to even there, whatever `ties` says."""
    code.tensor("quantize", value, quant_param(op.output.type), dtype=element_name(dtype_of(op.output)))


@emits(nn.StorageCast)
def storage_cast(code: Code, op: nn.StorageCast, value: Operand) -> None:
    """The bytes stay as they are."""
    code.push(value)


@emits(nn.Dequantize)
def dequantize(code: Code, op: nn.Dequantize, value: Operand) -> None:
    code.tensor("dequantize", value, quant_param(op.input.type), dtype="f32")


def quant_param(type_: Any) -> QuantParam:
    """The one scale and zero point of a quantised type."""
    parameters = nn.quantization_parameters(type_)
    if parameters is None or len(parameters.scale) != 1:
        raise Unsupported(f"{type_}: only one scale for all elements is supported")
    return QuantParam(parameters.zero_point[0], parameters.scale[0])
