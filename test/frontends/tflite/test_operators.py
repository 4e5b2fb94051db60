"""Every TFLite operator, in every form that its options allow, beside LiteRT."""

import detection_cases
import elementwise_cases
import indexing_cases
import lookup_cases
import pytest
import quantised_cases
import quantised_more_cases
import recurrent_cases
import shape_cases
import spatial_cases
import spectra_cases
import stablehlo_cases
import stateful_cases
import test_sparse
from single_operator import assert_as_litert

from kpuc.frontends.tflite import supported_operators

MODULES = (
    *(elementwise_cases, spatial_cases, shape_cases, recurrent_cases, quantised_cases, quantised_more_cases),
    *(indexing_cases, detection_cases, stablehlo_cases, lookup_cases),
)
CASES = [item for module in MODULES for item in module.CASES]
NETWORKS = [*stateful_cases.NETWORKS, *stablehlo_cases.NETWORKS, *spectra_cases.NETWORKS]


@pytest.mark.parametrize("item", CASES, ids=str)
def test_as_litert(item):
    assert_as_litert(item)


def test_every_supported_operator_has_a_case():
    tested = {item.name for item in CASES}.union(*(network.operators for network in NETWORKS))
    tested.add(test_sparse.OPERATOR)
    assert {row["operator"] for row in supported_operators()} <= tested
