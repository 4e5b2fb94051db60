"""Random KPU layers, legal ones and odd ones, as kmodels of a k210 module alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kpuc.runtime.kmodel.build5 import Tensor, build_kmodel
from kpuc.runtime.kpu.arithmetic import normalised
from kpuc.runtime.kpu.assembler import Assembler
from kpuc.runtime.kpu.layer import Layer
from kpuc.runtime.kpu.layout import RAM_BYTES, Layout
from kpuc.runtime.kpu.pooling import POOL_BY_NAME
from kpuc.runtime.kpu.registers import LayerArguments, layer_arguments
from kpuc.runtime.kpu.tables import LOWEST, Activation, BatchNorm

WIDTHS = [4, 5, 8, 15, 16, 17, 20, 31, 32, 33, 40, 63, 64, 65, 100, 127, 128, 130, 200, 256, 320, 960]
HEIGHTS = [4, 5, 7, 8, 9, 12, 16]


@dataclass(frozen=True)
class Case:
    """A layer and its input; `weights` (outputs, inputs or 1, k, k)."""

    shape: tuple[int, int, int, int]
    arguments: LayerArguments
    weights: np.ndarray
    norm: BatchNorm
    activation: Activation
    maps: np.ndarray
    to_main_memory: bool

    @property
    def layer(self) -> Layer:
        return Layer.of(self.arguments, self.weights, self.norm, self.activation)

    def kmodel(self) -> bytes:
        asm = Assembler()
        batches = self.shape[0]
        made = self.arguments.output_shape(batches)
        code = asm.function([Tensor("u8", self.shape)], [Tensor("u8", made)])
        code.upload(code.inputs[0], self.arguments.image_src_addr * 64, self.shape)
        output = code.outputs[0] if self.to_main_memory else None
        code.convolution(self.arguments, self.weights, self.norm, self.activation, batches=batches, output=output)
        if not self.to_main_memory:
            code.download(self.arguments.image_dst_addr * 64, code.outputs[0], made)
        return build_kmodel([asm.module()])


def random_case(seed: int, largest: int = 1 << 16) -> Case:
    """Kernel, depthwise and pool run through all combinations with `seed`; maps have about `largest` bytes at most."""
    rng = np.random.default_rng(seed)
    kernel, depthwise, pool = (1, 3)[seed % 2], seed // 2 % 2 == 1, list(POOL_BY_NAME)[seed // 4 % 10]
    width, height, batches = (int(rng.choice(some)) for some in (WIDTHS, HEIGHTS, [1, 1, 1, 2, 3]))
    room = max(1, largest // (batches * Layout((1, 1, height, width)).bytes))
    inputs = int(rng.integers(1, min(room, int(rng.choice([9, 9, 40]))) + 1))
    outputs = inputs if depthwise else int(rng.integers(1, min(room, 9) + 1))
    shape = batches, inputs, height, width
    zero = int(rng.integers(0, 256))
    source, target = _addresses(rng, shape, outputs, pool)
    arguments = layer_arguments(source, target, shape, outputs, kernel=kernel, depthwise=depthwise, pool=pool,
                                input_zero=zero, weight_zero=int(rng.choice([128, rng.integers(0, 256)])))  # fmt: skip
    reach = int(rng.integers(0, 3))
    if reach:
        arguments = replace(arguments, **_odd_sums(rng, 10 if reach == 1 else 23, 20 if reach == 1 else 39))
    to_main_memory = bool(rng.integers(0, 4) == 0)
    arguments = replace(arguments, send_data_out=int(to_main_memory))
    weights = rng.integers(0, 256, (outputs, 1 if depthwise else inputs, kernel, kernel)).astype(np.uint8)
    maps = rng.integers(0, 256, shape).astype(np.uint8)
    norm, low, high = _norm(rng, arguments, weights, maps, (21, 15, 19)[reach])
    activation = (_activation, _activation, _straight_activation)[rng.integers(0, 3)](rng, low, high)
    return Case(shape, arguments, weights, norm, activation, maps, to_main_memory)


def _addresses(rng: np.random.Generator, shape: tuple, outputs: int, pool: str) -> tuple[int, int]:
    """Input and output maps, in either order, somewhere."""
    made = shape[0], outputs, *POOL_BY_NAME[pool].output(*shape[2:])
    sizes = Layout(shape).bytes, Layout(made).bytes
    first = int(rng.integers(0, (RAM_BYTES - sum(sizes)) // 64)) * 64
    return (first, first + sizes[0]) if rng.integers(0, 2) else (first + sizes[1], first)


def _odd_sums(rng: np.random.Generator, bits: int, add_bits: int) -> dict[str, int]:
    """Registers that no compiler writes."""
    around = 1 << bits
    shifts = rng.integers(0, 16, 2) * rng.integers(0, 2)
    return {
        "arg_x": int(rng.integers(-around, around)), "arg_w": int(rng.integers(-around, around)),
        "shr_x": int(shifts[0]), "shr_w": int(shifts[1]),
        "arg_add": int(rng.integers(-1 << add_bits, 1 << add_bits)), "pad_value": int(rng.integers(0, 256)),
    }  # fmt: skip


def _norm(
    rng: np.random.Generator, arguments: LayerArguments, weights: np.ndarray, maps: np.ndarray, bits: int
) -> tuple[BatchNorm, int, int]:
    """A batch norm whose results have 36 bits, and the range of those."""
    count = len(weights)
    mul, shift = rng.integers(-1 << bits, 1 << bits, count), rng.integers(0, 16, count)
    add = rng.integers(-1 << 31, 1 << 31, count) >> int(rng.integers(0, 31))
    plain = Layer.of(arguments, weights, BatchNorm([1] * count, [0] * count, [0] * count), Activation(*[[0] * 16] * 4))
    sums = np.concatenate([plain.accumulated(one) for one in maps], axis=1)
    while True:
        norm = BatchNorm(mul, shift, add)
        values = normalised(sums, norm)
        low, high = int(values.min()), int(values.max())
        if low > LOWEST + 2 and high < -LOWEST - 1:
            return norm, low, high
        mul, add = np.fix(mul / 2).astype(np.int64), np.fix(add / 2).astype(np.int64)


def _activation(rng: np.random.Generator, low: int, high: int) -> Activation:
    """Lines of any slope, at random values, many of which spread over the bytes."""
    start = np.sort(np.clip(rng.integers(low - 2, max(low + 1, high + 3), 16), LOWEST, -LOWEST - 1))
    start[0] = LOWEST
    shift = rng.integers(0, 44, 16)
    slopes = rng.normal(size=16) * 300 * 16 / max(high - low, 1) * 2.0**shift
    mul = np.clip(slopes, -32768, 32767).astype(np.int64)
    mul[0] = rng.integers(-3, 3)
    return Activation(start, mul, shift, rng.integers(0, 256, 16))


def _straight_activation(rng: np.random.Generator, low: int, high: int) -> Activation:
    """One line from a value within the range on, cut where it has whole results, or nearly those in the last cuts.

    Behind the last it may be flatter.
    """
    width = max(high - low, 1) * rng.uniform(0.2, 1.2) / 255
    shift = int(np.clip(np.log2(32767 * width), 0, 43))
    mul = int(min(2.0**shift / width, 32767))
    begin, least = int(rng.integers(low, (low + high) // 2 + 1)), int(rng.choice([0, 0, rng.integers(0, 100)]))
    risen = np.sort(rng.integers(rng.integers(0, 150), 256 - least, 14))
    beside = rng.uniform(-0.2, 0.2, 14) * (risen > rng.integers(200, 256))
    start = [LOWEST, begin, *np.sort(begin + (risen + beside) * 2.0**shift / max(mul, 1)).astype(np.int64)]
    add = [least, least, *(least + risen)]
    muls = [0, *[mul] * 14, mul // int(rng.choice([1, 1, 4]))]
    return Activation(np.clip(start, LOWEST, -LOWEST - 1), muls, [0, *[shift] * 15], add)
