"""Pseudo-random tensors, the same for the same seed."""

from typing import Any

from ..mlir import ir
from ..ods import F64, ElementType, I64Array, Result, require
from ..tensors import dtype_of, tensor_type
from .base import NNOp


class RandomOp(NNOp):
    """Base of the generators: numpy's PCG64, seeded with `seed`."""

    output: Result
    shape: I64Array
    dtype: ElementType
    seed: F64

    def infer(self) -> ir.Type:
        require(all(dim >= 0 for dim in self.shape), f"shape {self.shape} must not be negative")
        return tensor_type(self.shape, self.dtype)

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {**super().evaluator_arguments, "dtype": dtype_of(self.dtype)}


class RandomUniform(RandomOp, name="random_uniform"):
    """Uniform in [low, high).  Source: ONNX RandomUniform-22; the generator is ours, ONNX names none."""

    low: F64
    high: F64


class RandomNormal(RandomOp, name="random_normal"):
    """Normal with `mean` and standard deviation `scale`.  Source: ONNX RandomNormal-22; the generator is ours."""

    mean: F64
    scale: F64
