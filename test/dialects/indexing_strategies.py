"""Gathering, scattering and selecting by index."""

import numpy as np
from drawn_case import Case, axis_of, floats, integers, litert, node, random, shape
from hypothesis import strategies as st

from kpuc.dialects import nn

INDICES = ("int32", "int64")


def indices(draw, dims, size):
    """Indices of either sign into `size` elements."""
    return integers(draw, dims, -size, size - 1, draw(st.sampled_from(INDICES)))


def known(draw):
    """The operands that are constants: the indices, or none."""
    return draw(st.sampled_from([(), (1,)]))


@st.composite
def gather(draw):
    x = floats(draw, shape(draw, 1, 4, least=1))
    axis = axis_of(draw, x.ndim)
    index = indices(draw, shape(draw, 0, 2), x.shape[axis])
    attributes = {"axis": axis, "batch_dims": 0}
    return Case(nn.Gather, [x, index], node("Gather", x, index, axis=axis), attributes, constant=known(draw))


@st.composite
def gather_batches(draw):
    x = floats(draw, shape(draw, 2, 4, least=1))
    axis = draw(st.integers(1, x.ndim - 1))
    batch = draw(st.integers(0, axis))
    index = integers(draw, (*x.shape[:batch], *shape(draw, 1, 2, least=1)), 0, x.shape[axis] - 1, np.int32)
    expected = litert("GATHER", x, index, table="GatherOptions", Axis=axis, BatchDims=batch)
    return Case(nn.Gather, [x, index], expected, {"axis": axis, "batch_dims": batch})


def elements(draw):
    """A tensor, an axis, and indices along it."""
    x = floats(draw, shape(draw, 1, 3, least=1))
    axis = axis_of(draw, x.ndim)
    dims = [draw(st.integers(0, 5 if i == axis % x.ndim else dim)) for i, dim in enumerate(x.shape)]
    return x, axis, indices(draw, dims, x.shape[axis])


@st.composite
def gather_elements(draw):
    x, axis, index = elements(draw)
    expected = node("GatherElements", x, index, axis=axis)
    return Case(nn.GatherElements, [x, index], expected, {"axis": axis}, constant=known(draw))


def tuples(draw, dims, outer):
    """Index tuples into the leading `dims`."""
    parts = [integers(draw, outer, -dim, dim - 1) for dim in dims]
    return np.stack(parts, axis=-1) if parts else np.zeros((*outer, 0), np.int64)


@st.composite
def gather_nd(draw):
    x = floats(draw, shape(draw, 1, 4, least=1))
    batch = draw(st.integers(0, x.ndim - 1))
    depth = draw(st.integers(1, x.ndim - batch))
    index = tuples(draw, x.shape[batch : batch + depth], (*x.shape[:batch], *shape(draw, 0, 2)))
    expected = node("GatherND", x, index, batch_dims=batch)
    # the length of the tuples decides the rank
    return Case(nn.GatherNd, [x, index], expected, {"batch_dims": batch}, static=(1,), constant=known(draw))


REDUCTION = st.sampled_from(["none", "add", "mul", "max", "min"])


@st.composite
def scatter_elements(draw):
    x, axis, index = elements(draw)
    updates, reduction = floats(draw, index.shape), draw(REDUCTION)
    expected = node("ScatterElements", x, index, updates, axis=axis, reduction=reduction)
    attributes = {"axis": axis, "reduction": reduction}
    return Case(nn.ScatterElements, [x, index, updates], expected, attributes, constant=known(draw))


@st.composite
def scatter_nd(draw):
    x, reduction = floats(draw, shape(draw, 1, 4, least=1)), draw(REDUCTION)
    depth = draw(st.integers(1, x.ndim))
    index = tuples(draw, x.shape[:depth], shape(draw, 1, 2))
    updates = floats(draw, (*index.shape[:-1], *x.shape[depth:]))
    expected = node("ScatterND", x, index, updates, reduction=reduction)
    attributes = {"reduction": reduction}
    return Case(nn.ScatterNd, [x, index, updates], expected, attributes, static=(1,), constant=known(draw))


@st.composite
def one_hot(draw):
    depth = draw(st.integers(1, 4))
    index = integers(draw, shape(draw, 1, 3), -depth - 2, depth + 2)
    values = floats(draw, (2,)) if draw(st.booleans()) else np.array([0, 1])
    axis = axis_of(draw, index.ndim + 1)
    expected = node("OneHot", index, np.array(depth), values, axis=axis)
    return Case(nn.OneHot, [index, values], expected, {"depth": depth, "axis": axis}, static=(1,))


@st.composite
def non_zero(draw):
    x = integers(draw, shape(draw, 1), -1, 1, draw(st.sampled_from(["float32", "int64", "bool"])))
    return Case(nn.NonZero, [x], node("NonZero", x), open_result=True)


@st.composite
def nms(draw):
    rng = random(draw)
    batch, classes, count = (draw(st.integers(1, 3)) for _ in range(3))
    centre = draw(st.booleans())
    boxes = rng.uniform(0, 1, (batch, 2 * count, 4)).astype(np.float32)
    scores = rng.uniform(0, 1, (batch, classes, 2 * count)).astype(np.float32)
    most, overlap = draw(st.integers(0, 5)), draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    least = draw(st.sampled_from([None, 0.0, 0.5]))
    expected = node(
        "NonMaxSuppression",
        boxes,
        scores,
        np.array([most]),
        np.array([overlap], np.float32),
        None if least is None else np.array([least], np.float32),
        center_point_box=int(centre),
    )
    attributes = {"center_point_box": int(centre), "max_output_boxes_per_class": most}
    attributes |= {"iou_threshold": overlap, "score_threshold": least}
    return Case(nn.Nms, [boxes, scores], expected, attributes, open_result=True)


STRATEGIES = {
    nn.Gather: gather() | gather_batches(),
    nn.GatherElements: gather_elements(),
    nn.GatherNd: gather_nd(),
    nn.ScatterElements: scatter_elements(),
    nn.ScatterNd: scatter_nd(),
    nn.OneHot: one_hot(),
    nn.NonZero: non_zero(),
    nn.Nms: nms(),
}
