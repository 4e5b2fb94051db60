"""The TFLite frontend."""

from .importer import import_tflite, supported_operators

__all__ = ["import_tflite", "supported_operators"]
