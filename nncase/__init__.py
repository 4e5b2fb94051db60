"""nncase's Python API, of its 2.x and 1.9 lines, over `kpuc.compile` and `kpuc.Simulator`.

    import kpuc.nncase as nncase

is all that a script written for nncase has to change. Names, defaults and layouts of data are nncase's; where nncase
ends the process, a `KpucError` says what is wrong. docs/coming-from-nncase.md lists every class and field. Names are
imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import UnknownNameError, nearest

if TYPE_CHECKING:
    from ..runtime import RuntimeTensor as RuntimeTensor
    from .compiler import Compiler as Compiler
    from .compiler import GraphEvaluator as GraphEvaluator
    from .compiler import IRModule as IRModule
    from .compiler import check_target as check_target
    from .compiler import test_target as test_target
    from .options import CalibMethod as CalibMethod
    from .options import CompileOptions as CompileOptions
    from .options import DumpRangeTensorOptions as DumpRangeTensorOptions
    from .options import ImportOptions as ImportOptions
    from .options import ModelQuantMode as ModelQuantMode
    from .options import PTQTensorOptions as PTQTensorOptions
    from .options import ShapeBucketOptions as ShapeBucketOptions
    from .simulator import MemoryRange as MemoryRange
    from .simulator import Simulator as Simulator
    from .simulator import TensorDesc as TensorDesc

_HOMES = {
    "CalibMethod": ".options",
    "CompileOptions": ".options",
    "Compiler": ".compiler",
    "DumpRangeTensorOptions": ".options",
    "GraphEvaluator": ".compiler",
    "IRModule": ".compiler",
    "ImportOptions": ".options",
    "MemoryRange": ".simulator",
    "ModelQuantMode": ".options",
    "PTQTensorOptions": ".options",
    "RuntimeTensor": "..runtime",
    "ShapeBucketOptions": ".options",
    "Simulator": ".simulator",
    "TensorDesc": ".simulator",
    "check_target": ".compiler",
    "test_target": ".compiler",
}

__all__ = [
    "CalibMethod",
    "CompileOptions",
    "Compiler",
    "DumpRangeTensorOptions",
    "GraphEvaluator",
    "IRModule",
    "ImportOptions",
    "MemoryRange",
    "ModelQuantMode",
    "PTQTensorOptions",
    "RuntimeTensor",
    "ShapeBucketOptions",
    "Simulator",
    "TensorDesc",
    "check_target",
    "test_target",
]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # what Python itself asks for
        raise AttributeError(f"module {__name__} has no attribute {name}")
    if name not in _HOMES:
        raise UnknownNameError("K0730", cause=f"kpuc.nncase has no '{name}'", remedy=nearest(name, _HOMES))
    return getattr(import_module(_HOMES[name], __name__), name)
