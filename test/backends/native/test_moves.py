"""Operations of machine code that move elements, resample, or put tensors together, against the reference kernels."""

from functools import partial

import numpy as np
import pytest
from native_trials import Trial, assert_near, compute, images

from kpuc.backends.native.generators import LOWERINGS
from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.backends.native.target import SPECS
from kpuc.dialects import mlir, nn
from kpuc.dialects.tensors import element_type

KINDS = ("float32", "int8", "int64", "bool", "float16")


@pytest.fixture(scope="module", autouse=True)
def context():
    with mlir.context():
        yield


@pytest.fixture
def rng(request):
    return np.random.default_rng(sum(map(ord, request.node.name)))


def tensor(rng, shape, kind="float32"):
    """Whole numbers, so that moves of any type can be compared."""
    return rng.integers(0, 2 if kind == "bool" else 100, shape).astype(kind)


def by_anchor(group, buffers, spec):
    """The kernels of whatever the group's anchor is."""
    return LOWERINGS.get(type(group.anchor), lower_pointwise)(group, buffers, spec)


def check(rng, networks, absolute=0.0, spec=SPECS["x86-64-v4-vnni"]):
    """`networks`: functions and the arrays that they are given; each in two layouts."""
    trials = [
        Trial(f"{number} {[array.shape for array in arrays]}", write, arrays, images(rng, spec.lanes(4)))
        for number, (write, *arrays) in enumerate(networks)
        for _ in range(2)
    ]
    for outcome in compute(trials, by_anchor, spec):
        assert_near(outcome, absolute, absolute)


SHAPES = [(1, 12, 1, 1), (3, 20, 1, 1), (1, 3, 9, 20), (2, 19, 5, 6), (1, 16, 1, 33), (2, 33, 7, 1), (1, 32, 4, 4)]


@pytest.mark.parametrize("spec", ["x86-64-v4-vnni", "x86-64-v3"])
def test_copies_between_layouts(rng, spec):
    write = partial(nn.Transpose, permutation=(0, 1, 2, 3))
    networks = [(write, tensor(rng, shape, kind)) for shape in SHAPES for kind in ("float32", "int8")]
    check(rng, networks, spec=SPECS[spec])


def test_transpose(rng):
    shapes = [(40, 50), (17, 3), (2, 5, 33), (3, 4, 18, 20), (1, 20, 20, 3), (2, 2, 3, 4, 5)]
    check(
        rng,
        [
            (partial(nn.Transpose, permutation=rng.permutation(len(shape)).tolist()), tensor(rng, shape, kind))
            for number, shape in enumerate(shapes)
            for kind in (("float32", "int8"), ("int64", "float32"), ("int16", "float32"))[number % 3]
        ],
    )


def test_large(rng):
    """Several tasks, of which the last one has more to do than the others."""
    check(
        rng,
        [
            (partial(nn.Transpose, permutation=(1, 0)), tensor(rng, (150, 333))),
            (partial(nn.Transpose, permutation=(0, 1, 2, 3)), tensor(rng, (1, 35, 45, 47))),
            (nn.Relu, tensor(rng, (20003,))),
            (nn.Neg, tensor(rng, (3, 9001))),
            (nn.Add, tensor(rng, (2, 40, 19, 21)), tensor(rng, (40, 1, 1))),
        ],
    )


def test_slice(rng):
    networks = []
    for shape in [(40, 50), (2, 19, 8, 9), (1, 64, 5, 20)]:
        for _ in range(4):
            axes = [axis for axis in range(len(shape)) if rng.random() < 0.6] or [0]
            bounds = {
                "starts": rng.integers(-60, 30, len(axes)).tolist(),
                "ends": rng.integers(1, 90, len(axes)).tolist(),
                "axes": axes,
                "steps": rng.choice([1, 1, 2, 3], len(axes)).tolist(),
            }
            networks.append((partial(nn.Slice, **bounds), tensor(rng, shape)))
    back = {"starts": [-1, 6], "ends": [-1000, 1], "axes": [3, 2], "steps": [-1, -2]}
    networks.append((partial(nn.Slice, **back), tensor(rng, (2, 19, 8, 9))))
    check(rng, networks)


