"""How many bytes of a memory hold something that is still needed, step by step.

What a step writes lives until the last step that reads any byte of it before it is overwritten. Entry: reads and writes
in the order of execution, as spans [start, end). Exit: bytes in use during each step; what is written and never read
lives during the step that writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass
class Piece:
    """Bytes that were written together and not overwritten yet."""

    start: int
    end: int
    born: int
    last: int

    def overlaps(self, span: Span) -> bool:
        return self.start < span[1] and span[0] < self.end


def occupancy(steps: Sequence[tuple[Sequence[Span], Sequence[Span]]]) -> list[int]:
    """Bytes in use during each step, which is (spans read, spans written)."""
    pieces: list[Piece] = []
    gone: list[Piece] = []
    for step, (reads, writes) in enumerate(steps):
        for span in reads:
            for piece in pieces:
                if piece.overlaps(span):
                    piece.last = step
        for span in writes:
            pieces, cut = _overwritten(pieces, span, step)
            gone += cut
            pieces.append(Piece(*span, step, step))
    alive = [0] * (len(steps) + 1)
    for piece in (*gone, *pieces):
        alive[piece.born] += piece.end - piece.start
        alive[piece.last + 1] -= piece.end - piece.start
    for step in range(1, len(steps)):
        alive[step] += alive[step - 1]
    return alive[:-1]


def _overwritten(pieces: list[Piece], span: Span, step: int) -> tuple[list[Piece], list[Piece]]:
    """What is left of pieces beside a span that `step` writes, and what lay in it before."""
    left, cut = [], []
    for piece in pieces:
        if not piece.overlaps(span):
            left.append(piece)
            continue
        start, end = max(piece.start, span[0]), min(piece.end, span[1])
        cut.append(Piece(start, end, piece.born, min(piece.last, step - 1)))
        for low, high in ((piece.start, start), (end, piece.end)):
            if low < high:
                left.append(Piece(low, high, piece.born, piece.last))
    return left, cut
