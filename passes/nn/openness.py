"""Says which dimensions of a network stay open, and what that means to the user."""

from ...dialects.function import inputs_of
from ...dialects.mlir import describe, func
from ...dialects.tensors import is_static, shape_of

SLOWER = "compiled to portable code, slower than machine code"


def open_notes(function: func.FuncOp, machine_code: bool) -> list[str]:
    """One sentence for each dimension of an input that is open, and one for each operation whose result has a size that
    depends on data. `machine_code` is whether the target would have got it without them."""
    consequence = f": {SLOWER}" if machine_code else ""
    notes = {}
    for item in inputs_of(function):
        shape = shape_of(item.type)
        for number, dim in enumerate(shape):
            symbol = item.dims[number] if item.dims else ""
            symbol = symbol if any(map(str.isalnum, symbol)) else ""  # exporters write "?" for what they do not know
            if dim is not None or symbol in notes:
                continue
            name = f"'{symbol}'" if symbol else str(number)
            whole = ",".join("..." if one is None else str(one) for one in shape)
            fix = f"--dim {symbol}=..." if symbol else f"--shape {item.name}={whole}"
            notes[symbol or f"{item.name}/{number}"] = (
                f"dimension {name} of input '{item.name}' is open{consequence}; fix it with {fix}"
            )
    if not notes:
        for op in function.regions[0].blocks[0].operations:
            if all(map(is_static, op.operation.operands)) and not all(map(is_static, op.operation.results)):
                place = describe(op.location)
                notes[place] = f"the size of what {op.operation.name} at {place} gives depends on data{consequence}"
    return list(notes.values())
