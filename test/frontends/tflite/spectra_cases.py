"""Fourier transforms, and how complex numbers become real ones."""

from single_operator import i32, normal, table_of
from stateful_cases import Network
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec

ENDS = ("COMPLEX_ABS", "REAL", "IMAG")


def step(operator, shape, *constants, again=False, **options):
    """An operator between: the shape of its result, the constants that it takes, whether it takes its input twice."""
    return operator, shape, constants, again, options


def spectrum(shape, lengths, between=(), ends=ENDS):
    """A transform of noise, some steps, and the parts of the numbers that these give."""
    bins = max(lengths[1], 0) // 2 + 1
    tensors = [TensorSpec("x", "float32", shape), TensorSpec("n", "int32", (2,), i32(*lengths))]
    tensors.append(TensorSpec("c", "complex64", (*shape[:-2], max(lengths[0], 0), bins)))
    nodes, last = [OperatorSpec("RFFT2D", [0, 1], [2], "Rfft2dOptions")], 2
    for operator, result, constants, again, options in between:
        inputs = [last] * (1 + again)
        for array in constants:
            inputs.append(len(tensors))
            tensors.append(TensorSpec(f"k{len(tensors)}", "int32", array.shape, array))
        last = len(tensors)
        tensors.append(TensorSpec("v", "complex64", result))
        nodes.append(OperatorSpec(operator, inputs, [last], table_of(operator), options))
    results = []
    for number, end in enumerate(ends):
        results.append(len(tensors))
        tensors.append(TensorSpec(f"y{number}", "float32", tensors[last].shape))
        nodes.append(OperatorSpec(end, [last], [results[-1]]))
    name = "-".join(["x".join(map(str, one)) for one in (shape, lengths)] + [one[0] for one in between])
    return Network(f"spectrum-{name}", (GraphSpec(tensors, nodes, [0], results or [last]),), [[normal(*shape)]])


NETWORKS = [
    *(spectrum((1, 8), (1, length)) for length in (8, 4, 16, 2)),
    *(spectrum((2, 3, 4, 6), (height, 8)) for height in (1, 2, 4, 8)),
    spectrum((3, 1, 8), (1, 8), [step("SQUEEZE", (3, 5), SqueezeDims=(1,))]),
    spectrum((3, 1, 8), (1, 8), [step("SQUEEZE", (3, 5), SqueezeDims=(-2,))]),
    spectrum((3, 1, 8), (1, 8), [step("RESHAPE", (3, 5), i32(-1, 5))]),
    spectrum((3, 2, 8), (2, 8), [step("TRANSPOSE", (2, 5, 3), i32(1, 2, 0))]),
    spectrum((3, 1, 8), (1, 8), [step("EXPAND_DIMS", (1, 3, 1, 5), i32(0))]),
    spectrum((3, 1, 8), (1, 8), [step("SLICE", (2, 1, 4), i32(1, 0, 1), i32(2, 1, 4))]),
    spectrum(
        (3, 1, 8),
        (1, 8),
        [step("STRIDED_SLICE", (3, 3), i32(0, 0, 0), i32(3, 1, 5), i32(1, 1, 2), ShrinkAxisMask=2)],
    ),
]
