"""Each rule of the K210: an operation that just breaks it, and one that just does not."""

import pytest

from kpuc.dialects import mlir, nn
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import ir
from kpuc.passes.kpu.rules import REASON, RULES, broken_rule
from kpuc.passes.pipeline import parse_pipeline


def network(source, weight, result, *, constant=True, padding=0, groups=1, bounds=("nn.range", "nn.ranges")):
    """A convolution of `source` (a shape) with `weight`, which is constant or the network's second input."""
    types = [f"tensor<{'x'.join(map(str, shape))}xf32>" for shape in (source, weight, result)]
    span = "array<f64: -1.0, 1.0>"
    arguments = f"%x: {types[0]}" + (f" {{nn.range = {span}}}" if "nn.range" in bounds else "")
    arguments += "" if constant else f", %w: {types[1]}"
    value = f'%w = "nn.constant"() {{value = dense<0.5> : {types[1]}}} : () -> {types[1]}' if constant else ""
    attributes = (
        "strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, "
        f"padding = array<i64: {padding}, {padding}, {padding}, {padding}>, groups = {groups} : i64"
    ) + (f", nn.ranges = [{span}]" if "nn.ranges" in bounds else "")
    return f"""func.func @main({arguments}) -> {types[2]} {{
        {value}
        %y = "nn.conv"(%x, %w) {{{attributes}}} : ({types[0]}, {types[1]}) -> {types[2]}
        return %y : {types[2]}
    }}"""


def same(channels, height, width, kernel=1, outputs=None, **options):
    """A convolution that keeps height and width."""
    made = channels if outputs is None else outputs
    weight = (made, channels // options.get("groups", 1), kernel, kernel)
    source, result = (1, channels, height, width), (1, made, height, width)
    return network(source, weight, result, padding=kernel // 2, **options)


CASES = {
    "K210-CONV-IMAGE": (
        network((2, 8, 8, 8), (8, 8, 1, 1), (2, 8, 8, 8)),
        same(8, 8, 8),
        "an input of 2x8x8x8",
    ),
    "K210-CONV-CONSTANT": (same(8, 8, 8, constant=False), same(8, 8, 8), "weights that are computed"),
    "K210-CONV-CHANNELS": (same(1025, 8, 8, outputs=8), same(1024, 8, 8, outputs=8), "1025 channels"),
    "K210-CONV-SIZE": (same(1, 4, 513), same(1, 257, 512), "4 x 513"),
    # 5x5 kernels read the map shifted to 9 places: 9 * 113 channels are 1017
    "K210-CONV-COPIES": (
        same(114, 8, 8, kernel=5, outputs=8),
        same(113, 8, 8, kernel=5, outputs=8),
        "9 copies of 114 channels",
    ),
    # 20 cycles a multiply-add; 6000 + 16 pixels * (30 * inputs + 34 * outputs) + inputs * outputs to the KPU and back
    "K210-CONV-COST": (
        same(59, 1, 1),
        same(60, 1, 1),
        f"about {20 * 59 * 59} cycles of work for {6000 + 16 * 59 * (30 + 34) + 59 * 59} of transport",
    ),
    "K210-CONV-REAL": (
        same(8, 8, 8).replace("groups = 1", "kpu.real, groups = 1"),
        same(8, 8, 8),
        "an input or weight that is too sensitive for 8 bits, or was said to be",
    ),
    "K210-CONV-RANGE": (same(8, 8, 8, bounds=()), same(8, 8, 8), "no range of the input and the result"),
}


def convolution(module):
    (op,) = [op for op in entry_function(module).regions[0].blocks[0].operations if isinstance(op, nn.Conv)]
    return op


def test_every_rule_has_a_case():
    assert {rule.code for rule in RULES} == set(CASES)


@pytest.mark.parametrize("code", CASES)
def test_what_breaks_a_rule_says_what_it_got(code):
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(CASES[code][0])
        broken = broken_rule(convolution(module))
        assert broken is not None
        rule, verdict = broken
        assert (rule.code, verdict.got) == (code, CASES[code][2])
        assert rule.sentence and verdict.remedy


@pytest.mark.parametrize("code", CASES)
def test_what_is_just_legal_breaks_none(code):
    with mlir.context(), ir.Location.unknown():
        assert broken_rule(convolution(ir.Module.parse(CASES[code][1]))) is None


@pytest.mark.parametrize("code", CASES)
def test_the_reason_stays_on_the_operation(code):
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(CASES[code][0])
        parse_pipeline("builtin.module(kpu-form-layers)").run(module)
        texts = [text.value for text in convolution(module).operation.attributes[REASON]]
        assert texts[0] == code and texts[2] == CASES[code][2]
