"""The ways to calibrate a network, by name: what the compiler calls."""

from collections.abc import Iterable, Mapping

from ...dialects.evaluate import Program
from ...dialects.mlir import ir
from ...dialects.tensors import Array
from ...errors import OptionError
from .calibrate import MakeRunner, Progress, calibrate
from .calibration import Calibration
from .choose import choose_ranges
from .ranges import ESTIMATORS

AUTO = "auto"
METHODS = (AUTO, *ESTIMATORS)
"""The names, the default first."""
SYNONYMS = {"noclip": "minmax"}
"""What nncase calls them."""


def find_method(name: str) -> str:
    """The method of a name or synonym, in letters of either case. Raises `OptionError` K0719."""
    method = str(name).lower()
    method = SYNONYMS.get(method, method)
    if method not in METHODS:
        raise OptionError("K0719", cause=f"there is no calibration method '{name}'; there are: {', '.join(METHODS)}")
    return method


def measure_ranges(
    module: ir.Module,
    samples: Iterable[Mapping[str, Array]],
    method: str = AUTO,
    progress: Progress | None = None,
    engine: MakeRunner = Program,
) -> Calibration:
    """The ranges of the module's float values over `samples`, each of which has an array an input name.

    `engine` makes of the module what runs it. Raises `OptionError` K0719 for an unknown method, and what `calibrate`
    raises.
    """
    method = find_method(method)
    if method == AUTO:
        return choose_ranges(module, samples, progress, engine).calibration
    return calibrate(module, samples, ESTIMATORS[method], progress, engine)
