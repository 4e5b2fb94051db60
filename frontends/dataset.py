"""Calibration data: samples of a network's inputs, from wherever they come, one at a time.

No more than one sample is in memory, except where the caller's arrays are. Every sample that is handed out has been
checked against the network's inputs; one that does not fit is refused with its file and number.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import OptionError
from ..runtime import TensorInfo
from .images import is_image, read_image
from .npz import ArrayFile, NpzMember, open_npy, open_npz

Data = "str | Path | np.ndarray | Mapping[str, np.ndarray] | Iterable[Mapping[str, np.ndarray]]"


class Source(Protocol):
    """Where samples come from; `place` is how errors call it, `length` how many there are if that is known."""

    place: str

    @property
    def length(self) -> int | None:
        """The number of samples."""

    def samples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What each sample is called (may be empty) and its arrays by input name; not checked yet."""


@dataclass
class Dataset:
    """Samples for `inputs`, checked one by one while it is iterated.

    `states` are inputs that a sample may leave out. Iterating raises `OptionError` K0710 to K0715; that a whole input
    is the same everywhere, that all samples are the same (K0713), or that there is no sample (K0714), is known only at
    the end.
    """

    source: Source
    inputs: Sequence[TensorInfo]
    states: frozenset[str] = frozenset()

    def __length_hint__(self) -> int:
        """How many samples there are, 0 when that is not known before the end: for `operator.length_hint`."""
        return self.source.length or 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        extremes: dict[str, tuple[Any, Any]] = {}
        digests: set[bytes] = set()
        count = 0
        for what, given in self.source.samples():
            where = f"{self.source.place}: sample {count}{f' ({what})' if what else ''}"
            sample = {info.name: self._array(given, info, where) for info in self._present(given, where)}
            for name, array in sample.items():
                low, high = extremes.get(name, (math.inf, -math.inf))
                extremes[name] = min(low, array.min()), max(high, array.max())
            if len(digests) < 2:
                digests.add(_digest(sample))
            count += 1
            yield sample
        if count == 0:
            raise OptionError(
                "K0714",
                where=self.source.place,
                cause="there is no sample",
                remedy="an iterator can be used once only: give a list, or something that can start anew",
            )
        self._check_variation(extremes, count)
        if count > 1 and len(digests) == 1 and not self.states:
            raise OptionError(
                "K0713",
                where=self.source.place,
                cause=f"all {count} samples are the same",
                remedy="calibrate with different samples, like those of the application",
            )

    def _present(self, given: Any, where: str) -> list[TensorInfo]:
        """The inputs that a sample has arrays for."""
        if not isinstance(given, Mapping):
            cause = f"is of type {type(given).__name__}, expected a dictionary of arrays by input name"
            raise OptionError("K0711", where=where, cause=cause)
        missing = [info.name for info in self.inputs if info.name not in given and info.name not in self.states]
        if missing:
            raise _missing(missing, given, where)
        return [info for info in self.inputs if info.name in given]

    def _array(self, given: Mapping[str, Any], info: TensorInfo, where: str) -> Any:
        array = _as_array(given[info.name], info.name, where)
        place = f"input '{info.name}'"
        if array.dtype != info.dtype:
            raise OptionError(
                "K0712",
                where=where,
                cause=f"{place} is of type {array.dtype}, expected {info.dtype}",
                remedy=f"convert it: array.astype('{info.dtype}')",
            )
        if not info.fits(array.shape):
            raise OptionError(
                "K0712",
                where=where,
                cause=f"{place} is of shape {list(array.shape)}, expected {shape_text(info)}",
                remedy="an array file holds samples along its first axis",
            )
        if array.size == 0:
            raise OptionError("K0712", where=where, cause=f"{place} of shape {list(array.shape)} is empty")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise OptionError(
                "K0713",
                where=where,
                cause=f"{place} is {array[at]} at {list(at)}",
                remedy="leave such samples out: a range cannot be measured with them",
            )
        return array

    def _check_variation(self, extremes: Mapping[str, tuple[Any, Any]], count: int) -> None:
        for info in self.inputs:
            low, high = extremes.get(info.name, (0, 1))
            if low == high and info.name not in self.states and math.prod(info.shape or ()) != 1:
                raise OptionError(
                    "K0713",
                    where=self.source.place,
                    cause=f"input '{info.name}' is {low} in every element of all {count} samples",
                    remedy="calibrate with data like that of the application: these ranges would mean nothing",
                )


def open_dataset(data: Any, inputs: Sequence[TensorInfo], states: Iterable[str] = ()) -> Dataset:
    """The samples of calibration data for a network's inputs.

    `data`: the path of an `.npz` keyed by input name, of an `.npy` for a network of one input, or of a folder of
    images (searched with its sub-folders, in order of their names); an array for a network of one input; a mapping of
    input names to arrays; any iterable of dictionaries, each one sample; or a function that, given `inputs`, returns
    one of these. Arrays hold samples along their first axis: a sample is `a[i]` where that has the input's rank, else
    `a[i:i+1]`. Arrays of a file that are not inputs are left alone. `states` are inputs that may be absent. Raises
    `OptionError` K0710, K0711, K0712, K0714.
    """
    found = data(inputs) if callable(data) else data
    return Dataset(_source(found, inputs, frozenset(states)), inputs, frozenset(states))


