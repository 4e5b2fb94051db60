"""The `kpuc` command. Subcommands import what they need when they run: help needs neither numpy nor MLIR."""

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from ...errors import KpucError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kpuc")
def cli() -> None:
    """Compile neural networks into kmodels, run them, look inside."""


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Print a `KpucError` (as JSON after `--json`) and exit with 1; nothing else reaches the user."""

    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KpucError as error:
            if options.get("as_json"):
                click.echo(json.dumps({"error": error.as_json()}))
            else:
                click.echo(str(error), err=True)
            sys.exit(1)

    return wrapped


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def named_numbers(_context: Any, parameter: Any, texts: tuple[str, ...]) -> dict[str, tuple[int | None, ...]]:
    """Read NAME=1,3,?,? options; ? is a size that stays open."""
    result = {}
    for text in texts:
        name, separator, numbers = text.rpartition("=")
        try:
            result[name] = tuple(None if number == "?" else int(number) for number in numbers.split(","))
        except ValueError:
            separator = ""
        if not separator or not name:
            raise click.BadParameter(f"'{text}' is not NAME=NUMBER,NUMBER,...")
    return result


def named_sizes(_context: Any, _parameter: Any, texts: tuple[str, ...]) -> dict[str, int | tuple[int, int] | None]:
    """Read NAME=N, NAME=MIN:MAX and NAME=? options."""
    result: dict[str, int | tuple[int, int] | None] = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        low, colon, high = size.partition(":")
        try:
            result[name] = None if size == "?" else (int(low), int(high)) if colon else int(low)
        except ValueError:
            name = ""
        if not name:
            raise click.BadParameter(f"'{text}' is neither NAME=N nor NAME=MIN:MAX nor NAME=?")
    return result


def numbers(_context: Any, _parameter: Any, text: str | None) -> tuple[float, ...] | None:
    """Read an option that is NUMBER,NUMBER,..."""
    try:
        return None if text is None else tuple(float(number) for number in text.split(","))
    except ValueError:
        raise click.BadParameter(f"'{text}' is not NUMBER,NUMBER,...") from None


def height_and_width(_context: Any, _parameter: Any, text: str | None) -> tuple[int, ...] | None:
    """Read an option that is HEIGHTxWIDTH."""
    try:
        return None if text is None else tuple(int(number) for number in text.split("x"))
    except ValueError:
        raise click.BadParameter(f"'{text}' is not HEIGHTxWIDTH") from None


PREPROCESSING = (
    click.option("--input-type", default="float32", show_default=True, help="What goes in: float32, uint8 or int8."),
    click.option("--input-range", callback=numbers, help="What the integers 0 and 255 stand for.  [default: 0,255]"),
    click.option("--input-layout", help="The order of what goes in: NCHW, NHWC or 0,3,1,2.  [default: the network's]"),
    click.option("--output-layout", help="The order of what comes out: NCHW, NHWC or 0,2,3,1.  [default: the same]"),
    click.option("--model-layout", help="The network's own order.  [default: NHWC for TFLite, else NCHW]"),
    click.option("--swap-rb", is_flag=True, help="Swap the channels red and blue."),
    click.option("--mean", callback=numbers, help="Subtracted from the values: NUMBER, or one a channel."),
    click.option("--std", callback=numbers, help="Divides the values after that."),
    click.option("--letterbox", callback=height_and_width, help="Frames of HEIGHTxWIDTH go in, scaled to fit."),
    click.option("--letterbox-value", default=0.0, show_default=True, help="What fills the rest, before mean and std."),
)


QUANTISATION = (
    click.option("--quant", help="The type to quantise to, or none.  [default: the target's, given what follows]"),
    click.option(
        "--rounding", default="nearest", show_default=True, help="How weights are rounded: nearest, squant or adaround."
    ),
    click.option("--quant-weights", help="The type to quantise weights to.  [default: the target's]"),
    click.option(
        "--calibration",
        type=click.Path(),
        help="Samples to measure ranges over: an .npz keyed by input name, an .npy, or a folder of images.",
    ),
    click.option(
        "--calibration-method",
        default="auto",
        show_default=True,
        help="auto, mse, minmax, kld, percentile or moving-average.",
    ),
    click.option(
        "--calibration-engine",
        default="numpy",
        show_default=True,
        help="What runs the samples: numpy, or native (machine code: faster, rounds as this CPU does).",
    ),
    click.option(
        "--mixed",
        type=float,
        metavar="DECIBELS",
        help="Keep sensitive layers in 16 bits, or real, until outputs have this signal to noise ratio.",
    ),
    click.option("--ranges", type=click.Path(), help="A file of ranges, instead of samples."),
    click.option("--save-ranges", type=click.Path(), help="A file for the ranges that were measured."),
)


def preprocessing_and_quantisation_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `Preprocessing` and `Quantisation` have, and one for what the latter measures."""
    for option in reversed((*PREPROCESSING, *QUANTISATION)):
        command = option(command)
    return command


