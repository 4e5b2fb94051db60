"""Arithmetic with one number."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of


def scalar(number: float, like: ir.Value) -> ir.Value:
    """A scalar constant with the element type of `like`."""
    return nn.Constant(value=np.asarray(number, dtype_of(like))).output


def times(x: ir.Value, factor: float) -> ir.Value:
    """x * factor"""
    return nn.Mul(x, scalar(factor, x)).output


def plus(x: ir.Value, term: float) -> ir.Value:
    """x + term"""
    return nn.Add(x, scalar(term, x)).output
