"""Elementary functions of machine code against numpy's in float64, over all arguments."""

import numpy as np
import pytest
from native_trials import Trial, compute

from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.dialects import mlir, nn
from kpuc.runtime import kernels

SMALLEST = float(np.finfo(np.float32).tiny)


@pytest.fixture(scope="module", autouse=True)
def context():
    with mlir.context():
        yield


def floats(low=-np.inf, high=np.inf, count=1 << 15):
    """Floats of all magnitudes between two, and those that are special."""
    rng = np.random.default_rng(count)
    bits = np.linspace(0, 0x7F7FFFFF, count).astype(np.uint32) + rng.integers(0, 1000, count, np.uint32)
    any_size = np.concatenate([bits, bits | np.uint32(1 << 31)]).view(np.float32)
    usual = rng.uniform(-20, 20, count).astype(np.float32)
    ends = np.array([low, high, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 88.72, 88.73, -87.4, -103.9], np.float32)
    x = np.concatenate([any_size, usual, rng.uniform(-1, 1, count).astype(np.float32), ends])
    return np.concatenate([x[(x >= low) & (x <= high)], np.array([np.nan], np.float32)])


FUNCTIONS = {
    "exp": (lambda x: nn.Exp(x), np.exp, floats(), 2),
    "log": (lambda x: nn.Log(x), np.log, floats(), 2),
    "tanh": (lambda x: nn.Tanh(x), np.tanh, floats(), 4),
    "sigmoid": (lambda x: nn.Sigmoid(x), lambda x: 1 / (1 + np.exp(-x)), floats(-87.3), 3),
    "softplus": (lambda x: nn.Softplus(x), lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), floats(), 4),
    "erf": (lambda x: nn.Erf(x), kernels.erf, floats(), 6),
    "elu": (lambda x: nn.Elu(x, alpha=1.0), lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), floats(), 3),
    "sinh": (lambda x: nn.Sinh(x), np.sinh, floats(), 4),
    "cosh": (lambda x: nn.Cosh(x), np.cosh, floats(), 4),
    "sin": (lambda x: nn.Sin(x), np.sin, floats(), 2),
    "cos": (lambda x: nn.Cos(x), np.cos, floats(), 2),
    "tan": (lambda x: nn.Tan(x), np.tan, floats(), 4),
    "atan": (lambda x: nn.Atan(x), np.arctan, floats(), 4),
    "asin": (lambda x: nn.Asin(x), np.arcsin, floats(), 4),
    "acos": (lambda x: nn.Acos(x), np.arccos, floats(), 4),
    "asinh": (lambda x: nn.Asinh(x), np.arcsinh, floats(), 5),
    "acosh": (lambda x: nn.Acosh(x), np.arccosh, floats(), 5),
    "atanh": (lambda x: nn.Atanh(x), np.arctanh, floats(), 5),
}
"""By name: the operation, the function in float64, arguments, and a bound of the error in units in the last place."""


def units(ours, exact):
    """By how many units in the last place results are off; numbers too small for all digits count as the smallest."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        step = np.spacing(np.maximum(np.abs(rounded), SMALLEST)).astype(np.float64)
        off = np.abs(ours.astype(np.float64) - exact) / step
    same = (ours == rounded) | (np.isnan(ours) & np.isnan(rounded))
    return np.where(same, np.abs(np.where(same, 0, off)), np.where(np.isnan(off), np.inf, off))


@pytest.fixture(scope="module")
def outcomes():
    trials = [Trial(name, write, (x,)) for name, (write, _, x, _) in FUNCTIONS.items()]
    return {outcome.name: outcome for outcome in compute(trials, lower_pointwise)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error(outcomes, name, record_property):
    _, function, x, bound = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        exact = function(x.astype(np.float64))
    off = units(outcomes[name].ours[0], exact)
    worst = int(np.argmax(off))
    record_property("units", float(off[worst]))
    assert off[worst] <= bound, f"{name}({x[worst]!r}) = {outcomes[name].ours[0][worst]!r}, not {exact[worst]!r}"


def test_sigmoid_of_the_least():
    x = floats(high=-87.3)
    outcome = compute([Trial("sigmoid", lambda x: nn.Sigmoid(x), (x,))], lower_pointwise)[0]
    assert ((outcome.ours[0] >= 0) & (outcome.ours[0] <= 1.3e-38))[:-1].all()


def test_power():
    rng = np.random.default_rng(0)
    count = 20000
    special = np.array([0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e-40, 3e38, -3e38, 16777217, np.inf, -np.inf, np.nan])
    grid = np.stack(np.meshgrid(special, special)).reshape(2, -1)
    any_size = np.exp(rng.uniform(-80, 80, count)), rng.normal(0, 1, count) / rng.uniform(0.01, 3, count)
    usual = rng.uniform(0.01, 9, count), rng.uniform(-9, 9, count)
    whole = rng.uniform(-9, 9, count), rng.integers(-12, 12, count)
    x, y = (np.concatenate(part).astype(np.float32) for part in zip(grid, any_size, usual, whole, strict=True))
    outcome = compute([Trial("pow", lambda x, y: nn.Pow(x, y), (x, y))], lower_pointwise)[0]
    with np.errstate(all="ignore"):
        off = units(outcome.ours[0], np.power(x.astype(np.float64), y.astype(np.float64)))
    worst = int(np.argmax(off))
    assert off[worst] <= 2, f"{x[worst]!r}^{y[worst]!r} = {outcome.ours[0][worst]!r}"
