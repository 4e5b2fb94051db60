"""Rounds the weights of layers in another way than to the nearest step: see `passes.quant.rounding`.

On entry: layers that `kpu-quantize` is about to turn into integers. On exit their weights lie on the steps that it
rounds them to, so that it keeps what was chosen here. Layers that compute parts of one map with one weight keep one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import Array, static_shape
from ..quant.rounding import rounded, rows_of, windows
from .integers import input_scales, weight_steps
from .parameters import Parameters

LIMIT = 127
MOST_ELEMENTS = 2304
"""Weights of an output channel up to which AdaRound is worth its time, a 3x3 kernel of 256 channels; what has more is
rounded by SQuant."""


@dataclass
class Shared:
    """Layers with the same weight for inputs of the same scales; `scales` has the weight's rank."""

    weight: Array
    scales: Array
    layers: list[kpu.Layer] = field(default_factory=list)

    def rows(self, held: Mapping[ir.Value, Array]) -> Array:
        """What the weight is multiplied with, in all of them."""
        first, found = self.layers[0], []
        scales = self.scales.reshape(1, -1, 1, 1)
        pads = (first.kernel // 2,) * 4
        for layer in self.layers:
            data = np.concatenate([held[value] for value in layer.inputs], axis=1) / scales
            groups = data.shape[1] if layer.depthwise else 1
            found.append(windows(data, self.weight.shape[2:], pads, (1, 1), (1, 1), groups))
        return np.concatenate(found, axis=1)

    def set(self, steps: Array, step: Array) -> None:
        """Let all have these steps as their weight."""
        weight = (steps.reshape(self.weight.shape) * step[:, None, None, None] / self.scales).astype(np.float32)
        for layer in self.layers:
            with layer.location, ir.InsertionPoint(layer):
                layer.operation.operands[len(layer.inputs)] = nn.Constant(value=weight).output


def round_layers(module: ir.Module, method: str, samples: Iterable[Mapping[str, Array]]) -> None:
    """Round the weights of all layers by a method of `passes.quant.rounding`, AdaRound with these samples."""
    shared = _shared(module)
    kinds = [method if one.weight[0].size <= MOST_ELEMENTS else "squant" for one in shared]
    rows: dict[int, Array] = {}
    if "adaround" in kinds:
        patches: dict[int, Any] = {number: one.rows for number, one in enumerate(shared) if kinds[number] == "adaround"}
        values = {value for number in patches for layer in shared[number].layers for value in layer.inputs}
        rows = rows_of(module, values, patches, samples)
    for number, one in enumerate(shared):
        real, step = weight_steps(one.weight, one.scales)
        kernels = real.reshape(*real.shape[:2], -1)
        one.set(np.clip(rounded(kinds[number], kernels, LIMIT, rows.get(number)), -LIMIT, LIMIT), step)


def _shared(module: ir.Module) -> list[Shared]:
    """The weights of layers that run and that are not on their steps already, as those that only copy are."""
    parameters = Parameters(module)
    found: dict[tuple[bytes, bytes, bool], Shared] = {}
    for op in entry_function(module).regions[0].blocks[0].operations:
        if not isinstance(op, kpu.Layer) or op.output in parameters.given:
            continue
        weight = nn.constant_value(op.weight)
        if weight is None or not np.isfinite(weight).all():
            continue  # which is said later
        inputs = [(parameters.of(value), static_shape(value)[1]) for value in op.inputs]
        scales = input_scales(inputs).reshape((-1, 1, 1, 1) if op.depthwise else (1, -1, 1, 1))
        real, _ = weight_steps(weight, scales)
        if (real == np.rint(real)).all():
            continue
        key = weight.tobytes(), scales.tobytes(), op.depthwise
        found.setdefault(key, Shared(weight, scales)).layers.append(op)
    return list(found.values())
