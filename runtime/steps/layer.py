"""Runs one KPU layer in KPU RAM."""

from __future__ import annotations

import numpy as np

from ..kpu.layer import Layer
from ..kpu.layout import LINE
from ..kpu.registers import LayerArguments
from ..kpu.tables import Activation, BatchNorm
from ..machine import Array
from .memory import Memories


def prepared(arguments: LayerArguments, weights: Array, batch_norm: Array, activation: Array) -> Layer:
    """A layer of arrays as files hold them: uint8, uint64, 144 bytes. ExecutionError K0504 for what no KPU computes."""
    norm = BatchNorm.unpack(batch_norm.tobytes())
    return Layer.of(arguments, np.ascontiguousarray(weights), norm, Activation.unpack(activation.tobytes()))


def run_layer(memories: Memories, layer: Layer, batches: int) -> Array:
    """The dense result (n, c, h, w), which is in KPU RAM too then."""
    arguments = layer.arguments
    given, source = memories.maps(arguments.image_src_addr * LINE, arguments.input_shape(batches))
    made, target = memories.maps(arguments.image_dst_addr * LINE, arguments.output_shape(batches))
    memories.spend(layer.work, batches)
    maps = given.load(source, 0)
    results = np.stack([layer.run(one) for one in maps])
    made.store(target, 0, results)
    return results