def test_every_other(rng):
    """Lanes that are apart in the operand, by all distances, along with others that are not."""
    networks = []
    for step in (2, 3, 4, 5):
        for kind in ("float32", ("int8", "int64")[step % 2]):
            taken = partial(nn.Slice, starts=(1,), ends=(9999,), axes=(-1,), steps=(step,))
            networks += [(taken, tensor(rng, (3, 50 + step), kind)), (taken, tensor(rng, (3, 7 + step), kind))]
    for block in (2, 3):
        x = tensor(rng, (1, 3, 4 * block, 21 * block))
        networks.append((partial(nn.SpaceToDepth, block=block, mode="DCR"), x))

    def focus(x):
        parts = []
        for row in (0, 1):
            for column in (0, 1):
                bounds = {"starts": (row, column), "ends": (99, 99), "axes": (2, 3), "steps": (2, 2)}
                parts.append(nn.Relu(nn.Slice(nn.Neg(x).output, **bounds).output).output)
        return nn.Concat(parts, axis=1)

    networks.append((focus, tensor(rng, (1, 3, 8, 42)) - 50))
    check(rng, networks)


def test_split(rng):
    check(
        rng,
        [
            (partial(nn.Split, axis=1, sizes=(3, 16, 5)), tensor(rng, (2, 24, 3, 5))),
            (partial(nn.Split, axis=-1, sizes=(1, 20)), tensor(rng, (6, 21))),
            (partial(nn.Split, axis=0, sizes=(2, 2)), tensor(rng, (4, 3, 3, 3), "int8")),
        ],
    )


def test_reshape(rng):
    pairs = [
        ((2, 6, 20), (12, 20)),
        ((4, 6), (3, 8)),
        ((2, 16, 3, 5), (2, 16, 15)),
        ((1, 24, 3, 4), (24, 12)),
        ((40, 32), (40, 2, 16)),
        ((5,), (1, 5, 1, 1)),
        ((2, 3, 4), (24,)),
    ]
    networks = [(partial(nn.Reshape, shape=target), tensor(rng, shape)) for shape, target in pairs]
    networks.append((partial(nn.Squeeze, axes=(0, 2)), tensor(rng, (1, 20, 1, 18))))
    networks.append((partial(nn.Unsqueeze, axes=(0, 2)), tensor(rng, (20, 18))))
    check(rng, networks)


def test_repetition(rng):
    check(
        rng,
        [
            (partial(nn.Expand, shape=(3, 1, 20)), tensor(rng, (4, 1))),
            (partial(nn.Expand, shape=(2, 19, 3, 5)), tensor(rng, (19, 1, 1), "int8")),
            (partial(nn.Tile, repeats=(2, 1, 3, 1)), tensor(rng, (1, 19, 2, 4))),
            (partial(nn.Tile, repeats=(1, 3)), tensor(rng, (5, 7), "bool")),
            (partial(nn.Tile, repeats=(1, 2, 1, 2)), tensor(rng, (2, 16, 2, 3))),
        ],
    )


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_blocks_of_channels(rng, mode):
    networks = []
    for block, channels in ((2, 3), (2, 16), (3, 5)):
        x = tensor(rng, (2, channels * block * block, 3, 4))
        networks.append((partial(nn.DepthToSpace, block=block, mode=mode), x))
        x = tensor(rng, (1, channels, 3 * block, 4 * block), "int8")
        networks.append((partial(nn.SpaceToDepth, block=block, mode=mode), x))
    check(rng, networks)


def test_blocks_of_the_batch(rng):
    check(
        rng,
        [
            (partial(nn.SpaceToBatch, block=(2, 3), padding=(1, 0, 0, 1)), tensor(rng, (2, 19, 5, 8))),
            (partial(nn.SpaceToBatch, block=(2, 2), padding=(0, 0, 0, 0)), tensor(rng, (1, 3, 4, 6), "int8")),
            (partial(nn.SpaceToBatch, block=(1, 2), padding=(2, 0, 1, 1)), tensor(rng, (2, 3, 4, 5))),
            (partial(nn.BatchToSpace, block=(2, 3), crops=(1, 0, 0, 1)), tensor(rng, (12, 19, 3, 2))),
            (partial(nn.BatchToSpace, block=(2, 1), crops=(0, 0, 0, 0)), tensor(rng, (4, 3, 3, 20), "int8")),
        ],
    )


