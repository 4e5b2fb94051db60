"""What the tensor functions of version 7 compute, in terms of the reference kernels.

One entry a function that the vendor's runtime executes; each takes the operands in order and the immediates by name.
Where the vendor's kernel differs from ONNX, the function does as the vendor's: this interpreter predicts the board.
Entry: operands from untrusted code. Exit: the result, ExecutionError, or a numpy error that the interpreter reports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ExecutionError
from .. import kernels
from ..kmodel.elements import numpy_dtype
from ..machine import Array
from . import random7, shapes7
from .operands7 import (
    Object,
    array,
    arrays,
    axis_of,
    begins_ends,
    flag,
    int64,
    integer,
    ints,
    positive,
    quant_param,
    real,
    room,
    work,
)

RANDOM_COST = 512
"""A random number counts as that many bytes, because they are made one by one."""

BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": kernels.add,
    "sub": kernels.sub,
    "mul": kernels.mul,
    "div": kernels.div,
    "mod": lambda lhs, rhs: kernels.mod(lhs, rhs, fmod=True),
    "min": kernels.minimum,
    "max": kernels.maximum,
    "pow": kernels.pow,
    "logical_and": kernels.logical_and,
    "logical_or": kernels.logical_or,
    "logical_xor": kernels.logical_xor,
}
COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "equal": kernels.equal,
    "not_equal": kernels.not_equal,
    "less": kernels.less,
    "less_equal": kernels.less_equal,
    "greater": kernels.greater,
    "greater_equal": kernels.greater_equal,
}
UNARY: dict[str, Callable[[Array], Array]] = {
    "abs": kernels.abs,
    "acos": kernels.acos,
    "acosh": kernels.acosh,
    "asin": kernels.asin,
    "asinh": kernels.asinh,
    "ceil": kernels.ceil,
    "cos": kernels.cos,
    "cosh": kernels.cosh,
    "exp": kernels.exp,
    "floor": kernels.floor,
    "log": kernels.log,
    "neg": kernels.neg,
    "round": kernels.round,
    "rsqrt": kernels.rsqrt,
    "sin": kernels.sin,
    "sinh": kernels.sinh,
    "sign": kernels.sign,
    "sqrt": kernels.sqrt,
    "square": kernels.square,
    "tanh": kernels.tanh,
    "logical_not": kernels.logical_not,
}


def refused(what: str, remedy: str = "") -> ExecutionError:
    """The error of what the vendor's runtimes do not execute, or compute wrongly."""
    return ExecutionError("K0503", cause=f"the vendor's runtimes do not execute {what}", remedy=remedy)


def _pairwise(table: dict[str, Callable[[Array, Array], Array]], lhs: Object, rhs: Object, kind: str) -> Array:
    left, right = array(lhs), array(rhs)
    if left.dtype != right.dtype:
        raise ExecutionError("K0503", cause=f"{kind} of {left.dtype.name} and {right.dtype.name}: dtypes must agree")
    if kind not in table or (table is BINARY and (left.dtype == np.bool_) != kind.startswith("logical")):
        raise refused(f"{kind} of {left.dtype.name}")
    room(np.broadcast_shapes(left.shape, right.shape), left.itemsize)
    return table[kind](left, right)


def _unary(given: Object, *, kind: str) -> Array:
    if kind not in UNARY:
        raise refused(f"unary {kind}")
    return UNARY[kind](array(given))


def _clamp(given: Object, low: Object, high: Object) -> Array:
    x, least, most = array(given), array(low), array(high)
    if least.size != 1 or most.size != 1:
        raise refused("clamp with more than one bound")
    return np.asarray(np.minimum(np.maximum(x, least.reshape(())), most.reshape(())), x.dtype)


