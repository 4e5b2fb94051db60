"""Write pseudo-random tensors as constants: their seed says what they are, in every run."""

from __future__ import annotations

import numpy as np

from ...dialects import nn
from ..rewriter import Match, Rewriter, pattern


def _drawn(op: nn.RandomUniform | nn.RandomNormal, rewriter: Rewriter) -> Match:
    value = np.asarray(op.evaluator(**op.evaluator_arguments))
    return rewriter.replace(op, nn.Constant(value=value).output)


@pattern(nn.RandomUniform)
def uniform(op: nn.RandomUniform, rewriter: Rewriter) -> Match:
    """The numbers that the reference kernel draws."""
    return _drawn(op, rewriter)


@pattern(nn.RandomNormal)
def normal(op: nn.RandomNormal, rewriter: Rewriter) -> Match:
    """The numbers that the reference kernel draws."""
    return _drawn(op, rewriter)


PATTERNS = (uniform, normal)
