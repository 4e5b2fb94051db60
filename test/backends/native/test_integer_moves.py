"""What works on stored integers as machine code, where a number of the operation stands for another in memory."""

import native_trials
import numpy as np
import pytest
from integer_trials import Stored, Trial, check, quantize

from kpuc.backends.native.buffer import Buffer, plain_buffer
from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.backends.native.target import SPECS
from kpuc.dialects import mlir, nn


def pad(value):
    return nn.Pad(value, padding=(0, 0, 1, 2, 0, 0, 0, 1), mode="constant", value=0.0).output


def clamp(value):
    return nn.Clamp(value, min=-1.0, max=2.0).output


@pytest.mark.parametrize("layout", [None, (1, 2, 0, 1)], ids=str)
@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", -100), ("uint8", 201)])
def test_padding_and_bounds_are_numbers_that_are_stood_for(dtype, zero_point, layout):
    info = np.iinfo(dtype)
    given = np.random.default_rng(0).integers(info.min, info.max + 1, (1, 20, 5, 6)).astype(dtype)
    x = Stored(given, 0.5, zero_point)
    trials = [Trial(write.__name__, [x], write, [layout] * 2) for write in (pad, clamp)]
    check(trials, SPECS["x86-64-v4-vnni"])


@pytest.mark.parametrize("shape", [(2, 3, 5, 37), (1, 1, 4, 16), (1, 4, 3, 50)], ids=str)
def test_numbers_become_narrow_images_of_bytes(shape):
    given = np.random.default_rng(1).standard_normal(shape).astype(np.float32)

    def layout(value):
        plain = plain_buffer(value)
        return plain if plain.element == "f32" else Buffer.image("i8", plain.shape, 4, (1, 2, 0, 1), fill=-7)

    trial = native_trials.Trial("quantised", lambda x: [quantize(x, 0.02, -7)], (given,), layout)
    with mlir.context():
        (outcome,) = native_trials.compute([trial], lower_pointwise)
    native_trials.assert_near(outcome)
