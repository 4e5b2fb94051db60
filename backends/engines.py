"""What executes a network, and which operations of `nn` each computes: directly, or after they were decomposed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from ..dialects import nn
from ..dialects.ods import Op
from ..passes.buffers.plan import ALIASES
from ..passes.kpu.rules import LAYERS
from ..passes.nn import basic, basic_indexing, decompose, integer_lstm, nodes, unroll
from ..passes.rewriter import Pattern
from .k210 import layers3, nodes4
from .native.decompose import machine_code
from .stackvm import nms7, operators5

MINIMAL: tuple[Pattern[Any], ...] = (*decompose.PATTERNS, *unroll.PLAIN, *basic.PATTERNS)
RICH: tuple[Pattern[Any], ...] = (*decompose.PATTERNS, *decompose.SCALARS, *unroll.PATTERNS)
LOGIC = (
    basic.logical_and,
    basic.logical_or,
    basic.logical_xor,
    basic.logical_not,
    basic.cast_to_bool,
    basic.bitcast_to_bool,
)
"""What has to do with booleans, which version 4 does not store."""
PLACES = (basic_indexing.gather_elements, basic_indexing.trilu)
"""What gathers from many places, which version 4 does not."""
WIDE = (integer_lstm.unroll_integer_lstm_as_floats,)
"""What stores integers of 16 bits, which version 4 does not."""
OLD: tuple[Pattern[Any], ...] = (*MINIMAL, basic.sigmoid, basic.softmax, *nodes.PATTERNS)

FORMS4 = {
    (nn.DepthToSpace, "of the last dimension"): False,
    (nn.Div, "of integers"): False,
    (nn.FloorDiv, ""): True,
    (nn.Gather, "by computed indices"): False,
    (nn.Gather, "of windows"): False,
    (nn.Gelu, "by tanh"): True,
    (nn.Lrn, "without a power"): True,
    (nn.MaxPool, "of bytes"): False,
    (nn.Pad, "of what is there"): False,
    (nn.Pow, "to the second"): True,
    (nn.Reduce, "prod"): False,
    (nn.Slice, "backwards"): False,
    (nn.SpaceToDepth, "of the last dimension"): False,
}
"""Version 4 has numbers, but no integers; tanh, but no erf; squares, but no powers; sums, but no products; four axes;
and moves what lies at places that are known beforehand."""
FORMS3 = {(nn.Reduce, kind): kind == "mean" for one in nn.Reduce.attribute_fields for kind in one.choices}
FORMS3[nn.Slice, "backwards"] = False


@dataclass(frozen=True)
class Engine:
    """One way to execute networks: its short name, what is compiled for it, with which types, and what it computes.

    `integers`: whether it adds and multiplies integers, too. `forms` says which forms of operations it
    computes although it does not compute others, or the other way round.
    """

    name: str
    compiled: str
    types: str
    operations: Callable[[type[Op]], bool]
    integers: bool = False
    forms: Mapping[tuple[type[Op], str], bool] = field(default_factory=dict)

    def computes(self, op: type[Op], how: str = "") -> bool:
        """Whether it computes an operation in a form; without one, in any."""
        known = self.forms.get((op, how))
        return self.operations(op) if known is None else known


class Emitted:
    """What is computed where some operations have emitters, and patterns express others through them."""

    def __init__(self, emitted: Collection[type[Op]], patterns: Sequence[Pattern[Any]] = ()) -> None:
        self.patterns = patterns
        self.known: dict[type[Op], bool] = dict.fromkeys((nn.Constant, *ALIASES, *emitted), True)

    def __call__(self, op: type[Op]) -> bool:
        if op not in self.known:
            self.known[op] = False  # what is expressed through itself only
            found = (item for item in self.patterns if issubclass(op, item.op))
            self.known[op] = any(all(map(self, _named(item.apply.__code__))) for item in found)
        return self.known[op]


def _named(code: CodeType) -> set[type[Op]]:
    """The operations of `nn` that a function names: those that a pattern builds."""
    inner = [_named(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    named = (getattr(nn, name, None) for name in code.co_names)
    return {op for op in named if isinstance(op, type) and issubclass(op, Op)}.union(*inner) & set(nn.NN.operations)


ENGINES = (
    Engine("evaluator", "nothing: calibration and tests run it", "every element type", lambda op: True, integers=True),
    Engine(
        "machine code",
        "`cpu`",
        "every element type; f16 is computed in f32",
        lambda op: op is nn.Constant or op in ALIASES or machine_code(op),
        integers=True,
    ),
    Engine(
        "v7",
        "`k230`, and `cpu` with `--portable`",
        "every element type",
        Emitted(nms7.EMITTERS, RICH),
        integers=True,
    ),
    Engine(
        "v5",
        "`k210` (what the KPU does not compute), `k510`, and `cpu` with `--kmodel 5`",
        "every element type; f16 and f64 are computed in f32, integers element by element, which takes longer. The "
        "runtimes 1.1.0 and 1.0.0-beta2 have fewer functions than 1.6 to 1.9: a network that needs more is refused",
        Emitted(operators5.EMITTERS, MINIMAL),
        integers=True,
    ),
    Engine(
        "v4",
        "`k210` with `--kmodel 4` (what the KPU does not compute)",
        "f32; constant indices only",
        Emitted(nodes4.EMITTERS, [item for item in OLD if item not in (*LOGIC, *PLACES, *WIDE)]),
        forms=FORMS4,
    ),
    Engine(
        "v3",
        "`k210` with `--kmodel 3` (what the KPU does not compute)",
        "f32; a network begins with a layer of the KPU or a product",
        Emitted(layers3.EMITTERS),
        forms=FORMS3,
    ),
    Engine(
        "KPU",
        "`k210`, with `--calibration`",
        "8 bits; each operation as part of a layer: see [the K210](k210.md)",
        lambda op: op in LAYERS,
    ),
)
