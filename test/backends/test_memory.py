"""memory.txt says what lies where and when, for every target; the code in the kmodel agrees."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnx
import pytest
from networks import SHIPPED
from onnx_writer import OnnxWriter

import kpuc
from kpuc.backends.memory import CALLER, HEAP, MemoryPlan, PlannedBuffer
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.stackvm.isa5 import ISA5

FASHION = SHIPPED / "fashion_dscnn.onnx"
TARGETS = {
    "cpu": {"cpu": "x86-64-v3"},
    "cpu, bytes": {"cpu": "riscv64", "quant": "u8"},
    "k510": {"target": "k510"},
    "k210": {"target": "k210", "quant": "u8"},
    "k210, version 4": {"target": "k210", "quant": "u8", "kmodel": 4},
    "k210, version 3": {"target": "k210", "quant": "u8", "kmodel": 3},
    "k230": {"target": "k230"},
}


@dataclass(frozen=True)
class Row:
    memory: str
    offset: int | None
    bytes: int
    first: int
    last: int
    what: str


@dataclass(frozen=True)
class Written:
    """What the file says: `used` by memory and step."""

    peaks: dict[str, tuple[int, int]]
    rows: list[Row]
    used: dict[str, list[int]]
    steps: list[str]

    def of(self, memory):
        return [row for row in self.rows if row.memory == memory]


def written(folder):
    *tables, steps = (folder / "memory.txt").read_text().split("\n\n")
    rows, peaks = [], {}
    for table in tables:
        title, *lines = table.splitlines()
        memory = title.split(":")[0]
        if match := re.search(r": (\d+) bytes, and no plan needs less than (\d+)", title):
            peaks[memory] = int(match[1]), int(match[2])
        for line in lines[1:]:
            offset, size, life, what = line.split(maxsplit=3)
            first, last = map(int, life.split("-"))
            rows.append(Row(memory, None if offset == "-" else int(offset), int(size), first, last, what))
    title, *lines = steps.splitlines()
    memories = title.removeprefix("steps, and the bytes in use in ").split(", ")
    cells = [line.split(maxsplit=len(memories) + 1) for line in lines]
    assert [int(cell[0]) for cell in cells] == list(range(len(lines)))
    used = {memory: [int(cell[1 + number]) for cell in cells] for number, memory in enumerate(memories)}
    return Written(peaks, rows, used, [cell[-1] for cell in cells])


def compiled(folder, model=FASHION, **given):
    if "quant" in given:
        given["calibration"] = np.random.default_rng(0).random((2, 1, 28, 28), np.float32)
    return kpuc.compile(model, dump_ir=folder, **given)


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "k230"])
def test_buffers_in_use_share_nothing_and_the_peak_is_their_top(target, tmp_path):
    compiled(tmp_path, **TARGETS[target])
    plan = written(tmp_path)
    assert plan.peaks
    for memory, (peak, bound) in plan.peaks.items():
        rows = plan.of(memory)
        assert max(row.offset + row.bytes for row in rows) <= peak < max(row.offset + row.bytes for row in rows) + 64
        assert max(plan.used[memory]) <= bound <= peak
        for step, used in enumerate(plan.used[memory]):
            alive = sorted((row.offset, row.bytes) for row in rows if row.first <= step <= row.last)
            assert used == sum(size for _, size in alive)
            assert all(a + size <= b for (a, size), (b, _) in pairwise(alive))
    names = {row.what.split(maxsplit=1)[1] for row in plan.rows}
    assert {"input input", "output logits", "fashion_dscnn.onnx: /10/MaxPool"} <= names


def test_the_code_of_a_planned_network_uses_what_is_in_use(tmp_path):
    """Version 5 pushes addresses before it calls a function; what is pushed is in use, and first and last uses are."""
    module = read_kmodel(compiled(tmp_path, target="k510").data).modules[0]
    calls, pushed = [], set()
    for one in ISA5["1.6"].walk(module.text(module.functions[0])):
        if one.instruction.name == "LEA_BUFFER" and one.values["location"] == 3:
            pushed.add(one.values["offset"])
        if one.function is not None:
            calls.append(pushed)
            pushed = set()
    assert_touched(calls, written(tmp_path), "main memory")


def test_the_steps_of_machine_code_use_what_is_in_use(tmp_path):
    compiled(tmp_path, cpu="x86-64-v3")
    (text,) = [path.read_text() for path in tmp_path.glob("*_native-lower_*.mlir")]
    steps = re.findall(r"^func.func private @step_\d+\(.*?^}", text, re.MULTILINE | re.DOTALL)
    calls = []
    for step in steps:
        constants = dict(re.findall(r"(%\w+) = arith.constant (\d+) : index", step))
        calls.append({int(constants[name]) for name in re.findall(r"memref.view %arena\[(%\w+)\]", step)})
    assert_touched(calls, written(tmp_path), "the arena")


def assert_touched(calls, plan, memory):
    assert len(calls) == len(plan.steps)
    for number, offsets in enumerate(calls):
        alive = {row.offset for row in plan.of(memory) if row.first <= number <= row.last}
        edges = {row.offset for row in plan.of(memory) if number in (row.first, row.last)}
        assert edges <= offsets <= alive


def joined():
    """Two values of 1024 bytes, and both behind each other."""
    net = OnnxWriter(0)
    a = net.op("Exp", net.input(1, 4, 8, 8))
    return net.model(net.concat(a, net.op("Sin", a)))


def test_what_a_runtime_allocates(tmp_path):
    compiled(tmp_path, joined(), target="k230")
    assert "The runtime allocates" in (tmp_path / "memory.txt").read_text()
    plan = written(tmp_path)
    assert [(row.bytes, row.first, row.last) for row in plan.of(HEAP)] == [(1024, 0, 2), (1024, 1, 2), (2048, 2, 2)]
    assert {row.offset for row in plan.rows} == {None}
    assert plan.used[HEAP] == [1024, 2048, 4096]
    assert [step.split(" at ")[0] for step in plan.steps] == ["nn.exp", "nn.sin", "nn.concat"]


def test_sizes_that_the_data_decides(tmp_path):
    net = OnnxWriter(0)
    x = net.op("Exp", net.input("n", 4, 8, 8))
    kpuc.compile(net.model(net.op("Softmax", x, axis=1)), target="k230", dims={"n": None}, dump_ir=tmp_path)
    text = (tmp_path / "memory.txt").read_text()
    assert "the heap: at least 0 bytes at once\n" in text
    assert re.search(r"^ +-  +\?  +0-1  \?x4x8x8xf32  model.onnx: Exp_v0$", text, re.MULTILINE)


@pytest.mark.parametrize("target", ["cpu", "k230"])
def test_each_bucket_has_a_plan(tmp_path, target):
    net = OnnxWriter(0)
    model = net.model(net.op("Exp", net.op("Sin", net.input("n", 16))))
    kpuc.compile(model, target=target, dims={"n": (1, 64)}, segments=2, dump_ir=tmp_path)
    plans = {path.parent.name: path.read_text() for path in tmp_path.glob("*/memory.txt")}
    assert set(plans) == {"n=32", "n=64"}
    assert "64x16xf32" in plans["n=64"] and "64x16xf32" not in plans["n=32"]
    assert {path.parent.name for path in tmp_path.glob("*/network.mlirbc")} == set(plans)


def test_an_output_is_the_callers(tmp_path):
    compiled(tmp_path, joined(), target="k510")
    plan = written(tmp_path)
    assert plan.peaks == {"main memory": (2048, 2048)}
    assert plan.used["main memory"] == [1024, 2048, 2048]
    assert [(row.bytes, row.first, row.last) for row in plan.of(CALLER)] == [(1024, 0, 0), (2048, 2, 2)]


def test_bytes_that_buffers_share_count_once():
    rows = [(0, 100, 0, 1), (50, 100, 0, 1), (60, 10, 1, 1), (200, 10, 1, 1)]
    plan = MemoryPlan([PlannedBuffer("m", at, size, "", first, last, "") for at, size, first, last in rows], ["a", "b"])
    assert plan.used("m") == [150, 160]


def test_a_node_takes_one_line(tmp_path):
    """Whatever a file calls it: the listing stays one that an assembler takes."""
    net = OnnxWriter(0)
    net.op("Exp", net.input(1, 4, 8, 8))
    model = onnx.load_model_from_string(net.model("v0"))
    model.graph.node[0].name = "two\n.byte 1\nlines"
    kpuc.compile(model, cpu="x86-64-v3", dump_ir=tmp_path, dump_asm=tmp_path)
    for name in ("memory.txt", "native_x86-64-v3.s"):
        text = (tmp_path / name).read_text()
        assert "two .byte 1 lines" in text and "\n.byte" not in text


def test_each_cpu_has_a_plan(tmp_path):
    """Their vectors are of other widths, and so are buffers."""
    compiled(tmp_path, cpu=["x86-64-v3", "riscv64"])
    text = (tmp_path / "memory.txt").read_text()
    assert re.findall(r"Machine code for (\S+)\.\n\nthe arena: \d+ bytes", text) == ["x86-64-v3", "riscv64"]
