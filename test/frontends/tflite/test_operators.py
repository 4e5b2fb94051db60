"""Every TFLite operator, in every form that its options allow, beside LiteRT."""

import elementwise_cases
import pytest
import recurrent_cases
import shape_cases
import spatial_cases
from single_operator import assert_as_litert

from kpuc.frontends.tflite import supported_operators

CASES = [*elementwise_cases.CASES, *spatial_cases.CASES, *shape_cases.CASES, *recurrent_cases.CASES]


@pytest.mark.parametrize("item", CASES, ids=str)
def test_as_litert(item):
    assert_as_litert(item)


def test_every_supported_operator_has_a_case():
    assert {row["operator"] for row in supported_operators()} <= {item.name for item in CASES}
