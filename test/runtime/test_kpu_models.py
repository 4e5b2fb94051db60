"""Kmodels for the K210 that the vendor's compiler made: we decode, rewrite and run them as the vendor does."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from k210_models import ACCEPTED, vendor_kmodels
from networks import SHIPPED, find_models
from vendor19 import simulate, skip_without

from kpuc.runtime import Simulator
from kpuc.runtime.analysis import analyze
from kpuc.runtime.kmodel import v5
from kpuc.runtime.kmodel.k210 import Command, Conv2d, commands
from kpuc.runtime.kpu.engine import Engine
from kpuc.runtime.kpu.layout import LINE
from kpuc.runtime.kpu.pooling import POOLS
from kpuc.runtime.kpu.registers import LayerArguments, layer_arguments
from kpuc.runtime.kpu.tables import Activation, BatchNorm
from kpuc.runtime.stackvm.interpreter5 import Interpreter

FASHION = SHIPPED / "fashion_dscnn.onnx"
PATHS = [path for path in (*find_models(".onnx"), *find_models(".tflite")) if path.name in ACCEPTED]
MODELS = [pytest.param(p, id=p.name, marks=[] if p.parent == SHIPPED else [pytest.mark.slow]) for p in PATHS]


@cache
def made(path: Path, bytes_in: bool = False) -> bytes:
    skip_without()
    (data,) = vendor_kmodels([path], bytes_in)
    assert isinstance(data, bytes), data
    return data


def kpu_module(data: bytes) -> v5.Module:
    return next(one for one in v5.read(data).modules if one.kind == "k210")


def all_commands(module: v5.Module) -> list[Command]:
    return [command for function in module.functions for command in commands(module.text(function))]


@pytest.mark.parametrize("bytes_in", [False, True], ids=["float", "uint8"])
@pytest.mark.parametrize("path", MODELS)
def test_the_vendor_computes_the_same(path: Path, bytes_in: bool) -> None:
    data = made(path, bytes_in)
    simulator, rng = Simulator(data), np.random.default_rng(3)
    for _ in range(2):
        given = [_random(rng, one.dtype, one.shape) for one in simulator.inputs]
        (expected,) = simulate([(data, given)])
        assert isinstance(expected, list), expected
        for ours, theirs in zip(simulator.run(*given).values(), expected, strict=True):
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
            assert len(np.unique(theirs)) > 1
            if ours.dtype == np.uint8:
                np.testing.assert_array_equal(ours, theirs)
            else:
                np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def _random(rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return (rng.integers(0, 256, shape) if dtype == np.uint8 else rng.uniform(-1, 1, shape)).astype(dtype)


@pytest.mark.parametrize("path", MODELS)
def test_decoded_fields_give_the_same_bytes(path: Path) -> None:
    module = kpu_module(made(path))
    found = all_commands(module)
    for one in found:
        if isinstance(one, Conv2d):
            assert one.arguments.pack() == one.registers
    assert b"".join(one.write() for one in found) == bytes(module.section(".text"))


@pytest.mark.parametrize("path", MODELS)
def test_the_vendor_writes_the_same_registers(path: Path) -> None:
    """What the vendor chose for a layer, given to our formulas."""
    layers = [one for one in all_commands(kpu_module(made(path))) if isinstance(one, Conv2d)]
    assert layers
    for layer in layers:
        assert layer.arguments == recomputed(layer.arguments, layer.batches)


def recomputed(one: LayerArguments, batches: int) -> LayerArguments:
    return layer_arguments(
        one.image_src_addr * LINE, one.image_dst_addr * LINE, one.input_shape(batches), one.o_ch_num + 1,
        kernel=3 if one.kernel_type else 1, depthwise=bool(one.depth_wise_layer), pool=POOLS[one.pool_type].name,
        input_zero=-one.arg_w, weight_zero=-one.arg_x,
    )  # fmt: skip


@pytest.mark.parametrize("path", MODELS)
def test_tables_are_rewritten_but_for_their_unused_bits(path: Path) -> None:
    module = kpu_module(made(path))
    rdata = module.section(".rdata")
    for layer in all_commands(module):
        if isinstance(layer, Conv2d):
            norm = rdata[layer.batch_norm.start :][: layer.batch_norm.bytes]
            assert BatchNorm.unpack(norm).pack() == norm
            table = bytearray(rdata[layer.activation.start :][: layer.activation.bytes])
            packed = Activation.unpack(table).pack()
            table[7:128:8] = bytes(byte & 15 for byte in table[7:128:8])
            assert packed == table


@pytest.mark.parametrize("bytes_in", [False, True], ids=["float", "uint8"])
def test_the_command_line_runs_and_shows_them(bytes_in: bool, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from kpuc.tools.cli.main import cli

    def kpuc(*arguments: object) -> str:
        return CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False).output

    data, path = made(FASHION, bytes_in), tmp_path / "net.kmodel"
    path.write_bytes(data)
    given = _random(np.random.default_rng(4), np.dtype(np.uint8 if bytes_in else np.float32), (1, 1, 28, 28))
    np.save(tmp_path / "in.npy", given)
    kpuc("run", path, "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npz")
    ((expected,),) = simulate([(data, [given])])
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["output0"], expected)
    text = kpuc("inspect", path)
    assert "CONV2D 3x3 pool=max2s2 kpu+0 1x1x28x28 -> kpu+1792 1x24x14x14" in text
    assert "image_dst_addr" not in text
    (layer, *_) = json.loads(kpuc("inspect", path, "--json"))["modules"][1]["functions"][0]["layers"]
    assert (layer["i_row_wid"], layer["o_row_wid"], layer["pool_type"]) == (27, 13, 1)


@pytest.mark.parametrize("path", MODELS)
def test_the_analysis_lists_what_is_executed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host function and command, in the order of a run; a layer that also writes to main memory downloads."""
    data, executed = made(path), list[str]()

    def watch(owner: type, method: str, kinds: Callable[[Any], list[str]]) -> None:
        original = getattr(owner, method)

        def watched(self: Any, where: Any, what: Any, *others: Any) -> None:
            executed.extend(kinds(what))
            original(self, where, what, *others)

        monkeypatch.setattr(owner, method, watched)

    watch(Interpreter, "_tensor", lambda one: [one.function.name])
    watch(Engine, "_convolve", lambda one: ["layer", "download"] if one.output.bytes else ["layer"])
    for name in ("upload", "download"):
        watch(Engine, f"_{name}", lambda one: [type(one).__name__.lower()])
    watch(Engine, "_copy", lambda one: ["copy"])
    simulator = Simulator(data)
    simulator.run(*(np.zeros(one.shape, one.dtype) for one in simulator.inputs))
    analysis = analyze(simulator.model)
    assert [one.kind for one in analysis.steps] == executed
    assert 0 < max(analysis.kpu_ram) <= analysis.kpu_ram_extent
