"""Operators of the schema that are not imported: each is refused by name, in a sentence that says why."""

import re

import pytest
import tflite
from lookup_cases import SUM, sparse
from single_operator import graph_of, normal
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec, write

import kpuc
from kpuc.errors import UnsupportedError
from kpuc.frontends.tflite import refused_operators, supported_operators

SAID = {
    **dict.fromkeys(
        ("MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "STABLEHLO_RNG_BIT_GENERATOR"),
        "it draws random numbers, others in each run",
    ),
    **dict.fromkeys(
        ("HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE"),
        "tables that a run fills are not supported",
    ),
    **dict.fromkeys(("LSH_PROJECTION", "SKIP_GRAM"), "what hashes or splits strings is not supported"),
    **dict.fromkeys(("CALL", "CONCAT_EMBEDDINGS", "DELEGATE"), "LiteRT does not execute this operator either"),
}
REFUSED = {name: reason for reason, names in refused_operators().items() for name in names}


def test_every_operator_is_imported_or_refused():
    names = {name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
    imported = {row["operator"] for row in supported_operators() if not row["operator"].startswith("CUSTOM")}
    assert imported.isdisjoint(REFUSED)
    assert names - imported - {*REFUSED} == {"CUSTOM", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
    assert all(name.startswith("STABLEHLO_") for name in {*REFUSED} - {*SAID})


def refuse(graph, reason):
    with pytest.raises(UnsupportedError, match=rf"K0150.*\n  {re.escape(reason)}"):
        kpuc.compile(write(graph), target="cpu")


@pytest.mark.parametrize("operator", sorted(REFUSED))
def test_refused_by_name(operator):
    tensors = [TensorSpec(name, "float32", (2,)) for name in "xy"]
    graph = GraphSpec(tensors, [OperatorSpec(operator, [0], [1])], [0], [1])
    refuse(graph, f"{operator} at y: {SAID.get(operator, 'LiteRT does not execute this operator either')}")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (sparse((1, 2), (0, 1), (2,), normal(4, 3), SUM), "indices of 1 dimensions for a shape of 1 are not supported"),
        (sparse((1, 2), (0, 0, 1, 0), (2, 2), normal(4, 3), 3), "2 sums of 2 rows, or combiner 3, are not supported"),
        (sparse((1, 2), (0, 0, 1, 0), (1 << 20, 2), normal(4, 3), SUM), "1048576 sums of 2 rows"),
    ],
)
def test_sums_of_rows(item, reason):
    refuse(graph_of(item), f"EMBEDDING_LOOKUP_SPARSE at o0: {reason}")
