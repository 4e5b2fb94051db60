"""`kpuc run`"""

import json
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
from PIL import Image, UnidentifiedImageError

from ...errors import OptionError
from ...runtime import Simulator, TensorInfo

IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}


def run_file(kmodel: str, inputs: Sequence[str], output: str, threads: int, as_json: bool) -> None:
    """Run once and save the outputs as .npz."""
    simulator = Simulator(kmodel, threads=threads)
    feed = read_inputs(inputs, simulator.inputs)
    start = perf_counter()
    outputs = simulator.run(feed)
    seconds = perf_counter() - start
    try:
        with Path(output).open("wb") as file:
            np.savez(file, **outputs)  # type: ignore[arg-type]  # names are keywords here
    except OSError as error:
        raise OptionError("K0705", where=output, cause=f"cannot be written: {error.strerror}") from error
    facts = [{"name": n, "dtype": str(a.dtype), "shape": list(a.shape)} for n, a in outputs.items()]
    if as_json:
        click.echo(json.dumps({"outputs": facts, "output": output, "seconds": seconds}))
        return
    for fact in facts:
        click.echo(f"{fact['name']}: {fact['dtype']} {fact['shape']}")
    click.echo(f"saved to {output}, {seconds * 1000:.1f} ms")


def read_inputs(paths: Sequence[str], infos: Sequence[TensorInfo]) -> dict[str, Any]:
    """The arrays of the input files by input name. Raises `OptionError` K0706 for files that do not fit."""
    if len(paths) == 1 and Path(paths[0]).suffix == ".npz":
        return dict(_load(Path(paths[0])).items())
    if len(paths) != len(infos):
        expected = ", ".join(map(str, infos))
        raise OptionError("K0706", cause=f"{len(paths)} input files were given for {len(infos)} inputs: {expected}")
    return {info.name: read_input(Path(path), info) for path, info in zip(paths, infos, strict=True)}


def read_input(path: Path, info: TensorInfo) -> Any:
    """One input: an array as it is, an image scaled to the input's size, or raw elements."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _load(path)
    if suffix in IMAGES:
        return read_image(path, info)
    try:
        elements = np.fromfile(path, info.dtype)
    except OSError as error:
        raise OptionError("K0706", where=str(path), cause=f"cannot be read: {error.strerror}") from error
    shape = info.shape or ()
    try:
        return elements.reshape(shape)
    except ValueError as error:
        raise OptionError("K0706", where=str(path), cause=f"{elements.size} elements do not fit {info}") from error


def read_image(path: Path, info: TensorInfo) -> Any:
    """An image as a batch of one, in the input's layout; floats are in 0..1, integers in 0..255."""
    shape = info.shape or ()
    layout = (
        "NCHW" if len(shape) == 4 and shape[1] in (1, 3) else "NHWC" if len(shape) == 4 and shape[3] in (1, 3) else ""
    )
    if not layout:
        raise OptionError("K0706", where=str(path), cause=f"an image does not fit {info}: it has no 1 or 3 channels")
    height, width, channels = (shape[2], shape[3], shape[1]) if layout == "NCHW" else shape[1:]
    try:
        with Image.open(path) as file:
            image = file.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, UnidentifiedImageError) as error:
        raise OptionError("K0706", where=str(path), cause=f"is not an image: {error}") from error
    pixels = np.asarray(image).reshape(1, height, width, channels)
    if layout == "NCHW":
        pixels = pixels.transpose(0, 3, 1, 2)
    return (pixels / 255).astype(info.dtype) if info.dtype.kind == "f" else pixels.astype(info.dtype)


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise OptionError("K0706", where=str(path), cause=f"cannot be read: {error}") from error
