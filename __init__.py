"""kpuc compiles ONNX and TFLite networks into kmodels for Kendryte's KPU chips and for CPUs.

    kmodel = kpuc.compile("model.onnx", target="k230")
    kmodel.save("model.kmodel")
    outputs = kpuc.Simulator(kmodel).run({"input": array})

Names are imported when they are first used: `import kpuc` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compiler import KModel as KModel
    from .compiler import compile as compile
    from .errors import KpucError as KpucError
    from .runtime import Simulator as Simulator
    from .runtime import TensorInfo as TensorInfo
    from .version import VERSION as __version__

_HOMES = {
    "KModel": "compiler",
    "KpucError": "errors",
    "Simulator": "runtime",
    "TensorInfo": "runtime",
    "compile": "compiler",
}

__all__ = ["KModel", "KpucError", "Simulator", "TensorInfo", "__version__", "compile"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module(".version", __name__).VERSION
    if name not in _HOMES:
        raise AttributeError(f"module 'kpuc' has no attribute '{name}'")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
