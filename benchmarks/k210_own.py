"""Quantised TFLite networks on the K210 without calibration data, beside LiteRT: the table of docs/k210.md.

    python benchmarks/k210_own.py MODELS_FOLDER [NAME...] [--samples 500]

LiteRT computes with its plain kernels. For each network: bytes of the file, and of values in main memory at their peak;
the share of outputs that are equal to LiteRT's and the largest difference, in steps of the output's type, over labelled
samples, or over photos or noise; the share of samples that each puts into the right class, where there are labels.
Networks of 16 bits are compiled with --quant u8. Ours runs in our simulator, which computes what the vendor's does.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import kpuc
from kpuc.errors import KpucError

sys.path.append(str(Path(__file__).parent.parent / "test"))
from quantised_networks import given, labelled, readable

NETWORKS = (
    "fashion_dscnn_int8", "fsdd_kws_dscnn_int8", "cifar10_mbv2_int8", "mlperf_resnet8_int8", "mlperf_vww_int8",
    "mlperf_kws_int8", "mlperf_ad_int8", "mlperf_sww_int8", "coral_mbv1_025_uint8", "tflm_person_detect",
    "tflm_micro_speech", "tflm_mbv2_int8_nchw", "fashion_dscnn_int16x8", "fsdd_kws_dscnn_int16x8",
    "cifar10_mbv2_int16x8", "mww_hey_jarvis", "mww_okay_nabu", "tflm_keyword_svdf", "tflm_dtln_int8",
    "tflm_mnist_lstm_int8",
)  # fmt: skip
RUNS = 2
"""Runs over noise or photos, of networks without labelled data."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, help="the folder of the networks, with their data in data/")
    parser.add_argument("names", nargs="*", default=NETWORKS, help="networks, default: all of the table")
    parser.add_argument("--samples", type=int, default=500, help="labelled samples at most, default: %(default)s")
    options = parser.parse_args()
    print(
        "| network | file | values | over | equal | steps | LiteRT | K210 |",
        "|---|---|---|---|---|---|---|---|",
        sep="\n",
    )
    for name in options.names:
        print(f"| {name} | {' | '.join(row(options.models / f'{name}.tflite', options.samples))} |", flush=True)


def row(path: Path, count: int) -> list[str]:
    """What is measured of a network, or why it is refused."""
    try:
        kmodel = kpuc.compile(path, target="k210", quant="u8" if "int16" in path.stem else None)
    except KpucError as error:
        return [str(error.cause), *[""] * 6]
    interpreter = Interpreter(
        model_content=readable(path.read_bytes()), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    found = labelled(path, details[0])
    feeds: list[list[Any]] = [[given(path, one, run) for one in details] for run in range(RUNS)]
    labels = None
    if found is not None:
        feeds, labels = [[one] for one in found[0][:count]], found[1][:count]
    simulator = kpuc.Simulator(kmodel.data)
    pairs, states = [], simulator.states
    for feed in feeds:
        results = simulator.run(*feed, *states.values())
        states = {name: results[name] for name in states}
        pairs.append((reference(interpreter, feed), next(iter(results.values()))))
    theirs, ours = (np.stack(column).astype(np.float64) for column in zip(*pairs, strict=True))
    step = interpreter.get_output_details()[0]["quantization"][0] if pairs[0][0].dtype.kind == "f" else 1.0
    away = np.abs(theirs - ours) / (step or smallest(theirs))
    facts = [f"{len(kmodel.data):,}", f"{kmodel.report['memory']['main']['peak']:,}"]
    facts += [f"{len(feeds)} {'samples' if labels is not None else 'runs'}", f"{np.mean(away < 0.5):.1%}"]
    facts.append(f"{away.max():.0f}")
    if labels is None:
        return [*facts, "", ""]
    return facts + [f"{np.mean(x.reshape(len(x), -1).argmax(1) == labels):.1%}" for x in (theirs, ours)]


def reference(interpreter: Interpreter, feed: list[Any]) -> Any:
    """LiteRT's first output."""
    for details, array in zip(interpreter.get_input_details(), feed, strict=True):
        interpreter.set_tensor(details["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def smallest(numbers: Any) -> float:
    """The step between numbers that were dequantised: the smallest difference between two of them."""
    different = np.diff(np.unique(numbers))
    return float(different[different > 1e-6].min())


if __name__ == "__main__":
    main()
