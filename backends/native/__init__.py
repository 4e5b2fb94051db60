"""Machine code for CPUs: kernels in MLIR become an object file, which goes into a kmodel."""
