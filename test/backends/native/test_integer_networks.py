"""Quantised networks of others as machine code: what the evaluator computes, and LiteRT with its fast kernels."""

import os
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from quantised_networks import reference

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.frontends.tflite import import_tflite

MODELS = os.environ.get("KPUC_MODELS")
pytestmark = pytest.mark.skipif(MODELS is None, reason="KPUC_MODELS does not name a folder")
NETWORKS = (
    "cifar10_mbv2_int8",
    "fashion_dscnn_int8",
    "fsdd_kws_dscnn_int8",
    "mlperf_ad_int8",
    "mlperf_kws_int8",
    "mlperf_resnet8_int8",
    "mlperf_sww_int8",
    "mlperf_vww_int8",
)
ROUNDED_OTHERWISE = {"mlperf_resnet8_int8"}
"""Networks that add what LiteRT rounds in other places, before a softmax that makes many steps of one."""


def litert(path, feed):
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    for details, array in zip(interpreter.get_input_details(), feed, strict=True):
        interpreter.set_tensor(details["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


@pytest.mark.parametrize("name", NETWORKS)
def test_results_differ_by_a_step_at_most(name):
    path = Path(MODELS, f"{name}.tflite")
    simulator = kpuc.Simulator(kpuc.compile(path).data)
    with mlir.context():
        module = import_tflite(path)
        for feed in reference(path).feeds:
            made = list(simulator.run(*feed).values())
            for ours, numpys, theirs in zip(made, evaluate(module, feed), litert(path, feed), strict=True):
                assert np.abs(ours.astype(int) - numpys.astype(int)).max() <= 1
                assert name in ROUNDED_OTHERWISE or np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
