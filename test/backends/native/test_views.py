"""Operations that move elements, read as parts of other kernels: element-wise operations before and behind each."""

from functools import partial

import numpy as np
import pytest
from native_trials import Trial, assert_near, compute, images

from kpuc.backends.native import computations, resampling, views
from kpuc.backends.native.evaluation import COMPUTATIONS, VIEWS
from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.backends.native.target import SPECS
from kpuc.backends.native.views import runs_alike
from kpuc.dialects import mlir, nn
from kpuc.dialects.tensors import element_type, static_shape

ATTRIBUTES = {
    "cubic_coeff_a": -0.75, "exclude_outside": False, "extrapolation_value": 0.0, "antialias": False, "roi": None,
    "scales": (1.0, 1.0, 2.0, 1.5), "nearest_mode": "floor", "coordinate": "half_pixel",
}  # fmt: skip
X = (2, 18, 6, 4)
MOVES = {
    nn.Transpose: [({"permutation": (0, 2, 3, 1)}, X), ({"permutation": (2, 0, 1)}, (5, 17, 20))],
    nn.Slice: [({"starts": (1, 3), "ends": (9, 99), "axes": (3, 1), "steps": (1, 2)}, X)],
    nn.Split: [({"axis": 1, "sizes": (16, 2)}, X), ({"axis": 1, "sizes": (1, 17)}, X)],
    nn.Reshape: [({"shape": (2, 18, 24)}, X), ({"shape": (36, 3, 8)}, X), ({"shape": (4, 9, 24)}, X)],
    nn.Squeeze: [({"axes": (1,)}, (5, 1, 33))],
    nn.Unsqueeze: [({"axes": (1, 3)}, (5, 33))],
    nn.Expand: [({"shape": (3, 5, 40)}, (5, 1)), ({"shape": (2, 18, 6, 4)}, (2, 18, 1, 1))],
    nn.Tile: [({"repeats": (1, 2, 3, 1)}, (2, 3, 2, 20))],
    nn.DepthToSpace: [({"block": 3, "mode": "DCR"}, X), ({"block": 3, "mode": "CRD"}, X)],
    nn.SpaceToDepth: [({"block": 2, "mode": "DCR"}, X), ({"block": 2, "mode": "CRD"}, (1, 16, 2, 2))],
    nn.BatchToSpace: [({"block": (1, 2), "crops": (0, 1, 0, 0)}, X)],
    nn.SpaceToBatch: [({"block": (2, 2), "padding": (1, 0, 1, 0)}, X)],
    nn.Trilu: [({"k": -1, "upper": True}, X)],
    nn.Resize: [({**ATTRIBUTES, "mode": mode, "sizes": (2, 18, 12, 6)}, X) for mode in ("nearest", "linear", "cubic")],
}
"""By operation: attributes and the shape of the operand."""


@pytest.fixture(scope="module", autouse=True)
def context():
    with mlir.context():
        yield


def between(op, attributes, x):
    """The operation with others around it, on numbers that some of them change and some broadcast."""
    doubled = nn.Relu(nn.Mul(x, nn.Constant(value=np.float32(2)).output).output)
    moved = op(doubled.output, **attributes).operation.results[0]
    added = nn.Constant(value=np.arange(static_shape(moved)[-1], dtype=np.float32)).output
    return nn.Sub(nn.Add(moved, added).output, moved)


@pytest.mark.parametrize("spec", ["x86-64-v4-vnni", "x86-64-v3"])
def test_fused(spec):
    rng = np.random.default_rng(0)
    trials = [
        Trial(
            f"{op.OPERATION_NAME} {attributes}",
            partial(between, op, attributes),
            (rng.integers(-9, 9, shape).astype(np.float32),),
            images(rng, SPECS[spec].lanes(4)),
        )
        for op, cases in MOVES.items()
        for attributes, shape in cases
        for _ in range(2)
    ]
    for outcome in compute(trials, lower_pointwise, SPECS[spec]):
        assert_near(outcome, 1e-6, 3e-6 if "cubic" in outcome.name or "linear" in outcome.name else 0.0)


def test_conversion_of_an_image():
    """Bytes of H x W x 3 become normalised floats of a network's first image in one kernel."""
    rng = np.random.default_rng(1)

    def write(x):
        real = nn.Cast(nn.Transpose(x, permutation=(0, 3, 1, 2)).output, to=element_type("float32"), saturate=True)
        mean, scale = (nn.Constant(value=rng.uniform(1, 2, (3, 1, 1)).astype(np.float32)).output for _ in range(2))
        return nn.Mul(nn.Sub(real.output, mean).output, scale)

    x = rng.integers(0, 256, (1, 21, 37, 3)).astype(np.uint8)
    for outcome in compute([Trial("image", write, (x,), images(rng)) for _ in range(3)], lower_pointwise):
        assert_near(outcome)


def test_runs():
    assert runs_alike((2, 3, 4), (6, 4)) == [([0, 1], [0]), ([2], [1])]
    assert runs_alike((1, 6, 1), (2, 3)) == [([1], [0, 1])]
    assert runs_alike((4, 6), (3, 8)) == [([0, 1], [0, 1])]


def test_every_move_is_here():
    here = {views.__name__, resampling.__name__, computations.__name__}
    found = {op for table in (VIEWS, COMPUTATIONS) for op, write in table.items() if write.__module__ in here}
    elsewhere = {nn.BatchNorm, nn.Fill, nn.Range, nn.ReverseSequence, nn.ShapeOf, nn.Size}  # test_moves.py
    assert found - elsewhere == set(MOVES)
