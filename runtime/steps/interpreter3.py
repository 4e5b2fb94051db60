"""Executes kmodels of version 3: layers in order, each to its end.

Entry: a decoded kmodel, trusted or not. Exit: the outputs, or an error: KmodelError K0401, K0402 for what is wrong with
the file, ExecutionError K0503 to K0505 with the layer for what is wrong with the execution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import ExecutionError
from ..kmodel.bodies import Body
from ..kmodel.elements import numpy_dtype
from ..kmodel.layers3 import TO_MAIN, FullyConnected, K210Conv
from ..kmodel.v3 import EIGHT_BIT, Model, arguments_of
from ..kpu.layer import Layer
from ..kpu.layout import LINE
from ..machine import Array, Linker
from .kernels3 import KERNELS
from .layer import prepared, run_layer
from .memory import Memories, located, main_memory


class Interpreter:
    """One kmodel; layers of the KPU are prepared when they first run."""

    def __init__(self, model: Model, link: Linker, _index: int) -> None:
        self.model, self.bodies, self._link = model, model.bodies(), link
        main_memory(model.main_memory)
        self._types = model.signature()[1]
        self._layers: dict[int, Layer] = {}
        if not model.flags & EIGHT_BIT and any(isinstance(one.fields, K210Conv) for one in self.bodies):
            raise ExecutionError("K0507", cause="the kmodel has weights of 16 bits, which are not executed here")

    def call(self, _function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Outputs of the only function."""
        memories = Memories(main_memory(self.model.main_memory))
        (given,) = arguments
        first = self.bodies[0]
        if isinstance(first.fields, FullyConnected):
            memories.tensor(memories.main, first.fields.input, given.dtype, given.shape)[...] = given
        else:
            memories.upload(arguments_of(first).image_src_addr * LINE, given)
        with np.errstate(all="ignore"):
            for index, body in enumerate(self.bodies):
                with located(f"layer {index}, {body.kind.name}"), self._link.timed(body.kind.name):
                    self._step(memories, index, body)
        return tuple(
            memories.tensor(memories.main, one.address, numpy_dtype(element), shape).copy()
            for one, (element, shape) in zip(self.model.outputs, self._types, strict=True)
        )

    def _step(self, memories: Memories, index: int, body: Body) -> None:
        if not isinstance(body.fields, K210Conv):
            KERNELS[type(body.fields)](memories, body.fields, *body.arrays.values())
            return
        if index not in self._layers:
            self._layers[index] = prepared(arguments_of(body), body.arrays)
        results = run_layer(memories, self._layers[index], 1)
        if body.fields.flags & TO_MAIN:
            memories.tensor(memories.main, body.fields.output, results.dtype, results.shape)[...] = results
