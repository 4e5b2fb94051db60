"""K210 modules: layout, registers, tables, commands, and their execution, alone and called by stackvm code."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import DOUBLED, MAPS, kpu5, kpu_module
from vendor19 import simulate, skip_without

from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import v5
from kpuc.runtime.kmodel.bits import BitField
from kpuc.runtime.kmodel.build5 import Place, Tensor, build_kmodel
from kpuc.runtime.kmodel.describe import describe
from kpuc.runtime.kmodel.k210 import commands
from kpuc.runtime.kmodel.names import Names
from kpuc.runtime.kpu.assembler import Assembler
from kpuc.runtime.kpu.engine import Engine
from kpuc.runtime.kpu.layout import Layout
from kpuc.runtime.kpu.registers import LayerArguments, layer_arguments, weight_loads
from kpuc.runtime.kpu.tables import LINE_FIELDS, NORM_FIELDS, Activation, BatchNorm
from kpuc.runtime.machine import WORK_LIMIT, Linker

X = np.arange(40, dtype=np.uint8).reshape(MAPS)


@pytest.mark.parametrize(("shape", "size"), [
    ((1, 3, 224, 224), 172032), ((1, 16, 16, 16), 4096), ((1, 256, 7, 7), 28672), ((1, 1000, 4, 4), 64000),
    ((2, 3, 5, 20), 2 * 2 * 5 * 64), ((3, 2, 4, 65), 3 * 2 * 4 * 128),
])  # fmt: skip
def test_every_byte_of_a_map_has_its_place(shape: tuple, size: int) -> None:
    layout, count = Layout(shape), min(math.prod(shape), 2000)
    assert layout.bytes == size
    rng = np.random.default_rng(0)
    maps, ram = rng.integers(0, 256, shape).astype(np.uint8), rng.integers(0, 256, size + 64).astype(np.uint8)
    before = ram.copy()
    layout.store(ram, 64, maps)
    touched = np.zeros(len(ram), bool)
    for at in np.ndindex(shape):
        n, c, y, x = at
        block, inside = divmod(c, layout.groups)
        address = 64 + 64 * n * layout.batch_lines + 64 * layout.row_length * (block * shape[2] + y)
        touched[address + inside * layout.row_pitch + x] = True
        if count:
            count -= 1
            assert ram[address + inside * layout.row_pitch + x] == maps[at]
    assert touched.sum() == math.prod(shape)
    np.testing.assert_array_equal(ram[~touched], before[~touched])
    np.testing.assert_array_equal(layout.load(ram, 64), maps)


FIELDS = LayerArguments.bit_fields()


def test_fields_lie_beside_each_other() -> None:
    for fields in (FIELDS, NORM_FIELDS, LINE_FIELDS):
        used = [(one.word, bit) for one in fields.values() for bit in range(one.offset, one.offset + one.width)]
        assert len(used) == len(set(used)) and max(bit for _, bit in used) < 64


def any_value(field: BitField) -> st.SearchStrategy[int]:
    return st.integers(field.lowest, field.highest)


@given(st.builds(LayerArguments, **{name: any_value(field) for name, field in FIELDS.items()}))
def test_registers_are_packed_and_unpacked(arguments: LayerArguments) -> None:
    words = arguments.pack()
    assert all(0 <= word < 2**64 for word in words)
    assert LayerArguments.unpack(words) == arguments


@pytest.mark.parametrize("name", FIELDS)
def test_a_register_refuses_what_it_cannot_hold(name: str) -> None:
    for value in (FIELDS[name].lowest - 1, FIELDS[name].highest + 1):
        with pytest.raises(KmodelError, match=rf"K0407.*LayerArguments\.{name}: {value} does not fit"):
            dataclasses.replace(LayerArguments(), **{name: value}).pack()


@pytest.mark.parametrize(("field", "shape", "channels", "changed"), [
    ("load_time", (1, 512, 4, 4), 512, {}),
    ("channel_byte_num", (1, 1, 512, 256), 1, {}),
    ("i_ch_num", (1, 1025, 4, 4), 8, {}),
    ("o_ch_num", (1, 8, 4, 4), 1025, {}),
    ("i_row_wid", (1, 1, 4, 961), 1, {}),
    ("i_col_high", (1, 1, 513, 4), 1, {}),
    ("o_col_high", (1, 1, 3, 8), 1, {"pool": "max4s4"}),
    ("image_src_addr", (1, 1, 4, 4), 1, {"source": 32}),
    ("image_dst_addr", (1, 1, 4, 4), 1, {"target": 2**21 - 192}),
    ("image_src_addr", (1, 1, 4, 4), 1, {"source": -64}),
    ("depth_wise_layer", (1, 2, 4, 4), 4, {"depthwise": True}),
    ("kernel_type", (1, 2, 4, 4), 4, {"kernel": 5}),
    ("pad_value", (1, 2, 4, 4), 4, {"input_zero": 256}),
])  # fmt: skip
def test_layers_that_the_chip_has_not(field: str, shape: tuple, channels: int, changed: dict) -> None:
    with pytest.raises(KmodelError, match=rf"K0407.*LayerArguments\.{field}"):
        layer_arguments(**{"source": 0, "target": 0, "shape": shape, "channels": channels, "kernel": 3, **changed})


def test_weights_go_in_the_fewest_loads() -> None:
    for inputs, outputs, kernel in [(1024, 1024, 1), (384, 512, 3), (3, 16, 3), (512, 512, 3)]:
        loads = weight_loads(kernel, inputs, outputs, depthwise=False)
        assert loads.bytes == loads.channels * inputs * kernel**2 <= 30 * 1024
        assert (loads.count - 1) * loads.channels < outputs <= loads.count * loads.channels
    assert weight_loads(3, 512, 512, depthwise=False).count == 86
    assert weight_loads(3, 64, 64, depthwise=True).count == 1


@given(st.lists(st.tuples(*map(any_value, NORM_FIELDS.values())), min_size=1, max_size=5))
def test_batch_norm_is_packed_and_unpacked(rows: list[tuple[int, int, int]]) -> None:
    columns = dict(zip(NORM_FIELDS, map(list, zip(*rows, strict=True)), strict=True))
    read = BatchNorm.unpack(BatchNorm(**columns).pack())
    assert {name: list(getattr(read, name)) for name in NORM_FIELDS} == columns


def test_activation_is_packed_and_unpacked() -> None:
    data = DOUBLED.pack()
    assert len(data) == 144 and not any(byte >> 4 for byte in data[7:128:8])
    read = Activation.unpack(data)
    for name, column in DOUBLED.columns.items():
        np.testing.assert_array_equal(read.columns[name], column)


@pytest.mark.parametrize(("field", "column"), [
    ("start", [0] * 16), ("start", [*DOUBLED.start[:15], -5]), ("shift", [44] * 16), ("add", [256] * 16),
    ("mul", [1 << 15] * 16), ("mul", [0] * 15),
])  # fmt: skip
def test_activations_that_the_chip_has_not(field: str, column: list[int]) -> None:
    with pytest.raises(KmodelError, match=rf"K0407.*Activation\.{field}"):
        dataclasses.replace(DOUBLED, **{field: column}).pack()


def test_a_module_alone_runs() -> None:
    data = build_kmodel([kpu_module()], Names(("image",), ("doubled",)))
    np.testing.assert_array_equal(Simulator(data).run({"image": X})["doubled"], 2 * X)


def test_stackvm_code_calls_the_kpu() -> None:
    np.testing.assert_array_equal(Simulator(kpu5()).run(X)["output0"], 4 * X)


NAMED = build_kmodel([kpu_module()], Names(("image",), ("output0",)))


@pytest.mark.parametrize("data", [build_kmodel([kpu_module()]), NAMED, kpu5()], ids=["alone", "named", "called"])
def test_the_vendor_runs_our_files(data: bytes) -> None:
    skip_without()
    ((result,),) = simulate([(data, [X])])
    np.testing.assert_array_equal(result, Simulator(data).run(X)["output0"])


def test_kpu_ram_keeps_what_it_holds() -> None:
    engine = Engine(kpu_module(persistent=True), Linker(lambda *_: ()), 0)
    assert not engine.call(1, [])[0].any()
    engine.call(0, [X])
    np.testing.assert_array_equal(engine.call(1, [])[0], 2 * X)


@pytest.mark.parametrize(("overwritten", "factor"), [(False, 4), (True, 2)])
def test_a_layer_reads_what_was_written_last(overwritten: bool, factor: int) -> None:
    """The maps that the layer before has made, unless an upload has replaced them."""
    asm = Assembler()
    code = asm.function([Tensor("u8", MAPS)], [Tensor("u8", MAPS)])
    ones, weights = BatchNorm([1, 1], [0, 0], [0, 0]), np.eye(2, dtype=np.uint8).reshape(2, 2, 1, 1)
    code.upload(code.inputs[0], 64, MAPS)
    code.convolution(layer_arguments(64, 1024, MAPS, 2, kernel=1, weight_zero=0), weights, ones, DOUBLED)
    if overwritten:
        code.upload(code.inputs[0], 1024, MAPS)
    code.convolution(layer_arguments(1024, 4096, MAPS, 2, kernel=1, weight_zero=0), weights, ones, DOUBLED)
    code.download(4096, code.outputs[0], MAPS)
    simulator = Simulator(build_kmodel([asm.module()]))
    for _ in range(2):
        np.testing.assert_array_equal(simulator.run(X)["output0"], factor * X)


def test_writing_what_was_read_gives_the_same_bytes() -> None:
    text = bytes(kpu_module().section(".text"))
    assert b"".join(one.write() for one in commands(text)) == text


@pytest.mark.parametrize(("change", "code"), [
    (lambda code: code.upload(Place("input", 8), 0, MAPS), "K0504.*starts at 8"),
    (lambda code: code.upload(code.outputs[0], 0, (1, 2, 5, 5)), "K0504.*50 bytes at byte 0 .* 40 bytes"),
    (lambda code: code.download(0, code.inputs[0], MAPS), "K0504.*no input that can be used"),
    (lambda code: code.download(0, Place("rdata", 0), MAPS), "K0504.*location 2 cannot be used"),
    (lambda code: code.copy("u8", MAPS, code.inputs[0], (2, 20, 5, 1), code.outputs[0], (40, 60, 5, 1)), "K0504"),
])  # fmt: skip
def test_code_that_reaches_too_far(change: object, code: str) -> None:
    asm = Assembler()
    change(asm.function([Tensor("u8", MAPS)], [Tensor("u8", MAPS)]))
    with pytest.raises(ExecutionError, match=code):
        Simulator(build_kmodel([asm.module()])).run(X)


def test_code_that_works_too_long() -> None:
    asm = Assembler()
    code = asm.function([Tensor("u8", MAPS)], [Tensor("u8", MAPS)])
    code.copy("u8", MAPS, code.inputs[0], (0,) * 4, code.outputs[0], (0,) * 4)
    code.commands[0] = dataclasses.replace(code.commands[0], shape=(2**20, 2**20, 1, 1))
    with pytest.raises(ExecutionError, match="K0505"):
        Simulator(build_kmodel([asm.module()])).run(X)


def test_work_is_limited_over_all_calls_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network calls its KPU function twice; each run may do as much as the one before."""
    simulator = Simulator(kpu5())
    for _ in range(2):  # the first one also prepares layers
        simulator.run(X)
    both = WORK_LIMIT - simulator._linker.work
    monkeypatch.setattr("kpuc.runtime.simulator.WORK_LIMIT", both)
    for _ in range(2):
        simulator.run(X)
    monkeypatch.setattr("kpuc.runtime.simulator.WORK_LIMIT", both - 1)
    with pytest.raises(ExecutionError, match=r"K0505.*in a run"):
        simulator.run(X)


