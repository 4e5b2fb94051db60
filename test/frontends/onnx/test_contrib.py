"""Onnxruntime's own float operators on every engine, beside onnxruntime."""

import contextlib

import numpy as np
import pytest
from engines import ENGINES
from networks import relative_error
from onnx import helper
from single_node import network, normal, reference, text
from test_graphs import refuse

from kpuc.errors import KpucError, ModelError, UnsupportedError

BOUND = 1e-5
DOMAIN = "com.microsoft"
IMAGE, WEIGHT, BIAS = normal(1, 4, 9, 8), normal(6, 4, 3, 3), normal(6)
ROWS, MATRIX = normal(2, 5, 8), normal(8, 12)
GAMMA, BETA = normal(8, seed=1), normal(8, seed=2)
WORDS = np.random.default_rng(0).integers(0, 20, (2, 5)).astype(np.int32)
SEGMENTS = np.random.default_rng(1).integers(0, 2, (2, 5)).astype(np.int32)

CASES = {
    "FusedConv-relu": ("FusedConv", [IMAGE, WEIGHT, BIAS], {"activation": "Relu", "pads": [1, 1, 1, 1]}),
    "FusedConv-plain": ("FusedConv", [IMAGE, WEIGHT], {"activation": "Tanh", "strides": [2, 2]}),
    "FusedConv-sum": ("FusedConv", [IMAGE, WEIGHT, BIAS, normal(1, 6, 7, 6)], {"activation": "Relu"}),
    "FusedConv-clip": ("FusedConv", [IMAGE, WEIGHT, BIAS], {"activation": "Clip", "activation_params": [-0.5, 0.7]}),
    "FusedConv-leaky": ("FusedConv", [IMAGE, WEIGHT, BIAS], {"activation": "LeakyRelu", "activation_params": [0.2]}),
    "FusedConv-hard": (
        "FusedConv",
        [IMAGE, WEIGHT, BIAS],
        {"activation": "HardSigmoid", "activation_params": [0.3, 0.4]},
    ),
    "FusedGemm": (
        "FusedGemm",
        [normal(8, 5), normal(7, 8), normal(7)],
        {"activation": "LeakyRelu", "activation_alpha": 0.1, "transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0},
    ),
    "FusedMatMul": ("FusedMatMul", [normal(2, 8, 5), normal(2, 7, 8)], {"transA": 1, "transB": 1, "alpha": 0.3}),
    "TransposeMatMul": ("TransposeMatMul", [normal(2, 5, 8), normal(2, 7, 8)], {"transB": 1}),
    "Gelu": ("Gelu", [ROWS], {}),
    "FastGelu": ("FastGelu", [ROWS], {}),
    "FastGelu-bias": ("FastGelu", [ROWS, BETA], {}),
    "BiasGelu": ("BiasGelu", [ROWS, BETA], {}),
    "QuickGelu": ("QuickGelu", [ROWS], {}),
    "QuickGelu-alpha": ("QuickGelu", [ROWS], {"alpha": 2.0}),
    "SkipLayerNormalization": ("SkipLayerNormalization", [ROWS, normal(2, 5, 8, seed=3), GAMMA, BETA], {}),
    "SkipLayerNormalization-bias": (
        "SkipLayerNormalization",
        [ROWS, normal(2, 5, 8, seed=3), GAMMA, BETA, normal(8)],
        {"epsilon": 1e-3},
    ),
    "SkipLayerNormalization-sum": (
        "SkipLayerNormalization",
        [ROWS, normal(2, 5, 8, seed=3), GAMMA],
        {"outputs": ["y", "", "", "sum"]},
    ),
    "SkipSimplifiedLayerNormalization": (
        "SkipSimplifiedLayerNormalization",
        [ROWS, normal(2, 5, 8, seed=3), GAMMA, BETA],
        {"outputs": ["y", "", "", "sum"]},
    ),
    "SimplifiedLayerNormalization": ("SimplifiedLayerNormalization", [ROWS, GAMMA], {"domain": "", "epsilon": 1e-3}),
    "NhwcMaxPool": (
        "NhwcMaxPool",
        [np.random.default_rng(0).integers(-128, 128, (1, 9, 8, 4)).astype(np.int8)],
        {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]},
    ),
    "Attention": ("Attention", [ROWS, normal(8, 24), normal(24)], {"num_heads": 2}),
    "Attention-mask": (
        "Attention",
        [ROWS, normal(8, 24), normal(24), np.int32([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]])],
        {"num_heads": 2},
    ),
    "Attention-causal": ("Attention", [ROWS, normal(8, 24), normal(24)], {"num_heads": 2, "unidirectional": 1}),
    "Attention-bias": (
        "Attention",
        [ROWS, normal(8, 24), normal(24), None, None, normal(2, 2, 5, 5)],
        {"num_heads": 2},
    ),
    "MultiHeadAttention": ("MultiHeadAttention", [ROWS, normal(2, 7, 8), normal(2, 7, 8, seed=1)], {"num_heads": 2}),
    "MultiHeadAttention-bias": (
        "MultiHeadAttention",
        [
            ROWS,
            normal(2, 7, 8),
            normal(2, 7, 8, seed=1),
            normal(24),
            np.random.default_rng(0).integers(0, 2, (2, 7)).astype(np.int32),
            normal(2, 2, 5, 7),
        ],
        {"num_heads": 2, "scale": 0.4},
    ),
    "EmbedLayerNormalization": (
        "EmbedLayerNormalization",
        [WORDS, SEGMENTS, normal(20, 8), normal(9, 8), normal(2, 8), GAMMA, BETA],
        {"outputs": ["y", "lengths", "sum"]},
    ),
    "EmbedLayerNormalization-words": (
        "EmbedLayerNormalization",
        [WORDS, None, normal(20, 8), normal(9, 8), None, GAMMA, BETA],
        {"outputs": ["y", "lengths"]},
    ),
    "RotaryEmbedding": (
        "RotaryEmbedding",
        [normal(2, 3, 5, 8), np.int64([[4, 3, 2, 1, 0], [1, 2, 3, 4, 5]]), normal(9, 4), normal(9, 4, seed=1)],
        {},
    ),
    "RotaryEmbedding-start": (
        "RotaryEmbedding",
        [normal(2, 3, 5, 8), np.int64([2]), normal(9, 4), normal(9, 4, seed=1)],
        {},
    ),
    "Attention-scale": ("Attention", [ROWS, normal(8, 24), normal(24)], {"num_heads": 4, "scale": 0.3}),
}