def _conv2d(
    given: Object, weights: Object, bias: Object, stride: Object, padding: Object, dilation: Object, groups: Object,
    clamp: Object, *, pad_mode: str,
) -> Array:  # fmt: skip
    x, pads = array(given), begins_ends(padding)
    _constant_mode(pad_mode)
    room((*x.shape[:2], x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3]), x.itemsize)
    w, strides = array(weights), positive(stride)
    work(x.shape[0], (x.shape[2] + sum(pads)) // strides[0] + 1, (x.shape[3] + sum(pads)) // strides[1] + 1, w.size)
    low, high = array(clamp).reshape(-1).tolist()
    return kernels.conv(
        x, w, array(bias), strides=strides, dilations=positive(dilation), padding=pads,
        groups=positive(groups)[0], clamp=(low, high),
    )  # fmt: skip


def _constant_mode(pad_mode: str) -> None:
    if pad_mode != "constant":
        raise refused(f"convolutions with {pad_mode} padding")


def _conv2d_transpose(
    given: Object, weights: Object, bias: Object, output_shape: Object, stride: Object, padding: Object,
    output_padding: Object, dilation: Object, groups: Object, clamp: Object, *, pad_mode: str,
) -> Array:  # fmt: skip
    """Weights are O x C/groups x kernel; the result is cut or extended to `output_shape`."""
    _constant_mode(pad_mode)
    x, w, count, wanted = array(given), array(weights), positive(groups)[0], room(ints(output_shape))
    strides, dilations, pads = positive(stride), positive(dilation), begins_ends(padding)
    work(x.size, w.size)
    room((x.shape[0], w.shape[0], *(x.shape[2 + i] * strides[i] + dilations[i] * w.shape[2 + i] for i in range(2))))
    per_group = w.shape[0] // count
    swapped = w.reshape(count, per_group, *w.shape[1:]).swapaxes(1, 2).reshape(-1, per_group, *w.shape[2:])
    spare = [
        (x.shape[2 + i] - 1) * strides[i] + dilations[i] * (w.shape[2 + i] - 1) + 1 - pads[i] - wanted[2 + i]
        for i in range(2)
    ]
    if np.isfinite(array(clamp)).any():
        raise refused("conv2d_transpose with a clamp (it limits partial sums)", "call clamp on the result")
    return kernels.conv_transpose(
        x, swapped, array(bias), strides=strides, dilations=dilations, groups=count,
        padding=(*pads[:2], *(max(one, 0) for one in spare)), output_padding=tuple(max(-one, 0) for one in spare),
    )  # fmt: skip


def _reduce(given: Object, axis: Object, init_value: Object, keep_dims: Object, *, kind: str) -> Array:
    """The initial value takes part."""
    x, start = array(given), array(init_value)
    axes = tuple(axis_of(one, x.ndim) for one in ints(axis)) or tuple(range(x.ndim))
    base = kernels.reduce(x, kind="sum" if kind == "mean" else kind, axes=axes, keepdims=flag(keep_dims))
    combined = {"min": np.minimum, "max": np.maximum, "prod": np.multiply}.get(kind, np.add)(base, start)
    if kind == "mean":
        combined = combined / np.prod([x.shape[one] for one in axes], dtype=np.int64)
    return np.asarray(combined, x.dtype)


def _reduce_window2d(
    given: Object, init_value: Object, extent: Object, stride: Object, padding: Object, dilation: Object,
    ceil_mode: Object, count_include_pad: Object, *, kind: str,
) -> Array:  # fmt: skip
    """The vendor's kernel ignores `ceil_mode`, and its padding is zeros even for max and min."""
    x, pads = array(given), begins_ends(padding)
    room((*x.shape[:2], x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3]), x.itemsize)
    window: dict[str, Any] = {
        "kernel": positive(extent), "strides": positive(stride), "dilations": positive(dilation),
    }  # fmt: skip
    work(x.size + sum(pads), *window["kernel"])
    if kind == "mean":
        include = flag(count_include_pad)
        return kernels.avg_pool(x, **window, padding=pads, ceil_mode=False, count_include_pad=include)
    padded = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    window |= {"padding": (0, 0, 0, 0), "ceil_mode": False}
    if kind == "max":
        return np.asarray(np.maximum(kernels.max_pool(padded, **window), real(init_value)), x.dtype)
    if kind == "min":
        return np.asarray(np.minimum(-kernels.max_pool(-padded, **window), real(init_value)), x.dtype)
    if kind == "sum":
        mean = kernels.avg_pool(padded, **window, count_include_pad=True)
        return np.asarray(mean * np.prod(window["kernel"]) + real(init_value), x.dtype)
    raise refused(f"reduce_window2d of kind {kind}")


