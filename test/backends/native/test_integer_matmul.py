"""Matrix products of quantised rows as machine code compute what numpy does, except for halves."""

import numpy as np
import pytest
from integer_trials import Stored, Trial, check, quantize
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

SPECS = pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)


def trial(
    name, shape, columns, dtype="int8", zero_point=-3, bias=True, ties="away", behind=None, result=("int8", 5), zeros=0
):
    random = np.random.default_rng(0)
    info, depth = np.iinfo(dtype), shape[-1]
    x = Stored(random.integers(info.min, info.max + 1, shape).astype(dtype), 0.02, zero_point)
    w = random.integers(-127, 128, (depth, columns)).astype(np.int8)
    scales = random.uniform(0.003, 0.01, columns).astype(np.float32)
    b = random.standard_normal(columns).astype(np.float32)
    step = np.sqrt(depth) * 0.02 * 74 * 0.006 * 74 / 60

    def write(value):
        y = nn.Matmul(nn.Dequantize(value).output, Stored(w, scales, zeros, 1).constant()).output
        if bias:
            y = nn.Add(y, nn.Constant(value=b).output).output
        if behind is not None:
            y = behind(y).output
        return y if result is None else quantize(y, step, result[1], result[0], ties)

    return Trial(name, [x], write, [None, None])


TRIALS = [
    trial("one row", (1, 256), 10),
    trial("wide", (1, 640), 128, behind=nn.Relu, ties="even"),
    trial("u8", (1, 75), 130, "uint8", 128, result=("uint8", 7)),
    trial("short", (1, 3), 5, bias=False),
    trial("rows", (31, 127), 96, behind=lambda y: nn.Clamp(y, min=0.0, max=1.5)),
    trial("vectors", (2, 5, 64), 24, result=None),
    trial("sigmoid", (4, 30), 33, behind=nn.Sigmoid),
    trial("zero points", (3, 40), 20, zeros=7),
    trial("long", (1, 5000), 12),
    trial("long with zero points", (9, 2000), 70, "uint8", 0, zeros=-100),
]


@SPECS
def test_matmul(spec):
    check(TRIALS, spec, {"matmul"})
