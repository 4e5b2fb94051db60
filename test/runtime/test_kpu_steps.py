"""KPU layers in files of versions 3 and 4, against the vendor's simulator on version 5 files of the same layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from files34 import layer
from kpu_cases import Case, random_case
from vendor19 import simulate, skip_without

from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import builder3, builder4, layers3, nodes4
from kpuc.runtime.kmodel.build5 import Tensor, build_kmodel
from kpuc.runtime.kmodel.fields4 import place
from kpuc.runtime.kpu.assembler import Assembler

CHAIN = ((1, 3, 20, 24), (1, 10, 20, 24), (1, 10, 10, 12), (1, 7, 10, 12))


@pytest.fixture(scope="module", autouse=True)
def vendor() -> None:
    skip_without()


def in_version_4(case: Case) -> bytes:
    """The input is laid out in KPU RAM by the runtime; the result goes to main memory."""
    builder = builder4.Builder()
    source = place("kpu", "u8", case.arguments.image_src_addr * 64, case.maps.size)
    builder.input(source, case.maps.shape)
    output = place("main", "u8", 16, math.prod(case.arguments.output_shape(case.shape[0])))
    builder.kpu_conv2d(case.arguments, case.weights, case.norm, case.activation, batches=case.shape[0], output=output)
    builder.output(output)
    return builder.write()


def in_version_3(case: Case) -> bytes:
    builder = builder3.Builder()
    builder.k210_conv(case.arguments, case.weights, case.norm, case.activation, output=24)
    builder.output(24, math.prod(case.arguments.output_shape(1)))
    return builder.write()


def test_the_vendor_computes_the_same() -> None:
    cases = [random_case(seed) for seed in range(120)]
    theirs = simulate([(case.kmodel(), [case.maps]) for case in cases])
    for case, expected in zip(cases, theirs, strict=True):
        assert isinstance(expected, list), expected
        np.testing.assert_array_equal(Simulator(in_version_4(case)).run(case.maps)["output0"], expected[0])
        if case.shape[0] == 1:
            np.testing.assert_array_equal(Simulator(in_version_3(case)).run(case.maps)["output0"], expected[0])


def chained() -> list[tuple]:
    """Three layers that hand maps on in KPU RAM, the second one depthwise with stride 2."""
    rng = np.random.default_rng(7)
    lines = [0, 8192, 65536, 4096]
    kinds = [{"kernel": 3}, {"kernel": 3, "depthwise": True, "pool": "left_top2s2"}, {"kernel": 1}]
    layers = []
    for shape, made, source, target, kind in zip(CHAIN, CHAIN[1:], lines, lines[1:], kinds, strict=False):
        layers.append(layer(rng, shape, made[1], target, source=source, **kind))
    return layers


def test_chains_of_layers_and_the_way_into_kpu_ram() -> None:
    layers, image = chained(), np.random.default_rng(8).integers(0, 256, CHAIN[0], np.uint8)
    asm = Assembler()
    code = asm.function([Tensor("u8", CHAIN[0])], [Tensor("u8", CHAIN[-1])])
    code.upload(code.inputs[0], 0, CHAIN[0])
    for one in layers:
        code.convolution(*one)
    code.download(4096, code.outputs[0], CHAIN[-1])
    (expected,) = simulate([(build_kmodel([asm.module()]), [image])])[0]
    assert len(np.unique(expected)) > 20
    four, three = builder4.Builder(), builder3.Builder()
    source, target = place("main", "u8", 0, image.size), place("main", "u8", 1440, expected.size)
    four.input(source, CHAIN[0])
    four.add(nodes4.KpuUpload(input=source, output=place("kpu", "u8", 0, image.size), shape=CHAIN[0]))
    for one in layers[:-1]:
        four.kpu_conv2d(*one)
        three.k210_conv(*one)
    four.kpu_conv2d(*layers[-1], output=target)
    three.k210_conv(*layers[-1], output=8)
    result = place("main", "f32", 2400, expected.size)
    four.add(nodes4.Dequantize(input=target, output=result, zero_point=3, scale=4.0))
    three.add(layers3.Dequantize(input=8, output=2400, count=expected.size, scale=0.25, bias=-0.75))
    four.output(result)
    three.output(2400, result.bytes)
    for builder in (four, three):
        outcome = Simulator(builder.write()).run(image)["output0"]
        assert outcome.shape == expected.shape
        np.testing.assert_array_equal(outcome, (expected.astype(np.float32) - 3) / 4)
