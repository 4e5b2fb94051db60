"""Calibration data for a network whose inputs have ranges of sizes: samples of any of these, padded as inputs are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ExecutionError, OptionError
from ..runtime import TensorInfo
from ..runtime.ranges import SizeRanges
from .dataset import Dataset, open_dataset


@dataclass(frozen=True)
class PaddedSamples:
    """Calibration data as the caller gave it, and the sizes that its samples may have."""

    data: Any
    sizes: SizeRanges

    def opened(self, inputs: Sequence[TensorInfo], states: Iterable[str] = ()) -> "Dataset | PaddedDataset":
        """The samples for inputs of certain shapes; images of a folder are scaled to these, as ever."""
        if isinstance(self.data, str | Path) and Path(self.data).is_dir():
            return open_dataset(self.data, inputs, states)
        free = [replace(info, shape=self._shape(info)) for info in inputs]
        return PaddedDataset(open_dataset(self.data, free, states), inputs, self.sizes)

    def _shape(self, info: TensorInfo) -> tuple[int, ...]:
        symbols = self.sizes.dims.get(info.name, ("",) * len(info.shape or ()))
        return tuple(-1 if symbol else size for symbol, size in zip(symbols, info.shape or (), strict=True))


@dataclass(frozen=True)
class PaddedDataset:
    """Samples with zeros behind them, up to the shapes of the inputs; iterating raises `OptionError` K0710 to K0715."""

    samples: Dataset
    inputs: Sequence[TensorInfo]
    sizes: SizeRanges

    def __length_hint__(self) -> int:
        return length_hint(self.samples)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number, sample in enumerate(self.samples):
            infos = [info for info in self.inputs if info.name in sample]
            try:
                self.sizes.check(infos, [sample[info.name] for info in infos])
            except ExecutionError as error:
                where = f"{self.samples.source.place}: sample {number}"
                raise OptionError("K0712", where=where, cause=error.cause) from error
            yield {info.name: padded(sample[info.name], info.shape or ()) for info in infos}


def padded(array: Any, shape: Sequence[int]) -> Any:
    """The array with zeros behind it, at the end of each dimension."""
    return np.pad(array, [(0, size - dim) for size, dim in zip(shape, array.shape, strict=True)])
