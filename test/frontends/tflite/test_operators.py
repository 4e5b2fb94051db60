"""Every TFLite operator, in every form that its options allow, beside LiteRT."""

import detection_cases
import elementwise_cases
import indexing_cases
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

NETWORKS = [*stateful_cases.NETWORKS, *stablehlo_cases.NETWORKS, *spectra_cases.NETWORKS]
CASES = [*elementwise_cases.CASES, *spatial_cases.CASES, *shape_cases.CASES, *recurrent_cases.CASES]
CASES += [
    *quantised_cases.CASES,
    *quantised_more_cases.CASES,
    *indexing_cases.CASES,
    *detection_cases.CASES,
    *stablehlo_cases.CASES,
]


@pytest.mark.parametrize("item", CASES, ids=str)
def test_as_litert(item):
    assert_as_litert(item)


def test_every_supported_operator_has_a_case():
    tested = {item.name for item in CASES}.union(*(network.operators for network in NETWORKS))
    tested.add(test_sparse.OPERATOR)
    assert {row["operator"] for row in supported_operators()} <= tested