def joined(axis):
    return lambda *operands: nn.Concat(operands, axis=axis)


def test_concat(rng):
    check(
        rng,
        [
            (joined(1), *(tensor(rng, (2, c, 3, 5)) for c in (3, 16, 19, 1))),
            (joined(1), *(tensor(rng, (1, c, 3, 5), "int8") for c in (16, 32))),
            (joined(2), *(tensor(rng, (2, 17, h, 5)) for h in (1, 2))),
            (joined(3), *(tensor(rng, (2, 17, 2, w)) for w in (4, 2, 1))),
            (joined(0), *(tensor(rng, (n, 3, 2, 2)) for n in (1, 2))),
            (joined(-1), *(tensor(rng, (5, w), "bool") for w in (20, 0, 3))),
            (joined(0), *(tensor(rng, (n,), "int64") for n in (1, 2, 1))),
        ],
    )


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge", "wrap"])
def test_pad(rng, mode):
    value = 7.0 if mode == "constant" else 0.0
    networks = []
    for shape, axes in [((2, 19, 4, 5), (1, 2)), ((1, 3, 6, 20), (2, 3)), ((7, 33), (0, 1)), ((3, 4, 5, 20), (0, 3))]:
        padding = rng.integers(-1 if mode == "constant" else 0, 3, 2 * len(shape))
        padding[[axis for axis in range(2 * len(shape)) if axis % len(shape) not in axes]] = 0
        networks.append((partial(nn.Pad, padding=padding.tolist(), mode=mode, value=value), tensor(rng, shape)))
    networks.append((partial(nn.Pad, padding=(2, -3), mode=mode, value=value), tensor(rng, (9,), "int8")))
    check(rng, networks)


def test_trilu(rng):
    check(
        rng,
        [
            (partial(nn.Trilu, k=k, upper=upper), tensor(rng, shape, kind))
            for shape, kind in [((20, 37), "float32"), ((2, 18, 5, 7), "int8"), ((5, 5), "bool")]
            for k, upper in [(0, True), (-2, False), (3, True)]
        ],
    )


def test_reverse_sequence(rng):
    check(
        rng,
        [
            (partial(nn.ReverseSequence, batch_axis=0, time_axis=1), tensor(rng, (3, 6, 20)), np.array([0, 6, 4])),
            (partial(nn.ReverseSequence, batch_axis=1, time_axis=0), tensor(rng, (6, 3)), np.array([1, 2, 5])),
        ],
    )


def test_batch_norm(rng):
    def folded(x):
        parameters = [nn.Constant(value=rng.uniform(0.5, 2, x.type.shape[1]).astype(np.float32)) for _ in range(4)]
        return nn.BatchNorm(x, *(one.output for one in parameters), epsilon=1e-3)

    given = [rng.uniform(0.5, 2, 19).astype(np.float32) for _ in range(4)]
    x = rng.normal(size=(2, 19, 3, 5)).astype(np.float32)
    check(rng, [(folded, x), (partial(nn.BatchNorm, epsilon=1e-3), x, *given), (folded, x[:, :, 0, 0])], 1e-6)


def test_what_shapes_decide(rng):
    def ranged(x):
        bounds = [nn.Constant(value=np.array(bound, np.int64)).output for bound in (3, 40, 2)]
        return [nn.Range(*bounds).output, nn.ShapeOf(x, start=1, end=None).output, nn.Size(x).output]

    def filled(x):
        shape = nn.Constant(value=np.array([3, 21], np.int64)).output
        return nn.Fill(shape, value=2.5, dtype=element_type("float32"))

    check(rng, [(ranged, tensor(rng, (2, 5, 3))), (filled, tensor(rng, (2,)))])


