"""One KPU layer: bytes in, bytes out.

Entry: decoded registers and tables of any origin; ExecutionError K0504 for what no KPU computes. Exit: the pooled maps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import ExecutionError
from .arithmetic import activated, normalised
from .convolution import Convolution
from .line import Line
from .lookup import Lookup
from .pooling import POOLS, Pool
from .registers import LayerArguments
from .shortcut import Shortcut, Sums
from .tables import Activation, BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]


def kernel_of(arguments: LayerArguments) -> int:
    """1 or 3."""
    if arguments.kernel_type > 1:
        raise ExecutionError("K0504", cause=f"a KPU layer has kernel type {arguments.kernel_type}, expected 0 or 1")
    return 3 if arguments.kernel_type else 1


def pool_of(arguments: LayerArguments) -> Pool:
    """The pooling; its result must have the size that the registers state."""
    if arguments.pool_type >= len(POOLS):
        raise ExecutionError("K0504", cause=f"a KPU layer has pool type {arguments.pool_type}, expected 0 to 9")
    pool = POOLS[arguments.pool_type]
    made, stated = pool.output(*arguments.input_shape(1)[2:]), arguments.output_shape(1)[2:]
    if made != stated:
        cause = f"a KPU layer makes maps of {made[0]}x{made[1]}, but its registers state {stated[0]}x{stated[1]}"
        raise ExecutionError("K0504", cause=cause)
    return pool


def weights_shape(arguments: LayerArguments) -> tuple[int, int, int, int]:
    """(outputs, inputs or 1, k, k)."""
    kernel, inputs, outputs = kernel_of(arguments), arguments.i_ch_num + 1, arguments.o_ch_num + 1
    if arguments.depth_wise_layer and inputs != outputs:
        cause = f"a depthwise KPU layer has {inputs} channels before and {outputs} behind"
        raise ExecutionError("K0504", cause=cause)
    return outputs, 1 if arguments.depth_wise_layer else inputs, kernel, kernel


WORTHWHILE = 1 << 15
"""How many results a layer has made when a shortcut begins to pay."""


@dataclass
class Layer:
    """A layer that is ready to run: `constant` (int64, by channel) is added to what `convolution` gives."""

    convolution: Convolution
    shifted: Convolution | None
    arguments: LayerArguments
    constant: Array
    norm: BatchNorm
    activation: Activation
    pool: Pool
    made: int = 0

    @classmethod
    def of(cls, arguments: LayerArguments, weights: Array, norm: BatchNorm, activation: Activation) -> Layer:
        """`weights`: uint8, of `weights_shape(arguments)` in that order."""
        if activation.columns["shift"].max() > 63:
            cause = f"an activation line shifts by {activation.columns['shift'].max()}, at most 63 are possible"
            raise ExecutionError("K0504", cause=cause)
        depthwise, pool, pad = bool(arguments.depth_wise_layer), pool_of(arguments), arguments.pad_value
        taps = weights.reshape(weights_shape(arguments)).astype(np.int64)
        summed = 1 if depthwise else arguments.i_ch_num + 1
        constant = (arguments.arg_w * taps.sum(axis=(1, 2, 3)) >> arguments.shr_w) + arguments.arg_add * summed
        shifted = None
        if arguments.shr_x:
            ones = np.ones_like(taps if depthwise else taps[:1])
            shifted = Convolution(ones, depthwise, pad, pool).prepared()
        else:
            taps = taps + arguments.arg_x
        convolution = Convolution(taps, depthwise, pad, pool).prepared()
        return cls(convolution, shifted, arguments, constant, norm, activation, pool)

    @property
    def work(self) -> int:
        """Multiplications for one item of a batch."""
        return math.prod(self.convolution.weights.shape) * math.prod(self.arguments.input_shape(1)[2:])

    @cached_property
    def shortcut(self) -> Shortcut | None:
        """The way from sums to results without integers, where there is one."""
        if self.shifted is not None:
            return None
        sums = Sums(self.convolution.bounds, self.convolution.weights.dtype, self.constant, self.norm)
        return Line.of(sums, self.activation) or Lookup.of(sums, self.activation)

    def accumulated(self, maps: Array) -> Array:
        """int64 sums (outputs, h', w') before the batch norm, at the pixels that the pool needs."""
        return self._integers(self.convolution.sums(maps), maps)

    def _integers(self, sums: Array, maps: Array) -> Array:
        width = maps.shape[2]
        acc = self.convolution.needed(sums, width).astype(np.int64)
        if self.shifted is not None:
            sums = self.shifted.needed(self.shifted.sums(maps), width)
            acc += self.arguments.arg_x * sums.astype(np.int64) >> self.arguments.shr_x
        acc += self.constant[:, None, None]
        return acc

    def run(self, maps: Array) -> Array:
        """uint8 maps (c, h, w) of one item, before and behind the layer."""
        sums = self.convolution.sums(maps)
        self.made += sums.size
        if self.made < WORTHWHILE or self.shortcut is None:
            made = activated(normalised(self._integers(sums, maps), self.norm), self.activation)
        else:
            made = self.convolution.needed(self.shortcut.run(sums), maps.shape[2])
        return made if self.pool.kind == "sample" else self.pool.apply(made)
