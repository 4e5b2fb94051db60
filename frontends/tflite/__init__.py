"""The TFLite frontend."""

from .importer import import_tflite, refused_operators, supported_operators

__all__ = ["import_tflite", "refused_operators", "supported_operators"]
