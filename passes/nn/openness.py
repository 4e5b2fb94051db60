"""Says which dimensions of a network stay open, and what that means to the user."""

from ...dialects.function import inputs_of
from ...dialects.mlir import describe, func
from ...dialects.tensors import is_static, shape_of

SLOWER = "compiled to portable code, slower than machine code"


def open_notes(function: func.FuncOp, machine_code: bool) -> list[str]:
    """One sentence for each dimension of an input that is open, and one for each operation whose result has a size that
    depends on data. `machine_code` is whether the target would have got it without them."""
    consequence = f": {SLOWER}" if machine_code else ""
    notes: dict[str, str] = {}
    for item in inputs_of(function):
        shape = shape_of(item.type)
        unnamed = []
        for number, dim in enumerate(shape):
            symbol = item.dims[number] if item.dims else ""
            if dim is not None or symbol in notes:
                continue
            if not any(map(str.isalnum, symbol)):  # exporters write "?" for what they do not know
                unnamed.append(str(number))
                continue
            notes[symbol] = (
                f"dimension '{symbol}' of input '{item.name}' is open{consequence}; fix it with --dim {symbol}=..."
            )
        if unnamed:
            plural, are, them = ("s", "are", "them") if len(unnamed) > 1 else ("", "is", "it")
            whole = ",".join("..." if one is None else str(one) for one in shape)
            notes[f"/{item.name}"] = (
                f"dimension{plural} {', '.join(unnamed)} of input '{item.name}' {are} open{consequence}; "
                f"fix {them} with --shape {item.name}={whole}"
            )
    if not notes:
        for op in function.regions[0].blocks[0].operations:
            if all(map(is_static, op.operation.operands)) and not all(map(is_static, op.operation.results)):
                place = describe(op.location)
                notes[place] = f"the size of what {op.operation.name} at {place} gives depends on data{consequence}"
    return list(notes.values())