def _reduce_arg(given: Object, axis: Object, keep: Object, last: Object, *, kind: str, dtype: str) -> Array:
    x = array(given)
    found = kernels.arg_reduce(
        x, kind=kind, axis=axis_of(axis, x.ndim), keepdims=flag(keep), select_last_index=flag(last)
    )
    return found.astype(numpy_dtype(dtype))


def _resize(
    given: Object, roi: Object, new_size: Object, cubic_coeff_a: Object, exclude_outside: Object,
    extrapolation_value: Object, *, mode: str, transform: str, nearest: str, is_tf: bool,
) -> Array:  # fmt: skip
    """The vendor's runtimes resample the last two dimensions."""
    x = array(given)
    sizes = room(ints(new_size), x.itemsize)
    if len(sizes) != 4 or x.ndim != 4 or sizes[:2] != x.shape[:2] or transform == "tf_crop_and_resize":
        cause = f"resize of {list(x.shape)} to {list(sizes)} by {transform} is not supported"
        raise ExecutionError("K0503", cause=cause)
    for size, dim in zip(sizes, x.shape, strict=True):
        room((size, dim))
    return kernels.resize(
        x, sizes=sizes, scales=tuple(size / dim for size, dim in zip(sizes, x.shape, strict=True)), mode=mode,
        coordinate=transform, nearest_mode=nearest, cubic_coeff_a=-0.75, exclude_outside=False,
        extrapolation_value=0.0, antialias=False,
    )  # fmt: skip


def _lstm(*operands: Object, direction: str, layout: int, activations: tuple[str, ...]) -> Object:
    """Sequence lengths, peepholes, clipping and activations are ignored, as the vendor's kernel does.

    It reads the second direction's biases 4 * hidden elements behind the first's, not 8 * hidden.
    """
    x, w, r, b, _, hidden, cell = map(array, operands[:7])
    if layout != 0 or x.ndim != 3 or x.shape[1] != 1:
        raise refused("lstm of layout 1 or of a batch other than 1 (its results are wrong)")
    size, count = 4 * integer(operands[11]), 2 if direction == "bidirectional" else 1
    biases = b.reshape(-1)
    b = np.stack([biases[size * d : size * d + 2 * size] for d in range(count)])
    outputs = kernels.lstm(
        x, w, r, b, None, hidden, cell, None, direction=direction, hidden_size=integer(operands[11]),
        activations=("Sigmoid", "Tanh", "Tanh") * count, activation_alpha=(), activation_beta=(), clip=None,
        input_forget=False, layout=layout,
    )  # fmt: skip
    return outputs[: integer(operands[13])]


def _one_hot(indices: Object, depth: Object, values: Object, axis: Object, *, mode: str) -> Array:
    """The vendor's kernel counts a negative axis in the indices, not in the result: -1 is their last dimension."""
    index, classes = array(indices), integer(depth)
    room((*index.shape, classes))
    place = integer(axis)
    if mode == "normal":
        index = np.where(index < 0, classes, index)
    return kernels.one_hot(index, array(values), depth=classes, axis=place + index.ndim if place < 0 else place)


def _pad(given: Object, pads: Object, value: Object, *, mode: str) -> Array:
    x, padding = array(given), begins_ends(pads)
    room((dim + padding[i] + padding[x.ndim + i] for i, dim in enumerate(x.shape)), x.itemsize)
    return kernels.pad(x, padding=padding, mode=mode, value=array(value).item())


def _bucket_pad(given: Object, shape: Object) -> Array:
    x = array(given)
    wanted = room(ints(shape), x.itemsize)
    return np.pad(x, [(0, size - dim) for size, dim in zip(wanted, x.shape, strict=True)])


