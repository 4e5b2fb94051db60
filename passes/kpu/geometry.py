"""How a convolution of any kernel, dilation, padding and stride becomes one that the KPU has.

The KPU convolves 3x3 around every pixel and pads with zeros. Along one axis the result of a convolution at place o is a
sum over taps t of w[t] x[stride * o + offset[t]]. With a phase p, the KPU computes it at every place stride * o + p,
from taps offset[t] - p. Taps -1, 0, 1 are its own; others are read in copies of the map that are shifted: a copy
shifted towards the front still misses nothing behind it, so it can serve the taps 0 and 1 of its centre, and the like.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution: `size` and `output` are extents, `begin` the padding before the first element."""

    size: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    output: int

    @property
    def offsets(self) -> list[int]:
        """Where each tap reads, relative to stride * o."""
        return [tap * self.dilation - self.begin for tap in range(self.kernel)]

    @property
    def used(self) -> list[int]:
        """The taps that read something: on a small map, far ones read padding at every place."""
        last = self.stride * (self.output - 1)
        found = [tap for tap, offset in enumerate(self.offsets) if offset < self.size and last + offset >= 0]
        return found or [0]

    @property
    def phase(self) -> int:
        """The phase that brings the taps nearest to the pixel they are computed at."""
        offsets = [self.offsets[tap] for tap in self.used]
        return (offsets[0] + offsets[-1]) // 2 if len(offsets) > 1 else offsets[0]

    @property
    def room(self) -> tuple[int, int]:
        """Zeros that the map needs before and behind it, so that it has every place where a result is read."""
        last = self.stride * (self.output - 1) + self.phase
        return max(0, -self.phase), max(0, last - (self.size - 1))

    def reads(self) -> list[tuple[int, int]]:
        """For each used tap: the shift of the copy that it is read in, and its place -1, 0 or 1 there.

        A copy shifted by 2 serves 2 and 3; for 2 alone one shifted by 1 will do, in which it is the neighbour.
        """
        wanted = [self.offsets[tap] - self.phase for tap in self.used]
        result = []
        for offset in wanted:
            sign = 1 if offset > 0 else -1
            if abs(offset) <= 1:
                result.append((0, offset))
            elif abs(offset) == 2 and 3 * sign not in wanted:
                result.append((sign, sign))
            else:
                centre = sign * (abs(offset) // 2 * 2)
                result.append((centre, offset - centre))
        return result

    @property
    def is_plain(self) -> bool:
        """Whether the map itself serves all taps."""
        return all(centre == 0 for centre, _ in self.reads())