@pytest.mark.parametrize(("changed", "message"), [
    ({"pool_type": 10}, "pool type 10"), ({"kernel_type": 2}, "kernel type 2"), ({"o_row_wid": 9}, "4x5.*4x10"),
    ({"depth_wise_layer": 1, "o_ch_num": 4}, "depthwise"), ({"image_src_addr": 32767}, "do not lie in"),
])  # fmt: skip
def test_layers_that_no_kpu_computes(changed: dict, message: str) -> None:
    module = kpu_module()
    text = list(commands(module.section(".text")))
    arguments = dataclasses.replace(text[1].arguments, **changed)
    text[1] = dataclasses.replace(text[1], registers=arguments.pack())
    rdata, code = module.sections
    code = dataclasses.replace(code, body=b"".join(one.write() for one in text))
    data = v5.write(v5.Model((dataclasses.replace(module, sections=(rdata, code)),)))
    with pytest.raises(ExecutionError, match=f"K0504.*{message}"):
        Simulator(data).run(X)


def test_an_unknown_command_is_named() -> None:
    with pytest.raises(KmodelError, match=r"K0406.*byte 44.*no command 4"):
        list(commands(bytes(44) + b"\4"))


def test_inspection_shows_commands_and_registers() -> None:
    (function,) = describe(v5.read(build_kmodel([kpu_module()])))["modules"][0]["functions"]
    assert [line.split()[1] for line in function["code"]] == ["UPLOAD", "CONV2D", "DOWNLOAD", "COPY"]
    assert "kpu+64 1x2x4x5 -> kpu+1024 1x2x4x5" in function["code"][1]
    (layer,) = function["layers"]
    assert layer["o_ch_num"] == 1 and layer["image_dst_addr"] == 16
