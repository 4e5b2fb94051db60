"""Operations with sliding windows over images, and resizing."""

import math

import numpy as np
from drawn_case import Case, floats, node
from hypothesis import assume
from hypothesis import strategies as st

from kpuc.dialects import nn


def window(draw, rank, *, small_padding=False):
    """Kernel, strides, dilations, padding, and the extents of an image that they fit."""
    kernel, strides, dilations = (
        draw(st.lists(st.integers(1, most), min_size=rank, max_size=rank)) for most in (3, 3, 2)
    )
    most = [min(2, extent - 1) if small_padding else 2 for extent in kernel]  # pooling wants less than its kernel
    padding = [draw(st.integers(0, n)) for n in (*most, *most)]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    sizes = [max(1, span - padding[i] - padding[rank + i]) + draw(st.integers(0, 4)) for i, span in enumerate(spans)]
    return {"kernel": kernel, "strides": strides, "dilations": dilations, "padding": padding}, sizes


def onnx_names(attributes):
    """The attributes as ONNX calls them."""
    names = {"kernel": "kernel_shape", "padding": "pads", "groups": "group"}
    return {names.get(name, name): int(v) if isinstance(v, bool) else v for name, v in attributes.items()}


def clipped(draw, expected):
    """Limits of a fused clamp or None, and what is expected with it."""
    limits = draw(st.sampled_from([None, (-1.0, 1.0), (0.0, 6.0), (0.0, math.inf)]))
    if limits is None:
        return None, expected
    return limits, lambda: [np.clip(array, *map(np.float32, limits)) for array in expected()]


@st.composite
def conv(draw):
    attributes, sizes = window(draw, draw(st.integers(1, 3)))
    kernel = attributes.pop("kernel")
    groups, depth, width = (draw(st.integers(1, 3)) for _ in range(3))
    x = floats(draw, (draw(st.integers(1, 2)), groups * depth, *sizes), -1, 1)
    weight = floats(draw, (groups * width, depth, *kernel), -1, 1)
    bias = floats(draw, (groups * width,)) if draw(st.booleans()) else None
    attributes["groups"] = groups
    clamp, expected = clipped(draw, node("Conv", x, weight, bias, **onnx_names(attributes)))
    return Case(nn.Conv, [x, weight, bias], expected, {**attributes, "clamp": clamp}, static=(1, 2))


@st.composite
def conv_transpose(draw):
    attributes, sizes = window(draw, draw(st.integers(1, 2)))
    kernel = attributes.pop("kernel")
    groups, depth, width = (draw(st.integers(1, 3)) for _ in range(3))
    attributes["output_padding"] = [draw(st.integers(0, stride - 1)) for stride in attributes["strides"]]
    rank = len(kernel)
    for i, size in enumerate(sizes):
        full = (size - 1) * attributes["strides"][i] + attributes["dilations"][i] * (kernel[i] - 1) + 1
        assume(full + attributes["output_padding"][i] > sum(attributes["padding"][i::rank]))
    x = floats(draw, (draw(st.integers(1, 2)), groups * depth, *sizes), -1, 1)
    weight = floats(draw, (groups * depth, width, *kernel), -1, 1)
    bias = floats(draw, (groups * width,)) if draw(st.booleans()) else None
    attributes["groups"] = groups
    clamp, expected = clipped(draw, node("ConvTranspose", x, weight, bias, **onnx_names(attributes)))
    return Case(nn.ConvTranspose, [x, weight, bias], expected, {**attributes, "clamp": clamp}, static=(1, 2))


def image(draw):
    """A window with pooling's padding, and an image."""
    attributes, sizes = window(draw, draw(st.integers(1, 3)), small_padding=True)
    # a window that jumps over the image sees padding only, of which engines think differently
    assume(all(size >= dilation for size, dilation in zip(sizes, attributes["dilations"], strict=True)))
    attributes["ceil_mode"] = draw(st.booleans())
    return attributes, floats(draw, (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *sizes))


@st.composite
def max_pool(draw):
    attributes, x = image(draw)
    return Case(nn.MaxPool, [x], node("MaxPool", x, **onnx_names(attributes)), attributes)