def _source(data: Any, inputs: Sequence[TensorInfo], states: frozenset[str]) -> Source:
    if isinstance(data, str | Path):
        path = Path(data)
        if path.is_dir():
            return ImageFolder.of(path, inputs)
        if path.suffix == ".npz":
            return ArraySource.of(open_npz(path), inputs, states, str(path))
        if path.suffix == ".npy":
            return ArraySource.of({_only(inputs, str(path)).name: open_npy(path)}, inputs, states, str(path))
        raise OptionError(
            "K0710",
            where=str(path),
            cause="is neither an .npz nor an .npy file, nor a folder of images" if path.exists() else "does not exist",
        )
    place = "calibration data"
    if isinstance(data, np.ndarray):
        return ArraySource.of({_only(inputs, place).name: data}, inputs, states, place)
    if isinstance(data, Mapping):
        return ArraySource.of({n: _as_array(a, str(n), place) for n, a in data.items()}, inputs, states, place)
    if isinstance(data, Iterable):
        return IterableSource(data)
    raise OptionError(
        "K0710",
        where=place,
        cause=f"is of type {type(data).__name__}",
        remedy="give a path, an array, a dictionary of arrays, or an iterable of dictionaries",
    )


@dataclass
class ArraySource:
    """Arrays, in memory or in files, with samples along their first axis."""

    arrays: Mapping[str, "ArrayFile | NpzMember"]
    batched: Mapping[str, bool]
    place: str
    length: int | None

    @classmethod
    def of(
        cls, arrays: Mapping[str, Any], inputs: Sequence[TensorInfo], states: frozenset[str], place: str
    ) -> "ArraySource":
        """The arrays that are inputs. Raises `OptionError` K0711, K0712, K0714."""
        missing = [info.name for info in inputs if info.name not in arrays and info.name not in states]
        if missing:
            raise _missing(missing, arrays, place)
        used = {info.name: arrays[info.name] for info in inputs if info.name in arrays}
        batched = {info.name: _is_batched(used[info.name].shape, info, place) for info in inputs if info.name in used}
        counts = {name: array.shape[0] for name, array in used.items()}
        if len(set(counts.values())) > 1:
            text = ", ".join(f"{count} for '{name}'" for name, count in counts.items())
            raise OptionError("K0714", where=place, cause=f"the number of samples differs: {text}")
        return cls(used, batched, place, next(iter(counts.values()), 0))

    def samples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """`a[i]` or `a[i:i+1]` of every array."""
        streams = {name: iter(array) for name, array in self.arrays.items()}
        for _ in range(self.length or 0):
            sample = {name: np.asarray(next(stream)) for name, stream in streams.items()}
            yield "", {name: item[None] if self.batched[name] else item for name, item in sample.items()}


@dataclass
class ImageFolder:
    """The images of a folder, scaled to the network's input."""

    files: Sequence[Path]
    info: TensorInfo
    place: str

    @classmethod
    def of(cls, folder: Path, inputs: Sequence[TensorInfo]) -> "ImageFolder":
        """Raises `OptionError` K0714 for a folder without images, K0711 for a network with several inputs."""
        files = sorted(path for path in folder.rglob("*") if is_image(path))
        if not files:
            raise OptionError("K0714", where=str(folder), cause="there is no image in the folder")
        return cls(files, _only(inputs, str(folder)), str(folder))

    @property
    def length(self) -> int | None:
        """The number of files."""
        return len(self.files)

    def samples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """One image after another."""
        for number, path in enumerate(self.files):
            name = str(path.relative_to(self.place))
            try:
                image = read_image(path, self.info)
            except OptionError as error:
                if error.code == "K0715":
                    raise
                where = f"{self.place}: sample {number} ({name})"
                raise OptionError("K0710", where=where, cause=error.cause) from error
            yield name, {self.info.name: image}


@dataclass
class IterableSource:
    """Dictionaries that the caller makes."""

    items: Iterable[Any]
    place: str = "calibration data"

    @property
    def length(self) -> int | None:
        """Known for lists and the like."""
        return len(self.items) if isinstance(self.items, Sequence) else None

    def samples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Them, as they are."""
        return (("", item) for item in self.items)


def shape_text(info: TensorInfo) -> str:
    """An input's shape, with ? for what is not known."""
    return "any" if info.shape is None else str(list(info.shape)).replace("-1", "?")


def _is_batched(shape: Sequence[int], info: TensorInfo, place: str) -> bool:
    """Whether a sample lacks the input's first axis, which is then put before it."""
    rank = len(info.shape or ())
    if len(shape) not in (rank, rank + 1) or not shape:
        raise OptionError(
            "K0712",
            where=place,
            cause=f"input '{info.name}': the array is of shape {list(shape)}, expected samples of {shape_text(info)}",
            remedy="put the samples along the first axis",
        )
    return len(shape) == rank


def _as_array(value: Any, name: str, place: str) -> Any:
    try:
        return np.asarray(value)
    except ValueError as error:
        raise OptionError("K0712", where=place, cause=f"input '{name}' is not an array: {error}") from error


def _only(inputs: Sequence[TensorInfo], place: str) -> TensorInfo:
    if len(inputs) != 1:
        raise OptionError(
            "K0711",
            where=place,
            cause=f"it is for a network of one input; this one has {', '.join(map(str, inputs)) or 'none'}",
            remedy="give an .npz keyed by input name",
        )
    return inputs[0]


def _digest(sample: Mapping[str, Any]) -> bytes:
    digest = hashlib.blake2b()
    for name, array in sample.items():
        digest.update(name.encode())
        digest.update(array.tobytes())
    return digest.digest()


def _missing(names: Sequence[str], given: Iterable[Any], place: str) -> OptionError:
    known = ", ".join(map(str, given)) or "none"
    return OptionError(
        "K0711",
        where=place,
        cause=f"there is nothing for input {', '.join(map(repr, names))}; there are arrays for: {known}",
        remedy="name the arrays like the inputs of the network",
    )