def _layer_norm(given: Object, scale: Object, bias: Object, *, axis: int, epsilon: float, use_mean: bool) -> Array:
    """The vendor's kernel ignores `use_mean`: it always subtracts the mean."""
    return kernels.layer_norm(array(given), array(scale), array(bias), axis=axis, epsilon=epsilon)


def _space_to_batch(given: Object, block_shape: Object, paddings: Object) -> Array:
    """Blocks over the dimensions behind the batch; what follows them stays together."""
    x, block, pads = array(given), positive(block_shape), begins_ends(paddings)
    rest = x.shape[1 + len(block) :]
    room((*(dim + max(pads, default=0) * 2 for dim in x.shape), 1), x.itemsize)
    image = np.moveaxis(x.reshape(*x.shape[: 1 + len(block)], -1), -1, 1)
    blocks = np.moveaxis(kernels.space_to_batch(image, block=block, padding=pads), 1, -1)
    return blocks.reshape(*blocks.shape[:-1], *rest)


def _gather(given: Object, index: Object, *, axis: int) -> Array:
    x, indices = array(given), array(index)
    room((*indices.shape, *x.shape), x.itemsize if indices.size < 2 else x.itemsize // x.shape[axis] or 1)
    return kernels.gather(x, indices, axis=axis, batch_dims=0)


def _get_item(given: Object, index: Object) -> Object:
    return given[integer(index)] if isinstance(given, tuple) else np.asarray(array(given)[ints(index)])


def _where(condition: Object, x: Object, y: Object, *, is_tf: bool) -> Array:
    """With empty float branches, TensorFlow's one-operand form: the indices of what is true."""
    chosen, left, right = array(condition), array(x), array(y)
    if is_tf and left.dtype == np.float32 and left.size == 0 and right.size == 0:
        return np.argwhere(chosen).astype(np.int64)
    room(np.broadcast_shapes(chosen.shape, left.shape, right.shape), left.itemsize)
    return kernels.where(chosen, left, right)


def _require(predicate: Object, value: Object, *, message: str, can_fold: bool) -> Object:
    if not flag(predicate):
        raise ExecutionError("K0503", cause=f"the kmodel requires: {message}")
    return value


def _lrn(given: Object, alpha: Object, beta: Object, bias: Object, size: Object) -> Array:
    (channels,) = positive(size)
    if channels % 2 == 0:
        raise refused("lrn over an even number of channels")
    work(array(given).size, channels)
    return kernels.lrn(array(given), alpha=real(alpha), beta=real(beta), bias=real(bias), size=channels)


def _concat(given: Object, *, axis: int) -> Array:
    parts = arrays(given)
    room((sum(one.size for one in parts),), parts[0].itemsize)
    return kernels.concat(*parts, axis=axis)


def _stack(inputs: Object, axis: Object) -> Array:
    parts = arrays(inputs)
    room((sum(one.size for one in parts),), parts[0].itemsize)
    return np.stack(parts, integer(axis))


def _tile(given: Object, repeats: Object) -> Array:
    x, times = array(given), ints(repeats)
    room((dim * n for dim, n in zip(x.shape, times, strict=True)), x.itemsize)
    return kernels.tile(x, repeats=times)


def _mat_mul(lhs: Object, rhs: Object) -> Array:
    left, right = array(lhs), array(rhs)
    work(left.size, right.shape[-1] if right.ndim else 1)
    if min(left.ndim, right.ndim) >= 2:
        room((*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1]), left.itemsize)
    return kernels.matmul(left, right)


def _range(begin: Object, end: Object, step: Object) -> Array:
    """The vendor's kernel leaves out what is less than a whole step before the end."""
    start = array(begin)
    (count,) = room((max(int((real(end) - real(begin)) / real(step)), 0),))
    return np.asarray(start + np.arange(count, dtype=start.dtype) * array(step), start.dtype).reshape(count)


_QUANTISED = ("uint8", "int8", "int16")