RESIZE = {
    "cubic_coeff_a": -0.75,
    "exclude_outside": False,
    "extrapolation_value": 9.0,
    "antialias": False,
    "roi": None,
}


def resized(x, height, width, mode, coordinate, **more):
    n, c, h, w = x.shape
    attributes = {**RESIZE, "nearest_mode": "round_prefer_floor", **more}
    sizes, scales = (n, c, height, width), (1.0, 1.0, height / h, width / w)
    return partial(nn.Resize, sizes=sizes, scales=scales, mode=mode, coordinate=coordinate, **attributes), x


def test_nearest(rng):
    x, more = tensor(rng, (2, 19, 5, 6)), {"nearest_mode": "floor"}
    check(
        rng,
        [
            resized(x, 10, 12, "nearest", "asymmetric", **more),
            resized(x, 15, 6, "nearest", "half_pixel"),
            resized(x, 7, 4, "nearest", "half_pixel", nearest_mode="ceil"),
            resized(x, 3, 3, "nearest", "align_corners", nearest_mode="round_prefer_ceil"),
            resized(tensor(rng, (1, 16, 4, 4), "int8"), 8, 8, "nearest", "asymmetric", **more),
            resized(x, 9, 9, "nearest", "tf_crop_and_resize", roi=(0, 0, 0.1, -0.2, 1, 1, 0.8, 1.3)),
        ],
    )


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_filters(rng, mode):
    x = rng.normal(size=(2, 19, 5, 6)).astype(np.float32)
    check(
        rng,
        [
            resized(x, 10, 12, mode, "half_pixel"),
            resized(x, 7, 13, mode, "align_corners"),
            resized(x, 3, 4, mode, "pytorch_half_pixel"),
            resized(x, 2, 3, mode, "half_pixel", antialias=True),
            resized(x, 9, 4, mode, "asymmetric", exclude_outside=True),
            resized(x, 9, 9, mode, "tf_crop_and_resize", roi=(0, 0, 0.1, -0.2, 1, 1, 0.8, 1.3)),
            resized(x[:, :1], 10, 6, mode, "half_pixel_symmetric"),
        ],
        2e-6,
    )


def test_filter_of_integers(rng):
    """Rounded to the nearest: what lies nearly in the middle may become either."""
    x = tensor(rng, (1, 19, 5, 6), "uint8")
    for mode in ("linear", "cubic"):
        write, _ = resized(x, 10, 9, mode, "half_pixel")
        given = (
            Trial("integers", write, (x,), images(rng)),
            Trial("floats", write, (x.astype(np.float32),), images(rng)),
        )
        ours, floats = (outcome.ours[0].astype(np.float64) for outcome in compute(given, by_anchor))
        np.testing.assert_allclose(ours, floats.clip(0, 255), rtol=0, atol=0.5 + 1e-4)


def test_fused(rng):
    """Element-wise operations before and behind moves."""

    def before(x):
        return nn.Relu(nn.Transpose(nn.Neg(x).output, permutation=(0, 2, 3, 1)).output)

    def behind(*operands):
        return nn.Relu(nn.Concat(operands, axis=1).output)

    def twice(x):
        return nn.Add(
            nn.Slice(x, starts=(1,), ends=(3,), axes=(1,), steps=(1,)).output,
            nn.Transpose(x, permutation=(0, 1, 3, 2)).output,
        )

    def part(x):
        parts = nn.Split(nn.Sigmoid(x).output, axis=1, sizes=(2, 5)).outputs
        return [nn.Neg(parts[0]).output, nn.Relu(parts[1]).output]

    x = tensor(rng, (2, 7, 5, 9)) - 50
    check(rng, [(before, x), (part, x)], 1e-6)
    y = tensor(rng, (1, 2, 20, 20))
    check(rng, [(twice, y)])
    for outcome in compute([Trial("joined", behind, (x, x[:, :3]), images(rng))], partial(by_concat)):
        assert_near(outcome)


def by_concat(group, buffers, spec):
    """The kernels of a group whose first operation is a concatenation."""
    group.anchor = group.operations[0]
    return LOWERINGS[nn.Concat](group, buffers, spec)