@cli.command("compile")
@click.argument("model", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="The kmodel to write.")
@click.option("--target", default="cpu", show_default=True, help="The chip: cpu, k210, k230 or k510.")
@click.option("--portable", is_flag=True, help="cpu: code for any CPU. k210: bytes in and out, for any runtime.")
@click.option(
    "--kmodel",
    "version",
    type=int,
    help="The version of the file: 7 (cpu, k230), 5 (cpu, k210, k510), 4 or 3 (k210).  [default: the newest]",
)
@click.option(
    "--runtime", help="The vendor's runtime that it is for: 2.6 to 2.11; for version 5: 1.6 to 1.9, 1.1.0, 1.0.0-beta2."
)
@click.option("--cpu", help="The CPUs to make machine code for: NAME,NAME,... (see kpuc doctor).  [default: this one]")
@click.option("--triple", help="Another machine to make machine code for, such as riscv64-linux.")
@click.option(
    "--shape", "shapes", multiple=True, callback=named_numbers, help="An input's shape: NAME=1,3,224,?; ? stays open."
)
@click.option(
    "--dim", "dims", multiple=True, callback=named_sizes, help="A symbolic dimension: NAME=N or MIN:MAX; ? stays open."
)
@click.option(
    "--segments", type=int, help="Forms of the network that share the range of a dimension.  [default: 2, if there is]"
)
@click.option("--output-name", "outputs", multiple=True, help="A value to return, instead of all outputs.")
@click.option("--output-type", default="float32", show_default=True, help="What comes out: float32, uint8 or int8.")
@click.option("--output-range", callback=numbers, help="What the integers stand for.  [default: what is measured]")
@preprocessing_and_quantisation_options
@click.option("--dump-ir", type=click.Path(), help="A folder for a .mlir per changing pass, and memory.txt.")
@click.option("--dump-asm", type=click.Path(), help="A folder for kmodel.asm, its code disassembled, and native_CPU.s.")
@click.option("--report", type=click.Path(), help="A file for what is known of the compilation, as JSON.")
@json_option
@reports_errors
def compile_command(
    model: str,
    output: str,
    target: str,
    portable: bool,
    version: int | None,
    runtime: str | None,
    cpu: str | None,
    triple: str | None,
    shapes: dict[str, tuple[int | None, ...]],
    dims: dict[str, int | tuple[int, int] | None],
    segments: int | None,
    outputs: tuple[str, ...],
    output_type: str,
    output_range: tuple[float, ...] | None,
    dump_ir: str | None,
    dump_asm: str | None,
    report: str | None,
    as_json: bool,
    save_ranges: str | None,
    **preprocessing_and_quantisation: Any,
) -> None:
    """Compile MODEL, an ONNX or TFLite file, into a kmodel."""
    # numpy's BLAS waits busily for its threads: what a calibration multiplies is faster with one, unless the user knows
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from .compile import compile_file

    compile_file(
        model,
        output,
        report=report,
        as_json=as_json,
        save_ranges=save_ranges,
        target=target,
        portable=portable,
        kmodel=version,
        runtime=runtime,
        cpu=cpu,
        triple=triple,
        shapes=shapes,
        dims=dims,
        segments=segments,
        outputs=outputs,
        output_type=output_type,
        output_range=output_range,
        dump_ir=dump_ir,
        dump_asm=dump_asm,
        **preprocessing_and_quantisation,
    )


@cli.command("run")
@click.argument("kmodel", type=click.Path())
@click.option(
    "--input", "inputs", multiple=True, required=True, type=click.Path(), help=".npz, .npy, image or raw file."
)
@click.option("--output", required=True, type=click.Path(), help="The .npz to write, keyed by output name.")
@click.option("--threads", default=1, show_default=True, help="How many threads to use.")
@click.option(
    "--trust/--no-trust", default=True, show_default=True, help="Execute a kmodel's machine code, with your rights."
)
@click.option("--profile", is_flag=True, help="Say what took how long on this machine.")
@json_option
@reports_errors
def run_command(
    kmodel: str, inputs: tuple[str, ...], output: str, threads: int, trust: bool, profile: bool, as_json: bool
) -> None:
    """Run KMODEL on input files and save its outputs.

    One .npz holds all inputs by name; other files are the inputs in their order.
    """
    from .run import run_file

    run_file(kmodel, inputs, output, threads=threads, trust=trust, profile=profile, as_json=as_json)


@cli.command("inspect")
@click.argument("kmodel", type=click.Path())
@json_option
@reports_errors
def inspect_command(kmodel: str, as_json: bool) -> None:
    """Show what is in KMODEL: modules, functions, sections, code."""
    from .inspect import inspect_file

    inspect_file(kmodel, as_json)


@cli.command("analyze")
@click.argument("kmodel", type=click.Path())
@click.option("--top", default=12, show_default=True, type=click.IntRange(1), help="How many steps to show.")
@click.option("--all", "every", is_flag=True, help="Show all steps, in the order of execution.")
@json_option
@reports_errors
def analyze_command(kmodel: str, top: int, every: bool, as_json: bool) -> None:
    """Predict what KMODEL, of version 5, costs on a K210: time, memory, and which step takes how much."""
    from .analyze import analyze_file

    analyze_file(kmodel, top=top, every=every, as_json=as_json)


@cli.command("ops")
@click.option("--target", help="Only what this target computes.")
@json_option
@reports_errors
def ops_command(target: str | None, as_json: bool) -> None:
    """List the operators that can be imported, and what each target computes."""
    from .ops import print_operators

    print_operators(target, as_json)


@cli.command("doctor")
@json_option
@reports_errors
def doctor_command(as_json: bool) -> None:
    """Check this installation."""
    from .doctor import print_checks

    print_checks(as_json)


def main() -> None:
    """The console script."""
    cli()
