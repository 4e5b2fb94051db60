"""The tensor functions of version 5 code that move elements: shapes, slices, indices, images.

Entry and exit as in functions5.
"""

from __future__ import annotations

import numpy as np

from ...errors import ExecutionError
from .. import kernels
from ..machine import Array
from .functions5 import Call, computes
from .operands7 import axis_of, room


def _any(call: Call, shape: str = "rshape_src", strides: str | None = "rstride_src") -> Array:
    return call.read("input", str(call.number("datatype")), shape, strides)


@computes("transpose")
def transpose(call: Call) -> None:
    call.write("output", _any(call).transpose(call.signed("rshape_perm")), "rstride_dest")


@computes("slice")
def slice_(call: Call) -> None:
    """Ends are exclusive; walking backwards, -1 is in front of element 0."""
    value = _any(call)
    parts = []
    for begin, end, step, size in zip(
        call.signed("rbegins"), call.signed("rends"), call.signed("rstrides"), value.shape, strict=True
    ):
        if step == 0 or not 0 <= begin <= size:
            raise ExecutionError("K0503", cause=f"a slice from {begin} in steps of {step} through {size} elements")
        parts.append(slice(begin, None if step < 0 and end < 0 else end, step))
    call.write("output", value[tuple(parts)], "rstride_dest")


@computes("pad")
def pad(call: Call) -> None:
    """Elements between two neighbours come first, then what is added or cropped outside."""
    value, paddings, mode = _any(call), call.registers.padding(call.number("rpaddings")), call.number("pad_mode")
    if len(paddings) != value.ndim or value.dtype.itemsize > 4:
        cause = f"padding of {len(paddings)} axes for a tensor {value.dtype.name} of rank {value.ndim}"
        raise ExecutionError("K0503", cause=cause)
    before, after, between = zip(*paddings, strict=True) if paddings else ((), (), ())
    fill = call.operands["value"]
    if any(between):
        if min(between) < 0 or mode != "constant":
            raise ExecutionError("K0503", cause=f"{between} elements between neighbours, in mode {mode}")
        spread = [size + (size - 1) * inner for size, inner in zip(value.shape, between, strict=True)]
        wide = np.full(room(spread), value.dtype.type(fill))
        wide[tuple(slice(None, None, inner + 1) for inner in between)] = value
        value = wide
    room(size + first + last for size, first, last in zip(value.shape, before, after, strict=True))
    call.write("output", kernels.pad(value, padding=(*before, *after), mode=mode, value=fill), "rstride_dest")


@computes("gather")
def gather(call: Call) -> None:
    value = _any(call)
    indices = call.read("indices", "i32", "rshape_indices")
    axis = axis_of(call.number("axis"), value.ndim)
    _check_indices(indices, value.shape[axis])
    call.write("output", kernels.gather(value, indices, axis=axis, batch_dims=0), "rstride_dest")


@computes("gather_nd")
def gather_nd(call: Call) -> None:
    value = _any(call)
    indices = call.read("indices", "i32", "rshape_indices")
    result = kernels.gather_nd(value, indices, batch_dims=call.number("batch_dims"))
    call.write("output", result, "rstride_dest")


@computes("gather_elements")
def gather_elements(call: Call) -> None:
    value = call.read("input", "f32", "input_shape_src")
    indices = call.read("indices", "i64", "indices_shape_src")
    axis = axis_of(call.number("axis"), value.ndim)
    call.write("output", kernels.gather_elements(value, indices, axis=axis), element="f32")


def _check_indices(indices: Array, size: int) -> None:
    if indices.size and not (-size <= indices.min() and indices.max() < size):
        raise ExecutionError("K0503", cause=f"an index lies outside of the {size} elements")


@computes("onehot")
def one_hot(call: Call) -> None:
    element = str(call.number("datatype"))
    indices = call.read("indices", "i32", "rshape_indices")
    shape = call.shape("rshape_dest")
    axis = axis_of(call.number("axis"), len(shape))
    off, on = (call.memory.view(call.integer(name), element, (), ())[()] for name in ("off", "on"))
    if call.number("onehot_mode") == "process_negative":
        indices = np.where(indices < 0, indices + shape[axis], indices)
    places = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    call.write("output", np.where(np.expand_dims(indices, axis) == places, on, off), "rstride_dest")


