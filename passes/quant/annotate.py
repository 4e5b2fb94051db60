"""States measured ranges on the values of a network.

On entry: the module that the ranges were measured on. On exit every operation with float results has `nn.ranges`, and
every float argument `nn.range`; the pass that quantises reads them.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects.mlir import ir
from ...errors import OptionError
from ..pipeline import register_pass
from .calibration import Calibration, annotate


@register_pass
@dataclass(frozen=True)
class AnnotateRanges:
    """State the ranges of a file, written by a calibration, on the values they were measured on.

    file: its path.
    """

    name: ClassVar[str] = "nn-annotate-ranges"
    file: str = ""

    def apply(self, module: ir.Module) -> None:
        if not self.file:
            raise OptionError("K0717", cause="nn-annotate-ranges needs a file: nn-annotate-ranges{file=ranges.json}")
        annotate(module, Calibration.load(self.file))
