"""Runs the onnx package's tests of single operators through `kpuc.onnx_backend`, with every engine.

    python -m kpuc.tools.conformance [--root docs] [PATTERN]

writes `conformance.tsv`: what became of each test, or of those whose names a regular expression finds.
docs/conformance.md is rendered from it, and test/conformance/test_onnx_nodes.py fails when it is not what happens.
"""

import argparse
import re
import sys
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from onnx import TensorProto, numpy_helper
from onnx.backend.test.runner import Runner

from .. import onnx_backend
from ..errors import KpucError

FILE = "conformance.tsv"
ENGINES = ("evaluator", "native", "stackvm", "stackvm5")
PASSED, KNOWN, FAILED, OUT = "passed", "known inputs", "failed", "out of scope"
AS_ONNXRUNTIME = "as onnxruntime"
"""What may become of a test, or else it is refused: then the text is the error's code and reason."""

DIFFERENT = {
    "test_resize_downsample_scales_linear_align_corners": "corners of the rounded size are aligned",
    "test_resize_downsample_scales_cubic_align_corners": "corners of the rounded size are aligned",
}
"""Tests that expect something else than what onnxruntime computes, and kpuc with it."""

FAILURES = {
    r"test_dft_inverse": "expects the rounding noise of one library, 2e-7, where 0 is exact",
    r"test_attention_4d_causal_fp16": "the exact result lies between: both round float16, in different places",
}
"""Why tests fail, by their names."""

Outcomes = dict[str, dict[str, str]]
"""Test -> engine -> what became of it."""


@cache
def cases() -> dict[str, Any]:
    """The tests of the installed onnx package, by name."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about numbers that numpy casts, in the tests' own expectations
        return {case.name: case for case in collect_testcases(None)}


def operator(name: str) -> str:
    """The operator that a test is about; that of `..._expanded...` is a function which is written out there."""
    plain = cases().get(re.sub(r"_expanded(_ver\d+)?$", "", name)) or cases()[name]
    return str(plain.model.graph.node[-1].op_type)


def out_of_scope(name: str) -> str:
    """Why a test is about something that kpuc is not for; nothing if it is not."""
    graph = cases()[name].model.graph
    types = [value.type for value in (*graph.input, *graph.output)]
    elements = {type_.tensor_type.elem_type for type_ in types if type_.HasField("tensor_type")}
    domains = {entry.domain for entry in cases()[name].model.opset_import}
    operators = {node.op_type for node in graph.node}
    small = {number for text, number in TensorProto.DataType.items() if re.match(r"FLOAT[48]|U?INT[24]$", text)}
    reasons = {
        "training": "ai.onnx.preview.training" in domains,
        "ai.onnx.ml": "ai.onnx.ml" in domains,
        "sequences and optionals": not all(type_.HasField("tensor_type") for type_ in types)
        or any(re.search("Sequence|Optional", one) for one in operators),
        "strings": TensorProto.STRING in elements,
        "elements of 8 bits and less that no kmodel holds": bool(elements & small),
        "random numbers": bool(re.search(r"bernoulli|training_dropout(?!.*zero_ratio)", name)),
        "files of images": "ImageDecoder" in operators,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def outcome(name: str, engine: str) -> str:
    """What becomes of a test. Whatever is raised beside `KpucError` gets out: nothing may crash."""
    case, scope = cases()[name], out_of_scope(name)
    ((inputs, expected),) = case.data_sets
    try:
        network = onnx_backend.prepare(case.model, engine=engine)
        results = network.run([_array(value) for value in inputs])
        Runner.assert_similar_outputs([_array(value) for value in expected], results, case.rtol, case.atol)
        found = KNOWN if network.known else PASSED
    except KpucError as error:
        found = sentence(error)
    except AssertionError:
        found = AS_ONNXRUNTIME if name in DIFFERENT else FAILED
    return f"{OUT}: {scope}" if scope else found


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def sentence(error: KpucError) -> str:
    """The code and the first reason of a refusal, without the names and sizes of the test's own network."""
    reason = error.cause
    if ":\n" in reason:  # a list of operations
        what, _, rest = reason.split("\n")[1].strip().partition(" at ")
        reason = f"{what}: {re.sub(r'^[^:]*: [^:]*: ', '', rest)}"
    reason = re.sub(r"tensor<(?:[\d?]+x)*(\w+)>", r"\1", reason)
    return f"{error.code} {re.sub(r'[0-9]+(?:[.,x ()]+[0-9]+)+', '...', reason)}"


def run_all(names: Iterable[str], engines: Sequence[str] = ENGINES) -> Outcomes:
    """Every test with every engine, by two processes."""
    jobs = [(name, engine) for name in names for engine in engines]
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        found = list(pool.map(outcome, *zip(*jobs, strict=True), chunksize=32))
    outcomes: Outcomes = {}
    for (name, engine), one in zip(jobs, found, strict=True):
        outcomes.setdefault(name, {})[engine] = one
    return outcomes


def write(path: Path, outcomes: Outcomes) -> None:
    """A line a test: its name, the operator, and what became of it with each engine."""
    rows = [["test", "operator", *ENGINES]]
    rows += [[name, operator(name), *found.values()] for name, found in outcomes.items()]
    path.write_text("".join("\t".join(row) + "\n" for row in rows))


def read(path: Path) -> tuple[Outcomes, dict[str, str]]:
    """What `write` wrote: what became of each test, and its operator."""
    head, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert tuple(head[2:]) == ENGINES, head
    return {row[0]: dict(zip(ENGINES, row[2:], strict=True)) for row in rows}, {row[0]: row[1] for row in rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all tests and write what became of them."""
    parser = argparse.ArgumentParser("python -m kpuc.tools.conformance", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("docs"), help="the folder of the pages")
    parser.add_argument("pattern", nargs="?", default="", help="which tests to run; the others keep what they have")
    options = parser.parse_args(arguments)
    path = options.root / FILE
    known = read(path)[0] if path.exists() else {}
    made = known | run_all(name for name in cases() if re.search(options.pattern, name))
    write(path, {name: made[name] for name in cases() if name in made})
    print("now: python -m kpuc.tools.docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