@st.composite
def max_pool_with_indices(draw):
    attributes, x = image(draw)
    attributes["storage_order"] = draw(st.integers(0, 1)) if x.ndim == 4 else 0
    return Case(nn.MaxPoolWithIndices, [x], node("MaxPool", x, outputs=2, **onnx_names(attributes)), attributes)


@st.composite
def avg_pool(draw):
    attributes, x = image(draw)
    attributes["count_include_pad"] = draw(st.booleans())
    return Case(nn.AvgPool, [x], node("AveragePool", x, **onnx_names(attributes)), attributes)


@st.composite
def lp_pool(draw):
    attributes, x = image(draw)
    attributes["p"] = draw(st.integers(1, 3))
    return Case(nn.LpPool, [x], node("LpPool", x, opset=18, **onnx_names(attributes)), attributes)


COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
)


@st.composite
def resize(draw):
    x = floats(draw, (1, draw(st.integers(1, 2)), *(draw(st.integers(1, 6)) for _ in range(2))))
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    coordinate = draw(st.sampled_from(COORDINATES))
    sizes = [*x.shape[:2], *(draw(st.integers(1, 12)) for _ in range(2))]
    # onnxruntime takes resizing a dimension to the same size for a copy, even of another region
    assume(coordinate != "tf_crop_and_resize" or all(a != b for a, b in zip(sizes[2:], x.shape[2:], strict=True)))
    attributes = {
        "mode": mode,
        "nearest_mode": draw(st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])),
        "cubic_coeff_a": draw(st.sampled_from([-0.75, -0.5])),
        "exclude_outside": mode == "cubic" and draw(st.booleans()),
        "extrapolation_value": 2.5,
        "antialias": mode != "nearest" and coordinate != "tf_crop_and_resize" and draw(st.booleans()),
    }
    roi = None
    if coordinate == "tf_crop_and_resize":
        roi = [0.0, 0.0, *(draw(st.sampled_from([-0.25, 0.0, 0.25])) for _ in range(2))]
        roi += [1.0, 1.0, *(draw(st.sampled_from([0.5, 1.0, 1.25])) for _ in range(2))]
    given = {name: int(value) if isinstance(value, bool) else value for name, value in attributes.items()}
    expected = node(
        "Resize",
        x,
        None if roi is None else np.array(roi, np.float32),
        None,
        np.array(sizes),
        coordinate_transformation_mode=coordinate,
        **given,
    )
    scales = [float(np.float32(size / extent)) for size, extent in zip(sizes, x.shape, strict=True)]
    own = {"sizes": sizes, "scales": scales, "coordinate": coordinate, "roi": roi, **attributes}
    return Case(nn.Resize, [x], expected, own, bound=1e-4)


@st.composite
def dynamic_resize(draw):
    """By computed sizes, or by scales, which onnxruntime then is given, too."""
    static = draw(resize().filter(lambda case: case.attributes["coordinate"] != "tf_crop_and_resize"))
    own = {name: value for name, value in static.attributes.items() if name not in ("extrapolation_value", "roi")}
    (x,), sizes = static.operands, np.array(own.pop("sizes"))
    settings = {"constant": (1,) if draw(st.booleans()) else (), "static": (1,), "open_result": True, "bound": 1e-4}
    if draw(st.booleans()):
        return Case(nn.DynamicResize, [x, sizes], static.expected, {**own, "scales": None}, **settings)
    own["scales"] = [1.0, 1.0, *(draw(st.sampled_from([1.0, 1.5, 2.0, 3.0])) for _ in range(2))]
    given = {name: int(value) if isinstance(value, bool) else value for name, value in own.items()}
    scales = np.array(given.pop("scales"), np.float32)
    expected = node("Resize", x, None, scales, coordinate_transformation_mode=given.pop("coordinate"), **given)
    return Case(nn.DynamicResize, [x, None], expected, own, open_result=True, bound=1e-4)


STRATEGIES = {
    nn.Conv: conv(),
    nn.ConvTranspose: conv_transpose(),
    nn.MaxPool: max_pool(),
    nn.MaxPoolWithIndices: max_pool_with_indices(),
    nn.AvgPool: avg_pool(),
    nn.LpPool: lp_pool(),
    nn.Resize: resize(),
    nn.DynamicResize: dynamic_resize(),
}
