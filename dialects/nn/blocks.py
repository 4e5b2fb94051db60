"""Padding, triangles, and the exchange of blocks between dimensions."""

from typing import Any, Literal

from ..mlir import ir
from ..ods import F64, I64, Bool, I64Array, Operand, Result, require
from ..tensors import Dim, shape_of, tensor_type
from .base import ElementwiseOp, NNOp, normalize_axis, require_length, require_rank
from .quantization import require_represented, stored_number


def padded_extent(dim: Dim, before: int, after: int, mode: str) -> Dim:
    """The extent of a dimension with padding; what is negative is cropped first."""
    if dim is None:
        return None
    kept = dim + min(before, 0) + min(after, 0)
    require(kept >= 0, f"padding {before}, {after} crops more than the {dim} elements there are")
    wanted = max(before, after, 0)
    room = {"constant": wanted, "reflect": max(kept - 1, 0), "symmetric": kept}.get(mode, wanted if kept else 0)
    require(wanted <= room, f"{mode} padding {before}, {after} needs more than the {kept} elements there are")
    return kept + max(before, 0) + max(after, 0)


class Pad(NNOp, name="pad"):
    """Adds elements around a tensor; negative padding crops.

    `padding` holds all begins, then all ends. `constant` adds `value`; `reflect` mirrors without the edge, `symmetric`
    with it, `edge` repeats it, `wrap` continues from the other side. Source: ONNX Pad-24; symmetric: TFLite MIRROR_PAD.
    """

    on_storage = True

    input: Operand
    output: Result
    padding: I64Array
    mode: Literal["constant", "reflect", "symmetric", "edge", "wrap"]
    value: F64

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        rank = len(shape)
        require_length(self.padding, 2 * rank, "padding")
        result: list[Dim] = []
        for i, dim in enumerate(shape):
            result.append(padded_extent(dim, self.padding[i], self.padding[rank + i], self.mode))
        return tensor_type(result, self.input)

    def verify(self) -> None:
        if self.mode == "constant":
            require_represented(self.input.type, self.value, "value")

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {**super().evaluator_arguments, "value": stored_number(self.input.type, self.value)}


class Trilu(ElementwiseOp, name="trilu"):
    """The upper or lower triangle of each matrix, other elements 0; diagonal `k` bounds it.  Source: ONNX Trilu-14."""

    k: I64
    upper: Bool

    def verify(self) -> None:
        require(len(shape_of(self.input)) >= 2, f"input is {self.input.type}, expected matrices")


class DepthToSpace(NNOp, name="depth_to_space"):
    """Moves blocks of channels into squares of `block` x `block` pixels: N x C*b*b x H x W to N x C x H*b x W*b.

    `DCR`: channels are ordered block row, block column, channel; `CRD`: channel first. Source: ONNX DepthToSpace-13.
    """

    on_storage = True

    input: Operand
    output: Result
    block: I64
    mode: Literal["DCR", "CRD"]

    def infer(self) -> ir.Type:
        require_rank(self.input, 4, "input")
        n, c, h, w = shape_of(self.input)
        square = self.block * self.block
        require(self.block > 0 and (c is None or c % square == 0), f"{c} channels do not split into {square}")
        return tensor_type((n, c and c // square, h and h * self.block, w and w * self.block), self.input)


class SpaceToDepth(NNOp, name="space_to_depth"):
    """Moves squares of `block` x `block` pixels into channels: the inverse of `depth_to_space` of the same mode.

    Source: ONNX SpaceToDepth-27.
    """

    on_storage = True

    input: Operand
    output: Result
    block: I64
    mode: Literal["DCR", "CRD"]

    def infer(self) -> ir.Type:
        require_rank(self.input, 4, "input")
        n, c, h, w = shape_of(self.input)
        b = self.block
        require(b > 0 and (h or 0) % b == 0 and (w or 0) % b == 0, f"{h} x {w} pixels do not split into {b} x {b}")
        return tensor_type((n, c and c * b * b, h and h // b, w and w // b), self.input)


class SpaceToBatch(NNOp, name="space_to_batch"):
    """Pads the spatial dimensions of N x C x spatial with zeros, then moves their blocks into the batch.

    Source: TFLite SPACE_TO_BATCH_ND, in NCHW.
    """

    input: Operand
    output: Result
    block: I64Array
    padding: I64Array

    def infer(self) -> ir.Type:
        batch, channels, *sizes = shape_of(self.input)
        rank = len(sizes)
        require_length(self.block, rank, "block")
        require_length(self.padding, 2 * rank, "padding")
        require(all(block > 0 for block in self.block), f"block {self.block} must be positive")
        require(all(amount >= 0 for amount in self.padding), f"padding {self.padding} must not be negative")
        result: list[Dim] = []
        for i, (size, block) in enumerate(zip(sizes, self.block, strict=True)):
            padded = None if size is None else size + self.padding[i] + self.padding[rank + i]
            require(padded is None or padded % block == 0, f"{padded} pixels do not split into blocks of {block}")
            result.append(None if padded is None else padded // block)
            batch = None if batch is None else batch * block
        return tensor_type((batch, channels, *result), self.input)


class BatchToSpace(NNOp, name="batch_to_space"):
    """The inverse of `space_to_batch`: batch blocks become pixels, then `crops` are cut off.

    Source: TFLite BATCH_TO_SPACE_ND, in NCHW.
    """

    on_storage = True

    input: Operand
    output: Result
    block: I64Array
    crops: I64Array

    def infer(self) -> ir.Type:
        batch, channels, *sizes = shape_of(self.input)
        rank = len(sizes)
        require_length(self.block, rank, "block")
        require_length(self.crops, 2 * rank, "crops")
        require(all(block > 0 for block in self.block), f"block {self.block} must be positive")
        require(all(amount >= 0 for amount in self.crops), f"crops {self.crops} must not be negative")
        result: list[Dim] = []
        for i, (size, block) in enumerate(zip(sizes, self.block, strict=True)):
            require(batch is None or batch % block == 0, f"a batch of {batch} does not split into {block}")
            batch = None if batch is None else batch // block
            result.append(None if size is None else size * block - self.crops[i] - self.crops[rank + i])
        require(all(dim is None or dim >= 0 for dim in result), f"crops {self.crops} take more than there is")
        return tensor_type((batch, channels, *result), self.input)


class ReverseSequence(NNOp, name="reverse_sequence"):
    """Reverses the first `lengths[b]` elements along `time_axis` of each batch entry.

    Source: ONNX ReverseSequence-10.
    """

    on_storage = True

    input: Operand
    lengths: Operand
    output: Result
    batch_axis: I64
    time_axis: I64

    def infer(self) -> ir.Type:
        rank = len(shape_of(self.input))
        batch, time = normalize_axis(self.batch_axis, rank), normalize_axis(self.time_axis, rank)
        require(batch != time, f"batch and time are both axis {batch}")
        require_rank(self.lengths, 1, "lengths")
        entries, count = shape_of(self.input)[batch], shape_of(self.lengths)[0]
        require(None in (entries, count) or entries == count, f"{count} lengths do not fit a batch of {entries}")
        return self.input.type
