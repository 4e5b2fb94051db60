"""Stripes change nothing: random networks of layers, in memory that is too small for them."""

import numpy as np
from vendor19 import simulate, skip_without

from kpuc.backends.stackvm.emit5 import emit5
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import func, ir
from kpuc.dialects.ranges import Range, set_range
from kpuc.dialects.tensors import static_shape, tensor_type
from kpuc.passes.kpu import build
from kpuc.passes.kpu.residency import Program
from kpuc.passes.kpu.tile import REGIONS, Tile
from kpuc.passes.pipeline import parse_pipeline
from kpuc.pipelines import BASIC_PIPELINE, BUFFERS_PIPELINE, MAPS_PIPELINE, MEMORY_PIPELINE
from kpuc.runtime import Simulator

POOLS = ("max2s2", "mean2s2", "left_top2s2", "right_top2s2", "max4s4", "mean4s4", "left_top4s4", "mean2s1", "max2s1")
RELU = np.array([[-1, 0, 1], [0, 0, 1]], np.float32)
BEND = np.array([[-2, 0, 1, 4], [-0.5, 0.25, 1, 1.5]], np.float32)
SEEDS = range(30)


class Network:
    """A random network of layers, some of whose values the host works on, or returns."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        height = int(self.random.choice([32, 48, 57, 64, 75]))
        shape = (1, int(self.random.integers(1, 9)), height, int(self.random.integers(16, 40)))
        self.module = ir.Module.create()
        with ir.InsertionPoint(self.module.body):
            function = func.FuncOp("main", ([tensor_type(shape, np.float32)], []))
            block = function.add_entry_block()
        self.x = self.random.standard_normal(shape).astype(np.float32)
        self.values = [block.arguments[0]]
        with ir.InsertionPoint(block):
            for _ in range(int(self.random.integers(3, 12))):
                self.values.append(self.step())
            results = list(dict.fromkeys([self.values[-1], *self.random.choice(self.values[1:], 2)]))
            func.ReturnOp(results)
        types = ([self.values[0].type], [value.type for value in results])
        function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(*types))
        self.measure(block)

    def step(self):
        value = self.values[-1 - min(int(self.random.exponential(0.7)), len(self.values) - 1)]
        _, channels, height, width = static_shape(value)
        kind = self.random.choice(["dense", "dense", "depthwise", "pool", "sum", "copy", "host"])
        same = [other for other in self.values if static_shape(other)[2:] == (height, width) and other != value]
        if kind == "host":
            return nn.Relu(value).output
        if kind == "copy":
            return build.shifted(value, int(self.random.integers(-2, 3)) or 1, 0)
        activation = (None, RELU, BEND)[self.random.integers(3)]
        if kind == "depthwise":
            return build.layer([value], self.weight(channels, 1, 3), None, None, depthwise=True, activation=activation)
        pool = "none"
        if kind == "pool":
            fitting = [name for name in POOLS if min(height, width) >= 4 * int(name[-1])]
            pool = str(self.random.choice(fitting))
        inputs = [value, same[self.random.integers(len(same))]] if kind == "sum" and same else [value]
        outputs = int(self.random.integers(1, 20))
        weight = self.weight(outputs, sum(static_shape(one)[1] for one in inputs), int(self.random.choice([1, 3])))
        return build.layer(inputs, weight, self.random.standard_normal(outputs), None, pool=pool, activation=activation)

    def weight(self, outputs, inputs, kernel):
        return self.random.standard_normal((outputs, inputs, kernel, kernel)) / np.sqrt(inputs * kernel * kernel)

    def measure(self, block):
        """State the ranges that the values take."""
        spans = {}

        def observe(op, results):
            if results[0].dtype == np.float32:
                spans[op.operation.results[0]] = Range(float(results[0].min()), float(results[0].max()))

        evaluate(self.module, [self.x], observe)
        set_range(block.arguments[0], Range(float(self.x.min()), float(self.x.max())))
        for value, span in spans.items():
            if not isinstance(value.owner.opview, nn.Constant):
                set_range(value, span)

    def tiled(self):
        """The network split for a memory that is too small; the capacity, None where no region helps."""
        peak = Program.of(entry_function(self.module).regions[0].blocks[0]).plan().peak
        capacity = int(peak * self.random.uniform(0.35, 0.9))
        module = ir.Module.parse(str(self.module))
        Tile(capacity).apply(module)
        assert module.operation.verify()
        return module, capacity if REGIONS in entry_function(module).attributes else None


def quantised(module):
    """A copy of a network with layers in integers."""
    copy = ir.Module.parse(str(module))
    parse_pipeline("builtin.module(kpu-quantize{wide=0},canonicalize,cse)").run(copy)
    return copy


def test_equal_in_real_numbers_and_small_enough():
    split = 0
    for seed in SEEDS:
        with mlir.context(), ir.Location.unknown():
            network = Network(seed)
            module, capacity = network.tiled()
            if capacity is None:
                assert str(module) == str(network.module)
                continue
            split += 1
            assert Program.of(entry_function(module).regions[0].blocks[0]).plan().peak <= capacity
            for before, after in zip(*(evaluate(one, [network.x]) for one in (network.module, module)), strict=True):
                np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5, err_msg=f"seed {seed}")
    assert split > len(SEEDS) / 2


def test_equal_in_bytes():
    for seed in SEEDS:
        with mlir.context(), ir.Location.unknown():
            network = Network(seed)
            module, _ = network.tiled()
            for before, after in zip(
                *(evaluate(quantised(one), [network.x]) for one in (network.module, module)), strict=True
            ):
                np.testing.assert_array_equal(after, before, err_msg=f"seed {seed}")


def emitted(module):
    """The kmodel of a network in real numbers."""
    for text in (
        "builtin.module(kpu-quantize{wide=0},canonicalize,cse)",
        BASIC_PIPELINE,
        MAPS_PIPELINE,
        MEMORY_PIPELINE,
        BUFFERS_PIPELINE,
    ):
        parse_pipeline(text).run(module)
    return emit5(module, "kpuc test", "1.6")


def test_equal_on_the_vendors_simulator():
    skip_without()
    jobs, expected = [], []
    for seed in SEEDS[:8]:
        with mlir.context(), ir.Location.unknown():
            network = Network(seed)
            module, capacity = network.tiled()
            if capacity is not None:
                jobs.append((emitted(module), [network.x]))
                expected.append(list(Simulator(emitted(network.module)).run(network.x).values()))
    assert jobs
    for ours, theirs in zip(expected, simulate(jobs), strict=True):
        assert not isinstance(theirs, str), theirs
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(other, one)


def test_too_many_layers_are_not_looked_at(monkeypatch):
    """Regions of thousands of layers would be looked at for minutes: they stay as they are."""
    with mlir.context(), ir.Location.unknown():
        seed = next(seed for seed in SEEDS if Network(seed).tiled()[1] is not None)
        monkeypatch.setattr("kpuc.passes.kpu.tile.MOST_LAYERS", 0)
        assert Network(seed).tiled()[1] is None
