"""The onnx package's own tests of operators through `kpuc.onnx_backend`, with every engine: what becomes of each is
what docs/conformance.tsv says, better or worse is a failure. Expectations and tolerances are those of the tests.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from kpuc import onnx_backend
from kpuc.tools import conformance
from kpuc.tools.conformance import DIFFERENT, ENGINES, FILE, cases, outcome

DOCS = Path(__file__).parents[2] / "docs"
STATED, OPERATORS = conformance.read(DOCS / FILE)


@pytest.fixture(scope="module")
def found(request):
    """What becomes of the tests that were selected: the result of each is awaited when it is wanted."""
    selected = {item.callspec.params.get("operator") for item in request.session.items if hasattr(item, "callspec")}
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        names = [name for name in cases() if OPERATORS.get(name) in selected]
        yield {(name, engine): pool.submit(outcome, name, engine) for name in names for engine in ENGINES}


def test_all_tests_are_in_the_table():
    assert list(STATED) == list(cases())
    assert {name: conformance.operator(name) for name in cases()} == OPERATORS


@pytest.mark.parametrize("operator", sorted(set(OPERATORS.values())))
def test_operator(operator, found):
    names = [name for name, one in OPERATORS.items() if one == operator]
    now = {name: {engine: found[name, engine].result() for engine in ENGINES} for name in names}
    assert now == {name: STATED[name] for name in names}, "if this is better: python -m kpuc.tools.conformance"


@pytest.mark.parametrize("name", DIFFERENT)
def test_as_onnxruntime(name):
    case = cases()[name]
    inputs = [np.asarray(value) for value in case.data_sets[0][0]]
    session = onnxruntime.InferenceSession(case.model.SerializeToString())
    expected = session.run(None, dict(zip([one.name for one in session.get_inputs()], inputs, strict=True)))
    for engine in ("evaluator", "native"):
        results = onnx_backend.run_model(case.model, inputs, engine=engine)
        np.testing.assert_allclose(results[0], expected[0], rtol=case.rtol, atol=1e-6)