def _quantize(given: Object, parameters: Object, *, dtype: str) -> Array:
    """clamp(round(x / scale + zero_point)): float32, halves to even; what no i32 can hold becomes the lowest one."""
    one, x, to = quant_param(parameters), array(given), numpy_dtype(dtype)
    if x.dtype != np.float32 or to.name not in _QUANTISED:
        raise refused(f"quantize of {x.dtype.name} to {to.name}")
    shifted = x / np.float32(one.scale) + np.float32(one.zero_point)
    whole = np.rint(np.where(np.abs(shifted) < 2.0**31, shifted, np.float32(-(2.0**31))))
    info = np.iinfo(to)
    return np.clip(whole, info.min, info.max).astype(to)


def _dequantize(given: Object, parameters: Object, *, dtype: str) -> Array:
    one, x = quant_param(parameters), array(given)
    if dtype != "f32" or x.dtype.name not in _QUANTISED:
        raise refused(f"dequantize of {x.dtype.name} to {dtype}")
    return kernels.dequantize(x, scale=(one.scale,), zero_point=(one.zero_point,), axis=-1)


def _slice(given: Object, begins: Object, ends: Object, axes: Object, strides: Object) -> Array:
    return kernels.slice(array(given), starts=ints(begins), ends=ints(ends), axes=ints(axes), steps=ints(strides))


def _one_operand(kernel: Callable[[Array], Array]) -> Callable[[Object], Array]:
    return lambda given: kernel(array(given))


def _with_axis(kernel: Callable[..., Array]) -> Callable[[Object, Object], Array]:
    return lambda given, axis: kernel(array(given), axis=axis_of(axis, array(given).ndim))


