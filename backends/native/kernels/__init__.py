"""The generators of kernels, each registered by `generators.py`."""
