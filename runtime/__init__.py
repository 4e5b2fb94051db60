"""Loading and running kmodels: numpy only, no compiler. Names are imported when they are first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .machine import TensorInfo as TensorInfo
    from .simulator import Simulator as Simulator
    from .tensor import RuntimeTensor as RuntimeTensor

_HOMES = {"RuntimeTensor": "tensor", "Simulator": "simulator", "TensorInfo": "machine"}

__all__ = ["RuntimeTensor", "Simulator", "TensorInfo"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kpuc.runtime' has no attribute '{name}'")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
