"""Runs machine code of kmodels: numpy and the C library of the process, nothing else."""
