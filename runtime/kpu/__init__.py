"""The K210's KPU: how maps lie in its RAM, its layer registers and tables, its arithmetic, and an engine that runs it.

Everything is 8-bit and unsigned. A layer is a convolution (1x1 or 3x3, stride 1), a batch norm, an activation by a
table of 16 lines, and a pooling.
"""
