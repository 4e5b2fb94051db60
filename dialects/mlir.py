"""The only file that imports the MLIR bindings, and where their sharp edges are covered.

The bindings come from the wheel `torch-mlir` (no torch involved); `KPUC_MLIR_PROVIDER` names another package of the
same layout. What crashes the process when used naively has a safe form here:

- dialects are loaded under a lock (`context`): loading from several threads is a crash;
- operations are erased by `safe_erase`: erasing one that still has uses corrupts memory;
- callbacks of a type converter are kept alive (`TypeConverter`): the bindings keep no reference;
- only modules of the llvm dialect are translated to LLVM IR (`llvm_text`): other operations are a crash;
- the greedy rewriter is bounded (`greedy_config`): patterns that undo each other would loop for ever.
"""

import importlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import KpucError, PassError

PROVIDER = os.environ.get("KPUC_MLIR_PROVIDER", "torch_mlir")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"{PROVIDER}.{name}")
    except ImportError as error:
        raise PassError(
            "K0300",
            cause=f"the MLIR bindings cannot be imported: {error}",
            remedy="reinstall with: pip install torch-mlir==20261001",
        ) from error


if TYPE_CHECKING:
    from torch_mlir import ir as ir
    from torch_mlir import passmanager as passmanager
    from torch_mlir import rewrite as rewrite
    from torch_mlir.dialects import ext as ext
    from torch_mlir.dialects import func as func
    from torch_mlir.dialects import irdl as irdl
    from torch_mlir.dialects import quant as quant
else:
    ir = _module("ir")
    passmanager = _module("passmanager")
    rewrite = _module("rewrite")
    ext = _module("dialects.ext")
    func = _module("dialects.func")
    irdl = _module("dialects.irdl")
    quant = _module("dialects.quant")

# The bindings look for the module of a dialect whenever they meet one of its operations, until they have found one:
# told where ours are, they walk operations of `nn` ten times faster.
_module("_mlir_libs._mlir").globals.append_dialect_search_prefix(__package__)

SWEEPS, REWRITES = 100, 10_000
"""How often the greedy rewriter goes through a module at most, and what it rewrites each time."""
UPSTREAM = ("func", "irdl", "quant")

_load_lock = threading.Lock()


def context(*dialects: Any) -> Any:
    """A context with our dialects (or only `dialects`) loaded; errors carry their diagnostics (`error_from`).

    Of upstream's dialects those are loaded that our code makes operations, types or attributes of. As in mlir-opt, the
    others follow when a parsed file or a pass needs them: loading all takes 3 ms.
    """
    if not dialects:
        from .kpu import KPU
        from .nn import NN

        dialects = (NN, KPU)
    made = ir.Context(load_on_create_dialects=UPSTREAM)
    with _load_lock, made, ir.Location.unknown():
        for dialect in dialects:
            dialect.load()
    return made


def safe_erase(operation: Any) -> None:
    """Erase an operation that nothing uses; raises `PassError` K0301 when something does."""
    if any(True for result in operation.results for _ in result.uses):
        raise PassError(
            "K0301", where=describe(operation.location), cause=f"'{operation.name}' is still used and cannot be erased"
        )
    operation.erase()


class TypeConverter:
    """A type converter that keeps its callbacks alive."""

    def __init__(self, *conversions: Callable[[Any], Any]) -> None:
        self.converter = rewrite.TypeConverter()
        self._conversions = conversions
        for conversion in conversions:
            self.converter.add_conversion(conversion)


def greedy_config() -> Any:
    """The configuration of the greedy rewriter: bounded."""
    config = rewrite.GreedyRewriteConfig()
    config.max_iterations, config.max_num_rewrites = SWEEPS, REWRITES
    return config


def file_loc(model: str, node: str) -> Any:
    """The location of a model's node: prints as `model.onnx: /stage1/Conv`."""
    return ir.Location.name(f"{model}: {node}" if node else model)


def describe(location: Any) -> str:
    """A location as errors print it: `model.onnx: /stage1/Conv`, or `file.mlir:3:10`."""
    if type(location) is ir.Location:  # diagnostics hand out locations of the base class
        location = ir.Location.from_attr(location.attr, context=location.context)
    if isinstance(location, ir.NameLoc):
        return str(location.name_str)
    if isinstance(location, ir.FusedLoc):
        return next((text for part in location.locations if (text := describe(part))), "")
    if isinstance(location, ir.CallSiteLoc):
        return describe(location.callee)
    if isinstance(location, ir.FileLineColLoc):
        return f"{location.filename}:{location.start_line}:{location.start_col}"
    return ""


def error_from(error: Exception, code: str, what: str) -> KpucError:
    """The user's form of an `MLIRError`: the first diagnostic with its place, further ones as lines below."""
    diagnostics = list(getattr(error, "error_diagnostics", []))
    if not diagnostics:
        return PassError(code, cause=f"{what}: {error}")
    first, *others = diagnostics
    lines = "".join(f"\n  {describe(other.location)}: {other.message}" for other in others)
    return PassError(code, where=describe(first.location), cause=f"{first.message}{lines}")


def llvm_text(module: ir.Module) -> str:
    """LLVM IR of a module of the llvm dialect; raises `PassError` K0604 when there are operations of other dialects.

    The bindings of that dialect are imported when they are needed.
    """

    strange: list[tuple[str, str]] = []

    def visit(operation: Any) -> Any:
        if operation.name.startswith(("llvm.", "builtin.module")):
            return ir.WalkResult.ADVANCE
        strange.append((operation.name, describe(operation.location)))
        return ir.WalkResult.INTERRUPT

    module.operation.walk(visit)
    for name, where in strange:
        raise PassError("K0604", where=where, cause=f"'{name}' cannot be translated to LLVM IR")
    text: str = _module("dialects.llvm").translate_module_to_llvmir(module.operation)
    return text
