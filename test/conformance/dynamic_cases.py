"""Small networks of open dimensions: their inputs, outputs and nodes in onnx's text format, what to run them with
(arrays of several shapes), and the opset if it is not 18."""

import numpy as np


def noise(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def ints(*numbers):
    return np.array(numbers, np.int64)


IMAGES = [(noise(1, 4, 8, 8),), (noise(2, 4, 7, 9),), (noise(3, 4, 11, 6),)]
MATRICES = [(noise(3, 4),), (noise(1, 6),), (noise(5, 2),)]
IMAGE, MATRIX = "float[N,4,H,W] x", "float[N,M] x"
Y = "float[?,?,?,?] y"
KERNEL = "w = ConstantOfShape<value: tensor = float[1] {0.25}>(s)"


def scalars(dtype, rows):
    """One scalar an input."""
    return [tuple(np.array(one, dtype) for one in row) for row in rows]


def bounds(*rows):
    """A matrix, and starts and ends."""
    return [(noise(6, 7), ints(*starts), ints(*ends)) for starts, ends in rows]


def constants(**arrays):
    """Constants as nodes."""
    return " ".join(
        f"{name} = Constant <value_ints = [{', '.join(map(str, numbers))}]> ()" for name, numbers in arrays.items()
    )


def boxes(batch, classes, count):
    """Boxes by opposite corners, and scores, of which some are the same."""
    random = np.random.default_rng([batch, classes, count])
    starts = random.random((batch, count, 2))
    corners = np.concatenate([starts, starts + random.uniform(0.05, 0.4, starts.shape)], axis=-1)
    scores = random.integers(0, 50, (batch, classes, count)) / 50
    return corners.astype(np.float32), scores.astype(np.float32)


BOXES = [boxes(1, 1, 20), boxes(2, 3, 40), boxes(1, 2, 1)]
LIMITS = (
    "m = Constant<value_ints=[6]>() t = Constant<value_floats=[0.3]>() "
    "y = NonMaxSuppression<center_point_box={centre}>(b, s, m, t{least})"
)


def recurrent(kind, gates, directions=1, outputs="y, h", states="", **attributes):
    """A recurrent layer of 3 inputs and 4 hidden elements, with weights that are sums of sines, as nodes."""
    rows = directions * gates * 4
    shapes = {"w": (rows, 3), "r": (rows, 4), "b": (2 * rows,)}
    texts = []
    for number, (name, shape) in enumerate(shapes.items()):
        values = np.sin(np.arange(np.prod(shape)) * (number + 1.3)) / 2
        dims = [directions, *([gates * 4, shape[1]] if len(shape) > 1 else [2 * gates * 4])]
        numbers = ", ".join(f"{value:.6f}" for value in values)
        texts.append(f"{name} = Constant<value: tensor = float{dims} {{{numbers}}}>()")
    given = "".join(f", {name} = {value}" for name, value in attributes.items())
    return f"{' '.join(texts)} {outputs} = {kind}<hidden_size = 4{given}>(x, w, r, b{states})"


SEQUENCES = [(noise(5, 2, 3),), (noise(1, 1, 3),), (noise(9, 3, 3),)]
STATES = [(x, noise(1, x.shape[1], 4), noise(1, x.shape[1], 4, seed=1)) for (x,) in SEQUENCES]
SEQUENCE = "float[T,B,3] x"


CASES = {
    "conv_same_upper": (
        IMAGE,
        Y,
        f'{constants(s=[3, 4, 3, 3])} {KERNEL} y = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w)',
        IMAGES,
    ),
    "conv_same_lower": (
        IMAGE,
        Y,
        f'{constants(s=[3, 4, 4, 2])} {KERNEL} y = Conv<auto_pad="SAME_LOWER", strides=[2,3]>(x, w)',
        IMAGES,
    ),
    "conv_same_by_ones": (
        IMAGE,
        Y,
        f'{constants(s=[3, 4, 3, 3])} {KERNEL} y = Conv<auto_pad="SAME_UPPER">(x, w)',
        IMAGES,
    ),
    "conv_transpose": (
        IMAGE,
        Y,
        f"{constants(s=[4, 3, 3, 3])} {KERNEL} "
        "y = ConvTranspose<strides=[2,2], pads=[1,1,0,0], output_padding=[1,1], group=2>(x, w)",
        IMAGES,
    ),
    "conv_transpose_same": (
        IMAGE,
        Y,
        f'{constants(s=[4, 3, 3, 3])} {KERNEL} y = ConvTranspose<strides=[2,2], auto_pad="SAME_UPPER">(x, w)',
        IMAGES,
    ),
    "max_pool": (IMAGE, Y, "y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x)", IMAGES),
    "max_pool_ceil": (IMAGE, Y, "y = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)", IMAGES),
    "max_pool_same": (IMAGE, Y, 'y = MaxPool<kernel_shape=[3,2], strides=[2,2], auto_pad="SAME_UPPER">(x)', IMAGES),
    "average_pool_ceil": (IMAGE, Y, "y = AveragePool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)", IMAGES),
    "average_pool_same": (
        IMAGE,
        Y,
        'y = AveragePool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_LOWER">(x)',
        IMAGES,
    ),
    "average_pool_same_counted": (
        IMAGE,
        Y,
        'y = AveragePool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER", count_include_pad=1>(x)',
        IMAGES,
    ),
    "resize_by_two": (
        IMAGE,
        Y,
        "s = Constant<value_floats=[1.0,1.0,2.0,3.0]>() "
        'y = Resize<mode="linear", coordinate_transformation_mode="asymmetric">(x, , s)',
        IMAGES,
    ),
    "resize_nearest": (
        IMAGE,
        Y,
        's = Constant<value_floats=[1.0,1.0,2.0,2.0]>() y = Resize<mode="nearest", nearest_mode="floor">(x, , s)',
        IMAGES,
    ),
    "resize_to_other": (
        IMAGE + ", float[A,B,C,D] z",
        Y,
        "d = Shape<start=2>(z) e = Shape<end=2>(x) s = Concat<axis=0>(e, d) "
        'y = Resize<mode="linear", coordinate_transformation_mode="pytorch_half_pixel">(x, , , s)',
        [(*one, noise(1, 1, 5 + i, 9)) for i, one in enumerate(IMAGES)],
    ),
    "resize_axes": (
        IMAGE + ", float[A,B] z",
        Y,
        's = Shape(z) y = Resize<mode="linear", axes=[2,3], coordinate_transformation_mode="align_corners">(x, , , s)',
        [(*one, noise(5 + i, 9)) for i, one in enumerate(IMAGES)],
    ),
    "depth_to_space": (IMAGE, Y, "y = DepthToSpace<blocksize=2>(x)", IMAGES),
    "depth_to_space_crd": (IMAGE, Y, 'y = DepthToSpace<blocksize=2, mode="CRD">(x)', IMAGES),
    "space_to_depth": (IMAGE, Y, "y = SpaceToDepth<blocksize=2>(x)", [(noise(1, 4, 8, 6),), (noise(2, 4, 2, 10),)]),
    "group_normalization": (
        IMAGE,
        Y,
        "s = Constant<value_floats=[0.5,1.5]>() b = Constant<value_floats=[1.0,-1.0]>() "
        "y = GroupNormalization<num_groups=2>(x, s, b)",
        IMAGES,
    ),
    "instance_normalization": (
        IMAGE,
        Y,
        "s = Constant<value_floats=[0.5,1.5,1.0,2.0]>() y = InstanceNormalization(x, s, s)",
        IMAGES,
    ),
    "global_pool": (IMAGE, Y, "y = GlobalAveragePool(x)", IMAGES),
    "flatten": (IMAGE, "float[?,?] y", "y = Flatten<axis=2>(x)", IMAGES),
    "flatten_rows": (IMAGE, "float[?,?] y", "y = Flatten(x)", IMAGES),
    "reshape_kept": (IMAGE, "float[?,?,?] y", f"{constants(s=[0, 0, -1])} y = Reshape(x, s)", IMAGES),
    "reshape_computed": (
        IMAGE,
        "float[?,?] y",
        f"{constants(i=[1, 0], a=[1], b=[2], m=[-1])} d = Shape<end=2>(x) e = Gather(d, i) "
        "f = Slice(e, a, b) s = Concat<axis=0>(f, m) y = Reshape(x, s)",
        IMAGES,
    ),
    "squeeze": (
        "float[N,O,M] x",
        "float[?,?] y",
        f"{constants(a=[1])} y = Squeeze(x, a)",
        [(noise(3, 1, 4),), (noise(2, 1, 5),)],
    ),
    "unsqueeze": (MATRIX, Y, f"{constants(a=[3, 0])} y = Unsqueeze(x, a)", MATRICES),
    "transpose": (IMAGE, Y, "y = Transpose<perm=[2,0,3,1]>(x)", IMAGES),
    "split": (
        MATRIX,
        "float[?,?] y, float[?,?] z",
        "y, z = Split<axis=0, num_outputs=2>(x)",
        [(noise(3, 4),), (noise(4, 5),)],
    ),
    "slice_inner": (MATRIX, "float[?,?] y", f"{constants(a=[1], b=[-1], c=[0])} y = Slice(x, a, b, c)", MATRICES),
    "slice_last": (MATRIX, "float[?,?] y", f"{constants(a=[-2], b=[100], c=[1])} y = Slice(x, a, b, c)", MATRICES),
    "slice_backwards": (
        MATRIX,
        "float[?,?] y",
        f"{constants(a=[-1, 100], b=[-100, 0], c=[0, 1], d=[-1, -2])} y = Slice(x, a, b, c, d)",
        MATRICES,
    ),
    "slice_computed": (
        MATRIX + ", int64[2] a, int64[2] b",
        "float[?,?] y",
        "y = Slice(x, a, b)",
        bounds(((1, 2), (4, 7)), ((-3, 0), (-1, -2)), ((5, 3), (2, 3)), ((0, -100), (100, 1))),
    ),
    "slice_computed_backwards": (
        MATRIX + ", int64[2] a, int64[2] b",
        "float[?,?] y",
        f"{constants(c=[1, 0], d=[-1, 2])} y = Slice(x, a, b, c, d)",
        bounds(((5, 0), (1, 5)), ((-1, 1), (-100, -1)), ((2, 4), (4, 2)), ((100, 0), (0, 100))),
    ),
    "pad_computed": (
        MATRIX + ", int64[4] p",
        "float[?,?] y",
        "v = Constant<value_float=2.5>() y = Pad(x, p, v)",
        [(noise(3, 4), ints(1, 0, 0, 2)), (noise(2, 2), ints(0, 3, 1, 0)), (noise(4, 4), ints(-1, 0, 0, -2))],
    ),
    "pad_axes": (
        MATRIX + ", int64[2] p",
        "float[?,?] y",
        f'{constants(a=[1])} y = Pad<mode="reflect">(x, p, , a)',
        [(noise(3, 4), ints(1, 2)), (noise(2, 5), ints(0, 3))],
    ),
    "expand_computed": (
        MATRIX + ", int64[3] s",
        "float[?,?,?] y",
        "y = Expand(x, s)",
        [(noise(3, 1), ints(2, 1, 4)), (noise(1, 4), ints(1, 3, 1))],
    ),
    "tile_computed": (
        MATRIX + ", int64[2] r",
        "float[?,?] y",
        "y = Tile(x, r)",
        [(noise(3, 1), ints(2, 1)), (noise(2, 4), ints(1, 3))],
    ),
    "constant_of_shape": (
        MATRIX,
        "float[?,?] y",
        "s = Shape(x) c = ConstantOfShape<value: tensor = float[1] {0.5}>(s) y = Add(x, c)",
        MATRICES,
    ),
    "size": (MATRIX, "int64 y", "y = Size(x)", MATRICES),
    "range": (
        "int64 a, int64 b, int64 c",
        "int64[?] y",
        "y = Range(a, b, c)",
        scalars(np.int64, ((0, 5, 1), (3, -4, -2), (2, 11, 4), (5, 1, 1), (-7, 0, 3))),
    ),
    "range_i32": (
        "int32 a, int32 b",
        "int32[?] y",
        "c = Constant<value: tensor = int32 {3}>() y = Range(a, b, c)",
        scalars(np.int32, ((0, 5), (3, 12), (2, 1))),
    ),
    "range_float": (
        "float a, float b",
        "float[?] y",
        "c = Constant<value_float=-0.5>() y = Range(a, b, c)",
        scalars(np.float32, ((2.25, 0), (0, -1.0), (1, 2))),
    ),
    "top_k_computed": (
        MATRIX + ", int64[1] k",
        "float[?,?] y, int64[?,?] i",
        "y, i = TopK(x, k)",
        [(noise(3, 6), ints(2)), (noise(1, 5), ints(5)), (noise(2, 4), ints(1))],
    ),
    "one_hot_computed": (
        "int64[N] x, int64 d",
        "float[?,?] y",
        "v = Constant<value_floats=[-1.0, 2.0]>() y = OneHot(x, d, v)",
        [(ints(0, 2, -1), np.array(3, np.int64)), (ints(4, -2), np.array(5, np.int64))],
    ),
    "eye_like": (MATRIX, "float[?,?] y", "y = EyeLike<k=1>(x)", MATRICES),
    "gather_from_the_end": (MATRIX, "float[?,?] y", f"{constants(i=[-1, 0])} y = Gather<axis=1>(x, i)", MATRICES),
    "gather_elements": (
        MATRIX + ", int64[A,B] i",
        "float[?,?] y",
        "y = GatherElements<axis=1>(x, i)",
        [(noise(2, 4), ints(0, -1, 3, -4).reshape(2, 2)), (noise(1, 3), ints(-3).reshape(1, 1))],
    ),
    "softmax_of_several": (IMAGE, Y, "y = Softmax<axis=2>(x)", IMAGES, 11),
    "layer_normalization": (
        "float[N,M,4] x",
        "float[?,?,?] y",
        "s = Constant<value_floats=[0.5,1.5,1.0,2.0]>() y = LayerNormalization(x, s, s)",
        [(noise(2, 3, 4),), (noise(1, 5, 4),)],
    ),
    "non_zero": (MATRIX, "int64[?,?] y", "r = Relu(x) y = NonZero(r)", [*MATRICES, (-np.ones((2, 3), np.float32),)]),
    "non_zero_of_known_shape": (
        "float[3,4] x",
        "int64[2,?] y",
        "r = Relu(x) y = NonZero(r)",
        [(noise(3, 4, seed=i),) for i in range(3)],
    ),
    "non_zero_of_vector": (
        "bool[N] x",
        "int64[1,?] y",
        "y = NonZero(x)",
        [(np.array([True, False, True]),), (np.zeros(4, bool),)],
    ),
    "take_what_is_positive": (
        MATRIX,
        "float[?] y",
        "r = Relu(x) i = NonZero(r) t = Transpose(i) y = GatherND(x, t)",
        MATRICES,
    ),
    "matmul": (
        "float[B,N,K] x, float[B,K,M] z",
        "float[?,?,?] y",
        "y = MatMul(x, z)",
        [(noise(2, 3, 4), noise(2, 4, 5)), (noise(1, 2, 6), noise(3, 6, 1))],
    ),
    "broadcast": (
        MATRIX + ", float[A,B] z",
        "float[?,?] y",
        "y = Add(x, z)",
        [(noise(3, 1), noise(1, 4)), (noise(3, 4), noise(3, 4)), (noise(1, 1), noise(2, 5))],
    ),
    "nms": ("float[B,N,4] b, float[B,C,N] s", "int64[?,3] y", LIMITS.format(centre=0, least=""), BOXES),
    "nms_of_centres_above_a_score": (
        "float[B,N,4] b, float[B,C,N] s",
        "int64[?,3] y",
        "l = Constant<value_floats=[0.5]>() " + LIMITS.format(centre=1, least=", l"),
        BOXES,
    ),
    "nms_of_known_shapes": (
        "float[2,40,4] b, float[2,3,40] s",
        "int64[?,3] y",
        LIMITS.format(centre=0, least=""),
        BOXES[1:2],
    ),
    "boxes_that_stay": (
        "float[1,N,4] b, float[1,C,N] s",
        "float[?,4] y",
        LIMITS.format(centre=0, least="").replace(" y = ", " n = ")
        + " c = Constant<value_ints=[2]>() i = Gather<axis=1>(n, c) a = Constant<value_ints=[0]>() "
        "f = Squeeze(b, a) d = Constant<value_ints=[1]>() j = Squeeze(i, d) y = Gather(f, j)",
        [BOXES[0], BOXES[2]],
    ),
    "compress": (
        "float[N,M] x, bool[K] c",
        "float[?,?] y",
        "y = Compress<axis=1>(x, c)",
        [(noise(2, 3), np.array([True, False, True])), (noise(1, 4), np.array([False, True]))],
    ),
    "compress_all": (
        "float[2,3] x, bool[6] c",
        "float[?] y",
        "y = Compress(x, c)",
        [(noise(2, 3), np.arange(6) % number == 0) for number in (1, 2, 7)],
    ),
    "unique": (
        "float[N,M] x",
        "float[?] y, int64[?] c",
        "y, , , c = Unique(x)",
        [(np.round(noise(*shape)),) for shape in ((3, 4), (1, 1), (7, 9))],
    ),
    "unique_in_their_own_order": (
        "float[N,M] x",
        "float[?] y, int64[?] i, int64[?] j, int64[?] c",
        "y, i, j, c = Unique<sorted=0>(x)",
        [(np.round(noise(*shape)),) for shape in ((3, 4), (1, 1), (7, 9))],
    ),
    "unique_of_known_shape": (
        "float[5,8] x",
        "float[?] y, int64[?] i, int64[?] j, int64[?] c",
        "y, i, j, c = Unique(x)",
        [(np.round(noise(5, 8)),)],
    ),
    "slice_of_known_vector": (
        "float[6] x, float[N] z",
        "float[5] y, float[3] r, float[?] w",
        f"{constants(a=[0], b=[-1], c=[-2], d=[-100], e=[0], i=[-2])} "
        "y = Slice(x, a, b, e) r = Slice(x, b, d, e, i) w = Slice(z, a, c, e)",
        [(noise(6), noise(4)), (noise(6), noise(1))],
    ),
    "unique_slices": (
        "float[N,M] x",
        "float[?,?] y, int64[?] i, int64[?] j, int64[?] c",
        "y, i, j, c = Unique<axis=1>(x)",
        [(np.sign(noise(2, 9)),), (np.sign(noise(3, 20)),), (noise(1, 1),)],
    ),
    "lstm": (SEQUENCE, "float[?,?,?,?] y, float[?,?,?] h", recurrent("LSTM", 4), SEQUENCES),
    "lstm_both_ways": (
        SEQUENCE,
        "float[?,?,?,?] y, float[?,?,?] h, float[?,?,?] c",
        recurrent("LSTM", 4, 2, "y, h, c", direction='"bidirectional"'),
        SEQUENCES,
    ),
    "lstm_of_one_sample": ("float[T,1,3] x", "float[?,?,?,?] y, float[?,?,?] h", recurrent("LSTM", 4), SEQUENCES[1:2]),
    "lstm_with_states": (
        SEQUENCE + ", float[1,B,4] a, float[1,B,4] d",
        "float[?,?,?,?] y, float[?,?,?] h, float[?,?,?] c",
        recurrent("LSTM", 4, outputs="y, h, c", states=", , a, d"),
        STATES,
    ),
    "gru": (SEQUENCE, "float[?,?,?,?] y, float[?,?,?] h", recurrent("GRU", 3), SEQUENCES),
    "gru_reset_behind": (
        SEQUENCE,
        "float[?,?,?,?] y, float[?,?,?] h",
        recurrent("GRU", 3, 2, direction='"bidirectional"', linear_before_reset=1),
        SEQUENCES,
    ),
    "rnn_backwards": (
        SEQUENCE,
        "float[?,?,?,?] y, float[?,?,?] h",
        recurrent("RNN", 1, direction='"reverse"'),
        SEQUENCES,
    ),
    "rnn_relu": (
        SEQUENCE,
        "float[?,?,?,?] y, float[?,?,?] h",
        recurrent("RNN", 1, activations='["Relu"]'),
        SEQUENCES,
    ),
}
