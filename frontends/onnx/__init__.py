"""The ONNX frontend."""

from .importer import import_onnx, supported_operators

__all__ = ["import_onnx", "supported_operators"]
