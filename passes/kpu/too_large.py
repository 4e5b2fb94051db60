"""Says which layer is too large for KPU memory even in the smallest stripes, and what would help."""

from ...dialects.mlir import describe
from ...errors import CapacityError
from ...runtime.kpu.layout import Layout
from .residency import LayerFacts, Program
from .rules import LEAST, ROWS


def refusal(program: Program, capacity: int) -> CapacityError | None:
    """The error for the first layer that stripes cannot help; None if what is too large is something else."""
    for number, layer in enumerate(program.facts):
        if smallest(program, layer) > capacity:
            return _too_large(program, number, capacity)
    for number in program.tall():
        return _too_tall(program, number)
    return None


def stripe_rows(program: Program, layer: LayerFacts) -> int:
    """Rows that a layer reads in the smallest stripe: those around it, and enough for the smallest map."""
    margin = -(-(layer.kernel // 2) // layer.stride)
    least = max(LEAST, 2 * margin + 1 + (layer.window > layer.stride)) * layer.stride
    return min(program.maps[layer.reads[0]].height, least)


def smallest(program: Program, layer: LayerFacts, width: int | None = None) -> int:
    """Bytes that a layer reads and makes in the smallest stripe, its maps being so many columns wide."""
    rows, columns = stripe_rows(program, layer), width or program.maps[layer.reads[0]].shape[3]
    read = [Layout((1, program.maps[one].shape[1], rows, columns)) for one in layer.reads]
    shape = (1, program.maps[layer.makes].shape[1], rows // layer.stride, columns // layer.stride)
    return sum(layout.bytes for layout in (*read, Layout(shape)))


def _too_large(program: Program, number: int, capacity: int) -> CapacityError:
    layer = program.facts[number]
    width, needed = program.maps[layer.reads[0]].shape[3], smallest(program, layer)
    fitting = [w for w in range(LEAST * layer.stride, width) if smallest(program, layer, w) <= capacity]
    narrower = f"an input of the network that makes this map {fitting[-1]} columns wide or less, or " if fitting else ""
    return CapacityError(
        "K0610",
        where=describe(program.layers[number].location),
        cause=f"{stripe_rows(program, layer)} rows of what this layer reads, {width} columns wide, and what it makes "
        f"of them take {needed} bytes of KPU memory where there are {capacity}: {needed - capacity} too many",
        remedy=f"{narrower}fewer channels at this layer",
    )


def _too_tall(program: Program, number: int) -> CapacityError:
    rows = program.maps[program.facts[number].reads[0]].height
    return CapacityError(
        "K0610",
        where=describe(program.layers[number].location),
        cause=f"a map of {rows} rows, where the KPU counts {ROWS}, and no room for stripes beside what waits",
        remedy=f"an input of the network that makes this map {ROWS} rows high or less",
    )
