"""Resampling of images."""

from typing import Literal

from ..mlir import ir
from ..ods import F64, Bool, F64Array, I64Array, Operand, Result, require
from ..tensors import shape_of, tensor_type
from .base import NNOp, require_length

ResizeMode = Literal["nearest", "linear", "cubic"]
Coordinate = Literal[
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
    "tf_half_pixel_for_nn",
]
NearestMode = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


class Resize(NNOp, name="resize"):
    """Resamples every dimension to `sizes`.

    `scales` are the factors between coordinates (result / input), stated apart from `sizes` because rounding makes
    them differ. `coordinate` says how a position in the result maps to one in the input, `nearest_mode` how `nearest`
    rounds it; `cubic_coeff_a`, `exclude_outside` and `antialias` shape the filter; `roi` (starts, then ends, relative)
    and `extrapolation_value` belong to `tf_crop_and_resize`. Source: ONNX Resize-19.
    """

    input: Operand
    output: Result
    sizes: I64Array
    scales: F64Array
    mode: ResizeMode
    coordinate: Coordinate
    nearest_mode: NearestMode
    cubic_coeff_a: F64
    exclude_outside: Bool
    extrapolation_value: F64
    antialias: Bool
    roi: F64Array | None

    @property
    def on_storage(self) -> bool:
        """Only what takes the nearest element moves elements."""
        return self.mode == "nearest" and self.coordinate != "tf_crop_and_resize"

    def infer(self) -> ir.Type:
        rank = len(shape_of(self.input))
        require_length(self.sizes, rank, "sizes")
        require_length(self.scales, rank, "scales")
        require(all(size > 0 for size in self.sizes), f"sizes {self.sizes} must be positive")
        require(all(scale > 0 for scale in self.scales), f"scales {self.scales} must be positive")
        if self.coordinate == "tf_crop_and_resize":
            require(self.roi is not None, "tf_crop_and_resize needs a roi")
        require(
            self.roi is None or len(self.roi) == 2 * rank, f"roi has {len(self.roi or ())} entries, expected {2 * rank}"
        )
        return tensor_type(self.sizes, self.input)
