"""`kpuc run`"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np

from ...errors import OptionError
from ...files import write_file
from ...frontends.images import is_image, read_image
from ...frontends.npz import DAMAGED
from ...runtime import Simulator, TensorInfo
from ...runtime.profile import Profile


def run_file(
    kmodel: str, inputs: Sequence[str], output: str, *, threads: int, trust: bool, profile: bool, as_json: bool
) -> None:
    """Run once and save the outputs as .npz; states that are not given start with their first values."""
    simulator = Simulator(kmodel, threads=threads, trust=trust)
    wanted = [info for info in simulator.inputs if info.name not in simulator.states]
    feed = {**simulator.states, **read_inputs(inputs, wanted)}
    simulator.profile = Profile() if profile else None
    start = perf_counter()
    outputs = simulator.run(feed)
    seconds = perf_counter() - start
    write_file(output, npz(outputs))
    facts = [{"name": n, "dtype": str(a.dtype), "shape": list(a.shape)} for n, a in outputs.items()]
    if as_json:
        rows = {} if simulator.profile is None else {"profile": asdict(simulator.profile)["rows"]}
        click.echo(json.dumps({"outputs": facts, "output": output, "seconds": seconds, **rows}))
        return
    for fact in facts:
        click.echo(f"{fact['name']}: {fact['dtype']} {fact['shape']}")
    if simulator.profile is not None:
        click.echo(simulator.profile)
    click.echo(f"saved to {output}, {seconds * 1000:.1f} ms")


def npz(arrays: Mapping[str, Any]) -> bytes:
    """The arrays as an .npz file; unlike numpy.savez, this takes any name, such as 'file'."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return content.getvalue()


def read_inputs(paths: Sequence[str], infos: Sequence[TensorInfo]) -> dict[str, Any]:
    """The arrays of the input files by input name. Raises `OptionError` K0706 for files that do not fit."""
    if len(paths) == 1 and Path(paths[0]).suffix == ".npz":
        return dict(_load(Path(paths[0])))
    if len(paths) != len(infos):
        expected = ", ".join(map(str, infos))
        raise OptionError("K0706", cause=f"{len(paths)} input files were given for {len(infos)} inputs: {expected}")
    return {info.name: read_input(Path(path), info) for path, info in zip(paths, infos, strict=True)}


def read_input(path: Path, info: TensorInfo) -> Any:
    """One input: an array as it is, an image scaled to the input's size, or raw elements."""
    if path.suffix == ".npy":
        return _load(path)
    if is_image(path):
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


def _load(path: Path) -> Any:
    try:
        content = np.load(path, allow_pickle=False)
        return dict(content.items()) if isinstance(content, Mapping) else content
    except DAMAGED as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OptionError("K0706", where=str(path), cause=f"cannot be read: {reason}") from error
