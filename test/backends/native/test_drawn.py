"""Every operation that can be computed anywhere, moves elements, or works on rows or indices, on random operands,
attributes and layouts.

The strategies are those by which the reference kernels are compared with other engines; examples are the same in every
run.
"""

import elementwise_strategies
import indexing_strategies
import numpy as np
import pytest
import quantization_strategies
import recurrent_strategies
import reduction_strategies
import shape_strategies
import window_strategies
from drawn_case import Case, build
from hypothesis import HealthCheck, given, seed, settings
from native_trials import Job, finish, images

from kpuc.backends.native.buffer import plain_buffer
from kpuc.backends.native.evaluation import COMPUTATIONS
from kpuc.backends.native.generators import EXPRESSIONS, LOWERINGS, VIEWS
from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.dialects import mlir, nn
from kpuc.dialects.function import entry_function
from kpuc.dialects.tensors import is_static
from kpuc.errors import KpucError

EXAMPLES = settings(
    max_examples=5,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
STRATEGIES = {
    op: strategy
    for strategies in (elementwise_strategies, shape_strategies, quantization_strategies, window_strategies)
    for op, strategy in strategies.STRATEGIES.items()
    if op in {*EXPRESSIONS, *VIEWS, *COMPUTATIONS, nn.Concat, nn.Pad}
}
STRATEGIES |= {
    op: strategy
    for strategies in (indexing_strategies, recurrent_strategies, reduction_strategies)
    for op, strategy in strategies.STRATEGIES.items()
    if op in {*LOWERINGS, *VIEWS} and op is not nn.Matmul
}


@pytest.fixture(scope="module", autouse=True)
def context():
    with mlir.context():
        yield


def by_anchor(group, buffers, spec):
    """The kernels of whatever the group's anchor is."""
    return LOWERINGS.get(type(group.anchor), lower_pointwise)(group, buffers, spec)


def drawn(op) -> list[Case]:
    """Some cases of an operation."""
    cases = []

    @seed(0)
    @EXAMPLES
    @given(STRATEGIES[op])
    def collect(case):
        cases.append(case)

    collect()
    return cases


@pytest.mark.parametrize("op", STRATEGIES, ids=lambda op: op.OPERATION_NAME)
def test_kernels(op):
    rng, jobs = np.random.default_rng(0), []
    for case in drawn(op):
        try:
            module = build(case)
        except KpucError:  # what the operation does not take, such as no elements to reflect
            continue
        returned = next(iter(module.body.operations)).type.results
        if has_work(module) and all(map(is_static, returned)):
            layout = plain_buffer if issubclass(op, nn.RecurrentOp) else images(rng)
            jobs.append(Job(str(case.attributes), module, case.feed(), layout))
    assert jobs
    for outcome in finish(jobs, by_anchor):
        for ours, expected in zip(outcome.ours, outcome.numpy, strict=True):
            bound = {"f2": 2e-3, "f4": 3e-6, "f8": 1e-12}.get(expected.dtype.str[1:], 0)
            wide = np.float64 if expected.dtype.kind == "f" else expected.dtype
            np.testing.assert_allclose(ours.astype(wide), expected.astype(wide), bound, bound, err_msg=outcome.name)


def has_work(module):
    """Whether anything is left to compute: not all was decided by constants."""
    *operations, _ = entry_function(module).regions[0].blocks[0].operations
    return not all(isinstance(op, nn.Constant) for op in operations)
