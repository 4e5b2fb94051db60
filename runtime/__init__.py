"""Loading and running kmodels: numpy only, no compiler."""

from .machine import TensorInfo
from .simulator import Simulator
from .tensor import RuntimeTensor

__all__ = ["RuntimeTensor", "Simulator", "TensorInfo"]