FUNCTIONS: dict[str, Callable[..., Object]] = {
    "batch_normalization": lambda given, scale, bias, mean, variance, epsilon, momentum: kernels.batch_norm(
        array(given), array(scale), array(bias), array(mean), array(variance), epsilon=real(epsilon)
    ),
    "batch_to_space": lambda given, block, crops: kernels.batch_to_space(
        array(given), block=positive(block), crops=begins_ends(crops)
    ),
    "binary": lambda lhs, rhs, kind: _pairwise(BINARY, lhs, rhs, kind),
    "broadcast": lambda given, shape: np.broadcast_to(array(given), room(ints(shape))),
    "bucket_pad": _bucket_pad,
    "cast": lambda given, dtype, mode: kernels.cast(array(given), to=numpy_dtype(dtype), saturate=True),
    "celu": lambda given, alpha: kernels.celu(array(given), alpha=real(alpha)),
    "clamp": _clamp,
    "compare": lambda lhs, rhs, kind: _pairwise(COMPARE, lhs, rhs, kind),
    "concat": _concat,
    "constant_of_shape": lambda shape, value: np.full(room(ints(shape)), array(value).reshape(()), array(value).dtype),
    "conv2d": _conv2d,
    "conv2d_transpose": _conv2d_transpose,
    "cum_sum": lambda given, axis, exclusive, reverse: kernels.cumsum(
        array(given), axis=axis_of(axis, array(given).ndim), exclusive=flag(exclusive), reverse=flag(reverse)
    ),
    "dequantize": _dequantize,
    "elu": lambda given, alpha: kernels.elu(array(given), alpha=real(alpha)),
    "erf": _one_operand(kernels.erf),
    "expand": lambda given, shape: kernels.expand(
        array(given), shape=room(np.broadcast_shapes(array(given).shape, ints(shape)))
    ),
    "fix_shape": lambda given, shape: given,
    "flatten": lambda given, axis: array(given).reshape(
        int(np.prod(array(given).shape[: axis_of(axis, array(given).ndim)])), -1
    ),
    "gather": _gather,
    "gather_elements": lambda given, axis, indices: kernels.gather_elements(
        array(given), array(indices), axis=axis_of(axis, array(given).ndim)
    ),
    "gather_nd": lambda given, batch_dims, index: kernels.gather_nd(
        array(given), array(index), batch_dims=integer(batch_dims)
    ),
    "gelu": lambda given, alpha: kernels.gelu(
        np.asarray(array(given) * real(alpha), array(given).dtype), approximate="none"
    ),
    "get_item": _get_item,
    "hardmax": _with_axis(kernels.hardmax),
    "hard_sigmoid": lambda given, alpha, beta: kernels.hard_sigmoid(array(given), alpha=real(alpha), beta=real(beta)),
    "hard_swish": _one_operand(kernels.hard_swish),
    "instance_normalization": lambda given, scale, bias, epsilon: kernels.instance_norm(
        array(given), array(scale), array(bias), epsilon=real(epsilon)
    ),
    "layer_norm": _layer_norm,
    "leaky_relu": lambda given, alpha: kernels.leaky_relu(array(given), alpha=real(alpha)),
    "log_softmax": _with_axis(kernels.log_softmax),
    "lrn": _lrn,
    "lstm": _lstm,
    "mat_mul": _mat_mul,
    "normal": lambda mean, scale, seed, shape, dtype: random7.normal(
        room(ints(shape), RANDOM_COST), real(mean), real(scale), real(seed)
    ),
    "normal_like": lambda given, mean, scale, seed, dtype: random7.normal(
        room(array(given).shape, RANDOM_COST), real(mean), real(scale), real(seed)
    ),
    "one_hot": _one_hot,
    "pad": _pad,
    "prelu": lambda given, slope: kernels.prelu(array(given), array(slope)),
    "quantize": _quantize,
    "range": _range,
    "rank": lambda given: np.asarray(array(given).ndim, np.int64),
    "reduce": _reduce,
    "reduce_arg": _reduce_arg,
    "reduce_window2d": _reduce_window2d,
    "relu": _one_operand(kernels.relu),
    "require": _require,
    "reshape": lambda given, shape: kernels.reshape(array(given), shape=ints(shape)),
    "resize_image": _resize,
    "reverse_sequence": lambda given, lengths, batch_axis, time_axis: kernels.reverse_sequence(
        array(given), array(lengths), batch_axis=integer(batch_axis), time_axis=integer(time_axis)
    ),
    "scatter_nd": lambda given, indices, updates: kernels.scatter_nd(
        array(given), array(indices), array(updates), reduction="none"
    ),
    "selu": lambda given, alpha, gamma: kernels.selu(array(given), alpha=real(alpha), gamma=real(gamma)),
    "shape_of": lambda given: int64(array(given).shape),
    "sigmoid": _one_operand(kernels.sigmoid),
    "size_of": lambda given: np.asarray(array(given).size, np.int64),
    "slice": _slice,
    "softmax": _with_axis(kernels.softmax),
    "softplus": _one_operand(kernels.softplus),
    "softsign": _one_operand(kernels.softsign),
    "space_to_batch": _space_to_batch,
    "split": lambda given, axis, sections: kernels.split(
        array(given), axis=axis_of(axis, array(given).ndim), sizes=ints(sections)
    ),
    "squeeze": lambda given, dim: kernels.squeeze(array(given), axes=ints(dim)),
    "stack": _stack,
    "swish": lambda given: kernels.silu(array(given), alpha=1.0),
    "tile": _tile,
    "top_k": lambda x, k, axis, largest, ordered: kernels.topk(
        array(x), k=integer(k), axis=axis_of(axis, array(x).ndim), largest=flag(largest), sorted=flag(ordered)
    ),
    "transpose": lambda given, perm: kernels.transpose(array(given), permutation=ints(perm)),
    "trilu": lambda given, k, upper: kernels.trilu(array(given), k=integer(k), upper=flag(upper)),
    "unary": _unary,
    "uniform": lambda high, low, seed, shape, dtype: random7.uniform(
        room(ints(shape), RANDOM_COST), real(low), real(high), real(seed)
    ),
    "uniform_like": lambda given, high, low, seed, dtype: random7.uniform(
        room(array(given).shape, RANDOM_COST), real(low), real(high), real(seed)
    ),
    "unsqueeze": lambda given, dim: kernels.unsqueeze(array(given), axes=ints(dim)),
    "where": _where,
    **shapes7.FUNCTIONS,
}
"""Every function of the table that is `supported`."""