def made(operator, inputs, options):
    constant = tuple(range(1, len(inputs))) if "Norm" not in operator else tuple(range(2, len(inputs)))
    model, feed = network(operator, inputs, constant=constant, **{"domain": DOMAIN, **options})
    model.opset_import.add(domain=DOMAIN, version=1)
    return model, feed


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_as_onnxruntime(name, engine):
    model, feed = made(*CASES[name])
    for expected, actual in zip(reference(model, feed), ENGINES[engine](model, feed), strict=True):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        assert relative_error(expected, actual) <= BOUND


class TestRefusals:
    def test_activations_that_are_not_known(self):
        model, _ = made("FusedConv", [IMAGE, WEIGHT], {"activation": "Snake"})
        refuse(model, UnsupportedError, r"K0110.*\n.*com.microsoft.FusedConv at .*activation 'Snake'")

    def test_parameters_that_are_missing(self):
        model, _ = made("FusedConv", [IMAGE, WEIGHT], {"activation": "Clip", "activation_params": [1.0]})
        refuse(model, ModelError, r"K0104.*takes 2 parameters")

    def test_attributes_of_another_kind(self):
        model, _ = made("QuickGelu", [ROWS], {"alpha": "large"})
        refuse(model, ModelError, r"K0104.*'alpha' is 'large', expected float")

    def test_masks(self):
        mask = np.ones(2, np.int32)
        model, _ = made("Attention", [ROWS, normal(8, 24), normal(24), mask], {"num_heads": 2})
        refuse(model, UnsupportedError, r"K0110.*\n.*a mask of 2 is not supported")

    def test_operators_that_there_are_not(self):
        model, _ = made("NoSuch", [ROWS], {})
        refuse(model, UnsupportedError, r"K0110.*\n.*com.microsoft.NoSuch at .*the operator is not supported")

    def test_inputs_that_are_missing(self):
        model, _ = made("BiasGelu", [], {})
        refuse(model, UnsupportedError, r"K0110.*\n.*input 0 is missing")


DAMAGED = [0, -1, 2**40, 0.5, float("nan"), "nosuch", [], [1], [0.5], [2**40, -1], ["a"]]


@pytest.mark.parametrize("name", CASES)
def test_damaged_attributes(name):
    """Every attribute with other values is refused with a `KpucError`, or imported."""
    operator, inputs, options = CASES[name]
    for attribute in [key for key in options if key not in ("outputs", "domain")]:
        for number in DAMAGED:
            changed = helper.make_attribute(attribute, number, attr_type=7 if number == [] else None)
            model, _ = made(operator, inputs, {key: one for key, one in options.items() if key != attribute})
            model.graph.node[0].attribute.append(changed)
            with contextlib.suppress(KpucError):
                text(model)