@computes("resize_image")
def resize_image(call: Call) -> None:
    """Positions and weights are float32, and evaluated in the order of the vendor's runtimes: images match exactly."""
    value = _any(call)
    if value.ndim != 4:
        raise ExecutionError("K0503", cause=f"an image of rank {value.ndim}, expected 4")
    height, width = (call.integer(name) for name in ("out_h", "out_w"))
    room((*value.shape[:2], height, width))
    resize = _nearest if call.number("resize_mode") == "nearest" else _linear
    call.write("output", resize(call, value, height, width), "rstride_dest")


def _scale(call: Call, extent: int, size: int) -> np.float32:
    if call.number("align_corners") and size > 1:
        return np.float32(extent - 1) / np.float32(size - 1)
    return np.float32(extent) / np.float32(size)


def _nearest(call: Call, value: Array, height: int, width: int) -> Array:
    def indices(extent: int, size: int) -> Array:
        half = np.float32(0.5 if call.number("half_pixel_centers") else 0)
        places = (np.arange(size, dtype=np.float32) + half) * _scale(call, extent, size)
        if call.number("align_corners"):
            places += np.float32(0.5)
        return np.asarray(np.clip(np.floor(places).astype(np.int64), 0, extent - 1))

    return np.asarray(value[:, :, indices(value.shape[2], height)][..., indices(value.shape[3], width)])


def _linear(call: Call, value: Array, height: int, width: int) -> Array:
    half = np.float32(0.5 if call.number("half_pixel_centers") else 0)

    def places(extent: int, size: int) -> tuple[Array, Array, Array]:
        """First and second neighbour, and the way from the first."""
        exact = (np.arange(size, dtype=np.float32) + half) * _scale(call, extent, size) - half
        low = np.maximum(np.floor(exact).astype(np.int64), 0)
        return low, np.minimum(np.ceil(exact).astype(np.int64), extent - 1), exact - low.astype(np.float32)

    top, bottom, down = places(value.shape[2], height)
    left, right, across = places(value.shape[3], width)
    down, one = down[:, np.newaxis], np.float32(1)

    def at(rows: Array, columns: Array) -> Array:
        return np.asarray(value[:, :, rows][..., columns], np.float32)

    result = at(top, left) * ((one - down) * (one - across)) + at(bottom, left) * (down * (one - across))
    result = result + at(top, right) * ((one - down) * across) + at(bottom, right) * (down * across)
    if value.dtype.kind in "iu":
        result = np.trunc(result + np.float32(0.5))
    return np.asarray(result.astype(value.dtype))


@computes("space_to_batch")
def space_to_batch(call: Call) -> None:
    first, last = _outer(call)
    result = kernels.space_to_batch(_any(call), block=call.shape("rshape_block"), padding=(*first, *last))
    call.write("output", result, "rstride_dest")


@computes("batch_to_space")
def batch_to_space(call: Call) -> None:
    first, last = _outer(call)
    result = kernels.batch_to_space(_any(call), block=call.shape("rshape_block"), crops=(*first, *last))
    call.write("output", result, "rstride_dest")


def _outer(call: Call) -> tuple[list[int], list[int]]:
    paddings = call.registers.padding(call.number("rpad_crops"))
    return [one[0] for one in paddings], [one[1] for one in paddings]


@computes("trilu")
def trilu(call: Call) -> None:
    value = call.read("input", call.only("f32"), "rshape_src")
    call.write("output", kernels.trilu(value, k=call.number("k"), upper=call.number("upper")))


@computes("compress")
def compress(call: Call) -> None:
    """The axis is stated as a float32; as many slices as are taken lie densely in the output."""
    value = call.read("input", "f32", "input_shape_src")
    condition = call.read("condition", "u8", "condition_shape_src")
    axis = axis_of(int(call.number("axis")), value.ndim)
    taken = np.compress(condition.reshape(-1) != 0, value, axis=axis)
    call.write("output", taken, element="f32")
