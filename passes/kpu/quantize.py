"""Turn layers into integers, and put the way into KPU memory and out of it where host and KPU meet.

On entry: layers and `nn` in float32, ranges on all values that become bytes. On exit: `kpu.conv2d` on quantised maps,
each uploaded or downloaded at most once; what moves bytes on the host moves bytes; the rest of the host's operations
compute with real numbers, between `nn.dequantize` and `nn.quantize`.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir, safe_erase
from ...dialects.ranges import value_range
from ...dialects.tensors import Array, shape_of, static_shape
from ...errors import UnsupportedError
from ...runtime.kpu.layout import Layout
from ...runtime.kpu.pooling import POOL_BY_NAME
from ..pipeline import register_pass
from ..quant.affine import Affine
from ..rewriter import producer
from .integers import Integers, integers
from .parameters import Parameters, is_moving
from .wide import Saw, is_identity

REPAIR = "repair the network, whose results cannot be right in floating point either, or compile it with quant none"
WIDE_BYTES = 8192
"""Results up to this size are computed with 12 bits if the host goes on with them, unless asked otherwise."""


class Quantizer:
    """The forms that each value has so far: bytes in main memory, bytes in KPU memory, real numbers."""

    def __init__(self, parameters: Parameters, wide: int) -> None:
        self.parameters = parameters
        self.wide = wide
        self.stored: dict[ir.Value, ir.Value] = {}
        self.maps: dict[ir.Value, ir.Value] = {}
        self.real: dict[ir.Value, ir.Value] = {}
        self.integers: dict[ir.Value, Integers] = {}

    def quantised_type(self, value: ir.Value) -> ir.Type:
        """The type of a value's bytes."""
        return _type(value, self.parameters.of(value).affine)

    def as_stored(self, value: ir.Value) -> ir.Value:
        """The bytes of a value in main memory."""
        if value not in self.stored:
            if value in self.parameters.given:
                self.stored[value] = self._given(value)
            elif value in self.maps:
                self.stored[value] = kpu.Download(self.maps[value]).output
            else:
                with _behind(value):
                    self.stored[value] = nn.Quantize(value, results=[self.quantised_type(value)]).output
        return self.stored[value]

    def _given(self, value: ir.Value) -> ir.Value:
        """The bytes that a value was dequantised from, said to stand for what the value is."""
        source, type_ = self.parameters.given[value], self.quantised_type(value)
        if nn.quantization_parameters(source.type) is None:
            source = self.as_stored(source)
        return source if source.type == type_ else nn.StorageCast(nn.StorageCast(source).output, results=[type_]).output

    def as_map(self, value: ir.Value) -> ir.Value:
        """The bytes of a value in KPU memory."""
        if value not in self.maps:
            self.maps[value] = kpu.Upload(self.as_stored(value)).output
        return self.maps[value]

    def as_real(self, value: ir.Value) -> ir.Value:
        """The real numbers of a quantised value: of 12 bits, where the KPU can give as many at a small price."""
        if value not in self.real:
            wide = self.as_wide(value)
            self.real[value] = nn.Dequantize(self.as_stored(value)).output if wide is None else wide
        return self.real[value]

    def as_wide(self, value: ir.Value) -> ir.Value | None:
        """A layer's result put together of a coarse and a fine part; None where that is not to be had, or too dear."""
        mover: Any = value.owner.opview if isinstance(value, ir.OpResult) else None
        if is_moving(mover) and len(mover.operation.operands) == 1:
            wide = self.as_wide(mover.operation.operands[0])
            return None if wide is None else mover.rebuild(wide).output
        layer, span = producer(value, kpu.Layer), value_range(value)
        if layer is None or span is None or math.prod(static_shape(value)) > self.wide:
            return None
        if value in self.parameters.given:
            return None  # no layer runs: it only tells what bytes of the host stand for
        if POOL_BY_NAME[layer.pool].kind != "sample" or not is_identity(layer.activation, span):
            return None
        made, saw = self.integers[value], Saw.of(span)
        parts = []
        for affine, fine in ((saw.coarse, False), (saw.fine, True)):
            type_ = _type(value, affine)
            part = self._convolution(layer, made, saw.lines(made.unit, fine=fine), type_)
            parts.append(nn.Dequantize(kpu.Download(part).output).output)
        return nn.Add(*parts).output

    def layer(self, op: kpu.Layer) -> None:
        """The integer form of a layer. Raises `UnsupportedError` K0602 for weights that have none."""
        weight, bias = nn.constant_value(op.weight), nn.constant_value(op.bias)
        assert weight is not None and bias is not None
        for name, array in (("weights", weight), ("biases", bias)):
            if not np.isfinite(array).all():
                worst = array[~np.isfinite(array)][0]
                cause = f"{worst} is among its {name}, and no byte stands for that"
                raise UnsupportedError("K0602", where=describe(op.location), cause=cause, remedy=REPAIR)
        form = POOL_BY_NAME[op.pool]
        made = integers(
            weight,
            bias,
            [(self.parameters.of(value), static_shape(value)[1]) for value in op.inputs],
            self.parameters.of(op.output),
            depthwise=op.depthwise,
            activation=op.activation,
            mean=form.window**2 if form.kind == "mean" else 1,
        )
        self.integers[op.output] = made
        self.maps[op.output] = self._convolution(op, made, made.lines, self.quantised_type(op.output))

    def _convolution(self, op: kpu.Layer, made: Integers, lines: Array, type_: ir.Type) -> ir.Value:
        constants = [nn.Constant(value=array).output for array in (made.weight, made.norm, lines)]
        maps = [self.as_map(value) for value in op.inputs]
        stated: dict[str, Any] = {"depthwise": op.depthwise, "pool": op.pool, "weight_zero": made.weight_zero}
        return kpu.Conv2D(maps, *constants, results=[type_], **stated).output

    def mover(self, op: Any) -> None:
        """The same operation on bytes; channels of a map that is in KPU memory stay there."""
        if (channels := channels_of(op)) is not None and op.input in self.maps:
            self.maps[op.output] = kpu.Select(self.maps[op.input], first=channels.start, count=len(channels)).output
            return
        operands = [nn.StorageCast(self.as_stored(value)).output for value in op.operation.operands]
        zero = self.parameters.of(op.output).pad
        changes = {"value": float(zero)} if isinstance(op, nn.Pad) else {}
        moved = op.rebuild(operands, **changes) if isinstance(op, nn.Concat) else op.rebuild(*operands, **changes)
        self.stored[op.output] = nn.StorageCast(moved.output, results=[self.quantised_type(op.output)]).output


