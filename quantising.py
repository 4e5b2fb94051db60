"""What happens to a network between its simplest form and integers: ranges are measured, layers and weights chosen.

On entry: the float network, behind the first of its target's pipelines. On exit ranges are stated on it, bits where
layers keep more of them, and weights lie on the grid that they are rounded to.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from .errors import OptionError
from .options import DTYPES, FLOAT, OUTPUT_TYPES, CompileOptions, Quantisation

if TYPE_CHECKING:
    from .frontends.dataset import Dataset
    from .frontends.padded import PaddedDataset
    from .passes.quant.calibrate import Progress
    from .passes.quant.calibration import Calibration


def calibrate(module: Any, options: CompileOptions, progress: "Progress | None") -> "Calibration | None":
    """State the ranges of the float network's values on them, if they are wanted: measured, or read from a file."""
    wanted = options.quantisation
    if wanted.calibration is None and wanted.ranges is None:
        return None
    from .passes.quant.calibration import Calibration, annotate, named_values
    from .passes.quant.methods import measure_ranges
    from .passes.quant.weights import products, weight_of

    if callable(wanted.ranges):
        values = dict(named_values(module))
        calibration = wanted.ranges(list(values), {name: weight_of(op) for name, op in products(values)})
    elif wanted.ranges is not None:
        calibration = Calibration.load(wanted.ranges)
    else:
        calibration = measure_ranges(
            module, samples(module, wanted), wanted.calibration_method, progress, _engine(wanted)
        )
    if options.target == "k210":
        _require_bytes(calibration)
    annotate(module, calibration)
    if options.target == "k210":
        _cut_weights(module)
    return calibration


def _require_bytes(calibration: "Calibration") -> None:
    """Raise `OptionError` K0720 when something shall have 16 bits."""
    weights = [(f"the weight of '{name}'", one.bits) for name, one in calibration.weights.items()]
    for what, count in [*((f"'{name}'", bits) for name, bits in calibration.bits.items()), *weights]:
        if count == 16:
            cause = f"{what} shall have 16 bits, but the KPU computes with 8"
            remedy = "let it stay real (32 bits, f32): the host computes with it then"
            raise OptionError("K0720", cause=cause, remedy=remedy)


def _cut_weights(module: Any) -> None:
    """The KPU's scales are those of the largest weights: what reaches farther than is stated is cut off."""
    from .passes.quant.calibration import named_values
    from .passes.quant.weights import cut_off, products

    for _, op in products(dict(named_values(module))):
        cut_off(op)


def samples(module: Any, wanted: Quantisation) -> "Dataset | PaddedDataset":
    """The calibration data, as the network's inputs."""
    from .dialects.function import entry_function, initial_states
    from .frontends.dataset import open_dataset
    from .frontends.padded import PaddedSamples
    from .passes.quant.calibrate import network_inputs

    data, inputs, states = wanted.calibration, network_inputs(module), initial_states(entry_function(module))
    return data.opened(inputs, states) if isinstance(data, PaddedSamples) else open_dataset(data, inputs, states)


def _engine(wanted: Quantisation) -> Any:
    if wanted.calibration_engine == "native":
        from .backends.native.observe import ObservedProgram

        return ObservedProgram
    from .dialects.evaluate import Program

    return Program


def mix(
    module: Any, options: CompileOptions, calibration: "Calibration", pipeline: str, progress: "Progress | None"
) -> tuple["Calibration", dict[str, Any]]:
    """Let the layers that are too sensitive have more bits; the calibration that says so, and a report.

    `pipeline` is what quantises the network. Where integers are multiplied, layers that are kept stay real; elsewhere
    they have 16 bits.
    """
    from .dialects.ranges import REAL
    from .passes.pipeline import parse_pipeline
    from .passes.quant.mixed import choose_layers, state_bits

    wanted, bits = options.quantisation, REAL if options.computes_integers else 16
    assert wanted.mixed is not None
    found = choose_layers(
        module,
        samples(module, wanted),
        wanted.mixed,
        bits,
        lambda twin: parse_pipeline(pipeline).run(twin),
        _is_for_kpu if options.target == "k210" else lambda _: True,
        progress,
    )
    state_bits(module, found.bits(bits))
    report = {
        "kept": [{"name": ", ".join(one.layer.nodes), "decibels": one.decibels} for one in found.kept],
        "layers": found.count,
        "type": "f32" if bits == REAL else "i16",
        "decibels": {"wanted": wanted.mixed, "before": found.before, "after": found.after},
    }
    return replace(calibration, bits=found.bits(bits), weights=found.weights(bits)), report


def _is_for_kpu(op: Any) -> bool:
    """Whether the KPU would compute a product."""
    from .dialects import nn
    from .passes.kpu.rules import broken_rule

    return isinstance(op, nn.Conv) and broken_rule(op) is None


def quantize_outputs(module: Any, options: CompileOptions) -> dict[str, Any]:
    """Let the network return integers, if that is wanted; what they stand for, by output."""
    if options.output_type == OUTPUT_TYPES[0]:
        return {}
    from .dialects.ranges import Range
    from .passes.quant.outputs import quantize_outputs

    ends = options.output_range
    return quantize_outputs(module, options.output_type, None if ends is None else Range(*ends))


def rounds_weights(options: CompileOptions, rounded: dict[str, Any]) -> "Callable[[int, Any, Any], None] | None":
    """What is called before each pass, if weights are not rounded to the nearest numbers: before that which quantises
    them, it lets them lie on its grid. `rounded` is filled with those that AdaRound chose, by the names of products."""
    wanted = options.quantisation
    if options.quant == FLOAT or wanted.rounding == "nearest":
        return None

    def before(_number: int, item: Any, module: Any) -> None:
        if item.name == "nn-quantize":
            _round_products(module, options, rounded)
        elif item.name == "kpu-quantize":
            from .passes.kpu.round_weights import round_layers

            round_layers(module, wanted.rounding, _data(module, wanted))

    return before


def _round_products(module: Any, options: CompileOptions, rounded: dict[str, Any]) -> None:
    from .passes.quant.calibration import named_values
    from .passes.quant.rounding import round_weights
    from .passes.quant.weights import set_weights, weights_of

    wanted, bits = options.quantisation, 16 if options.quant == "i16" else 8
    if wanted.rounding == "adaround" and wanted.rounded is not None:
        set_weights(dict(named_values(module)), wanted.rounded)
        return
    round_weights(module, wanted.rounding, _data(module, wanted), bits, DTYPES[options.weights])
    if wanted.rounding == "adaround":
        rounded.update(weights_of(dict(named_values(module))))


def _data(module: Any, wanted: Quantisation) -> Any:
    """The calibration data, if there is any."""
    return () if wanted.calibration is None else samples(module, wanted)


def layer_errors(original: Any, quantised: Any, wanted: Quantisation) -> list[dict[str, Any]]:
    """What quantisation changed, node by node."""
    from .passes.quant.errors import layer_errors

    return [asdict(one) for one in layer_errors(original, quantised, samples(original, wanted))]
