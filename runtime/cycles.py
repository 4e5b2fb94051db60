"""What work costs on the K210 at 400 MHz, in processor or KPU cycles: the one table of constants, each with its source.

No board is asked: `measured` rates were fitted to times that others published for boards, the rest are assumptions.
Measured ones hold to about 30 %, ratios between them better; assumed ones are good for comparing two kmodels only. So a
`Cost` keeps the two apart, and whoever prints it has to as well.
"""

from __future__ import annotations

from dataclasses import dataclass

CLOCK = 400e6
"""Hz, of processor and KPU alike in the demos that were timed."""


@dataclass(frozen=True)
class Cost:
    """Cycles that rest on measurements, and cycles that rest on assumptions."""

    measured: float = 0.0
    assumed: float = 0.0

    @property
    def cycles(self) -> float:
        """All of them."""
        return self.measured + self.assumed

    @property
    def milliseconds(self) -> float:
        """The time they take at 400 MHz."""
        return self.cycles / CLOCK * 1e3

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.measured + other.measured, self.assumed + other.assumed)


@dataclass(frozen=True)
class Rate:
    """`cycles` for each `unit`; a count times a rate is a `Cost`."""

    name: str
    cycles: float
    unit: str
    measured: bool
    source: str

    def __rmul__(self, count: float) -> Cost:
        cycles = count * self.cycles
        return Cost(measured=cycles) if self.measured else Cost(assumed=cycles)


_FACES = "fitted to the layer times of the v3 face detector, nncase issue 77; worst error"
_HOST = "times of the nncase 0.2 runtime, nncase issues 95 to 97"
_ASSUMED = "assumed, never measured on a board"

LINE = Rate("KPU, line of 64 bytes read", 1.066, "line and output channel", True, f"{_FACES} 2 %")
WEIGHT_1X1 = Rate("KPU, weight of a 1x1 kernel", 1.28, "byte", True, f"{_FACES} 2 %")
WEIGHT_3X3 = Rate("KPU, weight of a 3x3 kernel", 0.35, "byte", True, "Sipeed forum, topic 691: 294912 bytes, 0.339 ms")
RESULT = Rate("KPU, line of 64 bytes written", 0.98, "line", True, f"{_FACES} 2 %")
DEPTHWISE_LINE = Rate("KPU, line of a depthwise layer", 1.89, "line", True, f"{_FACES} 19 %")
DEPTHWISE_LAYER = Rate("KPU, depthwise layer", 5800, "layer", True, f"{_FACES} 19 %")
UPLOAD = Rate("upload by the processor", 26.5, "byte", True, _HOST)
UPLOAD_DMA = Rate("upload by DMA, rows of whole lines", 0.57, "byte", True, _HOST)
DOWNLOAD = Rate("download by the processor", 34, "byte", True, _HOST)
DEQUANTIZE = Rate("dequantize", 12.2, "element", True, _HOST)
QUANTIZE = Rate("quantize", 20, "element", False, _ASSUMED)
CALL = Rate("call of a KPU function", 6000, "call", False, _ASSUMED)
KPU_COPY = Rate("strided copy by a KPU function", 60, "element", False, _ASSUMED)
MOVE = Rate("copy, pad, slice, transpose, gather", 3, "byte", False, _ASSUMED)
LOOK_UP = Rate("look-up in a table", 10, "element", False, _ASSUMED)
ELEMENTWISE = Rate("elementwise arithmetic, reduction", 20, "element", False, _ASSUMED)
TRANSCENDENTAL = Rate("exp, sigmoid, softmax, ...", 150, "element", False, _ASSUMED)
MULTIPLY_ADD = Rate("float convolution, matrix product", 20, "multiply-add", False, _ASSUMED)
WINDOW = Rate("float pooling", 12, "element of a window", False, _ASSUMED)
SCALAR = Rate("loops over elements", 100, "instruction", False, _ASSUMED)

RATES = (
    LINE, WEIGHT_1X1, WEIGHT_3X3, RESULT, DEPTHWISE_LINE, DEPTHWISE_LAYER, UPLOAD, UPLOAD_DMA, DOWNLOAD, DEQUANTIZE,
    QUANTIZE, CALL, KPU_COPY, MOVE, LOOK_UP, ELEMENTWISE, TRANSCENDENTAL, MULTIPLY_ADD, WINDOW, SCALAR,
)  # fmt: skip