def _behind(value: ir.Value) -> ir.InsertionPoint:
    """Where a value has just been made: kept as bytes, it needs less memory than as real numbers. Inputs are kept."""
    return ir.InsertionPoint.after(value.owner) if isinstance(value, ir.OpResult) else ir.InsertionPoint.current


def channels_of(op: Any) -> range | None:
    """The channels that an operation takes of a map, if it only does that and they are a map themselves."""
    if not isinstance(op, nn.Slice) or tuple(axis % 4 for axis in op.axes) != (1,) or op.steps != (1,):
        return None
    batch, channels, height, width = static_shape(op.input)
    first = op.starts[0] % channels
    groups = Layout((batch, channels, height, width)).groups
    return range(first, first + static_shape(op.output)[1]) if first % groups == 0 else None


def _type(value: ir.Value, affine: Affine) -> ir.Type:
    return nn.quantized_tensor_type(shape_of(value), [affine.scale], [affine.zero_point], -1, np.uint8)


@register_pass
@dataclass(frozen=True)
class QuantizeLayers:
    """Turn layers into integers, with uploads, downloads, quantize and dequantize where they meet the host.

    wide: how many numbers a layer's result may have to be computed with 12 bits for the host; 0: all have 8.
    """

    name: ClassVar[str] = "kpu-quantize"
    wide: int = WIDE_BYTES

    def apply(self, module: ir.Module) -> None:
        parameters = Parameters(module)
        quantizer = Quantizer(parameters, self.wide)
        replaced = []
        for op in list(entry_function(module).regions[0].blocks[0].operations):
            with ir.InsertionPoint(op), op.location:
                given = any(value in parameters.given for value in op.operation.results)
                if isinstance(op, kpu.Layer):
                    if not given:
                        quantizer.layer(op)
                    replaced.append(op)
                elif given:
                    continue
                elif is_moving(op) and op.operation.results[0] in parameters.quantised:
                    quantizer.mover(op)
                    replaced.append(op)
                else:
                    for number, value in enumerate(op.operation.operands):
                        if value in parameters.quantised:
                            op.operation.operands[number] = quantizer.as_real(value)
        for op in reversed(replaced):
            safe_erase(op.operation)
