"""Layers of machine code beside onnxruntime's: chains of one kind of layer, so that both have them in their own layout.

    python benchmarks/layers.py [--threads 2] [--seconds 1] [--cpu NAME] [LAYER...]

Without names all layers are measured. Ratios are times of onnxruntime over ours (see `cpu.py` for how they are taken);
GFLOP/s count the multiplications and additions of a direct convolution.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence

import onnx
from cpu import alternate, difference, random_feed, rival_onnx
from networks import Builder
from onnx import TensorProto, helper

import kpuc


def finished(b: Builder, result: str, shape: Sequence[int]) -> onnx.ModelProto:
    """The network that was built, with one result."""
    graph = helper.make_graph(
        b.nodes, b.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, b.shape)],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, shape)],
        b.weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def convolutions(
    size: int, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, pairs: int = 4
) -> tuple[onnx.ModelProto, float]:
    """Pairs of convolutions from `inputs` to `outputs` channels and back; of one with a stride, the first is alone."""
    b = Builder("convolutions", (1, inputs, size, size))
    x, edge, flops = "x", size, 0.0
    channels = [inputs, *([outputs, inputs] * pairs if stride == 1 else [outputs])]
    for before, after in itertools.pairwise(channels):
        x = b.node("Relu", b.convolution(x, before, after, kernel, stride, groups))
        edge = -(-edge // stride)
        flops += 2.0 * edge * edge * before // groups * after * kernel * kernel
    return finished(b, x, (1, channels[-1], edge, edge)), flops


def products(rows: int, inner: int, columns: int, pairs: int = 2) -> tuple[onnx.ModelProto, float]:
    """Pairs of matrix products with constant matrices."""
    b = Builder("products", (rows, inner))
    x, flops = "x", 0.0
    sizes = [inner, *[columns, inner] * pairs]
    for before, after in itertools.pairwise(sizes):
        x = b.node("Tanh", b.node("MatMul", x, b.weight(before, after)))
        flops += 2.0 * rows * before * after
    return finished(b, x, (rows, inner)), flops


LAYERS: dict[str, Callable[[], tuple[onnx.ModelProto, float]]] = {
    "1x1 56 64-64": lambda: convolutions(56, 64, 64, 1),
    "1x1 112 16-96": lambda: convolutions(112, 16, 96, 1),
    "1x1 28 192-32": lambda: convolutions(28, 192, 32, 1),
    "1x1 14 64-384": lambda: convolutions(14, 64, 384, 1),
    "1x1 7 160-960": lambda: convolutions(7, 160, 960, 1),
    "3x3 56 64-64": lambda: convolutions(56, 64, 64, 3),
    "3x3 28 128-128": lambda: convolutions(28, 128, 128, 3),
    "3x3 14 256-256": lambda: convolutions(14, 256, 256, 3),
    "3x3 7 512-512": lambda: convolutions(7, 512, 512, 3),
    "3x3 80 64-64": lambda: convolutions(80, 64, 64, 3),
    "3x3 35 96-96": lambda: convolutions(35, 96, 96, 3),
    "3x3 56 64-128 by 2": lambda: convolutions(56, 64, 128, 3, 2),
    "5x5 28 64-64": lambda: convolutions(28, 64, 64, 5),
    "7x7 224 3-64 by 2": lambda: convolutions(224, 3, 64, 7, 2),
    "3x3 224 3-32 by 2": lambda: convolutions(224, 3, 32, 3, 2),
    "depthwise 3x3 112 32": lambda: convolutions(112, 32, 32, 3, groups=32),
    "depthwise 3x3 14 384": lambda: convolutions(14, 384, 384, 3, groups=384),
    "depthwise 3x3 112 32 by 2": lambda: convolutions(112, 32, 32, 3, 2, groups=32),
    "depthwise 5x5 28 120": lambda: convolutions(28, 120, 120, 5, groups=120),
    "groups 3x3 28 128/32": lambda: convolutions(28, 128, 128, 3, groups=32),
    "groups 3x3 28 128/4": lambda: convolutions(28, 128, 128, 3, groups=4),
    "matmul 512 512-512": lambda: products(512, 512, 512),
    "matmul 197 768-3072": lambda: products(197, 768, 3072, pairs=1),
    "matmul 1 2048-1000": lambda: products(1, 2048, 1000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layers", nargs="*", help=f"of: {', '.join(LAYERS)}")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a layer is measured")
    parser.add_argument("--cpu", help="the CPU that code is made for")
    options = parser.parse_args()
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    print(f"{'layer':26} {'ours ms':>9} {'GFLOP/s':>8} {'theirs ms':>9} {'ratio':>6} {'agree':>8}")
    for name in options.layers or LAYERS:
        network, flops = LAYERS[name]()
        model = network.SerializeToString()
        simulator = kpuc.Simulator(kpuc.compile(model, cpu=options.cpu).data, threads=options.threads)
        rival, feed = rival_onnx(model, options.threads), random_feed(simulator)
        agree = max(difference(a, b) for a, b in zip(simulator.run(feed).values(), rival(feed), strict=True))
        runs = [lambda: simulator.run(feed), lambda: rival(feed)]  # noqa: B023
        ours, theirs = alternate(runs, options.seconds, clock)
        rate = flops / ours / 1e9
        print(
            f"{name:26} {ours * 1e3:9.3f} {rate:8.1f} {theirs * 1e3:9.3f} {theirs / ours:6.2f} {agree:8.1e}", flush=True
        )


if __name__ == "__main__":
    main()
